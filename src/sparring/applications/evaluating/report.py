"""What an evaluation has found of a run, as data, as text, and as the rows of a table."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from sparring.applications.evaluating.image_verdict import ClassFigures
from sparring.applications.evaluating.meanings import meaning_of, shown
from sparring.bundle.bundle import Snapshot
from sparring.bundle.record import Record
from sparring.errors import UsageError, nearest
from sparring.metrics.resampling import Figure


@dataclasses.dataclass(frozen=True)
class Report:
    """The figures of a run, and what one must know to take them again.

    `report["fd"]` is one of the figures, `str(report)` a table of all.

    Attributes:
        run: The name of its folder.
        record: Recipe, options and data of the run.
        images_seen: Number of training examples, repeats counted, the weights come from.
        snapshot: Which of the run's snapshots it is, where that is known.
        figures: In the order of the table.
        classes: The figures of each class; empty where there are none.
        extractor: The name of what the figures are taken with, with its version: what made the features of images.
        n: Number of samples.
        seed: Of the samples.
        num_training: Examples that samples are held against.
        num_held_out: Examples that were never trained on.
        versions: Of sparring, Keras, the backend and NumPy.
        time: When, in UTC.
        seconds: How long the evaluation took.
        beside: The same figures of other ways to make such data, by the name of the way: of tables, for real rows
            among them; of translations, for untranslated inputs.
    """

    run: str
    record: Record
    images_seen: int
    snapshot: Snapshot | None
    figures: tuple[Figure, ...]
    classes: tuple[ClassFigures, ...]
    extractor: str
    n: int
    seed: int
    num_training: int
    num_held_out: int
    versions: Mapping[str, str]
    time: str
    seconds: float
    beside: Mapping[str, tuple[Figure, ...]] = dataclasses.field(default_factory=dict)

    def __getitem__(self, name: str) -> Figure:
        """The figure of this name.

        Raises:
            UsageError: There is none.
        """
        found = {figure.name: figure for figure in self.figures}
        if name not in found:
            raise UsageError(f"The report has no figure {name!r}.{nearest(name, found)} It has {', '.join(found)}.")
        return found[name]

    def __str__(self) -> str:
        rows = narrow_table([self])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([*lines, *notes([self])])

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values; null stands for what could not be measured."""
        return {
            "format": 1,
            "run": self.run,
            "recipe": self.record.recipe,
            "source": self.record.source,
            "fingerprint": self.record.fingerprint,
            "images_seen": self.images_seen,
            "snapshot": self.snapshot and self.snapshot.model_dump(),
            "extractor": self.extractor,
            "n": self.n,
            "seed": self.seed,
            "num_training": self.num_training,
            "num_held_out": self.num_held_out,
            "versions": dict(self.versions),
            "time": self.time,
            "seconds": round(self.seconds, 1),
            "figures": list(map(_as_json, self.figures)),
            "beside": {way: list(map(_as_json, figures)) for way, figures in self.beside.items()},
            "classes": [_plain(one._asdict()) for one in self.classes],
        }

    def for_card(self) -> dict[str, str]:
        """The figures as text, by their protocol."""
        if not self.beside:
            return {figure.protocol: f"{_with_interval(figure)}; floor {_floor(figure)}" for figure in self.figures}
        return {
            figure.protocol: "; ".join(
                [_with_interval(figure), *(f"{way} {_value(figures[place])}" for way, figures in self.beside.items())]
            )
            for place, figure in enumerate(self.figures)
        }


WAYS = {
    "table": [
        "real: rows that were held out; what is learnt is learnt from the training rows.",
        "shuffled: every column by itself; copula: the ranks of all columns as one normal distribution.",
        "SMOTE: training rows moved towards one of five neighbours.",
    ],
    "domains": [
        "untranslated: the inputs as they are; mean image: the mean training image of the domain, every time.",
        "real: true images of the inputs, or else any of the domain; of fd the floor, between two parts of them.",
    ],
}


def table(reports: Sequence[Report]) -> list[list[str]]:
    """A header and a row for each figure; of several reports, which have the same figures, a column for each.

    Then what the figures stand beside: those of other ways, or else the floor.
    """
    several = len(reports) > 1
    columns = [report.run for report in reports] if several else ["value", "95 % interval"]
    rows, beside = [], reports[0].beside
    finer = not beside  # There is no room for many digits of many columns.
    for figures in zip(*(report.figures for report in reports), strict=True):
        first = figures[0]
        cells = (
            [_with_interval(figure, finer) for figure in figures]
            if several
            else [
                _value(first, finer),
                _interval(first, finer),
            ]
        )
        place = reports[0].figures.index(first)
        others = [_value(figures[place], finer) for figures in beside.values()] or [_floor(first)]
        rows.append([first.protocol, *cells, *others, meaning_of(first.name).best])
    return [["figure", *columns, *(beside or ["floor"]), "best"], *rows]


def narrow_table(reports: Sequence[Report]) -> list[list[str]]:
    """`table` for a terminal: what brackets of several figures in a row have in common stands once, above them."""
    header, *rows = table(reports)
    found = [header]
    by_brackets = itertools.groupby(
        zip(reports[0].figures, rows, strict=True), lambda pair: pair[0].protocol.removeprefix(pair[0].name)
    )
    for brackets, pairs in by_brackets:
        group = list(pairs)
        if len(group) == 1:
            found.append(group[0][1])
            continue
        found.append([brackets, *[""] * (len(header) - 1)])
        found += [[f"  {figure.name}", *row[1:]] for figure, row in group]
    return found


def notes(reports: Sequence[Report]) -> list[str]:
    """What to know of a table, a sentence each."""
    first, kind = reports[0], reports[0].record.spec.kind
    found = list(WAYS[kind]) if first.beside else ["floor: the same figure between two parts of the real data."]
    found += [
        f"{figure.name} is {shown(figure.name, figure.ceiling)} at best."
        for figure in first.figures
        if figure.ceiling is not None
    ]
    if kind == "domains" and not first.num_held_out:
        found.append("No images are held out: those translated, and compared with, are those trained on.")
    elif first.beside and not first.num_held_out:
        found.append("No rows are held out: what models learn, and whether rows are copies, is not known.")
    elif not first.num_held_out and "memorised" in _names(first):
        found.append(
            "No real images are held out: how near to the training images is usual comes from these themselves"
            + (", and how many real images are recognised is not known." if "recognised" in _names(first) else ".")
        )
    warned = dict.fromkeys(figure.warning for report in reports for figure in report.figures if figure.warning)
    return found + [f"Careful: {warning}." for warning in warned]


def _names(report: Report) -> list[str]:
    return [figure.name for figure in report.figures]


def _value(figure: Figure, finer: bool = True) -> str:
    return shown(figure.name, figure.value, _spread(figure, finer))


def _interval(figure: Figure, finer: bool = True) -> str:
    low, high = (shown(figure.name, end, _spread(figure, finer)) for end in (figure.low, figure.high))
    return f"{low} to {high}"


def _with_interval(figure: Figure, finer: bool = True) -> str:
    return f"{_value(figure, finer)} ({_interval(figure, finer)})"


def _floor(figure: Figure) -> str:
    return shown(figure.name, figure.floor)


def _spread(figure: Figure, finer: bool) -> float:
    """Half of the interval, whose first two digits are shown; ten times of it where one will do."""
    return (figure.high - figure.low) / 2 * (1 if finer else 10)


def _as_json(figure: Figure) -> dict[str, Any]:
    return _plain(dataclasses.asdict(figure) | {"protocol": figure.protocol})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what JSON has no word for."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }
