"""The Frechet distance between two sets of features, and the moments it is made of."""

import numpy as np
import scipy.linalg

from sparring.errors import UsageError
from sparring.metrics.features import as_features, as_pair

AT_ONCE = 8192  # Rows in memory as float64.


class Moments:
    """Mean and covariance of features that come in parts, in float64: a million samples need no more than one part.

    Parts are added, and two sets merged, by their mean and their sum of squares about it (Chan, Golub and LeVeque
    1983, equation 2.1), which loses no digits where the mean is large.
    """

    def __init__(self, width: int):
        self.count = 0
        self.mean = np.zeros(width)
        self._squares = np.zeros((width, width))

    @classmethod
    def of(cls, features: np.ndarray) -> "Moments":
        """The moments of features `(N, d)`."""
        return cls(np.shape(features)[-1]).update(features)

    def update(self, features: np.ndarray) -> "Moments":
        """Take in features `(N, d)`; gives itself.

        Raises:
            UsageError: another shape. DataError: not finite.
        """
        features = as_features(features, "features", least=0)
        self._check_width(features.shape[1])
        for start in range(0, len(features), AT_ONCE):
            part = features[start : start + AT_ONCE].astype(np.float64)
            mean = part.mean(axis=0)
            part -= mean
            self._add(len(part), mean, part.T @ part)
        return self

    def merge(self, other: "Moments") -> "Moments":
        """Take in everything that another has taken in; gives itself."""
        self._check_width(len(other.mean))
        if other.count:
            self._add(other.count, other.mean, other._squares)
        return self

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance `(d, d)`, the sum of squares over `N - 1`.

        Raises:
            UsageError: fewer than two samples.
        """
        if self.count < 2:
            raise UsageError(f"A covariance takes at least 2 samples. Received: {self.count}.")
        return self._squares / (self.count - 1)

    def _add(self, count: int, mean: np.ndarray, squares: np.ndarray) -> None:
        total = self.count + count
        apart = mean - self.mean
        self.mean += apart * (count / total)
        self._squares += squares
        self._squares += np.outer(apart, apart * (self.count * count / total))
        self.count = total

    def _check_width(self, width: int) -> None:
        if width != len(self.mean):
            raise UsageError(
                f"Moments of {len(self.mean)} features take no others. Received: {width} features. "
                "Use the same extractor for all."
            )


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """The squared Frechet distance between normal distributions with the moments of two sets of features.

    `||m1 - m2||^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2))` of features `(N, d)` and `(M, d)`, 0 or above up to rounding: 0
    where the moments are the same (Dowson and Landau 1982, equation 4; as a measure of GANs, Heusel et al. 2017,
    arXiv:1706.08500, equation 6). It is biased upward, about in proportion to `1/N`: compare at equal `N` only, and
    take `N >= 10 d`.

    Where a set has no more samples than features, its covariance has no full rank, and the root is taken of a matrix
    of samples by samples that has: exact, where roots of rounded zeros are not.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    real, fake = as_pair(real, fake)
    width = real.shape[1]
    if len(real) > width and len(fake) > width:
        return frechet_distance_of_moments(Moments.of(real), Moments.of(fake))
    a, b = _scaled(real), _scaled(fake)
    apart = real.mean(axis=0, dtype=np.float64) - fake.mean(axis=0, dtype=np.float64)
    if len(a) <= width and len(b) <= width:
        # The eigenvalues of A'A B'B are the squared singular values of A B'.
        trace_root = scipy.linalg.svdvals(a @ b.T).sum()
    else:
        few, many = (a, Moments.of(fake)) if len(a) <= width else (b, Moments.of(real))
        trace_root = _sum_of_roots(few @ many.covariance @ few.T)
    return float(apart @ apart + np.vdot(a, a) + np.vdot(b, b) - 2 * trace_root)


def frechet_distance_of_moments(real: Moments, fake: Moments) -> float:
    """`frechet_distance` from moments alone.

    The trace of the root of `S1 S2` is the sum of the roots of the eigenvalues of `L' S2 L` with `S1 = L L'`: a
    symmetric matrix, so real eigenvalues, several times faster than a root of the product.

    Raises:
        UsageError: different numbers of features, or fewer than two samples.
    """
    if len(real.mean) != len(fake.mean):
        raise UsageError(
            f"real and fake must have as many features. Received: {len(real.mean)} and {len(fake.mean)}. "
            "Use the same extractor for both."
        )
    apart = real.mean - fake.mean
    first, second = real.covariance, fake.covariance
    root = _root(first)
    trace_root = _sum_of_roots(root.T @ second @ root)
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * trace_root)


def _root(covariance: np.ndarray) -> np.ndarray:
    """An `L` with `L L' = covariance`."""
    try:
        return scipy.linalg.cholesky(covariance, lower=True)
    except scipy.linalg.LinAlgError:  # A feature that never changes, or that follows from others.
        values, vectors = scipy.linalg.eigh(covariance)
        return vectors * np.sqrt(np.maximum(values, 0))


def _sum_of_roots(matrix: np.ndarray) -> float:
    return float(np.sqrt(np.maximum(scipy.linalg.eigvalsh(matrix, check_finite=False), 0)).sum())


def _scaled(features: np.ndarray) -> np.ndarray:
    """An `A` with `A' A` the covariance."""
    features = features.astype(np.float64)
    return (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)
