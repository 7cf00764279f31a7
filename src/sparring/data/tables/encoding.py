"""Tables as arrays that networks can take, and back."""

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sparring.data.spec import TableSpec
from sparring.data.tables.columns import AnyColumn, Category, Column, Date, Identifier, Number
from sparring.data.tables.layout import Layout
from sparring.data.tables.times import from_units, in_units
from sparring.errors import DataError, UsageError

Encoded = dict[str, np.ndarray]
ALTERNATIVES = {"0-9": string.digits, "a-z": string.ascii_lowercase, "A-Z": string.ascii_uppercase}


def encode(frame: pd.DataFrame, columns: Sequence[AnyColumn]) -> Encoded:
    """The rows of `frame` as arrays.

    Returns:
        "codes", int32 (N, segments): the slot each row takes in each segment. "low" and "high", float64 (N, numbers):
        the places in [0, 1] among the quantiles that decode to the row's number, all those between the two; 0.5 where
        it has none.

    Raises:
        DataError: A column is missing, or holds a level that was not there when the columns were understood.
    """
    if absent := [column.name for column in columns if column.name not in frame.columns]:
        raise DataError(f"The table must have the columns it was fitted on. Missing: {', '.join(absent)}")
    codes, lows, highs = [], [], []
    for column in columns:
        series = frame[column.name]
        if isinstance(column, Category) and column.num_slots:
            codes.append(_levels(series, column))
        elif isinstance(column, Number):
            code, low, high = _places(series, column)
            lows.append(low)
            highs.append(high)
            if column.num_slots:
                codes.append(code)
    count = len(frame)
    return {
        "codes": np.stack(codes, axis=1).astype(np.int32) if codes else np.zeros((count, 0), np.int32),
        "low": np.stack(lows, axis=1) if lows else np.zeros((count, 0)),
        "high": np.stack(highs, axis=1) if highs else np.zeros((count, 0)),
    }


def _levels(series: pd.Series, column: Category) -> np.ndarray:
    """The slot of each level; of what is too rare to have been kept by name, that of the rarest."""
    plain = series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series
    values, different = pd.factorize(plain)  # Missing is -1, the last of `slots`.
    known = dict(zip(column.levels, column.slots.tolist(), strict=True))
    if column.buckets:
        slots = [known.get(level, int(column.slots[-1])) for level in different]
    elif odd := [level for level in different if level not in known]:
        raise DataError(f"Column `{column.name}` must hold levels that were fitted. Received: {odd[0]!r}")
    else:
        slots = [known[level] for level in different]
    if (values < 0).any() and not column.missing:
        raise DataError(f"Column `{column.name}` had no missing values when it was fitted, and has now.")
    return np.array([*slots, column.num_slots - 1], np.int32)[values]


