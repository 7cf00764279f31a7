"""A table in a file or in memory made into a source of rows."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pydantic

from sparring.data.examples import Source
from sparring.data.lazy import Rows
from sparring.data.spec import TableSpec
from sparring.data.tables.columns import AnyColumn
from sparring.data.tables.constraints import Constraint, learn_constraints
from sparring.data.tables.encoding import Encoded, encode
from sparring.data.tables.statements import read_constraints
from sparring.data.tables.understanding import check_frame, understand
from sparring.errors import DataError, UsageError

HOLD_OUT, FEW, MOST_HELD_OUT = 0.2, 500, 10_000  # A share of the rows, none of fewer, and at most so many.


@dataclasses.dataclass(frozen=True, eq=False)
class TableSource(Source[TableSpec]):
    """A source that also has the rows as they are.

    Attributes:
        rows: Those that are trained on, from which `examples` is made; of a table that is read in parts a sample of
            them, in which every level stands.
        held_out_rows: Those that never are; levels may stand there that `spec` does not know.
    """

    rows: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)
    held_out_rows: pd.DataFrame = dataclasses.field(default_factory=pd.DataFrame)


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
    rows, held_out = split_rows(frame, target, num_held_out(len(frame), hold_out))
    found = understand(rows, target, columns, len(frame))
    encoded = encode(rows, found.columns)
    spec = make_spec(name, found.columns, encoded, target, stated, len(rows))
    return TableSource(name, spec, _examples(encoded), {}, (*notes, *found.notes), rows=rows, held_out_rows=held_out)


def make_spec(
    name: str,
    columns: Sequence[AnyColumn],
    encoded: Encoded,
    target: str | None,
    constraints: tuple[Any, ...],
    num_examples: int,
) -> TableSpec:
    """What `num_examples` rows look like, of which those that are `encoded` are all or a sample.

    Raises:
        DataError: They cannot be trained on.
    """
    try:
        distance = _squared_distance(encoded)
        if distance == 0:
            raise DataError(f"Training needs rows that differ. Received: {num_examples:,} alike in {name}")
        return TableSpec(
            columns=tuple(columns),
            target=target,
            constraints=constraints,
            num_examples=num_examples,
            squared_distance=distance,
        )
    except pydantic.ValidationError as error:
        raise DataError(f"{name} cannot be used: {error.errors()[0]['msg']}.") from error


def reopen(name: str, frame: pd.DataFrame, spec: TableSpec) -> TableSource:
    """The source that `spec` was made of, from the same table; its fingerprint tells whether it is the same.

    Raises:
        DataError: It is not: it lacks columns, levels or rows.
    """
    check_count(name, len(frame), spec)
    rows, held_out = split_rows(frame, spec.target, len(frame) - spec.num_examples)
    return TableSource(name, spec, _examples(encode(rows, spec.columns)), {}, rows=rows, held_out_rows=held_out)


def check_count(name: str, count: int, spec: TableSpec) -> None:
    """That a table of `count` rows can be what `spec` was made of.

    Raises:
        DataError: It has too few.
    """
    if count < spec.num_examples:
        raise DataError(f"The table must have at least {spec.num_examples:,} rows. Received: {count:,} in {name}")


def split_rows(frame: pd.DataFrame, target: str | None, count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to train on in their order, and `count` that are held out, always the same of a table.

    What is held out has the levels of the target, or its numbers, as often as the table.
    """
    if not count:
        return frame, frame[:0]
    column = None if target is None or target not in frame else frame[target]  # What is no column is told later.
    held = held_out_rows(column, len(frame), count)
    return frame[~held].reset_index(drop=True), frame[held].reset_index(drop=True)


def held_out_rows(target: pd.Series | None, total: int, count: int) -> np.ndarray:
    """bool (total,): the rows that are held out, `count` of them, by the column that models are to predict."""
    held = np.zeros(total, bool)
    if not count:
        return held
    order = np.random.default_rng(0).permutation(total)
    if target is not None:
        numeric = pd.api.types.is_numeric_dtype(target.dtype)
        strata = target.rank(method="dense").to_numpy(float) if numeric else pd.factorize(target.astype(str))[0]
        order = order[np.argsort(strata[order], kind="stable")]
    held[order[((np.arange(count) + 0.5) * total / count).astype(int)]] = True
    return held


def num_held_out(count: int, share: float | None) -> int:
    """How many of `count` rows are held out; `share` as in `table_source`.

    Raises:
        UsageError: It is no share.
    """
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


def describe(spec: TableSpec) -> str:
    """What the rows are, in a sentence: `32,561 rows of 15 columns (6 numbers, 9 categories), target income`."""
    kinds: dict[str, int] = {}
    for column in spec.columns:
        kinds[column.type] = kinds.get(column.type, 0) + 1
    words = {"number": "numbers", "category": "categories", "date": "dates", "identifier": "identifiers"}
    named = ", ".join(f"{count} {words[kind] if count > 1 else kind}" for kind, count in kinds.items())
    target = f", target {spec.target}" if spec.target else ", no target"
    return f"{spec.num_examples:,} rows of {len(spec.columns)} columns ({named}){target}"
