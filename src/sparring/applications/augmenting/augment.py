"""Whether synthetic examples help a model, judged where no generator has looked, and the data that do."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from sparring.applications.augmenting.images import ImageSubject
from sparring.applications.augmenting.report import Augmentation, protocol, write
from sparring.applications.augmenting.subject import NOTHING, TUNED, WEIGHTS, Subject
from sparring.applications.augmenting.tables import TableSubject
from sparring.applications.fitting import fit_generator, options_for
from sparring.applications.looks import judge_for
from sparring.bundle.bundle import SHEET, Bundle
from sparring.data.source import open_source
from sparring.data.tables.reading import is_table
from sparring.errors import DataError, UsageError
from sparring.metrics.verdict import Verdict, Way, decide
from sparring.recipes.catalog import Recipe, find_recipe
from sparring.recipes.choice import choose_recipe
from sparring.training.callbacks import TickCallback
from sparring.training.run import LENGTHS

MINUTES = 10.0  # That all generators together are trained for, where nothing is said.
LEAST_IN_A_FOLD = 2  # Examples of each class.
DECISIONS = ("balanced_accuracy", "accuracy", "f1")  # Metrics that a threshold moves.
TUNING_FOLDS = 3

Place = str | os.PathLike[str]


def augment(
    source: Place | np.ndarray | tuple[np.ndarray, np.ndarray] | pd.DataFrame,
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    model: str | BaseEstimator | Sequence[str | BaseEstimator] = (),
    metric: str | None = None,
    recipe: str | None = None,
    options: Mapping[str, Any] | None = None,
    minutes: float | None = None,
    folds: int = 5,
    repeats: int = 2,
    seed: int = 0,
    size: str | int | tuple[int, int] | None = None,
    data_dir: Place | None = None,
    out: Place | None = None,
    anyway: bool = False,
    progress=lambda what, done, total: None,
) -> Augmentation:
    """Trains models with and without synthetic examples on the same folds, says whether they help, and adds those.

    In every fold of a repeated cross-validation a generator of its own is trained on the fold's training part, which
    chooses its best snapshot too, and models are scored on the rest, real examples that neither has seen. Beside it
    stand nothing added, class weights, oversampling, SMOTE and rows of shuffled columns, or copies of images that are
    shifted or noisy. What is recommended helps outside noise, and is not matched by something simpler: see
    `sparring.metrics.verdict`.

    Args:
        source: A table, or labelled images, as in `open_source`.
        target: Of a table the name of the column that models predict: classes or numbers.
        columns: As in `open_source`.
        model: What is to be helped. For tables any of "linear" (logistic or ridge regression), "boosting" (of
            histograms) and "forest", by default the first two; for images "cnn", a small network and the default, or
            "svm", on pixels; or estimators of scikit-learn. The fewer, the narrower all intervals.
        metric: A scorer of scikit-learn. By default average precision of the rarer of two classes, balanced accuracy
            of several, R2 of numbers.
        recipe: Of the generators; chosen from the data by default.
        options: Of the recipe.
        minutes: That all generators are trained for together, that of the result too; 10 by default, unless `options`
            hold the length (`rows` or `images`).
        folds: Of the cross-validation.
        repeats: Of it, each with other folds.
        seed: Of the folds, the generators and the models.
        size: As in `open_source`.
        data_dir: As in `open_source`.
        out: Where the data with what is recommended go, each example marked: a table (.csv or .parquet), with its
            report beside it, or a new folder of images.
        anyway: Whether to add the best of the synthetic examples even where they are not recommended.
        progress: Told how far things are.

    Returns:
        The verdict, every score and the data.

    Raises:
        DataError: The data cannot be used, or there are too few in a class.
        UsageError: An argument is wrong.
    """
    started = time.monotonic()
    _check(source, folds, repeats, minutes, out)
    subject = _subject(source, target, columns, model, metric, seed, size, data_dir)
    _check_place(out, subject)
    splits = _splits(subject, folds, repeats, seed)
    first = subject.source(splits[0][0])
    chosen = find_recipe(recipe or choose_recipe(first.spec)[0])
    given = dict(options or {})
    chosen.check(given)
    if minutes is not None or not set(LENGTHS) & set(given):
        progress("Finding out how long a step takes", 0, 1)
        seconds = 60 * (minutes or MINUTES) / (len(splits) + 1)
        given = options_for(seconds, first, chosen, given, seed=seed, judge=judge_for(first))
    generators = _Generators(subject, chosen, given, seed, len(splits), progress)
    scores = _scores(subject, splits, generators, seed, progress)
    facts = protocol(subject, chosen.name, chosen.check(given), folds, repeats, seed, splits)
    found = _concluded(subject, scores, generators, facts, anyway, started)
    if out is not None:
        write(found, Path(out), getattr(subject, "classes", ()))
    return found


def _concluded(subject: Subject, scores, generators: "_Generators", facts, anyway: bool, started: float):
    verdict = decide(scores, 1 / (facts["folds"] - 1))
    added, everything = _added(verdict, anyway), np.arange(subject.count)
    last = len(facts["splits"])
    bundle = generators(everything, last) if added.kind == "synthetic" else None
    return Augmentation(
        verdict=verdict,
        metric=subject.metric.replace("_", " "),
        noun=subject.noun,
        scores={name: {way.name: tuple(values) for way, values in ways.items()} for name, ways in scores.items()},
        protocol=facts | {"seconds": round(time.monotonic() - started, 1)},
        added=added.name,
        data=subject.data(subject.extra(added, everything, bundle, facts["seed"] + last)),
    )


def _subject(source, target, columns, model, metric, seed, size, data_dir) -> Subject:
    models = [model] if isinstance(model, str | BaseEstimator) else list(model)
    if is_table(source):
        if size is not None:
            raise UsageError(f"`size` is for images. Received: size={size} for a table")
        return TableSubject(source, target, columns, models, metric, seed)
    opened = open_source(source, size=size, data_dir=data_dir, target=target, columns=columns)
    return ImageSubject(opened, models, metric, seed)


class _Generators:
    """A generator for every split, of its training part alone, by which its best snapshot is chosen too."""

    def __init__(self, subject: Subject, recipe: Recipe, options: Mapping[str, Any], seed: int, count: int, progress):
        self.subject, self.recipe, self.options, self.seed = subject, recipe, options, seed
        self.count, self.progress = count, progress

    def __call__(self, rows: np.ndarray, number: int) -> Bundle:
        name = f"Generator {number + 1} of {self.count}" if number < self.count else "Generator of all"
        source = self.subject.source(rows)
        told = [_Told(name, self.progress)]
        return fit_generator(
            source, self.recipe, self.options, seed=self.seed + number, callbacks=told, judge=judge_for(source)
        ).bundle


class _Told(TickCallback):
    def __init__(self, name: str, progress):
        super().__init__()
        self.name, self.progress = name, progress

    def on_tick(self, tick, logs):
        self.progress(self.name, tick, self.model.pace.num_ticks)


def _check(source, folds: int, repeats: int, minutes: float | None, out: Place | None):
    if folds < 2 or repeats < 1:
        raise UsageError(f"`folds` must be >= 2 and `repeats` >= 1. Received: folds={folds}, repeats={repeats}")
    if minutes is not None and not minutes > 0:
        raise UsageError(f"`minutes` must be > 0. Received: minutes={minutes}")
    if isinstance(source, str | os.PathLike) and any((Path(source) / name).exists() for name in ("recipe.json", SHEET)):
        raise UsageError(
            f"`augment` takes data, not a run: a generator that has seen every example cannot be judged by any of "
            f"them. Received: {os.fspath(source)}; give what it was trained on."
        )


def _check_place(out: Place | None, subject: Subject):
    if out is None:
        return
    path = Path(out)
    if subject.noun == "rows" and path.suffix.lower() not in (".csv", ".parquet"):
        raise UsageError(f"`out` of a table must end in .csv or .parquet. Received: {os.fspath(out)!r}")
    if subject.noun == "images" and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"`out` of images must be a new folder. Received: {os.fspath(out)!r}, which is not empty")


def _splits(subject: Subject, folds: int, repeats: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to train on and rows to score on."""
    everything = np.arange(subject.count)
    if subject.strata is None:
        least, what = subject.count, f"{subject.noun}"
        kinds: Any = RepeatedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    else:
        least, what = int(np.bincount(subject.strata).min()), f"{subject.noun} of each class"
        kinds = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    if least < LEAST_IN_A_FOLD * folds:
        raise DataError(
            f"{folds} folds need at least {LEAST_IN_A_FOLD * folds} {what}. Received: {least}; leave rare classes out, "
            "or take fewer folds."
        )
    return list(kinds.split(everything, subject.strata))


