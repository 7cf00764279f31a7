"""What the columns of a table are, told from their values, and corrected by hand."""

import dataclasses
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sparring.data.tables.columns import MOST_LEVELS, AnyColumn, Category, Date, Identifier, Number
from sparring.data.tables.times import as_times, read_times
from sparring.errors import DataError, UsageError, few, nearest

KINDS = ("number", "category", "date", "identifier")
FEW_NUMBERS = 25  # Different numbers that count as levels.
OWN_LEVELS, BUCKETS = 100, 8  # Of a column of more levels: those with a slot of their own, and slots of the others.
ATOM = 0.03  # Share of the rows that makes a value of its own of a number.
MOST_KNOTS, ALL_KNOTS = 1_001, 20_000  # Quantiles of one column, and of all: a bundle's JSON stays small.
MANY = 20  # Rows from which on it says something that all values differ.
DIFFERENT = 0.9  # Share of different texts from which on they are names of rows and not levels.
DENSE = 1.2  # Whole numbers that all differ and fill this many times their number count the rows.
NAMED_ID = re.compile(r"(?i:(^|[\W_])id([\W_]|$))|[a-z]I[dD]$")


@dataclasses.dataclass
class Understanding:
    """The columns of a table.

    Attributes:
        columns: In its order.
        notes: What a user should know, a plain sentence each.
    """

    columns: list[AnyColumn]
    notes: list[str]


