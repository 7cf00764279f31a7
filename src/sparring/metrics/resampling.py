"""A figure with what one must know to read it: interval, floor, number of samples, extractor and reference."""

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np

from sparring.errors import UsageError
from sparring.metrics.features import as_pair

Metric = Callable[[np.ndarray, np.ndarray], float]
"""Real features `(N, d)` and fake features `(M, d)` to a number."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A metric's value, its 95 % interval, and its floor: the same metric between two halves of the real data."""

    name: str
    value: float
    low: float
    high: float
    floor: float
    n: int
    extractor: str
    reference: str = "train"
    warning: str = ""

    @property
    def protocol(self) -> str:
        """What the value may be compared with: only figures of the same protocol."""
        return f"{self.name}[{self.extractor}, n={self.n}, ref={self.reference}]"

    def __str__(self) -> str:
        interval = f"{self.low:.4g} to {self.high:.4g}; real against real {self.floor:.4g}"
        text = f"{self.protocol} = {self.value:.4g} ({interval})"
        return f"{text}; {self.warning}" if self.warning else text


def measure(
    name: str,
    metric: Metric,
    real: np.ndarray,
    fake: np.ndarray,
    *,
    extractor: str,
    reference: str = "train",
    needed: int = 0,
    resamples: int = 20,
    seed: int = 0,
) -> Figure:
    """`metric` of real features `(N, d)` and fake features `(M, d)`, with its interval and its floor.

    The interval is the value and 1.96 times `half_sample_error`; the floor is the metric between two random halves of
    the real samples. With so few samples, a metric that is biased upward has a higher floor than at `N`.

    Args:
        name: In the figure's protocol.
        extractor: Where the features come from, with its version: `digits-v1`.
        reference: Which real data: `train`.
        needed: Fewer samples, real or fake, than these warn.

    Raises:
        UsageError: shapes that cannot be compared, fewer than four samples, or fewer than two `resamples`.
        DataError: not finite.
    """
    real, fake = as_pair(real, fake, least=4)
    value = float(metric(real, fake))
    error = half_sample_error(metric, real, fake, resamples, seed)
    first, second = np.array_split(np.random.default_rng(seed).permutation(len(real)), 2)
    floor = float(metric(real[first], real[second]))
    n, warning = min(len(real), len(fake)), ""
    if n < needed:
        warning = f"{name} takes {needed} samples to be trusted, and there are {n}"
        warnings.warn(f"{warning}. Draw more, or do not compare the figure.", stacklevel=2)
    return Figure(name, value, value - 1.96 * error, value + 1.96 * error, floor, n, extractor, reference, warning)


def half_sample_error(metric: Metric, real: np.ndarray, fake: np.ndarray, resamples: int = 20, seed: int = 0) -> float:
    """The standard error of `metric(real, fake)`: its standard deviation over random halves of both sets.

    A half drawn without replacement differs from the whole as the whole does from the distribution, so nothing has to
    be scaled (the delete-d jackknife, Shao and Wu 1989). Unlike a bootstrap it never takes a sample twice, which every
    measure of neighbours, duplicates or covariances would see. Too large, by up to the root of three, where the
    error is in proportion to `1/N`, as that of an unbiased MMD of equal distributions is.

    Raises:
        UsageError: fewer than two `resamples`.
    """
    if resamples < 2:
        raise UsageError(f"A deviation takes at least 2 resamples. Received: {resamples}.")
    random = np.random.default_rng(seed)

    def half(features: np.ndarray) -> np.ndarray:
        return features[np.sort(random.choice(len(features), len(features) // 2, replace=False))]

    return float(np.std([metric(half(real), half(fake)) for _ in range(resamples)], ddof=1))
