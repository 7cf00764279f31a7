"""What nearest neighbours tell: precision, recall, density, coverage, copies and duplicates."""

from typing import NamedTuple

import numpy as np

from sparring.errors import UsageError
from sparring.metrics.distances import (
    centred,
    exact_distances,
    screened_distances,
    squared_distances,
    squared_radii,
)
from sparring.metrics.features import as_features, as_pair
from sparring.metrics.recognition import Share

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

    Distances are taken in blocks, `O(N M d)`, by float64 wherever float32 leaves a doubt. A sample exactly on a ball
    is not inside.

    Raises:
        UsageError: shapes that cannot be compared, or not more than `k` samples. DataError: not finite.
    """
    real, fake, _ = centred(*as_pair(real, fake, least=_checked(k) + 1))
    real_radii, fake_radii = squared_radii(real, k), squared_radii(fake, k)
    in_some_real_ball = np.zeros(len(fake), bool)
    inside = recalled = covered = 0
    for rows, squares, slack in screened_distances(real, fake):
        held = _within(squares, real_radii[rows, None], slack, real[rows], fake)
        in_some_real_ball |= held.any(axis=0)
        inside += int(np.count_nonzero(held))
        covered += int(held.any(axis=1).sum())
        recalled += int(_within(squares, fake_radii[None], slack, real[rows], fake).any(axis=1).sum())
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
    features, _, unit = centred(features, features)
    return unit * np.sqrt(np.maximum(squared_radii(features, k), 0))


def nearest_distances(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The distance `(N,)` of every sample of features `(N, d)` to the nearest of `reference` `(M, d)`.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    reference, features, unit = centred(*as_pair(reference, features, least=1))
    nearest = [squares.min(axis=1) for _, squares in squared_distances(features, reference)]
    return unit * np.sqrt(np.maximum(np.concatenate(nearest), 0))


def memorised(fake: np.ndarray, training: np.ndarray, held_out: np.ndarray, near: float = NEAR) -> Share:
    """`share_near` of features `(N, d)`, by their distances to the nearest training sample.

    Raises:
        UsageError: shapes that cannot be compared. DataError: not finite.
    """
    return share_near(nearest_distances(fake, training), nearest_distances(held_out, training), near)


def share_near(distances: np.ndarray, usual: np.ndarray, near: float = NEAR) -> Share:
    """The share of fakes nearer to a training sample than all but a share of `near` of real samples are.

    About `near` for a generator that has learned the distribution and nothing by heart; 1 for copies. The measure is
    that of Meehan et al. 2020, arXiv:2004.05675, section 3, taken at a small quantile instead of a rank test.

    Args:
        distances: Of every fake to the nearest training sample, `(N,)`.
        usual: The same of real samples that were never trained on, `(M,)`.
    """
    return Share.of(distances < np.quantile(usual, near))


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


def _within(squares: np.ndarray, radii: np.ndarray, slack: float, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Whether float32 `squares` of `rows` and `columns` are below `radii`, by float64 where that is in doubt."""
    within, possible = squares < (radii - slack).astype(np.float32), squares < (radii + slack).astype(np.float32)
    if np.count_nonzero(within) < np.count_nonzero(possible):
        doubtful = np.divmod(np.flatnonzero(within != possible), len(columns))
        within[doubtful] = exact_distances(rows, columns, *doubtful) < np.broadcast_to(radii, squares.shape)[doubtful]
    return within
