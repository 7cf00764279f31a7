"""A table in a file or in memory made into a source of rows."""

import codecs
import csv
import dataclasses
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic

from sparring.data.examples import Source
from sparring.data.lazy import Rows
from sparring.data.spec import TableSpec
from sparring.data.tables.constraints import Constraint, learn_constraints
from sparring.data.tables.encoding import Encoded, encode
from sparring.data.tables.statements import read_constraints
from sparring.data.tables.understanding import check_frame, understand
from sparring.errors import DataError, UsageError, few

TEXTS, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")
SUFFIXES = TEXTS + PARQUET
SEPARATORS = ",;\t|"
LOOKED_AT = 200  # Lines that tell how a file is written.
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
HOLD_OUT, FEW, MOST_HELD_OUT = 0.2, 500, 10_000  # A share of the rows, none of fewer, and at most so many.
DECIMAL_COMMA = re.compile(r"(^|;)-?\d+,\d+(;|$)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, eq=False)
class TableSource(Source[TableSpec]):
    """A source that also has the rows as they are.

    Attributes:
        rows: Those that are trained on, from which `examples` is made.
        held_out_rows: Those that never are; levels may stand there that `spec` does not know.
    """

    rows: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    held_out_rows: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)


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
    constraints: Sequence[Constraint | str] = (),
    hold_out: float | None = 0.0,
) -> TableSource:
    """A source of the rows of `frame`.

    Args:
        name: Short name for folders and pages.
        frame: The table.
        target: Name of the column that models are to predict.
        columns: Corrections by hand, `number`, `category`, `date` or `identifier` by the name of a column.
        notes: What was done to the data.
        constraints: What must hold in every row, and does in those of `frame`; texts as in `read_constraints`.
        hold_out: Share of the rows that is never trained on; None for a fifth, at most 10,000, and none of fewer than
            500 rows.

    Raises:
        DataError: The table cannot be trained on, or a constraint does not hold in it.
        UsageError: There is no such column or kind, or `hold_out` is no share.
    """
    check_frame(frame)
    stated = learn_constraints(read_constraints(constraints, frame.columns), frame)
    rows, held_out = split_rows(frame, target, _num_held_out(len(frame), hold_out))
    found = understand(rows, target, columns, len(frame))
    try:
        encoded = encode(rows, found.columns)
        distance = _squared_distance(encoded)
        if distance == 0:
            raise DataError(f"Training needs rows that differ. Received: {len(rows):,} alike in {name}")
        spec = TableSpec(
            columns=tuple(found.columns),
            target=target,
            constraints=stated,
            num_examples=len(rows),
            squared_distance=distance,
        )
    except pydantic.ValidationError as error:
        raise DataError(f"{name} cannot be used: {error.errors()[0]['msg']}.") from error
    return TableSource(name, spec, _examples(encoded), {}, (*notes, *found.notes), rows=rows, held_out_rows=held_out)


def reopen(name: str, frame: pd.DataFrame, spec: TableSpec) -> TableSource:
    """The source that `spec` was made of, from the same table; its fingerprint tells whether it is the same.

    Raises:
        DataError: It is not: it lacks columns, levels or rows.
    """
    if len(frame) < spec.num_examples:
        raise DataError(f"The table must have at least {spec.num_examples:,} rows. Received: {len(frame):,} in {name}")
    rows, held_out = split_rows(frame, spec.target, len(frame) - spec.num_examples)
    return TableSource(name, spec, _examples(encode(rows, spec.columns)), {}, rows=rows, held_out_rows=held_out)


def split_rows(frame: pd.DataFrame, target: str | None, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to train on in their order, and `count` that are held out, always the same of a table.

    What is held out has the levels of the target, or its numbers, as often as the table.
    """
    if not count:
        return frame, frame[:0]
    order = np.random.default_rng(0).permutation(len(frame))
    if target in frame:
        column = frame[target]
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        strata = column.rank(method="dense").to_numpy(float) if numeric else pd.factorize(column.astype(str))[0]
        order = order[np.argsort(strata[order], kind="stable")]
    held = np.zeros(len(frame), bool)
    held[order[((np.arange(count) + 0.5) * len(frame) / count).astype(int)]] = True
    return frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True)


def _num_held_out(count: int, share: float | None) -> int:
    if share is None:
        return min(round(HOLD_OUT * count), MOST_HELD_OUT) if count >= FEW else 0
    if not 0 <= share < 1:
        raise UsageError(f"`hold_out` must be a share, from 0 to below 1. Received: hold_out={share}")
    return round(share * count)


def _examples(encoded: Encoded) -> dict[str, Rows]:
    examples: dict[str, Rows] = {"codes": encoded["codes"]}
    return examples | {key: encoded[key].astype(np.float32) for key in ("low", "high")}


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
