"""A finished generator of tables: rows of it, with the values one asks for."""

import functools
import io
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from sparring.bundle.bundle import Bundle
from sparring.bundle.latents import STREAM
from sparring.bundle.marginals import evened, place_grid
from sparring.data.spec import TableSpec
from sparring.data.tables.columns import Category, Identifier
from sparring.data.tables.encoding import decode, identifiers
from sparring.data.tables.layout import Layout
from sparring.errors import UsageError, few, nearest
from sparring.files import replace_file, replacing

AT_ONCE = 4096  # Rows generated in one call.
KNOWN = 16_384  # Rows by which the places of numbers are known, and what levels go with which of the target.
PRIOR = 10  # Rows like these that the table's own shares of the target count for.
PART = 100_000  # Rows that are made into a DataFrame at once.
MOST_DRAWS, MOST_TIMES = 20, 10  # Where constraints do not hold: how often, and how many times the rows at once.
STRIDE = 0x9E3779B97F4A7C15  # Between the seeds of two draws: the golden ratio, so that none meets another's.

Where = Mapping[str, Any] | None
"""The level that each named column shall have; None for a missing value."""


class TableBundle(Bundle):
    """A generator of rows.

    Its network takes `[latents]`, or `[latents, condition]` where there are columns of levels, and gives encoded rows,
    see `Layout` and `MaskedRows`. Every column of numbers of what is drawn has the distribution of the table's: how
    often the network gives which place is seen once, in rows made of latents of their own, and taken back.
    """

    @property
    def spec(self) -> TableSpec:
        assert isinstance(self.record.spec, TableSpec)
        return self.record.spec

    def sample(self, n: int, *, seed: int = 0, where: Where = None) -> pd.DataFrame:
        """`n` rows with the columns, dtypes and ranges of the table.

        Args:
            n: Number of rows.
            seed: The same seed draws the same rows.
            where: Levels by name of a column, `{"income": ">50K"}`: every row has them. They are what the generator
                is told, so that the other columns go with them; no row is thrown away. Where the target is not
                asked for, its levels come as often as they go with those that are.

        Rows in which a constraint of the spec does not hold are drawn anew (rejection), up to `MOST_DRAWS` times.

        Raises:
            UsageError: `n` < 1 or `seed` < 0, there is no such column or level, or constraints hold in too few rows.
        """
        parts = list(self.parts(n, seed=seed, where=where))
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    def parts(self, n: int, *, seed: int = 0, where: Where = None) -> Iterator[pd.DataFrame]:
        """The rows of `sample`, at most 100,000 at a time: for more of them than fit into memory."""
        if n < 1 or not 0 <= seed < 2**64:
            raise UsageError(f"`n` must be >= 1, `seed` >= 0 and below 2**64. Received: n={n}, seed={seed}")
        wanted = self._levels(where)
        for place, start in enumerate(range(0, n, PART)):
            yield self._part(min(PART, n - start), start, seed + place * MOST_DRAWS * STRIDE, wanted)

    def _part(self, n: int, before: int, seed: int, wanted: Mapping[str, Any]) -> pd.DataFrame:
        """`n` rows after `before` others, in which the constraints hold."""
        kept: list[pd.DataFrame] = []
        drawn, missing, count = 0, n, n
        for draw in range(MOST_DRAWS):
            frame = self._draw(count, (seed + draw * STRIDE) % 2**64, wanted)
            kept.append(frame[self._held(frame)].head(missing))
            drawn, missing = drawn + count, missing - len(kept[-1])
            if not missing:
                return self._numbered(pd.concat(kept, ignore_index=True), before, seed) if draw or before else kept[0]
            # As many as will do if no fewer hold than before.
            count = min(missing * drawn // max(1, n - missing) + 1, MOST_TIMES * n)
        raise UsageError(
            f"Constraints held in {n - missing:,} of {drawn:,} rows that were drawn, and {n:,} were asked for. Train "
            "longer, ask for less by `where`, or state fewer constraints."
        )

    def _numbered(self, frame: pd.DataFrame, before: int, seed: int) -> pd.DataFrame:
        """Rows that were drawn at different times, with identifiers that go on."""
        random = np.random.default_rng(seed % 2**64)
        for column in self.spec.columns:
            if isinstance(column, Identifier):
                frame[column.name] = identifiers(column, len(frame), random, before)
        return frame

    def look(self, n: int, *, seed: int = 0, labels: None = None) -> pd.DataFrame:
        """`sample`, with the rows in which a constraint does not hold."""
        return self._draw(n, seed, {})

    def _held(self, frame: pd.DataFrame) -> np.ndarray:
        held = np.ones(len(frame), bool)
        for constraint in self.spec.constraints:
            held &= constraint.holds(frame)
        return held

    def _draw(self, n: int, seed: int, wanted: Mapping[str, Any]) -> pd.DataFrame:
        codes, places = self._encoded(n, seed, wanted)
        if places.shape[1]:
            places = evened(places, self._grids)
        return decode(self.spec, codes, places, seed, wanted)

    @functools.cached_property
    def _grids(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """How often the network gives which place to each number, in rows where it has one."""
        layout, (codes, places) = Layout(self.spec), self._known
        return [
            place_grid(places[codes[:, layout.segments.index(column)] == column.continuous_slot, number])
            if column.num_slots
            else place_grid(places[:, number])
            for number, column in enumerate(layout.numbers)
        ]

    @functools.cached_property
    def _known(self) -> tuple[np.ndarray, np.ndarray]:
        """What the network makes where nothing is asked for, of latents of their own."""
        return self._encoded(KNOWN, KNOWN, {})

    def _shares(self, column: Category, wanted: Mapping[str, Any]) -> np.ndarray:
        """How often each slot of the target is told beside levels that are asked for.

        The network was rarely told those and not the target, and makes of them little more than its usual target. What
        goes with what it knows much better the other way round: of rows whose target was told.
        """
        shares = _slot_shares(column)
        if not wanted:
            return shares
        codes, place_of = self._known[0], Layout(self.spec).segments.index
        fits = np.ones(len(codes), bool)
        for name, level in wanted.items():
            asked = self.spec.column(name)
            assert isinstance(asked, Category)
            fits &= codes[:, place_of(asked)] == asked.slot_of(level)
        found = np.bincount(codes[fits, place_of(column)], minlength=len(shares))
        return (found + PRIOR * shares) / (fits.sum() + PRIOR)

    def _encoded(self, n: int, seed: int, wanted: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """The slots and places of `n` rows, as the network makes them."""
        codes, places = zip(*self._chunks(n, seed, self._told(n, wanted, seed)), strict=True)
        return np.concatenate(codes), np.concatenate(places)

    def _levels(self, where: Where) -> dict[str, Any]:
        """`where` with levels as the table has them."""
        found = {}
        for name, level in dict(where or {}).items():
            if name not in self.spec.names:
                raise UsageError(f"There is no column `{name}`.{nearest(name, self.spec.names)}")
            column = self.spec.column(name)
            if not isinstance(column, Category):
                known = ", ".join(column.name for column in self.spec.conditions) or "none here"
                raise UsageError(
                    f"`where` takes columns of levels: {known}. Received: `{name}`, a column of {column.type}s"
                )
            level = None if level is pd.NA or level is pd.NaT or level != level else level
            try:
                found[name] = None if level is None else column.levels[column.place_of(level)]
                column.slot_of(found[name])
            except KeyError:
                if level is None:
                    raise UsageError(f"`{name}` is never missing: ask for one of its levels, or leave it out") from None
                near = nearest(str(level), map(str, column.levels))
                raise UsageError(f"`{name}` was never {level!r}.{near} It is one of: {few(column.levels, 8)}") from None
        return found

    def _told(self, n: int, wanted: Mapping[str, Any], seed: int) -> dict[int, np.ndarray]:
        """The slot that rows are told, by the place of a column among those that can be: all asked for, the target."""
        found = {}
        for place, column in enumerate(self.spec.conditions):
            if column.name in wanted:
                found[place] = np.full(n, column.slot_of(wanted[column.name]))
            elif column.name == self.spec.target:
                found[place] = _drawn_slots(self._shares(column, wanted), n, seed)
        return found

    def _chunks(self, n: int, seed: int, told: Mapping[int, np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The slots and places of rows, some at a time: all latents and conditions would fill the memory."""
        layout, random = Layout(self.spec), np.random.Generator(np.random.Philox(key=[seed, STREAM]))
        starts = np.cumsum([0, *layout.widths])
        condition_starts = np.cumsum([0, *layout.widths[layout.conditions]])
        for rows in (slice(start, min(n, start + AT_ONCE)) for start in range(0, n, AT_ONCE)):
            count = rows.stop - rows.start
            inputs = [random.standard_normal((count, self.latent_dim), np.float32)]
            if layout.condition_width:
                condition = np.zeros((count, layout.condition_width), np.float32)
                for place, slots in told.items():
                    condition[np.arange(count), condition_starts[place] + slots[rows]] = 1
                    condition[:, condition_starts[-1] + place] = 1
                inputs.append(condition)
            output = self.networks["generator"](inputs, training=False)
            found = keras.ops.convert_to_numpy(keras.ops.cast(output, "float32"))
            codes = np.zeros((count, len(layout.widths)), np.int16)
            for place, (start, end) in enumerate(itertools.pairwise(starts)):
                codes[:, place] = found[:, start:end].argmax(axis=1)
            yield codes, (found[:, layout.num_slots :] + 1) / 2


def save_table(parts: pd.DataFrame | Iterable[pd.DataFrame], path: str | os.PathLike) -> None:
    """Write a table, or its parts as they come, to `path`, a .csv or .parquet file.

    Raises:
        UsageError: `path` ends in something else, or Parquet cannot be written here.
    """
    parts = [parts] if isinstance(parts, pd.DataFrame) else parts
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        with replacing(path) as file:
            for place, part in enumerate(parts):
                part.to_csv(file, index=False, header=not place, mode="wb")
    elif suffix == ".parquet":
        buffer = io.BytesIO()
        try:
            pd.concat(parts, ignore_index=True).to_parquet(buffer, index=False)
        except ImportError as error:
            raise UsageError("Writing Parquet needs pyarrow. Install it with: pip install pyarrow") from error
        replace_file(path, buffer.getvalue())
    else:
        raise UsageError(f"`out` of a table must end in .csv or .parquet. Received: {os.fspath(path)!r}")


def _slot_shares(column: Category) -> np.ndarray:
    """How often each slot is filled in the table."""
    shares = np.bincount(column.slots, column.counts) / sum(column.counts) * (1 - column.missing)
    return np.append(shares, column.missing) if column.missing else shares


def _drawn_slots(shares: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Slots as frequent as `shares` says, in an order of their own: exactly so, but for the last row of each."""
    ends = np.round(np.cumsum(shares) * n).astype(int)
    slots = np.repeat(np.arange(len(shares)), np.diff(ends, prepend=0))
    return np.random.default_rng([seed, 1]).permutation(slots)
