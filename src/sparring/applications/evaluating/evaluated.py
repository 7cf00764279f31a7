"""What is asked of an evaluation, who answers, and what comes of it."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import pandas as pd

from sparring.applications.evaluating.report import Report
from sparring.data.examples import Source
from sparring.metrics.resampling import Figure

Place = str | os.PathLike[str]
Data: TypeAlias = Place | np.ndarray | tuple[np.ndarray, np.ndarray] | pd.DataFrame | Sequence[Place] | Source | None

Progress = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""


@dataclasses.dataclass(frozen=True)
class Question:
    """How runs are to be judged; the arguments of `evaluate` by their names."""

    data: Data = None
    data_dir: Place | None = None
    extractor: str | None = None
    inception_weights: Place | None = None
    i3d_weights: Place | None = None
    every: bool = False
    seed: int = 1
    progress: Progress = lambda what, done, total: None


class Findings(Protocol):
    """What a judge found of a run; each kind of data has more of it for its page.

    Attributes:
        figures: In the order of the table.
        classes: The figures of each class; empty where there are none.
        beside: The same figures of other ways to make such data, by the name of the way.
    """

    @property
    def figures(self) -> tuple[Figure, ...]: ...

    @property
    def classes(self) -> tuple[Any, ...]: ...

    @property
    def beside(self) -> Mapping[str, tuple[Figure, ...]]: ...


class Judge(Protocol):
    """Whoever judges runs of one source of one kind of data.

    Attributes:
        source: What the runs were trained on.
        measures: What the figures are taken with, with its version.
        num_held_out: Examples that were never trained on.
        most: Samples that are drawn by default at most.
    """

    @property
    def most(self) -> int: ...

    @property
    def source(self) -> Source: ...

    @property
    def measures(self) -> str: ...

    @property
    def num_held_out(self) -> int: ...

    def judge(self, bundle: Any, n: int, seed: int, name: str) -> Findings:
        """The figures of `n` samples of `bundle`, which were drawn with `seed`; `name` is for those who wait."""
        ...

    def sections(self, evaluated: Sequence[Any]) -> list[str]:
        """What the page shows of runs beside their figures, in HTML."""
        ...


class Evaluated(NamedTuple):
    """A run as the page shows it.

    Attributes:
        report: Its figures.
        verdict: What the judge found.
        bundle: Draws samples.
        judge: Whose source stands beside them.
        journal: The run's `log.jsonl`, which need not be there.
    """

    report: Report
    verdict: Any
    bundle: Any
    judge: Any
    journal: Path
