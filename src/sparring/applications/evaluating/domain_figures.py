"""The figures of a report about translations to one domain: which are measured, and beside what."""

import dataclasses
import math
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from sparring.applications.evaluating.image_figures import frechet_figure, of_share
from sparring.applications.evaluating.meanings import called
from sparring.metrics.extractor import Extractor
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.recognition import Share
from sparring.metrics.resampling import Figure, half_sample_error, measure
from sparring.metrics.similarity import absolute_difference, structural_similarity
from sparring.metrics.translation import alignment


class Images(NamedTuple):
    """Images that are held against real ones of a domain, with what is seen in them.

    Attributes:
        pixels: uint8 (N, H, W, C).
        features: float32 (N, d).
        hits: Of which of them a classifier says that they are of the domain, bool (N,).
    """

    pixels: np.ndarray
    features: np.ndarray
    hits: np.ndarray


class Eyes(NamedTuple):
    """What looks at images.

    Attributes:
        extractor: Makes their features.
        classifier: Names their domain.
    """

    extractor: Extractor
    classifier: Extractor

    def __call__(self, pixels: np.ndarray, place: int) -> Images:
        """What is seen in uint8 images that should be of the domain of this number."""
        probabilities = self.classifier(pixels).probabilities
        assert probabilities is not None
        return Images(pixels, self.extractor(pixels).features, probabilities.argmax(axis=1) == place)


def compare(
    made: Images,
    given: Images,
    mean: Images,
    real: Images,
    truth: Images | None,
    eyes: Eyes,
    reference: str,
    seed: int,
) -> tuple[list[Figure], dict[str, list[float]]]:
    """The figures of translations, and the values of the same for what stands beside them, by its name.

    Args:
        made: The translations.
        given: What they were made of, in the same order.
        mean: The mean training image of the domain, as often.
        real: Of the domain.
        truth: What the translations should be, in the same order, where that is known.
        eyes: What looked at them.
        reference: Which real images, in the figures' protocol.
        seed: Of what is taken at random.
    """
    name = eyes.extractor.name
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # The figure bears it.
        distance = frechet_figure(real.features, made.features, extractor=name, seed=seed, reference=reference)
    share = of_share("recognised", Share.of(made.hits), float(given.hits.mean()), eyes.classifier.name, reference)
    needed = 10 * made.features.shape[1]
    figures = [
        distance,
        dataclasses.replace(share, ceiling=float(real.hits.mean())),
        _of_rows("kept", alignment, given.features, made.features, name, "input", seed, needed),
    ]
    if truth is None:
        # What is unrelated: real images as they come, of which some stand twice where there are fewer.
        order = np.random.default_rng(seed).permutation(len(real.features))
        related = real.features[np.resize(order, len(given.pixels))]
    else:
        related = truth.features
    others = {"untranslated": given, "mean image": mean}
    beside = {
        way: [
            frechet_distance(real.features, one.features),
            float(one.hits.mean()),
            alignment(given.features, one.features),
        ]
        for way, one in others.items()
    }
    beside["real"] = [distance.floor, float(real.hits.mean()), alignment(given.features, related)]
    for figure, part, metric in _OF_PAIRS if truth is not None else ():
        wanted, by = getattr(truth, part), name if part == "features" else part
        figures.append(_of_rows(figure, metric, wanted, getattr(made, part), by, reference, seed))
        for way, one in (others | {"real": truth}).items():
            beside[way].append(metric(wanted, getattr(one, part)))
    return [dataclasses.replace(figure, name=called(figure.name, name)) for figure in figures], beside


def style_diversity(
    made: np.ndarray, again: np.ndarray, real: np.ndarray, extractor: str, reference: str, seed: int
) -> Figure:
    """How far the translations of the same images in two styles lie apart, over how far two real images do.

    Args:
        made: Features of translations, (N, d).
        again: The same of the same images in other styles.
        real: Features of real images of the domain, (M, d).
        extractor: What made them.
        reference: Which real images.
        seed: Of the pairs of real images.
    """
    order = np.random.default_rng(seed).permutation(len(real))
    pairs = np.column_stack([real[order], real[np.roll(order, 1)]]), np.column_stack([made, again])

    def ratio(one: np.ndarray, other: np.ndarray) -> float:
        apart = [float(np.linalg.norm(np.subtract(*np.split(side, 2, axis=1)), axis=1).mean()) for side in (one, other)]
        return apart[1] / apart[0] if apart[0] > 0 else math.nan

    return measure("style_diversity", ratio, *pairs, extractor=extractor, reference=reference, seed=seed)


Paired = Callable[[np.ndarray, np.ndarray], float]


def _of_rows(
    name: str,
    metric: Paired,
    first: np.ndarray,
    second: np.ndarray,
    extractor: str,
    reference: str,
    seed: int,
    needed: int = 0,
) -> Figure:
    """A figure of pairs, of which halves are taken together."""
    value, count = metric(first, second), len(first)
    error = half_sample_error(
        lambda rows: [metric(first[rows], second[rows])], np.arange(count), resamples=20, seed=seed
    )[0]
    warning = f"{name} takes {needed:,} samples to be trusted, and there are {count:,}" if count < needed else ""
    low, high = value - 1.96 * error, value + 1.96 * error
    return Figure(name, value, low, high, math.nan, count, extractor, reference, warning)


def _ssim(truth: np.ndarray, images: np.ndarray) -> float:
    return float(structural_similarity(images, truth).mean())


def _mae(truth: np.ndarray, images: np.ndarray) -> float:
    return float(absolute_difference(images, truth).mean())


def _apart(truth: np.ndarray, features: np.ndarray) -> float:
    return float(np.square(features.astype(np.float64) - truth).sum(axis=1).mean())


# Name of the figure, what of images it is made of, and how.
_OF_PAIRS: tuple[tuple[str, str, Paired], ...] = (
    ("ssim", "pixels", _ssim),
    ("mae", "pixels", _mae),
    ("apart", "features", _apart),
)


def named(
    figures: list[Figure], beside: Mapping[str, list[float]], target: str
) -> tuple[list[Figure], dict[str, list[Figure]]]:
    """The figures under names that say which domain translations are of, and what stands beside them as figures."""
    found = [dataclasses.replace(figure, name=f"{figure.name} to {target}") for figure in figures]
    return found, {
        way: [
            Figure(figure.name, value, math.nan, math.nan, math.nan, figure.n, figure.extractor, figure.reference)
            for figure, value in zip(found, values, strict=True)
        ]
        for way, values in beside.items()
    }
