"""What nearest neighbours tell: precision, recall, density, coverage, copies and duplicates."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sparring.errors import UsageError
from sparring.metrics.features import as_features, as_pair
from sparring.metrics.recognition import Share

BLOCK = 2**22  # Distances in memory at a time, 32 MB: 50,000 by 50,000 never are.
NEAR = 0.01  # This share of real samples lies nearer to others than what is called near.


class Neighbourhood(NamedTuple):
    """`precision_recall_density_coverage`."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(real: np.ndarray, fake: np.ndarray, k: int = 5) -> Neighbourhood:
    """How many fakes lie where real samples are, and how much of the real ones they cover.

    For features `(N, d)` and `(M, d)`. A ball reaches from a sample to its `k`-th nearest neighbour of its own set.

    - precision: the share of fakes inside the ball of some real sample, 0 to 1; recall: the share of real samples
      inside the ball of some fake, 0 to 1 (Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2). One real
      outlier has a large ball: both are near 1 more easily than they should be.
    - density: the mean number of real balls that a fake lies in, over `k`; about 1 for equal distributions, and it may
      be more. Coverage: the share of real balls that hold a fake, 0 to 1 (Naeem et al. 2020, arXiv:2002.09797,
      equation 3). For equal distributions coverage is `coverage_ceiling(k, N, M)`, 0.97 for `k = 5` and `N = M`.

    Distances are float64 and taken in blocks; `O(N M d)`. A sample exactly on a ball is not inside.

    Raises:
        UsageError: shapes that cannot be compared, or not more than `k` samples. DataError: not finite.
    """
    real, fake = _centred(*as_pair(real, fake, least=_checked(k) + 1))
    real_radii, fake_radii = _squared_radii(real, k), _squared_radii(fake, k)
    in_some_real_ball = np.zeros(len(fake), bool)
    inside = recalled = covered = 0
    for rows, squares in _squared_distances(real, fake):
        held = squares < real_radii[rows, None]
        in_some_real_ball |= held.any(axis=0)
        inside += int(np.count_nonzero(held))
        covered += int(held.any(axis=1).sum())
        recalled += int((squares < fake_radii).any(axis=1).sum())
    return Neighbourhood(
        precision=float(in_some_real_ball.mean()),
        recall=recalled / len(real),
        density=inside / (k * len(fake)),
        coverage=covered / len(real),
    )


def coverage_ceiling(k: int, real_count: int, fake_count: int) -> float:
    """What coverage is on average where real and fake have the same distribution.

    A ball is empty where the `k` nearest of all other samples are real: `1 - prod (N - i) / (N + M - i)` for `i` from
    1 to `k`, which is `1 - 2^-k` for many and equally many samples (Naeem et al. 2020, arXiv:2002.09797).

    Raises:
        UsageError: a `k` below 1.
    """
    i = np.arange(1, _checked(k) + 1)
    return float(1 - np.prod((real_count - i) / (real_count + fake_count - i)))


def neighbour_distances(features: np.ndarray, k: int = 1) -> np.ndarray:
    """The distance `(N,)` of every sample of features `(N, d)` to the `k`-th nearest of the others.

    Raises:
        UsageError: not more than `k` samples. DataError: not finite.
    """
    features = as_features(features, "features", least=_checked(k) + 1)
    radii = _squared_radii(_centred(features, features)[0], k)
    return np.sqrt(np.maximum(radii, 0))


def nearest_distances(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The distance `(N,)` of every sample of features `(N, d)` to the nearest of `reference` `(M, d)`.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    reference, features = _centred(*as_pair(reference, features, least=1))
    nearest = [squares.min(axis=1) for _, squares in _squared_distances(features, reference)]
    return np.sqrt(np.maximum(np.concatenate(nearest), 0))


def memorised(fake: np.ndarray, training: np.ndarray, held_out: np.ndarray, near: float = NEAR) -> Share:
    """The share of fakes nearer to a training sample than all but a share of `near` of held-out real samples are.

    About `near` for a generator that has learned the distribution and nothing by heart; 1 for copies. The measure is
    that of Meehan et al. 2020, arXiv:2004.05675, section 3, taken at a small quantile instead of a rank test.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    usual = np.quantile(nearest_distances(held_out, training), near)
    return Share.of(nearest_distances(fake, training) < usual)


def duplicated(fake: np.ndarray, real: np.ndarray, near: float = NEAR) -> Share:
    """The share of fakes nearer to another fake than all but a share of `near` of real samples are to another.

    About `near` for a generator as varied as the data; towards 1 where it repeats itself. The nearest of more samples
    is nearer, so of the larger set as many are taken as the smaller has, evenly spaced.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    real, fake = as_pair(real, fake)
    count = min(len(real), len(fake))
    real, fake = (part[np.arange(count) * len(part) // count] for part in (real, fake))
    return Share.of(neighbour_distances(fake) < np.quantile(neighbour_distances(real), near))


def _checked(k: int) -> int:
    if k < 1:
        raise UsageError(f"k must be at least 1. Received: {k}.")
    return k


def _centred(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both about the mean of `real`: squared norms far from the origin would lose the digits of distances."""
    middle = real.mean(axis=0, dtype=np.float64)
    return real - middle, fake - middle


def _squared_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Squared distances `(rows, len(columns))`, a block of rows at a time; a distance of 0 may be a little below."""
    row_norms, column_norms = (np.einsum("ij,ij->i", part, part) for part in (rows, columns))
    # One matrix product gives |x|^2 - 2 x.y + |y|^2: nothing else has to pass over the block.
    left = np.column_stack([rows, row_norms, np.ones(len(rows))])
    right = np.column_stack([-2 * columns, np.ones(len(columns)), column_norms]).T
    size = max(BLOCK // len(columns), 1)
    for start in range(0, len(rows), size):
        block = slice(start, min(start + size, len(rows)))
        yield block, left[block] @ right


def _squared_radii(features: np.ndarray, k: int) -> np.ndarray:
    """The squared distance to the `k`-th nearest other sample; where they are equal, -inf: such a ball holds nothing.

    Rounding leaves a little instead of 0, within which equal samples would fall or not by chance.
    """
    radii = np.empty(len(features))
    for block, squares in _squared_distances(features, features):
        squares[np.arange(len(squares)), np.arange(block.start, block.stop)] = np.inf
        squares.partition(k - 1, axis=1)
        radii[block] = squares[:, k - 1]
    norms = np.einsum("ij,ij->i", features, features)
    rounding = 8 * np.finfo(np.float64).eps * np.sqrt(features.shape[1]) * norms
    return np.where(radii <= rounding, -np.inf, radii)
