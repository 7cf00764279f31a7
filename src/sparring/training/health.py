"""What goes wrong while a game is trained, told from the lines of its journal, in words and with advice."""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

HEALTH = "health"  # Where a line of the journal says what is wrong: a sentence by its name.
OF_SAMPLES = frozenset({"twins", "lost_modes", "diversity", "copies", "frozen"})  # Read as what looks at samples say.
IN_A_ROW = 3  # Looks that must all show a symptom before it is told, or none before it is called over.


@dataclasses.dataclass(frozen=True)
class Thresholds:
    """From when on something is a symptom, and why there.

    Set on the trainings of benchmarks/health.py with seed 0, which is none of those that it reports.

    Attributes:
        warm_up: Ticks at the beginning that are not looked at: any generator's first samples are all alike.
        recent: Ticks over which progress is looked for. Samples that get better cry for no help, however they look.
        slow: Progress is a figure of merit that fell by so large a part, against the best before.
        slower: The same, where what goes wrong does not show in the samples themselves.
        twins: Share of samples that are near-copies of others; 0.01 is due.
        lost: Share of the data where there are no samples; up to 0.28 for a while in trainings that are fine.
        alike: How far samples lie from each other, over the same of the data.
        sure: Logits between real and fake; at 4 the discriminator of a cross-entropy doubts 2 of 100.
        won: The discriminator's loss; all but Wasserstein's are 0 where it is always right.
        blind: Logits between real and fake that are as good as none: 52 of 100 guesses right.
        far: Times the figure of merit of real images. Nearer to them a blind discriminator is what one wants.
        huge: A loss of other players than the generator, or logits between real and fake, of no game that learns.
        worse: Times the best figure of merit.
        copies: Share of samples nearer to a training image than all but 5 % of these are to each other.
        frozen: Share of clips that hardly move; under a tenth of such are due where clips move alike.
        long: Ticks without progress, and at least the latter half of all.
    """

    warm_up: int = 5
    recent: int = 6
    slow: float = 0.08
    slower: float = 0.15
    twins: float = 0.5
    lost: float = 0.3
    alike: float = 0.5
    sure: float = 3.0
    won: float = 0.15
    blind: float = 0.1
    far: float = 4.0
    huge: float = 100.0
    worse: float = 2.0
    copies: float = 0.3
    frozen: float = 0.5
    long: int = 20


LIMITS = Thresholds()


class Course(NamedTuple):
    """A journal up to a tick, with the name of its figure of merit, and what that is for real images."""

    lines: Sequence[Mapping]
    figure: str
    floor: float

    def get(self, name: str) -> float:
        """What the last line says; not a number where it does not, which is neither more nor less than anything."""
        return self.lines[-1].get(name, float("nan"))

    @property
    def gap(self) -> float:
        return self.get("real_score") - self.get("fake_score")

    def figures(self) -> list[float]:
        return [line.get(self.figure, float("inf")) for line in self.lines]

    def stuck(self, ticks: int, slow: float) -> bool:
        """Whether the best of the last so many ticks is by less than that part better than the best before."""
        figures = self.figures()
        before, recent = figures[:-ticks], figures[-ticks:]
        return bool(before) and min(recent) > (1 - slow) * min(before)

    @property
    def is_far(self) -> bool:
        return self.get(self.figure) > LIMITS.far * self.floor


def _collapse(course: Course) -> bool:
    alike = (
        course.get("twins") >= LIMITS.twins
        or course.get("lost_modes") >= LIMITS.lost
        or course.get("diversity") <= LIMITS.alike
    )
    return alike and course.stuck(LIMITS.recent, LIMITS.slow)


def _frozen(course: Course) -> bool:
    return course.get("frozen") >= LIMITS.frozen and course.stuck(LIMITS.recent, LIMITS.slow)


def _strong(course: Course) -> bool:
    won = 0 <= course.get("discriminator_loss") <= LIMITS.won and course.gap >= LIMITS.sure
    return won and course.is_far and course.stuck(LIMITS.recent, LIMITS.slower)


def _blind(course: Course) -> bool:
    return abs(course.gap) <= LIMITS.blind and course.is_far and course.stuck(LIMITS.recent, LIMITS.slower)


def _diverged(course: Course) -> bool:
    # Not the generator's: under Wasserstein's it is a score itself, and scores may wander off together.
    last = course.lines[-1].items()
    losses = [value for name, value in last if name.endswith("_loss") and name != "generator_loss"]
    runs_away = any(abs(value) >= LIMITS.huge for value in (course.gap, *losses))
    return runs_away or course.get(course.figure) >= LIMITS.worse * min(course.figures())


