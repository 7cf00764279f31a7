"""Tables as the metrics take them: numbers, and levels by their place among those of the real table."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a table; `rows[places]` are some of them.

    Attributes:
        numbers: float64 `(N, k)`, NaN where missing.
        levels: int32 `(N, m)`: the place of each level, see `Form`.
    """

    numbers: np.ndarray
    levels: np.ndarray

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, places: Any) -> "Rows":
        return Rows(self.numbers[places], self.levels[places])


class Form:
    """Makes `Rows` of DataFrames, alike for real and made ones.

    A level's place is that among the sorted levels of the real table; a missing value is the level after them, and one
    that the real table does not have the last.

    Args:
        real: The table that others are held against.
        numbers: Names of the columns that are numbers, in any numeric dtype; the others are levels.

    Attributes:
        numbers: Names of the columns of numbers.
        levels: Names of the others.
        num_levels: Of each of these, all places it may have.
    """

    def __init__(self, real: pd.DataFrame, numbers: Sequence[str]):
        self.numbers = tuple(name for name in real.columns if name in set(numbers))
        self.levels = tuple(name for name in real.columns if name not in set(numbers))
        self._known = [pd.Index(_sorted(_plain(real[name]).dropna().unique()), dtype=object) for name in self.levels]
        self.num_levels = tuple(len(known) + 2 for known in self._known)

    def __call__(self, frame: pd.DataFrame) -> Rows:
        """The rows of a table with these columns."""
        numbers = [pd.to_numeric(frame[name]).to_numpy(np.float64, na_value=np.nan) for name in self.numbers]
        levels = []
        for name, known in zip(self.levels, self._known, strict=True):
            codes, different = pd.factorize(_plain(frame[name]))
            places = known.get_indexer(pd.Index(different, dtype=object))
            places = np.where(places < 0, len(known) + 1, places)
            levels.append(np.append(places, len(known))[codes])  # A missing value has the code -1, the last.
        return Rows(
            np.column_stack(numbers) if numbers else np.zeros((len(frame), 0)),
            np.column_stack(levels).astype(np.int32) if levels else np.zeros((len(frame), 0), np.int32),
        )

    def place(self, name: str, level: object) -> int:
        """The place of a level of the column `name`."""
        return int(self._known[self.levels.index(name)].get_loc(level))

    def known(self, name: str) -> list:
        """The levels of the column `name` in the order of their places."""
        return list(self._known[self.levels.index(name)])


def joined(*parts: Rows) -> Rows:
    """Rows below rows."""
    return Rows(np.concatenate([part.numbers for part in parts]), np.concatenate([part.levels for part in parts]))


def spread(rows: Rows, most: int) -> Rows:
    """At most so many of the rows, evenly spaced."""
    count = min(len(rows), most)
    return rows[np.arange(count) * len(rows) // max(1, count)]


def _plain(series: pd.Series) -> pd.Series:
    return series.astype(object)


def _sorted(levels) -> list:
    """Numbers by their size, else texts as a dictionary has them; what is mixed as if all were texts."""
    try:
        return sorted(levels)
    except TypeError:
        return sorted(levels, key=str)
