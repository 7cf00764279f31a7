"""A table too long for memory made into a source: read in parts, and encoded into files that stay on disk."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparring.data.lazy import Rows
from sparring.data.spec import TableSpec
from sparring.data.tables.columns import MOST_LEVELS, AnyColumn
from sparring.data.tables.constraints import Constraint, learn_constraints
from sparring.data.tables.encoding import encode
from sparring.data.tables.reading import PARQUET, ParquetTable, Parted, open_text
from sparring.data.tables.statements import read_constraints
from sparring.data.tables.table import TableSource, check_count, held_out_rows, make_spec, num_held_out
from sparring.data.tables.understanding import check_names, understand
from sparring.errors import DataError

LIMIT = 256 * 2**20  # Bytes as they are written: of a text file, read whole, they become about ten times more.
SAMPLE = 100_000  # Training rows, evenly spaced, of which columns are understood.
TYPES = {"codes": np.int32, "low": np.float32, "high": np.float32}  # As of a table in memory.


def open_long(path: Path) -> Parted | None:
    """The table in a file where it is so long that it is read in parts, else None.

    Raises:
        DataError: It cannot be read, or is no table.
    """
    try:
        if path.suffix.lower() in PARQUET:
            table = ParquetTable(path)
            return table if table.num_bytes > LIMIT and table.is_plain else None
        return open_text(path) if path.stat().st_size > LIMIT else None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def streamed_source(
    name: str,
    table: Parted,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    constraints: Sequence[Constraint | str] = (),
    hold_out: float | None = None,
) -> TableSource:
    """The source of a table of any length, in memory that hardly grows with it: arguments as of `table_source`.

    The file is read four times: for the dtypes of its columns, for the target, by which rows are held out, for a sample
    of the others, and to encode these into temporary files, which are mapped into memory and vanish with the process.
    Columns are understood from the sample. In it are evenly spaced rows, and those in which a column of few values has
    one of them, or any column a missing one, for the first time, or its least or largest number. Dtypes, held-out rows
    and, where the sample is all, everything else are those of the table in memory.

    Raises:
        DataError: The table cannot be trained on, or a constraint does not hold in it.
        UsageError: There is no such column or kind, or `hold_out` is no share.
    """
    with _told(table):
        return _Streamed(table, target).source(name, dict(columns or {}), constraints, hold_out)


def reopen_streamed(name: str, table: Parted, spec: TableSpec) -> TableSource:
    """The source that `spec` was made of, from the same table read in parts; as `reopen`.

    Raises:
        DataError: It is not: it lacks columns, levels or rows.
    """
    with _told(table):
        return _Streamed(table, spec.target if spec.target in table.names else None).again(name, spec)


@contextmanager
def _told(table: Parted) -> Iterator[None]:
    """What the system refuses becomes a sentence."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{table.path} cannot be read, or there is no space to encode it in {tempfile.gettempdir()}: "
            f"{error.strerror or error}. About as much is needed as it takes; TMPDIR names another place."
        ) from error


