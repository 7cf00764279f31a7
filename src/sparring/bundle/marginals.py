"""Places that a generator gives to a number, made as even as those of the table."""

from collections.abc import Sequence

import numpy as np

FEWEST = 200  # Places below which what is known of them is left alone.
GRID = np.linspace(0.0, 1.0, 1_001)  # As fine as the quantiles of a column.


def place_grid(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of places in [0, 1] some in their order, and the share of them below each; few of them stay as they are."""
    if len(places) < FEWEST or np.ptp(places) == 0:  # All in one place: nothing tells them apart.
        return GRID[[0, -1]], GRID[[0, -1]]
    found, first, counts = np.unique(np.quantile(places, GRID), return_index=True, return_counts=True)
    return found, (first + (counts - 1) / 2) / (len(GRID) - 1)


def evened(places: np.ndarray, grids: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Places (N, numbers) by the share of its column's own that lie below each: the order of rows stays.

    A place is one among the quantiles of the table, where its rows lie evenly. Whatever a network gives, evenly placed
    it has the table's distribution in every column, and keeps what columns have to do with each other: the quantile
    transform of a copula (Nelsen 2006, An Introduction to Copulas, section 2.3).
    """
    return np.stack([np.interp(column, *grid) for column, grid in zip(places.T, grids, strict=True)], axis=1)
