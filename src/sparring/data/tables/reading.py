"""Tables in files, read whole or in parts."""

import codecs
import csv
import dataclasses
import importlib
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from sparring.errors import DataError, few

TEXTS, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
SUFFIXES = TEXTS + PARQUET
SEPARATORS = ",;\t|"
LOOKED_AT = 200  # Lines that tell how a file is written.
BLOCK = 2**20  # Bytes that are looked at once for how they are encoded.
PART = 50_000  # Rows that are read at once of a table that is not read whole.
WIDER = ("float64", "boolean")  # Dtypes for the sake of missing values.
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DECIMAL_COMMA = re.compile(r"(^|;)-?\d+,\d+(;|$)", re.MULTILINE)


def is_table(source: object) -> bool:
    """Whether `source` is a DataFrame, or a path that ends like a table's."""
    if isinstance(source, pd.DataFrame):
        return True
    return isinstance(source, str | os.PathLike) and Path(source).suffix.lower() in SUFFIXES


def read_table(path: str | os.PathLike[str]) -> tuple[pd.DataFrame, list[str]]:
    """The table in a .csv, .tsv, .txt or .parquet file, and notes on how it was read.

    Of a text file the encoding (UTF-8, UTF-16, else Windows-1252), the separator (comma, semicolon, tabulator, bar)
    and the decimal sign are found out.

    Raises:
        DataError: There is no such file, or it is no table.
    """
    path = table_path(path)
    try:
        if path.suffix.lower() in PARQUET:
            return _parquet(path, lambda: pd.read_parquet(path)), []
        text = open_text(path)
        return text.read(), list(text.notes)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def table_path(path: str | os.PathLike[str]) -> Path:
    """Where a table lies.

    Raises:
        DataError: There is no such file.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"{path} does not exist or is no file. Expected a table: {', '.join(SUFFIXES)}.")
    return path


@dataclasses.dataclass(frozen=True)
class TextTable:
    """A table in a text file, and how that is written, see `Parted`.

    Attributes:
        notes: What of it a user should know.
    """

    path: Path
    encoding: str
    separator: str
    decimal: str
    notes: tuple[str, ...] = ()

    @cached_property
    def _header(self) -> list:
        """Names of the columns as pandas has them."""
        return list(self._parsed(nrows=0).columns)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [_stripped(raw) for raw in self._header]

    @property
    def num_bytes(self) -> int:
        """Of the file."""
        return self.path.stat().st_size

    def read(self) -> pd.DataFrame:
        """The whole table."""
        return _named(self._parsed())

    def parts(self, dtypes: Mapping[str, str] | None = None, only: str | None = None) -> Iterator[pd.DataFrame]:
        """The table, or one column of it, in parts that are numbered on.

        Of columns without one of `dtypes` each part has the dtype that suits it.
        """
        given = {raw: dtypes[_stripped(raw)] for raw in self._header if dtypes and _stripped(raw) in dtypes}
        wanted = None if only is None else [raw for raw in self._header if _stripped(raw) == only]
        with self._parsed(chunksize=PART, dtype=given, usecols=wanted) as parts:
            while (part := self._next(parts)) is not None:
                yield _named(part)

    def _next(self, parts: Iterator[pd.DataFrame]) -> pd.DataFrame | None:
        try:
            return next(parts, None)
        except (ValueError, csv.Error) as error:
            raise self._error(error) from error

    def _parsed(self, **how: Any) -> Any:
        try:
            return pd.read_csv(
                self.path,
                sep=self.separator,
                decimal=self.decimal,
                encoding=self.encoding,
                encoding_errors="replace",
                skipinitialspace=True,
                low_memory=False,
                index_col=False,
                **how,
            )
        except (ValueError, csv.Error) as error:  # pandas' ParserError is a ValueError.
            raise self._error(error) from error

    def _error(self, error: Exception) -> DataError:
        return DataError(f"{self.path} could not be read as a table ({_first_line(error)}).")


class Parted(Protocol):
    """A table in a file that can be read in parts.

    Attributes:
        path: Where it lies.
        notes: What of it a user should know.
        names: Names of the columns.
        num_bytes: What it takes as it is written, not compressed.
    """

    @property
    def path(self) -> Path: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def names(self) -> list[str]: ...

    @property
    def num_bytes(self) -> int: ...

    def parts(self, dtypes: Mapping[str, str] | None = None, only: str | None = None) -> Iterator[pd.DataFrame]:
        """As of `TextTable`."""
        ...


class ParquetTable:
    """A table in a Parquet file, see `Parted`."""

    notes = ()

    def __init__(self, path: Path):
        self.path = path
        self._file = _parquet(path, lambda: importlib.import_module("pyarrow.parquet").ParquetFile(path))

    @property
    def names(self) -> list[str]:
        return list(next(self.parts()).columns)

    @property
    def num_bytes(self) -> int:
        groups = self._file.metadata
        return sum(groups.row_group(group).total_byte_size for group in range(groups.num_row_groups))

    @property
    def is_plain(self) -> bool:
        """Whether no column holds lists, or levels whose order may stand in another part."""
        types = importlib.import_module("pyarrow").types
        return not any(types.is_nested(kind) or types.is_dictionary(kind) for kind in self._file.schema_arrow.types)

    def parts(self, dtypes: Mapping[str, str] | None = None, only: str | None = None) -> Iterator[pd.DataFrame]:
        """As of `TextTable`; columns are written with their types, and only missing values change what they become."""
        batches, start = self._file.iter_batches(PART, columns=None if only is None else [only]), 0
        while (batch := _parquet(self.path, lambda: next(batches, None))) is not None:
            part = batch.to_pandas()
            part.index = pd.RangeIndex(start, start := start + len(part))
            given = {name: dtype for name, dtype in (dtypes or {}).items() if dtype in WIDER and name in part}
            yield part.astype(given)


def open_text(path: Path) -> TextTable:
    """Finds out how a text file is written.

    Raises:
        DataError: It is no table.
        OSError: It cannot be read.
    """
    encoding, notes = _encoding(path)
    with path.open(encoding=encoding, errors="replace") as file:
        start = "".join(itertools.islice(file, LOOKED_AT))
    if not start.strip():
        raise DataError(f"{path} is empty. Expected a table with the names of its columns in the first line.")
    separator = _separator(start)
    if separator is None:
        raise DataError(
            f"{path} is no table of several columns: its lines are not parted alike by a comma, a semicolon, a "
            "tabulator or a bar."
        )
    decimal = "," if separator == ";" and DECIMAL_COMMA.search(start) else "."
    if separator != "," or decimal != ".":
        names = {",": "commas", ";": "semicolons", "\t": "tabulators", "|": "bars"}
        comma = ", with decimal commas" if decimal == "," else ""
        notes.append(f"Read as columns parted by {names[separator]}{comma}.")
    header = [name.strip() for name in next(csv.reader(start.splitlines(keepends=True), delimiter=separator))]
    if twice := {name for name in header if header.count(name) > 1}:
        raise DataError(f"Columns must have different names. Received: {few(sorted(twice))} more than once in {path}")
    return TextTable(path, encoding, separator, decimal, tuple(notes))


def _encoding(path: Path) -> tuple[str, list[str]]:
    """The encoding of all of the file, which is never in memory as a whole, and notes."""
    with path.open("rb") as file:
        start = file.read(4)
        marked = next((MARKS[mark] for mark in MARKS if start.startswith(mark)), "utf-8")
        decoder = codecs.getincrementaldecoder(marked)()
        block, decodes = start, True
        while block:
            if marked == "utf-8" and b"\x00" in block:
                raise DataError(f"{path} is no table: it holds bytes that are no text. Expected {', '.join(SUFFIXES)}.")
            following = file.read(BLOCK)
            try:
                if decodes:
                    decoder.decode(block, final=not following)
            except UnicodeDecodeError as error:
                if marked != "utf-8":
                    raise DataError(f"{path} is damaged: it begins as {marked.upper()} and is not.") from error
                decodes = False
            block = following
    return (marked, []) if decodes else ("cp1252", ["It is not UTF-8 and was read as Windows-1252."])


def _separator(start: str) -> str | None:
    """What parts the columns: what stands equally often, outside of quotes, in the most lines."""
    best, most = None, (0.0, 0)
    for separator in SEPARATORS:
        try:
            counts = [len(row) for row in csv.reader(start.splitlines(keepends=True), delimiter=separator) if row]
        except csv.Error:
            continue
        columns = counts[0]
        agree = sum(count == columns for count in counts) / len(counts)
        if columns > 1 and agree >= 0.9 and (agree, columns) > most:
            best, most = separator, (agree, columns)
    return best


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    frame.columns = frame.columns.map(_stripped)
    return frame


def _stripped(name: Any) -> str:
    return str(name).strip()


def _parquet(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` gives of a Parquet file."""
    try:
        return read()
    except ImportError as error:
        raise DataError(f"{path}: reading Parquet needs pyarrow. Install it with: pip install pyarrow") from error
    except OSError:
        raise
    except Exception as error:  # Whatever a damaged file leads the reader to.
        raise DataError(f"{path} could not be read as Parquet ({_first_line(error)}).") from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
