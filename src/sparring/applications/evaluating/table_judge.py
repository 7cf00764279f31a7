"""Whoever judges runs of one table: their rows are held against it, beside real rows and simple ways to make some."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from sparring.applications.evaluating.evaluated import Progress
from sparring.applications.evaluating.table_rows import Reader
from sparring.applications.evaluating.table_sections import table_sections
from sparring.bundle.tables import TableBundle
from sparring.data.tables.table import TableSource
from sparring.errors import DataError
from sparring.metrics.resampling import Figure, half_sample_error
from sparring.metrics.tables.baselines import gaussian_copula, shuffled, smote
from sparring.metrics.tables.copies import share_nearer_to_training, share_of_copies
from sparring.metrics.tables.detection import area_under_curve, detection_scores
from sparring.metrics.tables.learning import LEARNERS, learnt
from sparring.metrics.tables.likeness import Pairs, column_pairs, column_shapes
from sparring.metrics.tables.rows import Rows, spread

LEAST = 20  # Training rows: there is no fold of fewer that says anything.
DETECTED = 6_000  # Rows of either side that boosting tells apart.
RESAMPLES = 10  # Halves that tell the intervals of shapes and trends.
MEASURES = "table-v1"  # Another number where a figure is measured otherwise than it was.
NAN = float("nan")


class TableVerdict(NamedTuple):
    """What the judge found of a run.

    Attributes:
        figures: In the order of the table.
        beside: The same of real rows, shuffled columns, a copula and SMOTE.
        shapes: The likeness of each column, in the order of the judge's `names`.
        pairs: What each two columns have to do with each other.
        rows: The rows that were drawn.
        classes: None: of a table there are columns.
    """

    figures: tuple[Figure, ...]
    beside: Mapping[str, tuple[Figure, ...]]
    shapes: np.ndarray
    pairs: Pairs
    rows: pd.DataFrame
    classes: tuple = ()


class TableJudge:
    """Holds rows against the table of `source`.

    Args:
        source: What the runs were trained on.
        seed: Of what is taken at random.
        progress: Told how far things are.

    Raises:
        DataError: There are too few training rows to compare with.
    """

    most = 10_000
    sections = staticmethod(table_sections)

    def __init__(self, source: TableSource, seed: int, progress: Progress):
        if len(source.rows) < LEAST:
            raise DataError(
                f"{source.name} has {len(source.rows)} training rows, and at least {LEAST} are needed to compare with."
            )
        self.source, self.seed, self.progress = source, seed, progress
        of_all = len(source.rows) == source.spec.num_examples
        self.measures = MEASURES if of_all else f"{MEASURES} by {len(source.rows):,} training rows"
        self.read = Reader(source.spec, source.rows)
        self.training, self.held_out = self.read(source.rows), self.read(source.held_out_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are measured, numbers first."""
        return self.read.names

    @property
    def num_held_out(self) -> int:
        """Rows that were never trained on."""
        return len(self.held_out)

    def judge(self, bundle: TableBundle, n: int, seed: int, name: str) -> TableVerdict:
        """The figures of `n` rows of `bundle`, drawn with `seed`; `name` is of the run, for those who wait."""
        self.progress(f"Drawing rows of {name}", 0, 1)
        frame = bundle.sample(n, seed=seed)
        rows = self.read(frame)
        return TableVerdict(
            tuple(self._figures(f"Measuring {name}", rows, rows)),
            self._beside,
            column_shapes(self.training, rows),
            column_pairs(self.training, rows),
            frame,
        )

    @cached_property
    def _beside(self) -> dict[str, tuple[Figure, ...]]:
        """The figures of real rows, and of rows made of the training rows in simple ways, by the name of the way."""
        training = spread(self.training, max(DETECTED, len(self.held_out)))
        real = self.held_out if len(self.held_out) else self.training[1::2]
        ways: dict[str, Callable[[], tuple[Rows, Rows]]] = {
            "real": lambda: (real, self.training),
            "shuffled": lambda: (made := shuffled(training, self.seed), made),
            "copula": lambda: (made := gaussian_copula(training, self.seed), made),
            "SMOTE": lambda: (made := smote(training, self.read.target, self.seed), made),
        }
        return {way: tuple(self._figures(f"Measuring {way}", *make(), way == "real")) for way, make in ways.items()}

    def _figures(self, what: str, made: Rows, taught: Rows, is_real: bool = False) -> list[Figure]:
        """All figures of made rows.

        Args:
            what: For those who wait.
            made: The rows.
            taught: Rows that models learn from.
            is_real: Whether they are real rows, which are nearer to none; without held-out rows, half of them.
        """
        training = self.training[::2] if is_real and not len(self.held_out) else self.training
        target = self.read.target
        learners = LEARNERS if target is not None and len(self.held_out) else ()
        parts = 3 + len(learners)
        self.progress(what, 0, parts)
        found = self._likeness(training, made)
        self.progress(what, 1, parts)
        found.append(self._detection(training, made))
        for place, learner in enumerate(learners):
            self.progress(what, 2 + place, parts)
            assert target is not None
            worth = learnt(taught, self.held_out, target, learner, self.seed)
            found.append(self._figure(f"learnt_{learner}", len(made), *worth))
        self.progress(what, parts - 1, parts)
        if len(self.held_out):
            share = share_nearer_to_training(self.training, self.held_out, made)
            nearer = (NAN, NAN, NAN) if is_real else share[:3]
            found.append(self._figure("nearer", len(made), *nearer))
        copies = share_of_copies(training, made)
        found.append(self._figure("copies", len(made), *copies[:3]))
        self.progress(what, parts, parts)
        return found

    def _likeness(self, training: Rows, made: Rows) -> list[Figure]:
        def measures(one: Rows, other: Rows) -> tuple[float, float]:
            return float(column_shapes(one, other).mean()), column_pairs(one, other).trend

        errors = 1.96 * half_sample_error(measures, training, made, resamples=RESAMPLES, seed=self.seed)
        values = measures(training, made)
        return [
            self._figure(name, len(made), value, value - error, min(1.0, value + error))
            for name, value, error in zip(("shapes", "trends"), values, errors, strict=True)
        ]

    def _detection(self, training: Rows, made: Rows) -> Figure:
        count = min(DETECTED, len(training), len(made))
        scores = detection_scores(spread(training, count), spread(made, count), self.seed)
        (error,) = 1.96 * half_sample_error(lambda *sides: [area_under_curve(*sides)], *scores, seed=self.seed)
        value = area_under_curve(*scores)
        return self._figure("detection", len(made), value, value - error, min(1.0, value + error))

    def _figure(self, name: str, n: int, value: float, low: float, high: float) -> Figure:
        """Real rows are a column of their own, so there is no other floor."""
        return Figure(name, value, low, high, NAN, n, self.measures)