def _memorised(course: Course) -> bool:
    return course.get("copies") >= LIMITS.copies


def _no_progress(course: Course) -> bool:
    return course.is_far and course.stuck(max(LIMITS.long, len(course.lines) // 2), LIMITS.slow)


class Diagnosis(NamedTuple):
    """A symptom, and what a user should read of it; the words are filled with the figures of the last line."""

    symptom: Callable[[Course], bool]
    words: str


DIAGNOSES = {
    "collapse": Diagnosis(
        _collapse,
        "the samples are too much alike, and do not get better: {lost_modes:.0%} of the data lies where there are "
        "none, {twins:.0%} are near-copies of another. Try a smaller learning_rate; of images, packing=2 or r3gan with "
        "its own gamma.",
    ),
    "frozen_clips": Diagnosis(
        _frozen,
        "{frozen:.0%} of the clips hardly move, and the clips do not get better. Try a smaller gamma, or "
        "motion_discriminator=volume, which sees every frame.",
    ),
    "strong_discriminator": Diagnosis(
        _strong,
        "the discriminator is always right (loss {discriminator_loss:.2g}), and teaches the generator little: the "
        "samples hardly get better. Try a larger gamma, a penalty (penalties=r1,r2), or augment=adaptive.",
    ),
    "blind_discriminator": Diagnosis(
        _blind,
        "the discriminator cannot tell real from fake (logits {gap:.2g} apart) though the samples are still far from "
        "the data. Try a larger width, a smaller gamma, or another learning_rate.",
    ),
    "divergence": Diagnosis(
        _diverged,
        "the training runs away: losses and scores are huge, or the samples at least {worse:g} times as far from the "
        "data as they were. Stop it and begin again with a learning_rate of a tenth; the best snapshot is kept.",
    ),
    "memorisation": Diagnosis(
        _memorised,
        "{copies:.0%} of the samples are nearer to a training example than these are to each other: they are learnt by "
        "heart. Take more data, augment=adaptive, a smaller width, or an earlier snapshot.",
    ),
    "no_progress": Diagnosis(
        _no_progress,
        "the samples have not become better for long. Stop here, or begin again with a lower final_learning_rate or a "
        "larger width; the best snapshot is kept.",
    ),
}


def diagnose(lines: Sequence[Mapping], figure: str = "", floor: float = 0.0) -> dict[str, str]:
    """What is wrong after the last of a journal's lines: a sentence for each of `DIAGNOSES` that holds, by its name.

    It begins when the last three lines show its symptom and ends when none of them does; a line before the last says
    under `HEALTH` what held there, so that the journal alone tells everything.

    Args:
        lines: Of ticks 1, 2, ...; a figure that a line does not have is no symptom.
        figure: Name of the figure of merit.
        floor: What that is for real images.
    """
    before = lines[-2].get(HEALTH, {}) if len(lines) > 1 else {}
    courses = [Course(lines[: len(lines) - back], figure, floor) for back in range(IN_A_ROW)]
    courses = [course for course in courses if len(course.lines) > LIMITS.warm_up]
    found = {}
    for name, diagnosis in DIAGNOSES.items():
        symptoms = [diagnosis.symptom(course) for course in courses]
        if name in before and any(symptoms):
            found[name] = before[name]
        elif len(symptoms) == IN_A_ROW and all(symptoms):
            figures = {"gap": courses[0].gap, "worse": LIMITS.worse, **lines[-1]}
            found[name] = diagnosis.words.format_map(collections.defaultdict(lambda: float("nan"), figures))
    return found


class Episode(NamedTuple):
    """A diagnosis from the line it begins with to the last it holds in."""

    name: str
    words: str
    first: Mapping
    last: Mapping


def episodes(lines: Sequence[Mapping]) -> list[Episode]:
    """All that the lines of a journal say was wrong, in the order of their beginnings."""
    found: list[Episode] = []
    for index, line in enumerate(lines):
        before = lines[index - 1].get(HEALTH, {}) if index else {}
        for name, words in line.get(HEALTH, {}).items():
            if name not in before:
                found.append(Episode(name, words, line, line))
            else:
                place = max(place for place, episode in enumerate(found) if episode.name == name)
                found[place] = found[place]._replace(last=line)
    return found
