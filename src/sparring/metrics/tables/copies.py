"""Whether made rows are those that were trained on."""

import numpy as np
from scipy.spatial.distance import cdist

from sparring.metrics.recognition import Share
from sparring.metrics.tables.rows import Rows, spread

MOST_ROWS, MOST_REAL = 2_000, 4_000  # Rows whose nearest is looked for, and rows that it is looked for among.
AT_ONCE = 500


def share_nearer_to_training(training: Rows, held_out: Rows, made: Rows) -> Share:
    """The share of `made` rows whose nearest real row is one of the training rows and not one held out.

    Of as many of either, evenly spaced: 0.5 is due to rows that know the training rows no better than the held-out
    ones (Platzer and Reutterer 2021, arXiv:2104.00635). The distance counts a difference of ranks of two numbers as
    its share of all ranks, a different level as 1, and a missing number as one below the least.
    """
    count = min(len(training), len(held_out), MOST_REAL)
    sides, rows = [spread(side, count) for side in (training, held_out)], spread(made, MOST_ROWS)
    near = [_nearest(_ranks(training, rows), rows, _ranks(training, side), side) for side in sides]
    nearer = (near[0] < near[1]) + 0.5 * (near[0] == near[1])
    return Share.of(nearer)


def share_of_copies(training: Rows, made: Rows) -> Share:
    """The share of `made` rows that stand in `training` value by value, numbers to single precision.

    Where numbers are few and levels many, real rows do so too: the same of held-out rows is what is due.
    """
    known = np.unique(_as_bytes(training))
    return Share.of(np.isin(_as_bytes(made), known))


def _ranks(training: Rows, rows: Rows) -> np.ndarray:
    """Numbers as the share of the training values that are smaller; what is missing lies outside, at -1."""
    found = np.empty(rows.numbers.shape)
    for place, values in enumerate(training.numbers.T):
        there = np.sort(values[np.isfinite(values)])
        found[:, place] = np.searchsorted(there, rows.numbers[:, place]) / max(1, len(there))
    return np.where(np.isnan(rows.numbers), -1.0, found)


def _nearest(ranks: np.ndarray, rows: Rows, other_ranks: np.ndarray, others: Rows) -> np.ndarray:
    """The distance of each row to the nearest of the others."""
    found = []
    for start in range(0, len(rows), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        distance = np.zeros((len(ranks[some]), len(others)))
        if ranks.shape[1]:
            distance += cdist(ranks[some], other_ranks, "cityblock")
        if rows.levels.shape[1]:
            distance += rows.levels.shape[1] * cdist(rows.levels[some], others.levels, "hamming")
        found.append(distance.min(axis=1))
    return np.concatenate(found)


def _as_bytes(rows: Rows) -> np.ndarray:
    """A row as one value that can be compared; -0.0 is 0.0, and missing numbers are alike."""
    numbers = np.where(np.isnan(rows.numbers), np.nan, rows.numbers + 0.0).astype(np.float32)
    values = np.ascontiguousarray(np.column_stack([numbers.view(np.int32), rows.levels.astype(np.int32)]))
    return values.view([("", values.dtype)] * values.shape[1]).ravel()
