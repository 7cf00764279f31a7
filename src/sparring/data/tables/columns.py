"""What one column of a table looks like: small, immutable, and JSON."""

import itertools
import math
from typing import Annotated, Any, Literal

import numpy as np
import pydantic

MOST_LEVELS = 5_000  # Of one column that are kept by name.
MOST_SLOTS = 200  # Inputs of a network that one column may take.
MOST_QUANTILES = 1_001

Name = Annotated[str, pydantic.Field(min_length=1, max_length=200)]
Finite = Annotated[float, pydantic.Field(allow_inf_nan=False)]
Place = Annotated[str, pydantic.Field(max_length=3)]
Share = Annotated[float, pydantic.Field(ge=0, le=1)]


def _checked_level(value: object) -> object:
    number = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    if number or (isinstance(value, str) and len(value) <= 1000):
        return value
    raise ValueError("expected a finite number, true, false, or a text of at most 1000 characters")


# One function in place of pydantic's own union, which would make 1 of 1.0 and of True.
Level = Annotated[bool | int | float | str, pydantic.PlainValidator(_checked_level)]


class Column(pydantic.BaseModel):
    """What all kinds of columns share.

    Attributes:
        name: As in the table.
        dtype: Name of the pandas dtype that it is given back in.
        missing: Share of its rows that have no value.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    name: Name
    dtype: Annotated[str, pydantic.Field(max_length=200)]
    missing: Share = 0.0

    @property
    def num_slots(self) -> int:
        """Alternatives that exclude each other, of which an encoded row takes one; 0 where there are none."""
        return 0

    @property
    def has_position(self) -> bool:
        """Whether an encoded row holds a place among the quantiles too."""
        return False


class Category(Column):
    """Levels that exclude each other: words, truths, or a few numbers.

    Frequent levels have a slot each. Rare ones share slots, `buckets` of them, in the order of their frequency, and a
    level of a bucket is drawn by its frequency: 20,000 levels do not make 20,000 inputs.

    Attributes:
        levels: Of numbers in their order, else the most frequent first.
        counts: How many rows have each level.
        buckets: Of rare levels, the last of `levels`: how many of them each bucket holds.
        categories: Of a pandas categorical, in their order; also those that no row has.
        ordered: Whether that order means something.
    """

    type: Literal["category"] = "category"
    levels: Annotated[tuple[Level, ...], pydantic.Field(max_length=MOST_LEVELS)]
    counts: Annotated[tuple[pydantic.PositiveInt, ...], pydantic.Field(max_length=MOST_LEVELS)]
    buckets: Annotated[tuple[pydantic.PositiveInt, ...], pydantic.Field(max_length=MOST_SLOTS)] = ()
    categories: Annotated[tuple[Level, ...], pydantic.Field(max_length=MOST_LEVELS)] | None = None
    ordered: bool = False

    @pydantic.model_validator(mode="after")
    def _check(self):
        if len(self.levels) != len(self.counts) or sum(self.buckets) > len(self.levels):
            raise ValueError("expected as many counts as levels, and no more levels in buckets than there are")
        if self.num_slots > MOST_SLOTS + 1:
            raise ValueError(f"expected at most {MOST_SLOTS} levels with a slot of their own")
        return self

    @property
    def num_own(self) -> int:
        """Levels with a slot of their own."""
        return len(self.levels) - sum(self.buckets)

    @property
    def num_slots(self) -> int:
        slots = self.num_own + len(self.buckets) + (self.missing > 0)
        return slots if slots > 1 else 0

    @property
    def is_numeric(self) -> bool:
        """Whether the levels are numbers, which have an order."""
        return all(map(_is_number, self.levels))

    @property
    def slots(self) -> np.ndarray:
        """The slot of each level."""
        own = np.arange(self.num_own)
        return np.concatenate([own, self.num_own + np.repeat(np.arange(len(self.buckets)), self.buckets)]).astype(int)

    def slot_of(self, level: Any) -> int:
        """The slot of a level, or of None, a missing value.

        Raises:
            KeyError: There is no such level.
        """
        if level is None:
            if not self.missing:
                raise KeyError(level)
            return self.num_slots - 1
        return int(self.slots[self.place_of(level)])

    def place_of(self, level: Any) -> int:
        """Where a level stands among `levels`; a text that reads like one will do, as on the command line.

        Raises:
            KeyError: There is no such level.
        """
        for same in (lambda known: type(known) is type(level) and known == level, lambda known: known == level):
            if (place := next((i for i, known in enumerate(self.levels) if same(known)), None)) is not None:
                return place
        for place, known in enumerate(self.levels):
            written = {str(known).lower(), f"{known:g}" if _is_number(known) else ""}
            if isinstance(level, str) and level.lower() in written:
                return place
        raise KeyError(level)


class Number(Column):
    """Numbers in a range: a place among their quantiles, and frequent values as levels of their own.

    Attributes:
        atoms: Values that many rows share, such as the 0 of a capital gain, in their order.
        quantiles: Of the values that are neither missing nor atoms, at equally spaced shares from 0 to 1.
        decimals: Places after the point that values are rounded to; None where they have no such grid.
    """

    type: Literal["number"] = "number"
    atoms: Annotated[tuple[Finite, ...], pydantic.Field(max_length=MOST_SLOTS)] = ()
    quantiles: Annotated[tuple[Finite, ...], pydantic.Field(min_length=2, max_length=MOST_QUANTILES)]
    decimals: Annotated[int, pydantic.Field(ge=0, le=12)] | None = None

    @pydantic.model_validator(mode="after")
    def _check(self):
        for values, what in ((self.atoms, "atoms"), (self.quantiles, "quantiles")):
            if any(a > b for a, b in itertools.pairwise(values)):
                raise ValueError(f"expected {what} in their order")
        return self

    @property
    def num_slots(self) -> int:
        slots = len(self.atoms) + 1 + (self.missing > 0)
        return slots if slots > 1 else 0

    @property
    def has_position(self) -> bool:
        return True

    @property
    def continuous_slot(self) -> int:
        """The slot of what is neither missing nor an atom: the one after those of the atoms."""
        return len(self.atoms)

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value."""
        ends = (*self.atoms[:1], *self.atoms[-1:], self.quantiles[0], self.quantiles[-1])
        return min(ends), max(ends)


class Date(Number):
    """Times as numbers: `unit`s since 1970.

    Attributes:
        unit: What is counted; times are given back in whole ones.
        format: Of a column of texts, how they are written.
    """

    type: Literal["date"] = "date"  # type: ignore[assignment]
    unit: Literal["D", "s", "us"] = "us"
    format: Annotated[str, pydantic.Field(max_length=50)] | None = None


class Identifier(Column):
    """Different in every row: made up when rows are, and never learned.

    Attributes:
        start: Of whole numbers, the first that no row has; they count on from there.
        pattern: Of texts of one length, what stands at each place: one character, or any of `0-9`, `a-z`, `A-Z`.
    """

    type: Literal["identifier"] = "identifier"
    start: int | None = None
    pattern: Annotated[tuple[Place, ...], pydantic.Field(max_length=60)] | None = None


AnyColumn = Annotated[Category | Number | Date | Identifier, pydantic.Field(discriminator="type")]


def _is_number(level: object) -> bool:
    return isinstance(level, int | float) and not isinstance(level, bool)
