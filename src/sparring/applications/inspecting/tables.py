"""A look at a table before it is trained on: what its columns are taken for, and what would go wrong."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sparring.applications.inspecting.plan import plan_recipe
from sparring.data.files import slug
from sparring.data.source import open_source
from sparring.data.tables.columns import AnyColumn, Category, Date, Identifier, Number
from sparring.data.tables.reading import read_table, table_path
from sparring.data.tables.streamed import open_long
from sparring.data.tables.table import TableSource, describe
from sparring.data.tables.times import from_units
from sparring.errors import DataError, few

FEW_ROWS = 500  # Under these the discriminator soon knows every row.
MOSTLY_MISSING = 0.5  # Share of a column.
RARE = 10  # Rows; levels of fewer are hardly learnt.
SHOWN = 4  # Levels or spikes in one line.


@dataclasses.dataclass(frozen=True)
class TableInspection:
    """What `inspect` found in a table.

    Attributes:
        name: Short name of the source.
        num_rows: Number of rows.
        columns: What each column is taken for, in words, by its name.
        notes: How the table was read and understood.
        training: What `train` would do with it, or why it would not, a sentence each.
        warnings: What makes training turn out badly, and what to do, a sentence each.
    """

    name: str
    num_rows: int
    columns: Mapping[str, str]
    notes: tuple[str, ...]
    training: tuple[str, ...]
    warnings: tuple[str, ...]
    sheet: Path | None = None

    def facts(self) -> dict[str, str]:
        """What is there, in words, by what it is about."""
        return {"rows": f"{self.num_rows:,}", "columns": f"{len(self.columns):,}"} | {
            f"  {name}": text for name, text in self.columns.items()
        }

    def lines(self) -> list[str]:
        """All of it as plain text, a line for each fact, note, step and warning."""
        lines = [f"{name}: {text}" for name, text in self.facts().items()]
        return [*lines, *self.notes, *self.training, *(f"Warning: {warning}" for warning in self.warnings)]


def inspect_table(
    source: str | os.PathLike[str] | pd.DataFrame,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    recipe: str | None = None,
) -> TableInspection:
    """Looks at a table: also at one that `train` would refuse, and says why it would.

    Raises:
        DataError: There is no table.
        UsageError: `target` or `columns` name what is not there.
    """
    name, table, parts, notes = _read(source)
    try:
        opened = open_source(table, target=target, columns=columns)
    except DataError as error:
        return _refused(name, parts, tuple(notes), error)
    assert isinstance(opened, TableSource)
    spec, count = opened.spec, opened.spec.num_examples + len(opened.held_out_rows)
    return TableInspection(
        name=name,
        num_rows=count,
        columns={column.name: _text(column, count) for column in spec.columns},
        notes=(*notes, *opened.notes),
        training=(f"train would take {describe(spec)}, and {plan_recipe(opened, recipe)}.",),
        warnings=tuple(_warnings(spec, count)),
    )


def _read(source: str | os.PathLike[str] | pd.DataFrame) -> tuple[str, Any, Iterable[pd.DataFrame], list[str]]:
    """The name of a table, what is to be opened, the table in parts, and notes that opening it does not make."""
    if isinstance(source, pd.DataFrame):
        return "table", source, [source], []
    path = table_path(source)
    if (long := open_long(path)) is not None:
        return slug(path), path, long.parts(), []
    frame, notes = read_table(path)
    return slug(path), frame, [frame], notes


def _refused(name: str, parts: Iterable[pd.DataFrame], notes: tuple[str, ...], error: DataError) -> TableInspection:
    """What can be said of a table that cannot be trained on."""
    count = 0
    dtypes: dict[str, Any] = {}
    for part in parts:
        count += len(part)
        dtypes = dtypes or dict(part.dtypes)
    found = {str(column): f"dtype {dtype}" for column, dtype in dtypes.items()}
    return TableInspection(name, count, found, notes, (f"train would refuse it: {error}",), ())


def _text(column: AnyColumn, count: int) -> str:
    """What a column is taken for: `number, whole, 17 to 90; 0 in 92 %`."""
    missing = f"; missing in {_percent(column.missing)}" if column.missing else ""
    if isinstance(column, Identifier):
        return f"identifier, made up anew{missing}"
    if isinstance(column, Category):
        return _levels(column) + missing
    if isinstance(column, Date):
        ends = from_units(pd.Series(column.bounds).to_numpy(), column.unit, column.format, "datetime64[us]")
        return f"date, {ends[0]} to {ends[1]}{missing}"
    low, high = column.bounds
    grid = {None: "", 0: ", whole"}.get(column.decimals, f", {column.decimals} decimals")
    return f"number{grid}, {_number(low)} to {_number(high)}{_spikes(column)}{missing}"


def _levels(column: Category) -> str:
    if len(column.levels) < 2:
        return f"always {column.levels[0]}" if column.levels else "empty"
    kind = "boolean" if all(isinstance(level, bool) for level in column.levels) else "category"
    common = sorted(zip(column.counts, map(str, column.levels), strict=True), key=lambda pair: -pair[0])[:SHOWN]
    total = sum(column.counts) / max(1e-9, 1 - column.missing)
    shown = ", ".join(f"{level} ({_percent(count / total)})" for count, level in common)
    more = f", ... {len(column.levels):,} levels" if len(column.levels) > SHOWN else ""
    rare = sum(count < RARE for count in column.counts)
    return f"{kind}, {shown}{more}" + (f", {rare:,} of them in fewer than {RARE} rows" if rare else "")


def _spikes(column: Number) -> str:
    if not column.atoms:
        return ""
    return f"; often exactly {few(map(_number, column.atoms), SHOWN)}"


def _warnings(spec, count: int):
    if count < FEW_ROWS:
        yield f"{count:,} rows are few: under {FEW_ROWS} a generator can do little but repeat them."
    for column in spec.columns:
        if MOSTLY_MISSING < column.missing < 1:
            yield f"`{column.name}` is missing in {_percent(column.missing)} of the rows: is it needed?"
        if isinstance(column, Category) and column.name == spec.target and min(column.counts, default=RARE) < RARE:
            yield f"The target has levels of fewer than {RARE} rows: rows of these will repeat the few there are."
    if spec.target is None:
        yield "No target was named: with --target NAME its levels come as often as in the table, or as asked for."


def _percent(share: float) -> str:
    return f"{share:.1%}" if 0 < share < 0.1 else f"{share:.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