def _scores(subject: Subject, splits, generators: _Generators, seed: int, progress) -> dict[str, dict[Way, np.ndarray]]:
    """By model and way the score of each split."""
    scorer = get_scorer(subject.metric)
    scores: dict[str, dict[Way, np.ndarray]] = {
        name: {way: np.zeros(len(splits)) for way in _ways(subject, model)} for name, model in subject.models.items()
    }
    for number, (train, test) in enumerate(splits):
        bundle = generators(train, number)
        held_out = subject.examples(test)
        tried = list(dict.fromkeys(way for ways in scores.values() for way in ways))
        for place, way in enumerate(tried):
            progress(f"Models of split {number + 1} of {len(splits)}", place, len(tried))
            examples = subject.examples(train, subject.extra(way, train, bundle, seed + number))
            for name, model in subject.models.items():
                if way in scores[name]:
                    fitted = _fitted(model, way, subject.metric, *examples)
                    scores[name][way][number] = scorer(fitted, *held_out)
    return scores


def _ways(subject: Subject, model: BaseEstimator) -> Iterator[Way]:
    """What can be done with this model."""
    for way in subject.ways:
        if way != WEIGHTS or has_fit_parameter(_last(model), "sample_weight"):
            yield way
        if way == NOTHING and subject.metric in DECISIONS and subject.strata is not None and subject.strata.max() == 1:
            yield TUNED


def _last(model: BaseEstimator) -> BaseEstimator:
    return model.steps[-1][1] if isinstance(model, Pipeline) else model


def _fitted(model: BaseEstimator, way: Way, metric: str, features, labels: np.ndarray) -> Any:
    model = clone(model)
    if way == TUNED:
        return TunedThresholdClassifierCV(model, scoring=metric, cv=TUNING_FOLDS).fit(features, labels)
    if way != WEIGHTS:
        return model.fit(features, labels)
    name = f"{model.steps[-1][0]}__sample_weight" if isinstance(model, Pipeline) else "sample_weight"
    return model.fit(features, labels, **{name: compute_sample_weight("balanced", labels)})


def _added(verdict: Verdict, anyway: bool) -> Way:
    first = verdict.findings[0]
    return first.synthetic.way if anyway else first.recommended