def understand(
    frame: pd.DataFrame, target: str | None = None, kinds: Mapping[str, str] | None = None, whole: int = 0
) -> Understanding:
    """What each column of `frame` is.

    Args:
        frame: The table.
        target: What models are to predict; a few whole numbers there are classes.
        kinds: Corrections by hand: `number`, `category`, `date` or `identifier` by the name of a column.
        whole: Rows of the table that `frame` is a part of, where it is one.

    Raises:
        DataError: The table or a column cannot be used.
        UsageError: There is no such column or kind.
    """
    check_frame(frame)
    kinds = dict(kinds or {})
    check_names(frame.columns, target, kinds)
    numeric = sum(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
    knots = int(np.clip(ALL_KNOTS // max(1, numeric), 101, MOST_KNOTS))
    found, gaps = Understanding([], []), max(1.0, whole / len(frame))
    for name in frame.columns:
        column = _Reader(frame[name], kinds.get(name), knots, gaps, found.notes).column()
        found.columns.append(column)
    return found


def check_names(names: Collection[str], target: str | None, kinds: Mapping[str, str]):
    """Raises UsageError if the target or a column that is corrected is not among `names`, or its kind is none."""
    for name in [*kinds, *([] if target is None else [target])]:
        if name not in names:
            what = "target" if name == target else "column"
            raise UsageError(f"There is no {what} `{name}`.{nearest(name, names)} Columns: {few(names, 10)}.")
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise UsageError(f"A column is one of {', '.join(KINDS)}.{nearest(kind, KINDS)} Received: {name}={kind}")


def check_frame(frame: pd.DataFrame):
    """Raises DataError if it is no table of at least two rows and columns with different names and any values."""
    if any(not isinstance(name, str) or not name for name in frame.columns):
        odd = next(name for name in frame.columns if not isinstance(name, str) or not name)
        raise DataError(f"Columns must have names that are texts. Received: {odd!r}; rename it, or all to `str`.")
    if twice := list(frame.columns[frame.columns.duplicated()]):
        raise DataError(
            f"Columns must have different names. Received: `{twice[0]}` more than once; rename one of them."
        )
    if frame.shape[1] < 2:
        raise DataError(
            f"A table needs at least 2 columns. Received: {frame.shape[1]} ({few(frame.columns)}); of one column alone "
            "there is nothing to learn but its values: draw from it with DataFrame.sample."
        )
    if len(frame) < 2:
        raise DataError(f"Training needs at least 2 rows. Received: {len(frame)}")
    if frame.isna().to_numpy().all():
        raise DataError(f"Training needs values. Received: {len(frame):,} rows in which all are missing")


class _Reader:
    """Finds out what one column is."""

    def __init__(self, series: pd.Series, kind: str | None, knots: int, gaps: float, notes: list[str]):
        self.series, self.kind, self.knots, self.gaps, self.notes = series, kind, knots, gaps, notes
        self.name, self.given = str(series.name), series.dropna()
        self.shared: dict[str, Any] = {
            "name": self.name,
            "dtype": str(series.dtype),
            "missing": 1 - len(self.given) / len(series),
        }

    def column(self) -> AnyColumn:
        dtype, api = self.series.dtype, pd.api.types
        if not len(self.given):
            self.notes.append(f"`{self.name}` has no values: it is given back empty.")
            return Category(**self.shared, levels=(), counts=())
        if isinstance(dtype, pd.CategoricalDtype):
            return self._categorical(dtype)
        if api.is_bool_dtype(dtype):
            return self._category(self.given.astype(bool))
        if api.is_datetime64_any_dtype(dtype):
            return self._date(self.given, None)
        if api.is_complex_dtype(dtype):
            raise self._odd(str(dtype))
        if api.is_numeric_dtype(dtype):
            return self._numbers(self.given)
        if api.is_object_dtype(dtype) or api.is_string_dtype(dtype):
            return self._objects()
        raise self._odd(str(dtype))

    def _odd(self, what: str) -> DataError:
        return DataError(
            f"Column `{self.name}` must hold numbers, texts, truths or dates. Received: {what}; convert it, or "
            "leave it out."
        )

    def _objects(self) -> AnyColumn:
        """A column of Python's objects: texts, or truths or numbers beside missing values."""
        types = {type(value) for value in self.given}
        if types <= {bool, np.bool_}:
            return self._category(self.given.astype(bool))
        if types <= {int, float, np.int64, np.float64}:
            return self._numbers(self.given)
        if types <= {str}:
            return self._texts(self.given)
        if all(hasattr(kind, "isoformat") for kind in types):
            times = pd.to_datetime(self.given, errors="coerce")
            if times.notna().all():
                return self._date(times, None)
        if not types <= {str, bool, int, float, np.int64, np.float64, np.bool_}:
            raise self._odd(few(sorted({kind.__name__ for kind in types})))
        if self.kind == "category":
            return self._category(self.given)
        raise self._mixed(self.given.map(lambda value: isinstance(value, str)))

    def _mixed(self, is_text: pd.Series) -> DataError:
        row = is_text.index[is_text][0] if is_text.any() else is_text.index[0]
        return DataError(
            f"Column `{self.name}` mixes numbers and other values, such as {self.given[row]!r} in row {row}. Make one "
            f"kind of it, say which texts mean that a value is missing, or say that it is a category."
        )

    def _texts(self, given: pd.Series) -> AnyColumn:
        numbers = pd.to_numeric(given, errors="coerce")
        share = numbers.notna().mean()
        if self.kind == "number" and share < 1:
            raise self._mixed(numbers.isna())
        if self.kind is None and 0.5 < share < 1 and numbers.nunique() > FEW_NUMBERS:
            raise self._mixed(numbers.isna())
        if self.kind in (None, "date") and (found := read_times(given)) is not None:
            return self._date(*found)
        if self.kind == "date":
            raise DataError(
                f"Column `{self.name}` must hold dates in one format, such as 2024-12-31. Received: {given.iloc[0]!r}"
            )
        different = given.nunique()
        if self.kind == "identifier" or (
            self.kind is None and len(given) >= MANY and different >= max(DIFFERENT * len(given), FEW_NUMBERS)
        ):
            self.notes.append(f"`{self.name}` differs from row to row: it is made up anew and nothing is learnt of it.")
            return Identifier(**self.shared, pattern=_pattern(given))
        return self._category(given)

    def _numbers(self, given: pd.Series) -> AnyColumn:
        values = given.to_numpy(np.float64)
        if not np.isfinite(values).all():
            row = given.index[~np.isfinite(values)][0]
            raise DataError(
                f"Column `{self.name}` must hold finite numbers. Received: {given[row]} in row {row}; replace it, or "
                "let it be missing."
            )
        if self.kind == "date":
            raise DataError(f"Column `{self.name}` holds numbers, not dates: convert it with pandas.to_datetime.")
        levels = np.unique(values)
        whole = bool((np.abs(values) < 2**53).all() and (values % 1 == 0).all())
        if self.kind == "identifier" or (self.kind is None and whole and self._counts(levels)):
            self.notes.append(f"`{self.name}` differs from row to row: it is made up anew and nothing is learnt of it.")
            return Identifier(**self.shared, start=int(levels[-1]) + 1)
        is_few = len(levels) <= min(FEW_NUMBERS, max(2, len(values) // 4))
        if self.kind == "category" or (self.kind is None and is_few):
            return self._category(given)
        return self._number(values)

    def _counts(self, levels: np.ndarray) -> bool:
        """Whether whole numbers are the names of rows."""
        if len(levels) < max(MANY, len(self.given)):
            return False
        return levels[-1] - levels[0] < self.gaps * DENSE * len(levels) or bool(NAMED_ID.search(self.name))

    def _number(self, values: np.ndarray) -> AnyColumn:
        levels, counts = np.unique(values, return_counts=True)
        atoms = levels[counts >= max(ATOM * len(self.series), 5)]
        if len(atoms) == len(levels):
            return self._category(self.given)
        return Number(**self.shared, **self._quantiles(values, atoms), decimals=_decimals(levels))

    def _quantiles(self, values: np.ndarray, atoms: np.ndarray) -> dict:
        rest = np.sort(values[~np.isin(values, atoms)])
        # Values that are there, so that those that many rows share keep their share.
        places = np.linspace(0, len(rest) - 1, max(2, min(self.knots, len(rest)))).round().astype(int)
        return {"atoms": atoms.tolist(), "quantiles": rest[places].tolist()}

    def _date(self, times: pd.Series, form: str | None) -> AnyColumn:
        values, unit = as_times(times)
        levels, counts = np.unique(values, return_counts=True)
        atoms = levels[counts >= max(ATOM * len(self.series), 5)]
        atoms = atoms[:0] if len(atoms) == len(levels) else atoms
        return Date(**self.shared, **self._quantiles(values, atoms), decimals=0, unit=unit, format=form)

    def _categorical(self, dtype: pd.CategoricalDtype) -> AnyColumn:
        categories = [_plain(level) for level in dtype.categories]
        if not all(isinstance(level, bool | int | float | str) for level in categories):
            raise self._odd(f"categories of {type(categories[0]).__name__}")
        return self._category(
            self.given.astype(dtype.categories.dtype), categories=tuple(categories), ordered=bool(dtype.ordered)
        )

    def _category(self, given: pd.Series, **more) -> Category:
        counted = given.value_counts()
        pairs = [(_plain(level), int(count)) for level, count in counted.items()]
        numeric = all(isinstance(level, int | float) for level, _ in pairs)
        if numeric and len(pairs) <= OWN_LEVELS + BUCKETS:
            pairs.sort()
        else:
            pairs.sort(key=lambda pair: (-pair[1], str(pair[0])))
        if len(pairs) == 1 and not self.shared["missing"]:
            self.notes.append(f"`{self.name}` is always {pairs[0][0]}: there is nothing to learn of it.")
        if left := len(pairs) - MOST_LEVELS:
            if left > 0:
                self.notes.append(
                    f"`{self.name}` has {len(pairs):,} levels: the {left:,} rarest of them will not be generated."
                )
            pairs = pairs[:MOST_LEVELS]
        levels, counts = zip(*pairs, strict=True)
        buckets = _buckets(counts) if len(pairs) > OWN_LEVELS + BUCKETS else ()
        if buckets:
            self.notes.append(
                f"`{self.name}` has {len(pairs):,} levels: beyond the {OWN_LEVELS} most frequent they are drawn by "
                "their frequency."
            )
        return Category(**self.shared, levels=levels, counts=counts, buckets=buckets, **more)


def _buckets(counts) -> tuple[int, ...]:
    """How many of the rare levels each bucket holds, so that about as many rows fall into each."""
    rare = np.cumsum(counts[OWN_LEVELS:])
    ends = np.searchsorted(rare, rare[-1] * np.arange(1, BUCKETS + 1) / BUCKETS) + 1
    ends = np.unique(np.minimum(ends, len(rare)))
    return tuple(np.diff(ends, prepend=0).tolist())


def _plain(level):
    """A Python value of a NumPy one."""
    return level.item() if isinstance(level, np.generic) else level


def _decimals(values: np.ndarray) -> int | None:
    """Places after the point that all values keep to."""
    return next((places for places in range(7) if np.array_equal(np.round(values, places), values)), None)


def _pattern(texts: pd.Series) -> tuple[str, ...] | None:
    """What all texts look like, if they are of one length and short."""
    if texts.str.len().nunique() > 1 or len(texts.iloc[0]) > 60:
        return None
    return tuple(_alternatives(set(letters)) for letters in zip(*texts.head(2_000), strict=True))


def _alternatives(letters: set[str]) -> str:
    if len(letters) == 1:
        return next(iter(letters))
    if all("0" <= letter <= "9" for letter in letters):
        return "0-9"
    return "A-Z" if all(letter.isupper() or letter.isdigit() for letter in letters) else "a-z"
