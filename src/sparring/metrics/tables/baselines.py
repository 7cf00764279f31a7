"""Simple ways to make rows, which figures of made rows are read beside."""

import numpy as np
from scipy.stats import norm
from sklearn.neighbors import NearestNeighbors

from sparring.metrics.tables.learning import Target
from sparring.metrics.tables.rows import Rows

NEIGHBOURS = 5  # Chawla et al. 2002, arXiv:1106.1813, section 4.2.
MOST_WIDE = 100  # Levels of a column that count when neighbours are looked for; the rarer ones are far from all.


def shuffled(rows: Rows, seed: int = 0) -> Rows:
    """Every column shuffled by itself: right shapes, and nothing that columns have to do with each other."""
    random = np.random.default_rng(seed)
    return Rows(*(random.permuted(side, axis=0) for side in (rows.numbers, rows.levels)))


def gaussian_copula(rows: Rows, seed: int = 0) -> Rows:
    """The ranks of all columns as one normal distribution, as many rows; levels in the order of their places."""
    random, count = np.random.default_rng(seed), len(rows)
    columns = np.column_stack([rows.numbers, rows.levels])
    ranks = np.empty(columns.shape)
    for place, values in enumerate(columns.T):
        # Ties in a random order, or a column of few levels would correlate with the order of the rows.
        ranks[np.lexsort((random.random(count), values)), place] = np.arange(count)
    normal = norm.ppf((ranks + 0.5) / count)
    drawn = random.multivariate_normal(np.zeros(normal.shape[1]), np.atleast_2d(np.cov(normal.T)), count)
    places = np.argsort(np.argsort(drawn, axis=0), axis=0)
    made = np.take_along_axis(np.sort(columns, axis=0), places, axis=0)
    return Rows(made[:, : rows.numbers.shape[1]], made[:, rows.numbers.shape[1] :].astype(np.int32))


def smote(rows: Rows, target: Target | None = None, seed: int = 0) -> Rows:
    """Each row moved part of the way to one of its five nearest neighbours, of the same level of the target.

    SMOTE (Chawla et al. 2002, arXiv:1106.1813) of every row; a number that was whole in all rows still is, and a level
    is taken from either by the length of the way. Such rows are nearly as useful as real ones, and near to them.
    """
    random, whole = np.random.default_rng(seed), _are_whole(rows.numbers)
    classes = np.zeros(len(rows), int)
    if target is not None and not target.is_number:
        classes = rows.levels[:, target.place]
    space, other = _space(rows), np.arange(len(rows))
    for level in np.unique(classes):
        here = np.flatnonzero(classes == level)
        if len(here) > 1:
            count = min(NEIGHBOURS, len(here) - 1)
            near = NearestNeighbors(n_neighbors=count).fit(space[here]).kneighbors(return_distance=False)
            other[here] = here[near[np.arange(len(here)), random.integers(0, count, len(here))]]
    share = random.random((len(rows), 1))
    moved = rows.numbers + share * (rows.numbers[other] - rows.numbers)
    numbers = np.where(np.isfinite(moved), moved, rows.numbers)
    levels = np.where(random.random(rows.levels.shape) < share, rows.levels[other], rows.levels)
    return Rows(np.where(whole, np.rint(numbers), numbers), levels)


def _are_whole(numbers: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return ((numbers % 1 == 0) | np.isnan(numbers)).all(axis=0)


def _space(rows: Rows) -> np.ndarray:
    """Numbers in units of their deviation, and levels so that two that differ are as far apart as a typical pair."""
    parts = []
    for values in rows.numbers.T:
        there = values[np.isfinite(values)]
        middle, unit = (there.mean(), there.std() or 1.0) if len(there) else (0.0, 1.0)
        parts.append((np.nan_to_num(values, nan=middle) - middle)[:, None] / unit)
    for codes in rows.levels.T:
        common = np.argsort(-np.bincount(codes), kind="stable")[:MOST_WIDE]
        parts.append(codes[:, None] == common)
    return np.concatenate(parts, axis=1).astype(np.float32)
