"""Where each column stands in an encoded row."""

import dataclasses
from functools import cached_property

import numpy as np

from sparring.data.spec import TableSpec
from sparring.data.tables.columns import Category, Column, Number


@dataclasses.dataclass(frozen=True)
class Layout:
    """The numbers of an encoded row: first the slots, of which each segment has one, then the positions.

    A column of levels is a segment of slots; so are the atoms of a number, what lies between them, and what is
    missing. A position in [-1, 1] is a number's place among its quantiles, and 0 where it has none.
    """

    spec: TableSpec

    @cached_property
    def segments(self) -> tuple[Column, ...]:
        """The columns that have slots."""
        return tuple(column for column in self.spec.columns if column.num_slots)

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The columns that have a position."""
        return tuple(column for column in self.spec.columns if isinstance(column, Number))

    @cached_property
    def widths(self) -> np.ndarray:
        """Slots of each segment."""
        return np.array([column.num_slots for column in self.segments], np.int32)

    @property
    def num_slots(self) -> int:
        return int(self.widths.sum())

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return self.num_slots + len(self.numbers)

    @cached_property
    def segment_of(self) -> np.ndarray:
        """int32 (num_slots,): the segment each slot belongs to."""
        return np.repeat(np.arange(len(self.widths), dtype=np.int32), self.widths)

    @cached_property
    def slot_in_segment(self) -> np.ndarray:
        """int32 (num_slots,): the number of each slot in its segment."""
        return np.concatenate([np.arange(width, dtype=np.int32) for width in self.widths] or [np.zeros(0, np.int32)])

    @cached_property
    def continuous_slots(self) -> list[int]:
        """For each number the slot in which it has a position; -1 where it always has."""
        return [
            self.slots_of(column).start + column.continuous_slot if column.num_slots else -1 for column in self.numbers
        ]

    @cached_property
    def order(self) -> np.ndarray:
        """float32 (width, k): what `row @ order` adds for who judges a row, the order of what slots stand for.

        Of a number with atoms the place among all quantiles, atoms included; of levels that are numbers their rank;
        both in [-1, 1].
        """
        features = []
        for column in self.segments:
            feature, slots = np.zeros(self.width, np.float32), self.slots_of(column)
            if isinstance(column, Number) and column.atoms:
                atoms = np.searchsorted(column.quantiles, column.atoms) / len(column.quantiles)
                feature[slots.start : slots.start + len(atoms)] = 2 * atoms - 1
                feature[self.num_slots + self.numbers.index(column)] = 1
            elif isinstance(column, Category) and column.is_numeric and column.num_own > 2:
                feature[slots.start : slots.start + column.num_own] = np.linspace(-1, 1, column.num_own)
            else:
                continue
            features.append(feature)
        return np.stack(features, axis=1) if features else np.zeros((self.width, 0), np.float32)

    @cached_property
    def conditions(self) -> np.ndarray:
        """int32: the segments whose slot one can ask for."""
        wanted = [place for place, column in enumerate(self.segments) if isinstance(column, Category)]
        return np.array(wanted, np.int32)

    @cached_property
    def condition_slots(self) -> np.ndarray:
        """int32: the slots of these segments."""
        return np.flatnonzero(np.isin(self.segment_of, self.conditions)).astype(np.int32)

    @cached_property
    def condition_of(self) -> np.ndarray:
        """int32: for each of these slots, the number of its segment among `conditions`."""
        return np.searchsorted(self.conditions, self.segment_of[self.condition_slots]).astype(np.int32)

    @property
    def condition_width(self) -> int:
        """Numbers of a condition: a slot of all that can be told, and a 1 for each column that is; 0 where none can."""
        return len(self.condition_slots) + len(self.conditions)

    def slots_of(self, column: Column) -> slice:
        """The slots of a column that has some."""
        place = self.segments.index(column)
        start = int(self.widths[:place].sum())
        return slice(start, start + int(self.widths[place]))