def _places(series: pd.Series, column: Number) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The slot, and the lowest and highest place, of each number."""
    missing = series.isna().to_numpy()
    values = np.zeros(len(series))
    values[~missing] = as_numbers(series[~missing], column)
    atoms, quantiles = np.array(column.atoms), np.array(column.quantiles)
    is_atom = np.isin(values, atoms) & ~missing
    codes = np.full(len(values), column.continuous_slot, np.int32)
    codes[is_atom] = np.searchsorted(atoms, values[is_atom])
    codes[missing] = column.num_slots - 1
    values = np.clip(values, quantiles[0], quantiles[-1])
    left, right = np.searchsorted(quantiles, values, "left"), np.searchsorted(quantiles, values, "right") - 1
    below = np.maximum(right, 0)
    above = np.minimum(below + 1, len(quantiles) - 1)
    step = quantiles[above] - quantiles[below]
    between = below + np.divide(values - quantiles[below], step, out=np.zeros(len(values)), where=step > 0)
    there = quantiles[np.minimum(left, len(quantiles) - 1)] == values
    last = len(quantiles) - 1
    low, high = np.where(there, left, between) / last, np.where(there, right, between) / last
    elsewhere = is_atom | missing
    return codes, np.where(elsewhere, 0.5, low), np.where(elsewhere, 0.5, high)


def as_numbers(series: pd.Series, column: Number) -> np.ndarray:
    """Values that are there as float64; of dates, units since 1970."""
    if not isinstance(column, Date):
        return pd.to_numeric(series).to_numpy(np.float64)
    form = {} if column.format is None else {"format": column.format}
    return in_units(pd.to_datetime(series, **form), column.unit)


def as_numbers_or_nan(series: pd.Series, column: Number) -> np.ndarray:
    """`as_numbers`, and NaN where a value is missing."""
    there, found = series.notna().to_numpy(), np.full(len(series), np.nan)
    found[there] = as_numbers(series[there], column)
    return found


def decode(
    spec: TableSpec,
    codes: np.ndarray,
    places: np.ndarray,
    seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """A table of rows encoded as the slot of each segment, (N, segments), and a place in [0, 1], (N, numbers).

    Args:
        spec: What the columns are.
        codes: As from `encode`.
        places: Anywhere from "low" to "high".
        seed: Of the levels drawn from buckets, and of identifiers.
        fixed: Levels, by column, that all rows have.
    """
    random = np.random.default_rng(seed)
    layout, fixed = Layout(spec), dict(fixed or {})
    found = {}
    for column in spec.columns:
        code = codes[:, layout.segments.index(column)] if column.num_slots else np.zeros(len(codes), np.int32)
        if isinstance(column, Identifier):
            found[column.name] = identifiers(column, len(codes), random)
        elif isinstance(column, Category):
            found[column.name] = _from_levels(column, code, random, fixed.get(column.name, ...))
        else:
            found[column.name] = _from_places(column, code, places[:, layout.numbers.index(column)])
    return pd.DataFrame(found)


def _from_levels(column: Category, codes: np.ndarray, random: np.random.Generator, only: Any) -> pd.Series:
    places = codes.astype(np.int64)  # Among the levels; -1 is missing.
    start = column.num_own
    for bucket, size in enumerate(column.buckets):
        here = codes == column.num_own + bucket
        counts = np.array(column.counts[start : start + size], np.float64)
        places[here] = start + random.choice(size, here.sum(), p=counts / counts.sum())
        start += size
    if column.missing:
        places[codes == max(0, column.num_slots - 1)] = -1
    if only is not ...:
        places[:] = -1 if only is None else column.place_of(only)
    levels = np.array([None] * (len(column.levels) + 1), object)  # The last, which is also the one at -1.
    levels[:-1] = column.levels
    return _series(levels.take(places), column)


def _from_places(column: Number, codes: np.ndarray, places: np.ndarray) -> pd.Series:
    quantiles = np.array(column.quantiles)
    values = np.interp(places * (len(quantiles) - 1), np.arange(len(quantiles)), quantiles)
    if column.decimals is not None:
        values = np.round(values, column.decimals)
    values = np.clip(values, *column.bounds)
    if column.num_slots:
        atoms = np.append(np.array(column.atoms), 0.0)
        values = np.where(codes < len(column.atoms), atoms[np.minimum(codes, len(column.atoms))], values)
    missing = codes == column.num_slots - 1 if column.missing else np.zeros(len(codes), bool)
    if isinstance(column, Date):
        return from_units(values, column.unit, column.format, column.dtype).mask(missing)
    if column.decimals == 0 and _is_whole(column.dtype):
        found = np.rint(values).astype(np.int64).astype(object)
        found[missing] = None
        return _series(found, column)
    return _series(np.where(missing, np.nan, values), column)


def _is_whole(dtype: str) -> bool:
    return dtype == "object" or dtype.lower().startswith(("int", "uint"))


def identifiers(column: Identifier, count: int, random: np.random.Generator, before: int = 0) -> pd.Series:
    """So many identifiers, after those of `before` rows."""
    if column.start is not None:
        values: Any = column.start + before + np.arange(count)
    elif column.pattern is None:
        values = [f"{column.name}-{number:06d}" for number in range(before + 1, before + count + 1)]
    else:
        letters = [random.choice(list(ALTERNATIVES.get(there, there)), count) for there in column.pattern]
        values = ["".join(row) for row in zip(*letters, strict=True)]
    return _series(np.asarray(values, dtype=object), column)


def _series(values: np.ndarray, column: Column) -> pd.Series:
    """Values, None or NaN where they are missing, as a series of the column's dtype."""
    if isinstance(column, Category) and column.categories is not None:
        dtype = pd.CategoricalDtype(list(column.categories), column.ordered)
        return pd.Series(pd.Categorical(values, dtype=dtype))
    if column.dtype == "object":
        return pd.Series([np.nan if value is None else value for value in values], dtype=object)
    if column.dtype == "str" and not _has_texts():
        return pd.Series(values, dtype=object)
    try:
        return pd.Series(values).astype(column.dtype)
    except TypeError as error:
        raise UsageError(
            f"Column `{column.name}` is of the dtype {column.dtype}, which pandas {pd.__version__} does not make here: "
            f"{error}."
        ) from error


def _has_texts() -> bool:
    """Whether this pandas, 3 or later, has a dtype of texts by the name `str`."""
    return int(pd.__version__.partition(".")[0]) >= 3
