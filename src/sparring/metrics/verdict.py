"""Whether added examples help a model: paired differences over repeated cross-validation, and what they say."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.stats import t

from sparring.errors import UsageError

LEVEL = 0.05  # Chance, at most, that anything at all is called a help or a harm where nothing is.

Kind = Literal["nothing", "rival", "control", "synthetic"]


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to train a model.

    Attributes:
        name: As in a table.
        kind: "nothing" is added; a "rival" is simpler than a generator; a "control" is more examples without their
            meaning, which should not help; "synthetic" ones come from a generator.
    """

    name: str
    kind: Kind


@dataclasses.dataclass(frozen=True)
class Effect:
    """What a way does to a model.

    Attributes:
        score: Mean over the splits; higher is better.
        difference: Mean over the splits of the score less that with nothing added.
        low: Of its interval, as is `high`; all intervals of a verdict hold together.
    """

    model: str
    way: Way
    score: float
    difference: float
    low: float
    high: float

    @property
    def helps(self) -> bool:
        return self.low > 0

    @property
    def hurts(self) -> bool:
        return self.high < 0


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is to be said of one model.

    Attributes:
        outcome: Synthetic examples "help" more than what is simpler; something simpler "does as well"; they "hurt",
            each way of adding them; or "no change" can be told.
        synthetic: The best of their ways; of those that help, where any does.
        rival: What does as well, or helps where they do not; the best that is surely worse, where they help.
        recommended: The way to train this model.
    """

    model: str
    outcome: Literal["help", "does as well", "hurt", "no change"]
    synthetic: Effect
    rival: Effect | None
    recommended: Way


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What `decide` has found.

    Attributes:
        effects: Of every model and way, in the order given.
        findings: Of each model, that to go by first.
        looks: Differences that could have been called a help or a harm.
        level: Chance, at most, that any is where there is none.
    """

    effects: tuple[Effect, ...]
    findings: tuple[Finding, ...]
    looks: int
    level: float

    def sentence(self, metric: str, noun: str = "examples") -> str:
        """The verdict in one sentence, on `metric` by name."""
        first = self.findings[0]
        found, rival = first.synthetic, first.rival
        without = found.score - found.difference
        moved = f"{found.score:.3f} in {metric} with {found.way.name} ({_signed(found)})"
        goes = f"{first.model} goes from {without:.3f} to {moved}"
        if first.outcome == "help":
            less = "no simpler way surely helps" if rival is None else f"{rival.way.name} gives {rival.score:.3f}"
            better = max((e for e in self.effects if e.way.kind == "nothing"), key=lambda e: e.score)
            other = "" if better.score <= found.score else f"; {better.model} has {better.score:.3f} without them"
            return f"Synthetic {noun} help: {goes}, where {less}{other}."
        if first.outcome == "does as well":
            assert rival is not None
            if rival.way.kind == "control":
                why = f"so do {rival.way.name} ({rival.score:.3f}), which mean nothing: do not use them"
            else:
                why = f"{rival.way.name} gives {rival.score:.3f}, and is simpler: use that"
            return f"Synthetic {noun} help, but no more than what is simpler: {goes}, and {why}."
        instead = "" if rival is None else f"; {rival.way.name} helps ({_signed(rival)})"
        if first.outcome == "hurt":
            return f"Synthetic {noun} hurt: {goes} at best: do not use them{instead}."
        return f"Synthetic {noun} cannot be told apart from no change: {goes} at best: do not use them{instead}."


