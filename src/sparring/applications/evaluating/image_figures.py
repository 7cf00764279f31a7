"""The figures of a report about images: which are measured, and how."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sparring.applications.evaluating.evaluated import Progress
from sparring.applications.evaluating.meanings import called
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernels import (
    kernel_inception_distance,
    maximum_mean_discrepancy,
    monge_inception_distance,
    unit_scale,
)
from sparring.metrics.neighbours import NEAR, coverage_ceiling, duplicated, precision_recall_density_coverage
from sparring.metrics.recognition import Share
from sparring.metrics.resampling import Figure, measure, measure_together
from sparring.metrics.scores import classifier_score, intra_class_diversity, label_divergence

NEIGHBOURS = 5  # The k of precision, recall, density and coverage: Naeem et al. 2020, section 5.
WIDE = 512  # Above so many features a Frechet distance takes seconds.
MOST_COMPARED = 10_000  # Real samples whose distances to all fakes are taken: their number counts squared.
DEFAULT = ("fd", "mmd", "density", "coverage", "class_score", "label_kl", "diversity")


class Side(NamedTuple):
    """What is known of one set of images, of the real or of the drawn ones.

    Attributes:
        features: float32 `(N, d)`.
        probabilities: Of the extractor's classes, `(N, classes)`, or None.
        labels: int `(N,)`: true or asked for; None where there are none.
    """

    features: np.ndarray
    probabilities: np.ndarray | None
    labels: np.ndarray | None


def compare(
    real: Side, fake: Side, extractor: str, num_classes: int, every: bool, seed: int, reference: str, progress: Progress
) -> list[Figure]:
    """All figures that features and predictions give.

    Args:
        real: Of the training data.
        fake: Of the samples.
        extractor: Its name.
        num_classes: Of the data; 0 where there are none.
        every: Also those that a reader of the others can do without.
        seed: Of what is taken at random.
        reference: In the figures' protocol.
        progress: Told how many groups of figures are measured.
    """
    groups: list[Callable[[], list[Figure]]] = [
        lambda: _distances(real, fake, extractor, every, seed),
        lambda: _neighbours(real, fake, extractor, seed),
        lambda: _of_predictions(real, fake, extractor, num_classes, seed),
        lambda: _diversity(real, fake, extractor, num_classes, seed),
    ]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # The figures bear it, and the table shows it.
        for index, group in enumerate(groups):
            progress("Measuring", index, len(groups))
            found += group()
    progress("Measuring", len(groups), len(groups))
    return [
        dataclasses.replace(figure, name=called(figure.name, extractor), reference=reference)
        for figure in found
        if every or figure.name in (*DEFAULT, "duplicated")
    ]


def of_share(
    name: str, share: Share, floor: float, judge: str, reference: str = "train", ceiling: float | None = None
) -> Figure:
    """A share as a figure."""
    return Figure(name, share.value, share.low, share.high, floor, share.trials, judge, reference, "", ceiling)


def diversity_of_classes(real: Side, fake: Side, num_classes: int) -> np.ndarray:
    """`intra_class_diversity` of fakes over that of real samples, `(classes,)`; NaN where a class is too small."""
    parts = [intra_class_diversity(side.features, np.asarray(side.labels), num_classes) for side in (fake, real)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(parts[1] > 0, parts[0] / parts[1], np.nan)


def frechet_figure(
    real: np.ndarray, fake: np.ndarray, *, extractor: str, seed: int, reference: str = "train"
) -> Figure:
    """The Frechet distance of features (N, d), in fewer parts where there are so many that one takes seconds."""
    width = real.shape[1]
    return measure(
        "fd",
        frechet_distance,
        real,
        fake,
        extractor=extractor,
        reference=reference,
        needed=10 * width,
        resamples=20 if width <= WIDE else 5,
        seed=seed,
    )


def _distances(real: Side, fake: Side, extractor: str, every: bool, seed: int) -> list[Figure]:
    pair = real.features, fake.features
    few = _some(pair, seed)
    found = [
        frechet_figure(*pair, extractor=extractor, seed=seed),
        measure("mmd", maximum_mean_discrepancy, *few, extractor=extractor, resamples=10, seed=seed),
    ]
    if every:
        # The Inception kernel is meant for features of the scale that Inception's have.
        kernel = few if extractor.startswith("inception") else unit_scale(*few)
        found += [
            measure("kd", _kernel_distance, *kernel, extractor=extractor, resamples=5),
            measure("swd", monge_inception_distance, *few, extractor=extractor, resamples=5),
        ]
    return found


def _kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    return kernel_inception_distance(real, fake).value


def _neighbours(real: Side, fake: Side, extractor: str, seed: int) -> list[Figure]:
    pair = _some((real.features, fake.features), seed)
    ceiling = coverage_ceiling(NEIGHBOURS, len(pair[0]), len(pair[1]))
    found = measure_together(
        ("precision", "recall", "density", "coverage"),
        lambda one, other: precision_recall_density_coverage(one, other, NEIGHBOURS),
        *pair,
        extractor=extractor,
        needed=1000,
        resamples=10,
        seed=seed,
    )
    found = [dataclasses.replace(figure, ceiling=ceiling) if figure.name == "coverage" else figure for figure in found]
    return [*found, of_share("duplicated", duplicated(pair[1], pair[0]), NEAR, extractor)]


def _of_predictions(real: Side, fake: Side, extractor: str, num_classes: int, seed: int) -> list[Figure]:
    if real.probabilities is None or fake.probabilities is None:
        return []
    pair, known = (real.probabilities, fake.probabilities), real.probabilities.shape[1]
    # Papers give the Inception score as the mean over ten parts.
    splits = 10 if extractor.startswith("inception") else 1
    found = [
        measure("class_score", lambda _, probabilities: classifier_score(probabilities, splits), *pair,
                extractor=extractor, seed=seed)
    ]  # fmt: skip
    if known == num_classes:

        def divergence(one: np.ndarray, other: np.ndarray) -> float:
            return label_divergence(one.argmax(axis=1), other.argmax(axis=1), known)

        found.append(measure("label_kl", divergence, *pair, extractor=extractor, seed=seed))
    return found


def _diversity(real: Side, fake: Side, extractor: str, num_classes: int, seed: int) -> list[Figure]:
    if real.labels is None or fake.labels is None:
        return []

    def ratio(one: np.ndarray, other: np.ndarray) -> float:
        # Labels travel as a last column, so that they are resampled with their features.
        sides = [Side(rows[:, :-1], None, rows[:, -1].astype(int)) for rows in (one, other)]
        found = diversity_of_classes(sides[0], sides[1], num_classes)
        return float(np.nanmean(found)) if np.isfinite(found).any() else np.nan

    pair = [np.column_stack([side.features, np.asarray(side.labels)]) for side in (real, fake)]
    return [measure("diversity", ratio, *pair, extractor=extractor, seed=seed)]


def _some(pair: tuple[np.ndarray, np.ndarray], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most `MOST_COMPARED` of either, as many real ones as fakes where there are so many."""
    real, fake = pair[0], pair[1][:MOST_COMPARED]
    rows = np.random.default_rng(seed).permutation(len(real))[: len(fake)]
    return real[np.sort(rows)], fake
