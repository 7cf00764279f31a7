"""A table in a file or in memory made into a source of rows."""

import codecs
import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic

from sparring.data.constraints import Constraint, learn_constraints
from sparring.data.encoding import Encoded, encode
from sparring.data.examples import Source
from sparring.data.lazy import Rows
from sparring.data.spec import TableSpec
from sparring.data.understanding import few, understand
from sparring.errors import DataError

TEXTS, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
SUFFIXES = TEXTS + PARQUET
SEPARATORS = ",;\t|"
LOOKED_AT = 200  # Lines that tell how a file is written.
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
    path = Path(path).expanduser()
    if not path.is_file():
        raise DataError(f"{path} does not exist or is no file. Expected a table: {', '.join(SUFFIXES)}.")
    try:
        if path.suffix.lower() in PARQUET:
            return _read_parquet(path), []
        return _read_text(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def table_source(
    name: str,
    frame: pd.DataFrame,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    notes: tuple[str, ...] = (),
    constraints: Sequence[Constraint] = (),
) -> Source[TableSpec]:
    """A source of the rows of `frame`.

    Args:
        name: Short name for folders and pages.
        frame: The table.
        target: Name of the column that models are to predict.
        columns: Corrections by hand, `number`, `category`, `date` or `identifier` by the name of a column.
        notes: What was done to the data.
        constraints: What must hold in every row, and does in those of `frame`.

    Raises:
        DataError: The table cannot be trained on, or a constraint does not hold in it.
        UsageError: There is no such column or kind.
    """
    found = understand(frame, target, columns)
    try:
        encoded = encode(frame, found.columns)
        distance = _squared_distance(encoded)
        if distance == 0:
            raise DataError(f"Training needs rows that differ. Received: {len(frame):,} alike in {name}")
        spec = TableSpec(
            columns=tuple(found.columns),
            target=target,
            constraints=learn_constraints(constraints, frame),
            num_examples=len(frame),
            squared_distance=distance,
        )
    except pydantic.ValidationError as error:
        raise DataError(f"{name} cannot be used: {error.errors()[0]['msg']}.") from error
    examples: dict[str, Rows] = {"codes": encoded["codes"]}
    examples |= {key: encoded[key].astype(np.float32) for key in ("low", "high")}
    return Source(name, spec, examples, {}, (*notes, *found.notes))


def _squared_distance(encoded: Encoded) -> float:
    """Mean squared distance of two encoded rows: twice their total variance."""
    total = 0.0
    for codes in encoded["codes"].T:
        shares = np.bincount(codes) / len(codes)
        total += 2 * (1 - np.square(shares).sum())
    places = encoded["low"] + encoded["high"] - 1  # The middle, in [-1, 1].
    return float(total + 2 * places.var(axis=0).sum())


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except ImportError as error:
        raise DataError(f"{path}: reading Parquet needs pyarrow. Install it with: pip install pyarrow") from error
    except OSError:
        raise
    except Exception as error:  # Whatever a damaged file leads the reader to.
        raise DataError(f"{path} could not be read as Parquet ({_first_line(error)}).") from error


def _read_text(path: Path) -> tuple[pd.DataFrame, list[str]]:
    data = path.read_bytes()
    text, notes = _decoded(path, data)
    if not text.strip():
        raise DataError(f"{path} is empty. Expected a table with the names of its columns in the first line.")
    start = "\n".join(text.splitlines()[:LOOKED_AT])
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
    header = next(csv.reader(io.StringIO(start), delimiter=separator))
    header = [name.strip() for name in header]
    if twice := {name for name in header if header.count(name) > 1}:
        raise DataError(f"Columns must have different names. Received: {few(sorted(twice))} more than once in {path}")
    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, decimal=decimal, skipinitialspace=True, low_memory=False, index_col=False
        )
    except (ValueError, csv.Error) as error:  # pandas' ParserError is a ValueError.
        raise DataError(f"{path} could not be read as a table ({_first_line(error)}).") from error
    frame.columns = frame.columns.map(str).str.strip()
    return frame, notes


def _decoded(path: Path, data: bytes) -> tuple[str, list[str]]:
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            try:
                return data.decode(encoding), []
            except UnicodeDecodeError as error:
                raise DataError(f"{path} is damaged: it begins as {encoding.upper()} and is not.") from error
    if b"\x00" in data:
        raise DataError(f"{path} is no table: it holds bytes that are no text. Expected {', '.join(SUFFIXES)}.")
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), ["It is not UTF-8 and was read as Windows-1252."]


def _separator(start: str) -> str | None:
    """What parts the columns: what stands equally often, outside of quotes, in the most lines."""
    best, most = None, (0.0, 0)
    for separator in SEPARATORS:
        try:
            counts = [len(row) for row in csv.reader(io.StringIO(start), delimiter=separator) if row]
        except csv.Error:
            continue
        columns = counts[0]
        agree = sum(count == columns for count in counts) / len(counts)
        if columns > 1 and agree >= 0.9 and (agree, columns) > most:
            best, most = separator, (agree, columns)
    return best


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def describe(spec: TableSpec) -> str:
    """What the rows are, in a sentence: `32,561 rows of 15 columns (6 numbers, 9 categories), target income`."""
    kinds: dict[str, int] = {}
    for column in spec.columns:
        kinds[column.type] = kinds.get(column.type, 0) + 1
    words = {"number": "numbers", "category": "categories", "date": "dates", "identifier": "identifiers"}
    named = ", ".join(f"{count} {words[kind] if count > 1 else kind}" for kind, count in kinds.items())
    target = f", target {spec.target}" if spec.target else ", no target"
    return f"{spec.num_examples:,} rows of {len(spec.columns)} columns ({named}){target}"
