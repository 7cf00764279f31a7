"""A look at clips before they are trained on: how many, how long, how fast, and what leaks."""

import collections
import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparring.applications.inspecting.attempt import attempt
from sparring.applications.inspecting.plan import plan_recipe
from sparring.applications.inspecting.words import SHEET, SHEET_SIDE, counts, most_common, spread, thumbnail_size
from sparring.bundle.pictures import save_grid
from sparring.data.clips.footage import describe_clips
from sparring.data.clips.opening import check_length
from sparring.data.clips.survey import ClipSurvey, Surveyed, survey_clips
from sparring.data.clips.windows import span
from sparring.data.images.pixels import Size, parse_size
from sparring.data.images.twins import same
from sparring.data.source import Source
from sparring.errors import few

FEW, VERY_FEW = 1000, 100  # Stretches that do not overlap; below the first a discriminator soon knows them by heart.
FEW_OF_A_CLASS, IMBALANCE = 5, 10  # Clips; times as many in the largest class as in the smallest.
SLOW_SIDE = 128  # Pixels; above it training takes days without an accelerator.
SHEET_CLIPS, SHEET_FRAMES = 10, 10  # Rows and columns of the contact sheet.


@dataclasses.dataclass(frozen=True, eq=False)
class ClipsInspection:
    """What `inspect` found of clips.

    Attributes:
        name: Short name of the source.
        survey: What was seen of every clip.
        num_stretches: How many stretches of frames there are to train on, those held out not among them.
        classes: How many clips of each class would be trained on; empty where there are no classes.
        duplicates: Groups of names of clips with the same frames.
        mirrored: Pairs of names of clips that are mirror images of each other.
        training: What `train` would do with it, or why it would not, a sentence each.
        warnings: What makes training fail or turn out badly, and what to do, a paragraph each.
        sheet: The picture of up to ten clips, a row of ten frames each, if one was asked for.
    """

    name: str
    survey: ClipSurvey
    num_stretches: int
    classes: Mapping[str, int]
    duplicates: tuple[tuple[str, ...], ...]
    mirrored: tuple[tuple[str, str], ...]
    training: tuple[str, ...]
    warnings: tuple[str, ...]
    sheet: Path | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """How classes and held-out clips were found."""
        return self.survey.notes

    def facts(self) -> dict[str, str]:
        """What is there, in words, by what it is about."""
        seen = self.survey
        held = f", of which {sum(seen.held_out):,} are held out" if any(seen.held_out) else ""
        sizes = {f"{height}x{width}": count for (height, width), count in most_common(seen.sizes).items()}
        rates = most_common([f"{rate:g}" if rate else "not known" for rate in seen.rates])
        lengths = ""
        if seen.lengths:
            low, high = min(seen.lengths), max(seen.lengths)
            lengths = f"{low:,}" + (f" to {high:,}" if high > low else "") + f" frames, {sum(seen.lengths):,} in all"
        pairs = [f"{one} = {other}" for one, other in self.mirrored]
        facts = {
            "clips": f"{len(seen.names) + len(seen.unreadable):,}{held}",
            "unreadable": few([f"{name} ({reason})" for name, reason in seen.unreadable.items()]),
            "lengths": lengths,
            "frames a second": counts(rates) if len(rates) > 1 else "".join(rates),
            "stretches": f"{self.num_stretches:,} to train on",
            "sizes": f"{len(sizes):,} (height x width): {counts(sizes)}" if len(sizes) > 1 else "".join(sizes),
            "channels": "1 (grey)" if all(seen.grey) else "3 (colour)",
            "classes": f"{len(self.classes)}: {counts(self.classes)}" if self.classes else "none",
            "same frames": few([" = ".join(group[:3]) for group in self.duplicates]),
            "mirror images": f"{len(pairs):,}, such as {pairs[0]}" if pairs else "",
        }
        return {name: text or "none" for name, text in facts.items()}

    def lines(self) -> list[str]:
        """All of it as plain text, a line for each fact, note, step and warning."""
        lines = [f"{name}: {text}" for name, text in self.facts().items()]
        lines += [*self.notes, *self.training, *(f"Warning: {warning}" for warning in self.warnings)]
        return lines + ([f"Wrote {self.sheet}"] if self.sheet else [])


def inspect_clips(
    source: Any,
    *,
    frames: int | None = None,
    stride: int | None = None,
    size: Any = None,
    data_dir: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    recipe: str | None = None,
) -> ClipsInspection:
    """Looks at clips: also at such as `train` would refuse, and says why it would; arguments as of `inspect`.

    Raises:
        DataError: There are no clips.
        UsageError: `frames`, `stride` or `size` are out of range.
    """
    wanted, reach = parse_size(size), span(*check_length(frames, stride))
    found = survey_clips(source, frames is not None, data_dir)
    survey = found.survey
    given = {"frames": frames, "stride": stride, "data_dir": data_dir}
    fitting = (64, 64) if len(set(survey.sizes)) > 1 else None
    plan = functools.partial(_plan, recipe)
    opened, training = attempt(source, wanted, fitting, bool(survey.unreadable), plan, **given)
    twins = same(survey.digests)
    trained = [length for length, held in zip(survey.lengths, survey.held_out, strict=True) if not held]
    classes = dict.fromkeys(sorted(set(survey.classes)), 0)
    for name, held in zip(survey.classes, survey.held_out, strict=bool(classes)):
        classes[name] += not held
    mirrored = _mirrored(survey)
    inspection = ClipsInspection(
        name=found.name,
        survey=survey,
        num_stretches=opened.spec.num_examples if opened else sum(max(0, length - reach + 1) for length in trained),
        classes=classes,
        duplicates=tuple(tuple(survey.names[clip] for clip in group) for group in twins),
        mirrored=tuple((survey.names[one], survey.names[other]) for one, other in mirrored),
        training=training,
        warnings=(),
        sheet=None if out is None else _draw(found, opened, wanted, Path(out)),
    )
    leaks = sum(_leaks(survey, [*twins, *map(list, mirrored)]))
    return dataclasses.replace(inspection, warnings=tuple(_warn(inspection, reach, wanted, trained, leaks)))


