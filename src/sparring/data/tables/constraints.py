"""What must hold in every row of a table, stated by a user."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import pydantic

from sparring.data.tables.columns import Level, Name
from sparring.errors import DataError, UsageError, nearest

Columns = Annotated[tuple[Name, ...], pydantic.Field(min_length=2, max_length=100)]
Combination = Annotated[tuple[Level | None, ...], pydantic.Field(max_length=100)]


class Constraint(pydantic.BaseModel):
    """Something that holds in a row or does not; a missing value breaks no comparison."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it is about."""
        raise NotImplementedError

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """bool (N,): the rows in which it holds."""
        raise NotImplementedError

    def learnt(self, frame: pd.DataFrame) -> "Constraint":
        """The same with what it takes from the table it is to hold in."""
        return self

    def joined(self, other: Any) -> Any:
        """What it is of a table, where `self` and `other` were learnt of two parts of that."""
        return self


class Inequality(Constraint):
    """`low` is at most `high`, or below it where `strict`."""

    type: Literal["inequality"] = "inequality"
    low: Name
    high: Name
    strict: bool = False

    @property
    def names(self):
        return self.low, self.high

    def holds(self, frame):
        low, high = frame[self.low], frame[self.high]
        found = low < high if self.strict else low <= high
        return (found.astype("boolean").fillna(False) | low.isna() | high.isna()).to_numpy(bool)


class Range(Constraint):
    """A column is within two bounds; None for none."""

    type: Literal["range"] = "range"
    column: Name
    low: float | None = None
    high: float | None = None

    @property
    def names(self):
        return (self.column,)

    def holds(self, frame):
        values = frame[self.column].astype("Float64")
        found = pd.Series(True, index=values.index, dtype="boolean")
        if self.low is not None:
            found &= values >= self.low
        if self.high is not None:
            found &= values <= self.high
        return found.fillna(True).to_numpy(bool)


class FixedCombinations(Constraint):
    """The values of some columns stand together only as they do in the table.

    Attributes:
        columns: Their names.
        combinations: As they stand there; learnt.
    """

    type: Literal["fixed_combinations"] = "fixed_combinations"
    columns: Columns
    combinations: Annotated[tuple[Combination, ...], pydantic.Field(max_length=20_000)] = ()

    @property
    def names(self):
        return self.columns

    def holds(self, frame):
        known = set(self.combinations)
        return np.array([row in known for row in self._rows(frame)], bool)

    def learnt(self, frame):
        return self.model_copy(update={"combinations": tuple(dict.fromkeys(self._rows(frame)))})

    def joined(self, other):
        return self.model_copy(update={"combinations": tuple(dict.fromkeys(self.combinations + other.combinations))})

    def _rows(self, frame: pd.DataFrame) -> list[tuple]:
        columns = [frame[name].astype(object) for name in self.columns]
        plain = [column.where(column.notna(), None).to_list() for column in columns]
        return list(zip(*plain, strict=True))


class OneHot(Constraint):
    """Exactly one of some columns is 1 or true, and the others are 0 or false."""

    type: Literal["one_hot"] = "one_hot"
    columns: Columns

    @property
    def names(self):
        return self.columns

    def holds(self, frame):
        values = frame[list(self.columns)].astype("Float64").fillna(-1).to_numpy(float)
        return ((values == 1).sum(axis=1) == 1) & ((values == 0).sum(axis=1) == len(self.columns) - 1)


AnyConstraint = Annotated[Inequality | Range | FixedCombinations | OneHot, pydantic.Field(discriminator="type")]


def learn_constraints(constraints: Sequence[Any], frame: pd.DataFrame) -> tuple[Any, ...]:
    """Constraints with what they take from `frame`, in every row of which they hold.

    Raises:
        UsageError: There is no such column.
        DataError: One does not hold in the table itself, or is about values it cannot be about.
    """
    found = []
    for constraint in constraints:
        for name in constraint.names:
            if name not in frame.columns:
                raise UsageError(f"There is no column `{name}`, which is constrained.{nearest(name, frame.columns)}")
        learnt = constraint.learnt(frame)
        try:
            broken = ~learnt.holds(frame)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{type(constraint).__name__} cannot be about {', '.join(constraint.names)}: {error}."
            ) from error
        if broken.any():
            raise DataError(
                f"{type(constraint).__name__} of {', '.join(constraint.names)} must hold in the table. Received: "
                f"{broken.sum():,} rows in which it does not, first row {frame.index[broken][0]}"
            )
        found.append(learnt)
    return tuple(found)
