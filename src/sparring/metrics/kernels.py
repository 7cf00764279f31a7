"""Distances of distributions by kernels and by projections: KID, MMD and MIND."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import pdist

from sparring.errors import UsageError
from sparring.metrics.features import as_features, as_pair

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Two sets of features `(n, d)` and `(m, d)` to `(n, m)`."""

BLOCK = 2**22  # Kernel values in memory at a time, 32 MB.
MEDIAN_SAMPLES = 2000  # Evenly spaced; the median of their two million distances is known to a part in a hundred.
DIRECTIONS_AT_ONCE = 32


class MeanOfSubsets(NamedTuple):
    """A mean over random subsets, and its standard error as if they had no sample in common."""

    value: float
    standard_error: float


def kernel_inception_distance(
    real: np.ndarray, fake: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> MeanOfSubsets:
    """The unbiased squared MMD with the kernel `(x.y / d + 1)^3`, the mean over random subsets.

    For features `(N, d)` and `(M, d)`; 0 on average for equal distributions at any number of samples, so it may be
    negative (Binkowski et al. 2018, arXiv:1801.01401, section 3 and equation 4). Subsets have `subset_size` samples
    of each, or all of the smaller set. The kernel is not free of scale: for features other than those of Inception
    give both `unit_scale`. Subsets of few samples overlap, and the standard error is then too small.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    real, fake = as_pair(real, fake)
    if subsets < 1 or subset_size < 2:
        raise UsageError(f"Expected at least 1 subset of at least 2. Received: {subsets} of {subset_size}.")
    random, size = np.random.default_rng(seed), min(len(real), len(fake), subset_size)
    values = [
        maximum_mean_discrepancy(
            real[random.choice(len(real), size, replace=False)],
            fake[random.choice(len(fake), size, replace=False)],
            cubic_kernel,
        )
        for _ in range(subsets)
    ]
    return MeanOfSubsets(float(np.mean(values)), float(np.std(values, ddof=min(1, subsets - 1)) / np.sqrt(subsets)))


def maximum_mean_discrepancy(real: np.ndarray, fake: np.ndarray, kernel: Kernel | None = None) -> float:
    """The unbiased squared maximum mean discrepancy of features `(N, d)` and `(M, d)`.

    The mean of `k(x, x')` over different real samples, that of fakes, less twice the mean of `k(x, y)`: 0 on average
    for equal distributions, so it may be negative (Gretton et al. 2012, JMLR 13, equation 3). By default the kernel is
    radial with the median distance of the real samples as bandwidth. `O((N + M)^2 d)` time, in blocks.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    real, fake = as_pair(real, fake)
    real, fake = real.astype(np.float64, copy=False), fake.astype(np.float64, copy=False)
    if kernel is None:
        kernel = radial_kernel(median_distance(real))
    within = _mean_of_others(real, kernel) + _mean_of_others(fake, kernel)
    between = _sum(real, fake, kernel) / (len(real) * len(fake))
    return float(within - 2 * between)


def cubic_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`(x.y / d + 1)^3`."""
    values = x @ y.T
    values /= x.shape[1]
    values += 1
    return values * values * values


def radial_kernel(bandwidth: float) -> Kernel:
    """`exp(-||x - y||^2 / (2 bandwidth^2))`.

    Raises:
        UsageError: a bandwidth that is not above 0.
    """
    if not bandwidth > 0:
        raise UsageError(f"bandwidth must be above 0. Received: {bandwidth}. Are most real samples the same?")

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        middle = x.mean(axis=0)
        x, y = x - middle, y - middle
        squares = -2 * x @ y.T
        squares += np.einsum("ij,ij->i", x, x)[:, None]
        squares += np.einsum("ij,ij->i", y, y)
        squares *= -0.5 / bandwidth**2
        return np.exp(squares, out=squares)

    return kernel


def median_distance(features: np.ndarray) -> float:
    """The median distance between two samples of features `(N, d)`, over at most 2,000 of them, evenly spaced.

    Raises:
        UsageError: another shape, or fewer than two. DataError: not finite.
    """
    features = as_features(features, "features")
    count = min(len(features), MEDIAN_SAMPLES)
    return float(np.median(pdist(features[np.arange(count) * len(features) // count].astype(np.float64))))


def unit_scale(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both divided by the root mean square of the real features, for kernels that know no scale.

    Raises:
        UsageError: shapes that cannot be compared, or real features of zeros alone. DataError: not finite.
    """
    real, fake = as_pair(real, fake)
    scale = float(np.sqrt(np.mean(np.square(real, dtype=np.float64))))
    if scale == 0:
        raise UsageError("real has no scale. Received: zeros alone. Look at the extractor.")
    return real / scale, fake / scale


def monge_inception_distance(real: np.ndarray, fake: np.ndarray, directions: int = 1000, seed: int = 0) -> float:
    """The squared sliced Wasserstein distance, times `3 d`, of features `(N, d)` and `(M, d)`; 0 or above.

    Along each of many random directions, the mean squared difference of the sorted projections; where `N` and `M` are
    not the same, of the two quantile functions (Berthet et al. 2026, arXiv:2605.06797, where the larger set is cut to
    the smaller instead).

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    real, fake = as_pair(real, fake)
    if directions < 1:
        raise UsageError(f"directions must be at least 1. Received: {directions}.")
    random, width = np.random.default_rng(seed), real.shape[1]
    # Quantile functions are steps, so equal between the places, in units of 1 / (N M), where one of them jumps.
    jumps = np.union1d(np.arange(len(real)) * len(fake), np.arange(len(fake)) * len(real))
    weights = np.diff(jumps, append=len(real) * len(fake)) / (len(real) * len(fake))
    total = 0.0
    for start in range(0, directions, DIRECTIONS_AT_ONCE):
        along = random.normal(size=(min(DIRECTIONS_AT_ONCE, directions - start), width))
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        apart = np.sort(along @ real.T)[:, jumps // len(fake)] - np.sort(along @ fake.T)[:, jumps // len(real)]
        total += float(np.square(apart).sum(axis=0) @ weights)
    return 3 * width * total / directions


def _mean_of_others(x: np.ndarray, kernel: Kernel) -> float:
    """The mean of `kernel` over pairs of two different samples."""
    total, size = 0.0, _block_size(x)
    for start in range(0, len(x), size):
        part = x[start : start + size]
        values = kernel(part, x)
        values[np.arange(len(part)), np.arange(start, start + len(part))] = 0
        total += float(values.sum())
    return total / (len(x) * (len(x) - 1))


def _sum(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> float:
    size = _block_size(y)
    return sum(float(kernel(x[start : start + size], y).sum()) for start in range(0, len(x), size))


def _block_size(columns: np.ndarray) -> int:
    return max(BLOCK // len(columns), 1)