class _Streamed:
    """A table that is read in parts."""

    def __init__(self, table: Parted, target: str | None):
        self.table, self.target = table, target
        self.dtypes: dict[str, str] = {}
        self.held = np.zeros(0, bool)  # The rows that are held out.

    def source(self, name: str, kinds: Mapping[str, str], constraints, hold_out: float | None) -> TableSource:
        names = self.table.names
        check_names(names, self.target, kinds)
        stated = read_constraints(constraints, names)
        self.dtypes, count = _dtypes(self.table)
        self.held = held_out_rows(self._column(self.target), count, num_held_out(count, hold_out))
        sample, aside, learnt = self._sample(stated)
        found = understand(sample, self.target, kinds, count)
        num_trained = count - int(self.held.sum())
        spec = make_spec(name, found.columns, encode(sample, found.columns), self.target, learnt, num_trained)
        return self._made(name, spec, sample, aside, found.notes)

    def again(self, name: str, spec: TableSpec) -> TableSource:
        """The source whose rows `spec` tells."""
        self.dtypes, count = _dtypes(self.table)
        check_count(name, count, spec)
        self.held = held_out_rows(self._column(self.target), count, count - spec.num_examples)
        sample, aside, _ = self._sample(())
        encode(sample[:0], spec.columns)  # Says which columns the table lacks.
        return self._made(name, spec, sample, aside)

    def _made(self, name: str, spec: TableSpec, sample: pd.DataFrame, aside: pd.DataFrame, notes=()) -> TableSource:
        note = (
            f"The table takes {self.table.num_bytes / 2**20:,.0f} MB, and more than {LIMIT / 2**20:,.0f} MB are read "
            f"in parts: columns are understood, and snapshots judged, by {len(sample):,} of the rows."
        )
        rows, notes = sample.reset_index(drop=True), (*self.table.notes, note, *notes)
        return TableSource(name, spec, self._encoded(spec), {}, notes, rows=rows, held_out_rows=aside)

    def _column(self, name: str | None) -> pd.Series | None:
        """All of one column."""
        if name is None:
            return None
        return pd.concat([part[name] for part in self._read(name)])

    def _read(self, only: str | None = None) -> Iterator[pd.DataFrame]:
        """Parts of the table, or of one column of it, in the dtypes of the table in memory."""
        for part in self.table.parts(self.dtypes, only):
            for name in part.columns:
                if self.dtypes.get(name) == "boolean":  # What only this dtype can be read as.
                    part[name] = part[name].astype(object).where(part[name].notna(), np.nan)
            yield part

    def _parts(self) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
        """Parts of the table, and which of their rows are held out."""
        start = 0
        for part in self._read():
            yield part, self.held[start : start + len(part)]
            start += len(part)

    def _sample(self, stated: Sequence[Constraint]) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Any, ...]]:
        """Training rows to understand columns by, the rows that are held out, and constraints, which hold in all."""
        trained = np.flatnonzero(~self.held)
        spaced = np.zeros(len(self.held), bool)
        size = min(SAMPLE, len(trained))
        spaced[trained[np.arange(size) * len(trained) // size]] = True
        firsts: dict[str, _Firsts] = {}
        kept, aside, learnt = [], [], None
        for part, held in self._parts():
            found = learn_constraints(stated, part)
            learnt = found if learnt is None else tuple(a.joined(b) for a, b in zip(learnt, found, strict=True))
            aside.append(part[held])
            wanted = spaced[part.index]
            for name in part.columns:
                wanted[~held] |= firsts.setdefault(name, _Firsts())(part[name][~held])
            kept.append(part[wanted])
        return pd.concat(kept), pd.concat(aside, ignore_index=True), learnt or ()

    def _encoded(self, spec: TableSpec) -> dict[str, Rows]:
        """The training rows, encoded and mapped from files without a name."""
        with ExitStack() as stack:
            files = {key: stack.enter_context(tempfile.TemporaryFile()) for key in TYPES}
            shapes: dict[str, int] = {}
            for part, held in self._parts():
                for key, array in self._encode(part[~held], spec.columns).items():
                    shapes[key] = array.shape[1]
                    files[key].write(np.ascontiguousarray(array, TYPES[key]).data)
            return {key: _mapped(files[key], TYPES[key], (spec.num_examples, width)) for key, width in shapes.items()}

    def _encode(self, part: pd.DataFrame, columns: Sequence[AnyColumn]) -> dict[str, np.ndarray]:
        try:
            return encode(part, columns)
        except ValueError as error:
            raise DataError(
                f"Rows {part.index[0]:,} to {part.index[-1]:,} of {self.table.path} are not what the others are "
                f"({str(error).splitlines()[0]}). Mend them, or say what the column is, such as `category`."
            ) from error


def _mapped(file, dtype, shape: tuple[int, int]) -> np.ndarray:
    file.flush()
    return np.memmap(file, dtype, "r", shape=shape) if shape[1] else np.zeros(shape, dtype)


def _dtypes(table: Parted) -> tuple[dict[str, str], int]:
    """The dtype that each column has as a whole, where it is known by any value, and the number of rows."""
    kinds: dict[str, set[str]] = {}
    gaps: set[str] = set()
    count = 0
    for part in table.parts():
        count += len(part)
        for name, series in part.items():
            missing = series.isna()
            if missing.any():
                gaps.add(str(name))
            if not missing.all():
                kinds.setdefault(str(name), set()).add(_kind(series))
    return {name: _common(found, name in gaps) for name, found in kinds.items()}, count


def _kind(series: pd.Series) -> str:
    """The dtype of the values that are there."""
    if series.dtype == object:
        return "bool" if pd.api.types.infer_dtype(series, skipna=True) == "boolean" else "str"
    return str(series.dtype)


def _common(kinds: set[str], gaps: bool) -> str:
    """The dtype to read a column in whose parts are of these, with or without missing values."""
    if kinds == {"bool"}:
        return "boolean" if gaps else "bool"
    if kinds <= {"int64", "float64"}:
        return "float64" if gaps or "float64" in kinds else "int64"
    return kinds.pop() if len(kinds) == 1 else "str"


class _Firsts:
    """Finds the rows of a column in which something stands for the first time, part by part."""

    def __init__(self):
        self.seen: list[Any] = []
        self.is_few, self.has_gap, self.has_text = True, False, False
        self.low, self.high = np.inf, -np.inf

    def __call__(self, series: pd.Series) -> np.ndarray:
        """bool (N,): each value while there are few, a missing one, a text, and numbers beyond all before."""
        gaps, found = series.isna().to_numpy(), np.zeros(len(series), bool)
        if gaps.any() and not self.has_gap:
            found[gaps.argmax()] = self.has_gap = True
        if not gaps.all() and pd.api.types.is_numeric_dtype(series.dtype):
            values = series.to_numpy(np.float64, na_value=np.nan)
            least, most = np.nanargmin(values), np.nanargmax(values)
            found[least] |= values[least] < self.low
            found[most] |= values[most] > self.high
            self.low, self.high = min(self.low, values[least]), max(self.high, values[most])
        if self.is_few:
            places = np.flatnonzero(~(series.duplicated().to_numpy() | gaps))
            places = places[~series.iloc[places].isin(self.seen).to_numpy()]
            self.is_few = len(self.seen) + len(places) <= MOST_LEVELS
            if self.is_few:
                found[places] = True
                self.seen.extend(series.iloc[places])
        if not self.is_few and not self.has_text and not pd.api.types.is_numeric_dtype(series.dtype):
            texts = pd.to_numeric(series, errors="coerce").isna().to_numpy() & ~gaps
            if texts.any():
                found[texts.argmax()] = self.has_text = True
        return found
