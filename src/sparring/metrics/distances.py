"""Squared distances between many samples, a block at a time: float64, or float32 with what it leaves in doubt."""

from collections.abc import Iterator

import numpy as np

BLOCK = 2**22  # Distances in memory at a time, 32 MB as float64: 50,000 by 50,000 never are.
PAIRS = 2**16  # Features of single pairs at a time: few enough for a processor's cache.
GATHER = 1 / 64  # Up to this share of a block, single pairs cost less than another product.


def centred(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Both as float64 about the mean of `real`, in units of the third: how far from it the furthest sample is.

    Squared norms far from the origin would lose the digits of distances, and float32 has no squares of 1e20.
    """
    middle = real.mean(axis=0, dtype=np.float64)
    real, fake = real - middle, fake - middle
    furthest = max(float(np.linalg.norm(part, axis=1).max()) for part in (real, fake)) or 1.0
    return real / furthest, fake / furthest, furthest


def squared_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Float64 `(rows, M)` of features `(N, d)` and `(M, d)`, by blocks of rows; a distance of 0 may be a bit below."""
    right = _right(columns)
    for block in _blocks(len(rows), len(columns)):
        yield block, _left(rows[block]) @ right


def screened_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray, float]]:
    """The same as float32, in half the time, and how far those of a block may lie from the truth.

    Rounding errors of a product of `d` terms grow as the root of `d` with all but certainty, here eight deviations of
    them (Higham and Mary 2019, theorem 2.4). Nothing is decided within that distance: `exact_distances` is.
    """
    right = _right(columns).astype(np.float32)
    norms, furthest = np.linalg.norm(rows, axis=1), np.linalg.norm(columns, axis=1).max()
    unit = 4 * np.sqrt(rows.shape[1] + 2) * np.finfo(np.float32).eps
    for block in _blocks(len(rows), len(columns)):
        yield block, _left(rows[block]).astype(np.float32) @ right, unit * (norms[block].max() + furthest) ** 2


def exact_distances(rows: np.ndarray, columns: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Float64 squared distances of `rows[first]` and `columns[second]`."""
    if len(first) > GATHER * len(rows) * len(columns):
        return (_left(rows) @ _right(columns))[first, second]
    apart, size = np.empty(len(first)), max(PAIRS // rows.shape[1], 1)
    for start in range(0, len(first), size):
        part = slice(start, start + size)
        difference = rows[first[part]] - columns[second[part]]
        apart[part] = np.einsum("ij,ij->i", difference, difference)
    return apart


def squared_radii(features: np.ndarray, k: int) -> np.ndarray:
    """The squared distance `(N,)` to the `k`-th nearest other sample; where those are equal, -inf: it holds nothing.

    Rounding leaves a little instead of 0, within which equal samples would fall or not by chance.
    """
    radii = np.empty(len(features))
    for block, squares, slack in screened_distances(features, features):
        squares[np.arange(len(squares)), np.arange(block.start, block.stop)] = np.inf
        # The k nearest by float32 are at most so far by float64, and no other is nearer than twice the doubt below.
        near = squares <= np.partition(squares, k - 1, axis=1)[:, k - 1, None] + np.float32(2 * slack)
        row, column = np.divmod(np.flatnonzero(near), len(features))
        exact = exact_distances(features[block], features, row, column)
        starts = np.searchsorted(row, np.arange(len(squares)))
        radii[block] = exact[np.lexsort((exact, row))][starts + k - 1]
    norms = np.einsum("ij,ij->i", features, features)
    rounding = 8 * np.finfo(np.float64).eps * np.sqrt(features.shape[1]) * norms
    return np.where(radii <= rounding, -np.inf, radii)


def _left(rows: np.ndarray) -> np.ndarray:
    # One matrix product with `_right` gives |x|^2 - 2 x.y + |y|^2: nothing else has to pass over the block.
    return np.column_stack([rows, np.einsum("ij,ij->i", rows, rows), np.ones(len(rows))])


def _right(columns: np.ndarray) -> np.ndarray:
    return np.column_stack([-2 * columns, np.ones(len(columns)), np.einsum("ij,ij->i", columns, columns)]).T


def _blocks(rows: int, columns: int) -> list[slice]:
    size = max(BLOCK // columns, 1)
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
