"""Squared distances between many samples, a block at a time: float64, or float32 with what it leaves in doubt."""

from collections.abc import Iterator
from typing import Any

import numpy as np

BLOCK = 2**22  # Distances in memory at a time, 32 MB as float64: 50,000 by 50,000 never are.
PAIRS = 2**16  # Features of single pairs at a time: few enough for a processor's cache.
SPARE = 4  # Neighbours kept beyond those asked for: as many as float32 may take for nearer without a second look.
GATHER = 1 / 64  # Up to this share of a block, single pairs cost less than another product.


def centred(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Both as float64 about the mean of `real`, in units of the third: how far from it the furthest sample is.

    Squared norms far from the origin would lose the digits of distances, and float32 has no squares of 1e20.
    """
    middle = real.mean(axis=0, dtype=np.float64)
    real, fake = real - middle, fake - middle
    furthest = max(float(np.sqrt(_squares(part).max())) for part in (real, fake)) or 1.0
    real /= furthest
    fake /= furthest
    return real, fake, furthest


def squared_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Float64 `(rows, M)` of features `(N, d)` and `(M, d)`, by blocks of rows; a distance of 0 may be a bit below."""
    right = _right(columns)
    for block in _blocks(len(rows), len(columns)):
        yield block, _left(rows[block]) @ right


def screened_distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray, float]]:
    """The same as float32, in half the time, and how far those of a block may lie from the truth."""
    left, right = _left(rows, np.float32), _right(columns, np.float32)
    norms, furthest = np.sqrt(_squares(rows)), np.sqrt(_squares(columns).max())
    for block in _blocks(len(rows), len(columns)):
        yield block, left[block] @ right, _slack(rows.shape[1], norms[block].max(), furthest)


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
    kept = min(k + SPARE, len(features) - 1)
    screened, others = _nearest(features, kept)
    exact = exact_distances(features, features, np.repeat(np.arange(len(features)), kept), others.ravel())
    radii = np.partition(exact.reshape(others.shape), k - 1, axis=1)[:, k - 1]
    # No sample that was not kept is nearer than the furthest that was, up to what float32 leaves in doubt.
    norms = np.sqrt(_squares(features))
    doubtful = np.flatnonzero(screened.max(axis=1) - _slack(features.shape[1], norms, norms.max()) < radii)
    for block, squares in squared_distances(features[doubtful], features):
        squares[np.arange(len(squares)), doubtful[block]] = np.inf
        radii[doubtful[block]] = np.partition(squares, k - 1, axis=1)[:, k - 1]
    rounding = 8 * np.finfo(np.float64).eps * np.sqrt(features.shape[1]) * norms**2
    return np.where(radii <= rounding, -np.inf, radii)


def _nearest(features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Float32 squared distances `(N, count)` to the nearest other samples by float32, and which those are.

    A block's rows meet only themselves and what comes after them: a distance is one in either direction.
    """
    found = np.full((len(features), count), np.inf, np.float32), np.zeros((len(features), count), np.intp)
    left, right = _left(features, np.float32), _right(features, np.float32)
    for block in _blocks(len(features), len(features)):
        squares = left[block] @ right[:, block.start :]
        np.fill_diagonal(squares, np.inf)
        _keep_nearest(found, block, squares, block.start)
        _keep_nearest(found, slice(block.stop, None), squares[:, len(squares) :].T, block.start)
    return found


def _keep_nearest(found: tuple[np.ndarray, np.ndarray], rows: slice, squares: np.ndarray, first: int) -> None:
    """Puts into `found` what is nearest of it and of `squares`, distances of `rows` to samples from `first` on."""
    nearest, others = found
    count = nearest.shape[1]
    together = np.concatenate([nearest[rows], squares], axis=1)
    best = np.argpartition(together, count - 1, axis=1)[:, :count]
    known = np.take_along_axis(others[rows], np.minimum(best, count - 1), axis=1)
    nearest[rows] = np.take_along_axis(together, best, axis=1)
    others[rows] = np.where(best < count, known, best - count + first)


def _slack(width: int, norms: Any, furthest: Any) -> Any:
    """How far float32 squared distances of samples so far from the middle may lie from the truth.

    Rounding errors of a product of `d` terms grow as the root of `d` with all but certainty, here eight deviations of
    them (Higham and Mary 2019, theorem 2.4). Nothing is decided within that distance: `exact_distances` is.
    """
    return 4 * np.sqrt(width + 2) * np.finfo(np.float32).eps * (norms + furthest) ** 2


def _left(rows: np.ndarray, dtype: Any = np.float64) -> np.ndarray:
    # One matrix product with `_right` gives |x|^2 - 2 x.y + |y|^2: nothing else has to pass over the block.
    return np.column_stack([rows.astype(dtype), _squares(rows).astype(dtype), np.ones(len(rows), dtype)])


def _right(columns: np.ndarray, dtype: Any = np.float64) -> np.ndarray:
    ones = np.ones(len(columns), dtype)
    return np.column_stack([-2 * columns.astype(dtype), ones, _squares(columns).astype(dtype)]).T


def _squares(rows: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", rows, rows)


def _blocks(rows: int, columns: int) -> list[slice]:
    size = max(BLOCK // columns, 1)
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
