"""Constraints as people write them: `start <= end`, `0 <= age <= 120`, `fixed: country, city`, `one-hot: a, b, c`."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Any

from sparring.data.tables.constraints import Constraint, FixedCombinations, Inequality, OneHot, Range
from sparring.errors import UsageError, nearest

COMPARISON = re.compile(r"\s*(<=|>=|<|>)\s*")
GROUPS = {"fixed": FixedCombinations, "one-hot": OneHot}
EXPECTED = "`start <= end`, `0 <= age <= 120`, `fixed: country, city` or `one-hot: a, b, c`"


def read_constraints(stated: Iterable[Constraint | str], names: Iterable[str]) -> list[Constraint]:
    """Constraints, those that are texts read: comparisons of columns and numbers, `fixed:` and `one-hot:` columns.

    Args:
        stated: Constraints or texts.
        names: Of the columns.

    Raises:
        UsageError: A text is no constraint, or names a column that is not there.
    """
    known, found = list(names), list[Constraint]()
    for one in stated:
        found += _read(one, known) if isinstance(one, str) else [one]
    return found


def _read(text: str, known: Sequence[str]) -> list[Constraint]:
    kind, colon, rest = text.partition(":")
    if colon and (make := GROUPS.get(kind.strip().lower())):
        names = [name.strip() for name in next(csv.reader([rest], skipinitialspace=True))]
        for name in names:
            _check(name, known, text)
        if len(names) < 2:
            raise UsageError(f"`{kind.strip()}:` takes at least two columns. Received: {text!r}")
        return [make(columns=tuple(names))]
    parts = COMPARISON.split(text.strip())
    if len(parts) < 3:
        raise UsageError(f"A constraint is written {EXPECTED}. Received: {text!r}")
    sides, signs = [_side(part, known, text) for part in parts[::2]], parts[1::2]
    return [_compared(one, sign, other, text) for one, sign, other in zip(sides[:-1], signs, sides[1:], strict=True)]


def _compared(one: Any, sign: str, other: Any, text: str) -> Constraint:
    low, high = (one, other) if sign.startswith("<") else (other, one)
    strict = not sign.endswith("=")
    if isinstance(low, str) and isinstance(high, str):
        return Inequality(low=low, high=high, strict=strict)
    if strict:
        raise UsageError(f"A bound that is a number belongs to the range: write {sign}=. Received: {text!r}")
    if isinstance(low, str):
        return Range(column=low, high=high)
    if isinstance(high, str):
        return Range(column=high, low=low)
    raise UsageError(f"A constraint is about a column. Received: {text!r}")


def _side(part: str, known: Sequence[str], text: str) -> str | float:
    """A column, which wins, or a number."""
    if part in known:
        return part
    try:
        return float(part)
    except ValueError:
        _check(part, known, text)
        raise


def _check(name: str, known: Sequence[str], text: str):
    if name not in known:
        raise UsageError(f"There is no column `{name}`.{nearest(name, known)} Received: {text!r}")
