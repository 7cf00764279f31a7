"""More rows without a generator: what synthetic ones must be better than."""

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from sparring.data.spec import TableSpec
from sparring.data.tables.encoding import decode, encode
from sparring.data.tables.layout import Layout

NEIGHBOURS = 5  # As in the paper.


def missing_counts(groups: np.ndarray) -> np.ndarray:
    """For each group how many more there must be for all to be as many as the largest."""
    counts = np.bincount(groups)
    return counts.max() - counts


def repeated(groups: np.ndarray, counts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Places of so many members of each group, drawn with replacement."""
    return np.concatenate([random.choice(np.flatnonzero(groups == g), n) for g, n in enumerate(counts) if n])


def between(
    frame: pd.DataFrame, spec: TableSpec, groups: np.ndarray, counts: np.ndarray, random: np.random.Generator
) -> pd.DataFrame:
    """So many rows of each group, each on the way from one of its rows to one of that row's five nearest in the group.

    SMOTE (Chawla et al. 2002, arXiv:1106.1813, section 4.2), among the quantiles of the numbers, so that columns need
    no scale. Levels, and what is missing, are taken of either end.
    """
    encoded, layout = encode(frame, spec.columns), Layout(spec)
    codes, places = encoded["codes"], (encoded["low"] + encoded["high"]) / 2
    slots = (codes[:, layout.segment_of] == layout.slot_in_segment) * 0.5
    points = np.concatenate([slots, places], axis=1).astype(np.float32)
    ends: list[np.ndarray] = []
    for group, count in enumerate(counts):
        members = np.flatnonzero(groups == group)
        near = min(NEIGHBOURS, len(members) - 1)
        if not count or near < 1:
            continue
        found = NearestNeighbors(n_neighbors=near).fit(points[members]).kneighbors(return_distance=False)
        start = random.integers(0, len(members), count)
        ends.append(np.stack([members[start], members[found[start, random.integers(0, near, count)]]]))
    one, other = np.concatenate(ends, axis=1)
    share = random.random((len(one), 1))
    takes_other = random.random((len(one), codes.shape[1])) < share
    moved = places[one] + share * (places[other] - places[one])
    for place, column in enumerate(layout.numbers):
        if column.num_slots:  # An atom has no place that a number could be on the way to.
            segment = layout.segments.index(column)
            parted = codes[one, segment] != codes[other, segment]
            chosen = np.where(takes_other[:, segment], places[other, place], places[one, place])
            moved[parted, place] = chosen[parted]
    made = np.where(takes_other, codes[other], codes[one])
    return decode(spec, made, moved, int(random.integers(2**31)))


def shuffled(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """As many rows, every column shuffled by itself: right in each column, and without any sense."""
    return frame.apply(lambda column: column.iloc[random.permutation(len(column))].to_numpy()).astype(frame.dtypes)
