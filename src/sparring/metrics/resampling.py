"""A figure with what one must know to read it: interval, floor, number of samples, extractor and reference."""

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sparring.errors import UsageError
from sparring.metrics.features import as_pair

Metric = Callable[[np.ndarray, np.ndarray], float]
"""Real features `(N, d)` and fake features `(M, d)` to a number."""

Metrics = Callable[[np.ndarray, np.ndarray], Sequence[float] | np.ndarray]
"""The same to several numbers."""


GROUPED_SPLITS = 9  # Of real groups into two parts.


@dataclasses.dataclass(frozen=True)
class Figure:
    """A metric's value, its 95 % interval, and its floor: the same metric between two parts of the real data.

    Attributes:
        low: NaN, as is `high`, where there is no interval.
        floor: NaN where real data are lacking to measure it by.
        n: The number of fakes.
        extractor: Its name with its version.
        reference: Which real data.
        warning: Why the figure is not to be trusted; empty where it is.
        ceiling: The best there is, where that is known and not plain.
    """

    name: str
    value: float
    low: float
    high: float
    floor: float
    n: int
    extractor: str
    reference: str = "train"
    warning: str = ""
    ceiling: float | None = None

    @property
    def protocol(self) -> str:
        """What the value may be compared with: only figures of the same protocol."""
        return f"{self.name}[{self.extractor}, n={self.n}, ref={self.reference}]"

    def __str__(self) -> str:
        interval = f"{self.low:.4g} to {self.high:.4g}; real against real {self.floor:.4g}"
        text = f"{self.protocol} = {self.value:.4g} ({interval})"
        return f"{text}; {self.warning}" if self.warning else text


class Grouped:
    """Samples of which whole groups are taken: `grouped[places]` are all samples of the groups at these places.

    Raises:
        UsageError: There are fewer than four groups, or not one for each sample.
    """

    def __init__(self, samples: np.ndarray, groups: np.ndarray):
        if np.shape(groups) != (len(samples),):
            raise UsageError(f"Expected a group for each of {len(samples)} samples. Received: {np.shape(groups)}.")
        names, self._groups = np.unique(groups, return_inverse=True)
        self._samples, self._count = samples, len(names)
        if self._count < 4:
            raise UsageError(f"Halves take at least 4 groups. Received: {self._count}.")

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, places: np.ndarray) -> np.ndarray:
        return self._samples[np.isin(self._groups, places)]


def measure(name: str, metric: Metric, real: np.ndarray, fake: np.ndarray, **protocol: Any) -> Figure:
    """`measure_together` of one metric."""
    return measure_together([name], lambda *pair: [metric(*pair)], real, fake, **protocol)[0]


def measure_together(
    names: Sequence[str],
    metrics: Metrics,
    real: np.ndarray,
    fake: np.ndarray,
    *,
    extractor: str,
    reference: str = "train",
    needed: int = 0,
    resamples: int = 20,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> list[Figure]:
    """`metrics` of real features `(N, d)` and fake features `(M, d)`, each with its interval and its floor.

    The interval is the value and 1.96 times `half_sample_error`. The floor is the metric between two random parts of
    the real samples: as many as there are fakes against the others, or half against half where that would be more. So
    a metric that is biased upward, in proportion to `1/N`, has about the bias that it has for the fakes.

    Args:
        names: One for each of the metrics, in the figures' protocol.
        metrics: That share their work, so that it is done once for all.
        extractor: Where the features come from, with its version: `digits-v1`.
        reference: Which real data: `train`.
        needed: Fewer samples, real or fake, than these warn.
        groups: int `(N,)`, equal for real samples that are no strangers to each other, as stretches of one clip: halves
            and the two parts are of whole groups, or intervals and floor would be too low. As these may be few and
            unlike each other, the floor is the median over nine ways to part them.

    Raises:
        UsageError: shapes that cannot be compared, fewer than four samples or groups, or fewer than two `resamples`.
        DataError: not finite.
    """
    real, fake = as_pair(real, fake, least=4)
    values = [float(value) for value in metrics(real, fake)]
    whole = real if groups is None else Grouped(real, groups)
    errors = half_sample_error(metrics, whole, fake, resamples=resamples, seed=seed)
    random, share, splits = np.random.default_rng(seed), min(0.5, len(fake) / len(real)), []
    for _ in range(1 if groups is None else GROUPED_SPLITS):
        order = random.permutation(len(whole))
        first, second = np.split(order, [len(whole) - max(1, int(share * len(whole)))])
        splits.append(np.asarray(metrics(whole[first], whole[second])))
    floors = [float(floor) for floor in np.median(splits, axis=0)]
    n, warning = min(len(real), len(fake)), ""
    if n < needed:
        warning = f"{', '.join(names)} takes {needed:,} samples to be trusted, and there are {n:,}"
        warnings.warn(f"{warning}. Draw more, or do not compare the figure.", stacklevel=3)
    return [
        Figure(name, value, value - 1.96 * error, value + 1.96 * error, floor, len(fake), extractor, reference, warning)
        for name, value, error, floor in zip(names, values, errors, floors, strict=True)
    ]


def half_sample_error(
    metrics: Callable[..., Sequence[float] | np.ndarray], *samples: Any, resamples: int = 20, seed: int = 0
) -> np.ndarray:
    """The standard error of each of `metrics(*samples)`: its standard deviation over random halves of all samples.

    A half drawn without replacement differs from the whole as the whole does from the distribution, so nothing has to
    be scaled (the delete-d jackknife, Shao and Wu 1989). Unlike a bootstrap it never takes a sample twice, which every
    measure of neighbours, duplicates or covariances would see. Too large, by up to the root of three, where the
    error is in proportion to `1/N`, as that of an unbiased MMD of equal distributions is.

    Args:
        metrics: Of as many samples as are given.
        samples: Anything with a length whose rows can be taken by an array of their places.
        resamples: Number of halves.
        seed: Chooses them.

    Raises:
        UsageError: fewer than two `resamples`.
    """
    if resamples < 2:
        raise UsageError(f"A deviation takes at least 2 resamples. Received: {resamples}.")
    random = np.random.default_rng(seed)

    def half(rows: Any) -> Any:
        return rows[np.sort(random.choice(len(rows), len(rows) // 2, replace=False))]

    return np.std([np.asarray(metrics(*map(half, samples))) for _ in range(resamples)], axis=0, ddof=1)