def _mirrored(survey: ClipSurvey) -> list[tuple[int, int]]:
    """Pairs of clips that are mirror images, each clip once; one that is its own mirror image is none."""
    waiting: dict[bytes, list[int]] = {}
    pairs = []
    for clip, (digest, mirrored) in enumerate(zip(survey.digests, survey.mirrored, strict=True)):
        if digest != mirrored and waiting.get(digest):
            pairs.append((waiting[digest].pop(0), clip))
        else:
            waiting.setdefault(mirrored, []).append(clip)
    return pairs


def _leaks(survey: ClipSurvey, groups: list[list[int]]) -> list[bool]:
    """Of each clip whether it is held out, and the same or its mirror image is trained on."""
    leaked = set()
    for group in groups:
        held = [clip for clip in group if survey.held_out[clip]]
        leaked |= set(held) if len(held) < len(group) else set()
    return [clip in leaked for clip in range(len(survey.names))]


def _plan(recipe: str | None, opened: Source, how: str) -> str:
    return f"train{how} would take {describe_clips(opened)}, and {plan_recipe(opened, recipe)}."


def _warn(found: ClipsInspection, reach: int, wanted: Size | None, trained: list[int], leaks: int) -> Iterator[str]:
    """Warnings, the worst first."""
    survey = found.survey
    if survey.unreadable:
        yield f"{_clips(len(survey.unreadable))} cannot be read. Repair or remove them, or pass --skip-unreadable."
    short = sum(length < reach for length in survey.lengths)
    if short:
        yield f"{_clips(short)} of fewer than {reach} frames: left out. Pass a smaller --frames or --stride."
    apart = sum(length // reach for length in trained)
    if apart < FEW and not survey.is_endless:
        few_of = f"{apart:,} stretches of {reach} frames that do not overlap: under"
        yield (
            f"{few_of} {VERY_FEW} a generator can do little but repeat them. Collect more clips."
            if apart < VERY_FEW
            else f"{few_of} {FEW:,} they are soon known by heart. Collect more clips, or watch the samples to stop in "
            "time."
        )
    sizes = set(survey.sizes)
    if wanted is None and len(sizes) > 1:
        yield f"The clips have {len(sizes):,} sizes. Pass --size 64, say, to crop and resize them to one."
    elif wanted is None and sizes and max(next(iter(sizes))) > SLOW_SIDE:
        yield f"Sides over {SLOW_SIDE} pixels take very long to train. Start with --size 64."
    if len({round(rate, 2) for rate in survey.rates if rate}) > 1:
        yield "The clips differ in frames a second, so the same motion differs in pace. Bring them to one rate first."
    yield from _about_classes(found.classes)
    if leaks:
        yield (
            f"{_clips(leaks, 'is', 'are')} held out, and the same or a mirror image is trained on: figures of quality "
            "will flatter. Keep both in one part."
        )
    if found.duplicates:
        extra = sum(len(group) - 1 for group in found.duplicates)
        yield f"{_clips(extra, 'has', 'have')} the same frames as another. Remove the copies."


def _about_classes(classes: Mapping[str, int]) -> Iterator[str]:
    small = {name: count for name, count in classes.items() if count < FEW_OF_A_CLASS}
    if small:
        yield f"{len(small)} of {len(classes)} classes have under {FEW_OF_A_CLASS} clips: {counts(small)}. Add clips."
    if classes and max(classes.values()) > IMBALANCE * min(classes.values()):
        most, *_, least = collections.Counter(classes).most_common()
        yield (
            f"{most[0]} has {most[1]:,} clips and {least[0]} {least[1]:,}, more than {IMBALANCE} times as many: small "
            "classes turn out worst."
        )


def _draw(found: Surveyed, opened: Source | None, wanted: Size | None, folder: Path) -> Path | None:
    """A row of frames of each of up to ten clips, as many of every class."""
    survey = found.survey
    chosen = spread(survey.classes or [""] * len(survey.names), SHEET_CLIPS)
    if not chosen:
        return None
    size = thumbnail_size(*(opened.spec.shape[1:3] if opened else wanted or (SHEET_SIDE, SHEET_SIDE)))
    folder.mkdir(parents=True, exist_ok=True)
    strips = [found.strip(clip, SHEET_FRAMES, size) for clip in chosen]
    save_grid(np.concatenate(strips), folder / SHEET, SHEET_FRAMES)
    return folder / SHEET


def _clips(count: int, one: str = "", many: str = "") -> str:
    """The number of clips, with a verb where one is given."""
    return f"{count:,} {'clip' if count == 1 else 'clips'} {one if count == 1 else many}".rstrip()
