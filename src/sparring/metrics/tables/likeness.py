"""How like the columns of a real table those of a made one are, each by itself and in pairs."""

import itertools
from typing import NamedTuple

import numpy as np
from scipy.stats.contingency import association

from sparring.metrics.tables.rows import Rows

CORRELATED, ASSOCIATED = 0.5, 0.3  # What two columns have to do with each other, at least, to count as a trend.
BINS = 10  # Of a number, where it is paired with levels.
MOST_LEVELS = 100  # Of a column in a pair; the rarer ones are one.


class Pairs(NamedTuple):
    """All pairs of columns, numbers first, as matrices that are NaN on the diagonal.

    Attributes:
        real: How much two columns of the real table have to do with each other: Pearson's correlation of numbers, or
            else Cramer's V, with numbers in bins.
        fake: The same of the made table.
        likeness: From 0 to 1: 1 less half the difference of the correlations, or less the total variation distance of
            the tables of counts.
        num_numbers: How many of the columns, the first, are numbers.
    """

    real: np.ndarray
    fake: np.ndarray
    likeness: np.ndarray
    num_numbers: int

    @property
    def trend(self) -> float:
        """Mean likeness of the pairs that have to do with each other in the real table; NaN where there are none.

        As the column pair trends of the QualityReport of SDMetrics 0.32: with the others, which any shuffled column
        gets right, the mean would say little.
        """
        counted = self.likeness[np.triu(self.counted, 1)]
        return float(counted.mean()) if len(counted) else float("nan")

    @property
    def counted(self) -> np.ndarray:
        """bool: the pairs that count as trends."""
        limit = np.full(self.real.shape, ASSOCIATED)
        limit[: self.num_numbers, : self.num_numbers] = CORRELATED
        with np.errstate(invalid="ignore"):
            return np.abs(self.real) > limit


def column_shapes(real: Rows, fake: Rows) -> np.ndarray:
    """For each column, numbers first, 1 less the distance of its distributions, float64 `(k + m,)`.

    The distance is that of Kolmogorov and Smirnov for numbers, a missing one counted as the greatest of all, and the
    total variation for levels: the column shapes of SDMetrics.
    """
    found = []
    for one, other in zip(real.numbers.T, fake.numbers.T, strict=True):
        sides = [np.sort(np.nan_to_num(side, nan=np.inf)) for side in (one, other)]
        places = np.concatenate(sides)
        shares = [np.searchsorted(side, places, "right") / len(side) for side in sides]
        found.append(1 - np.abs(shares[0] - shares[1]).max())
    for one, other in zip(real.levels.T, fake.levels.T, strict=True):
        size = int(max(one.max(), other.max())) + 1
        first, second = (np.bincount(side, minlength=size) / len(side) for side in (one, other))
        found.append(1 - np.abs(first - second).sum() / 2)
    return np.array(found)


def column_pairs(real: Rows, fake: Rows) -> Pairs:
    """What each two columns have to do with each other, in both tables."""
    count, width = real.numbers.shape[1], real.numbers.shape[1] + real.levels.shape[1]
    correlations = [_correlations(side.numbers) for side in (real, fake)]
    found = np.full((3, width, width), np.nan)
    for place, matrix in enumerate(correlations):
        found[place, :count, :count] = matrix
    found[2, :count, :count] = 1 - np.abs(correlations[0] - np.nan_to_num(correlations[1])) / 2
    binned = _binned(real, fake)
    sizes = [int(max(side[:, place].max() for side in binned)) + 1 for place in range(width)]
    for first, second in itertools.combinations(range(width), 2):
        if second >= count:
            tables = [_counts(side[:, first], side[:, second], sizes[first], sizes[second]) for side in binned]
            shares = [table / table.sum() for table in tables]
            values = (*map(_association, tables), 1 - np.abs(shares[0] - shares[1]).sum() / 2)
            found[:, first, second] = found[:, second, first] = values
    found[:, np.arange(width), np.arange(width)] = np.nan
    return Pairs(found[0], found[1], found[2], count)


def quality(shapes: np.ndarray, trend: float) -> float:
    """The overall score of the QualityReport of SDMetrics: the mean of shapes and trends."""
    return float(np.nanmean([shapes.mean(), trend]))


def _correlations(numbers: np.ndarray) -> np.ndarray:
    """Pearson's, of the rows in which both are there; a constant column correlates with nothing."""
    if not np.isnan(numbers).any():
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(np.atleast_2d(np.corrcoef(numbers.T))) if numbers.shape[1] else np.zeros((0, 0))
    there = np.isfinite(numbers).astype(float)
    centred = np.where(there > 0, numbers - np.nanmean(np.append(numbers, np.zeros((1, numbers.shape[1])), 0), 0), 0)
    count, sums, squares = there.T @ there, centred.T @ there, (centred**2).T @ there
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = centred.T @ centred - sums * sums.T / count
        variance = squares - sums**2 / count
        return np.nan_to_num(covariance / np.sqrt(variance * variance.T))


def _binned(real: Rows, fake: Rows) -> list[np.ndarray]:
    """Numbers in bins of equal width over the real range, and levels, the rarest of which are one."""
    columns: list[list[np.ndarray]] = [[], []]
    for pair in zip(real.numbers.T, fake.numbers.T, strict=True):
        there = pair[0][np.isfinite(pair[0])]
        edges = np.histogram_bin_edges(there, BINS)[1:-1] if len(there) else np.zeros(0)
        for side, values in zip(columns, pair, strict=True):
            side.append(np.where(np.isnan(values), BINS, np.digitize(values, edges)))
    for one, other in zip(real.levels.T, fake.levels.T, strict=True):
        size = int(max(one.max(), other.max())) + 1
        order = np.argsort(-np.bincount(one, minlength=size), kind="stable")
        rank = np.empty(size, int)
        rank[order] = np.minimum(np.arange(size), MOST_LEVELS)
        for side, codes in zip(columns, (one, other), strict=True):
            side.append(rank[codes])
    return [np.column_stack(side) for side in columns]


def _counts(one: np.ndarray, other: np.ndarray, rows: int, columns: int) -> np.ndarray:
    return np.bincount(one * columns + other, minlength=rows * columns).reshape(rows, columns)


def _association(counts: np.ndarray) -> float:
    """Cramer's V; 0 where a column is constant."""
    there = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    return float(association(there)) if min(there.shape) > 1 else 0.0