def interval(
    differences: Sequence[float] | np.ndarray, share: float, *, level: float = LEVEL, looks: int = 1
) -> tuple[float, float, float]:
    """Mean of paired differences over splits, and its interval by the corrected resampled t-test.

    Training parts of several splits overlap, so that their scores depend on one another, and the usual t-test, which
    takes the variance of the mean to be `s2 / J`, calls nothing something far too often. With `(1/J + share) s2` and
    `J - 1` degrees of freedom it does not (Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine
    Learning 52, doi:10.1023/A:1024068626366; for repeated cross-validation Bouckaert and Frank 2004).

    Args:
        differences: One for each of the J splits.
        share: Examples a split tests on by those it trains on: 1/4 in five folds.
        level: Chance that the interval of any of the `looks` leaves out what it should hold, by Bonferroni.

    Returns:
        Mean, low and high.

    Raises:
        UsageError: There are fewer than two splits.
    """
    differences = np.asarray(differences, np.float64)
    count = len(differences)
    if count < 2:
        raise UsageError(f"An interval takes at least 2 splits. Received: {count}")
    mean = float(differences.mean())
    error = math.sqrt((1 / count + share) * differences.var(ddof=1))
    reach = float(t.ppf(1 - level / looks / 2, count - 1)) * error
    return mean, mean - reach, mean + reach


def decide(
    scores: Mapping[str, Mapping[Way, Sequence[float] | np.ndarray]], share: float, *, level: float = LEVEL
) -> Verdict:
    """What scores on the same splits say.

    Something helps where its interval lies above zero, and hurts where it lies below; all intervals hold together with
    the chance `1 - level`, whatever number of models and ways was looked at. What is made by a generator is recommended
    only where it helps and is surely better than all that is simpler and helps too: two tests that must both succeed
    take no further look.

    Args:
        scores: By model and way, one for each split, higher is better; each model has "nothing" and "synthetic" ways.
        share: As in `interval`.

    Raises:
        UsageError: There are fewer than two splits.
    """
    looks = sum(way.kind != "nothing" for ways in scores.values() for way in ways)
    effects, findings = [], []
    for model, ways in scores.items():
        nothing = next(way for way in ways if way.kind == "nothing")
        arrays = {way: np.asarray(values, np.float64) for way, values in ways.items()}
        found = [
            Effect(
                model,
                way,
                float(values.mean()),
                *interval(values - arrays[nothing], share, level=level, looks=looks),
            )
            for way, values in arrays.items()
        ]
        effects += found

        def surely_better(one: Effect, other: Effect, arrays=arrays) -> bool:
            return interval(arrays[one.way] - arrays[other.way], share, level=level, looks=looks)[1] > 0

        findings.append(_finding(model, nothing, found, surely_better))
    return Verdict(tuple(effects), tuple(sorted(findings, key=_rank(effects))), looks, level)


def _finding(model: str, nothing: Way, effects: list[Effect], surely_better) -> Finding:
    def best(kinds: tuple[Kind, ...], helping: bool) -> Effect | None:
        found = [e for e in effects if e.way.kind in kinds and (e.helps or not helping)]
        return max(found, key=lambda effect: effect.score, default=None)

    rival = best(("rival",), helping=True)
    helping = best(("synthetic",), helping=True)
    if helping is None:
        synthetic = best(("synthetic",), helping=False)
        assert synthetic is not None
        recommended = nothing if rival is None else rival.way
        return Finding(model, "hurt" if synthetic.hurts else "no change", synthetic, rival, recommended)
    as_well = [
        effect
        for effect in effects
        if effect.way.kind in ("rival", "control") and effect.helps and not surely_better(helping, effect)
    ]
    if as_well:
        # A control that does as well is told only where no rival does: that one can be used.
        chosen = max(as_well, key=lambda effect: (effect.way.kind == "rival", effect.score))
        recommended = chosen.way if chosen.way.kind == "rival" else nothing
        return Finding(model, "does as well", helping, chosen, recommended)
    return Finding(model, "help", helping, rival, helping.way)


def _rank(effects: list[Effect]):
    """The model to go by comes first: where synthetic examples help, else the one that is best with nothing added."""
    without = {effect.model: effect.score for effect in effects if effect.way.kind == "nothing"}
    order = ("help", "does as well", "hurt", "no change")

    def key(finding: Finding) -> tuple:
        return min(order.index(finding.outcome), 2), -without[finding.model]

    return key


def _signed(effect: Effect) -> str:
    return f"{effect.difference:+.3f}, interval {effect.low:+.3f} to {effect.high:+.3f}"
