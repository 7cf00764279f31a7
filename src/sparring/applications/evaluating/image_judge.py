"""Whoever judges runs of one source: its images are looked at once, and every run's samples are held against them."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.svm import SVC

from sparring.applications.evaluating.evaluated import Progress
from sparring.applications.evaluating.image_figures import Side, compare, diversity_of_classes, of_share
from sparring.applications.evaluating.image_sections import image_sections
from sparring.applications.evaluating.image_verdict import ClassFigures, Pair, Verdict
from sparring.bundle.images import ImageBundle
from sparring.data.images.pixels import resize_images
from sparring.data.lazy import Rows
from sparring.data.source import Source
from sparring.errors import DataError
from sparring.metrics.copies import Nearest, nearest_images
from sparring.metrics.extractor import Extractor, Seen
from sparring.metrics.neighbours import NEAR, share_near
from sparring.metrics.recognition import Share, fit_classifier, predicted

LEAST = 20  # Training images: halves of fewer have no five neighbours to speak of.
MOST_REAL = 60_000  # Training images whose features are kept, evenly spaced: 0.5 GB where there are 2,048 of each.
AT_ONCE = 500  # Images between two signs of progress.
SIDE = 32  # Pixels to which pictures are made smaller before pixels are compared.
COPIES_LIMIT = 2000  # Samples whose nearest training image is looked for: a share of 1 % is known to 0.4 %.
USUAL_LIMIT = 4000  # Real images that tell how near is usual, evenly spaced: forty of them decide.
PAIRS = 12  # Samples shown beside their nearest training image.


class Judge:
    """Holds samples against the images of `source`.

    Args:
        source: What the runs were trained on.
        extractor: Whose features are compared.
        is_own: Whether the extractor has learned the classes of `source`, and can tell which one a sample shows.
        every: Whether to take the figures too that a reader of the others can do without.
        seed: Of what is taken at random.
        progress: Told how far things are.

    Raises:
        DataError: There are too few training images to compare with.
    """

    def __init__(self, source: Source, extractor: Extractor, is_own: bool, every: bool, seed: int, progress: Progress):
        if len(source.examples["image"]) < LEAST:
            raise DataError(
                f"{source.name} has {len(source.examples['image'])} training images, and at least {LEAST} are needed "
                "to compare with."
            )
        self.source, self.extractor, self.is_own = source, extractor, is_own
        self.every, self.seed, self.progress = every, seed, progress
        images = source.examples["image"]
        rows = _spaced(len(images), MOST_REAL)
        self.real = self._see(images, rows, _labels(source.examples, rows), "Looking at training images")

    most = 10_000
    sections = staticmethod(image_sections)

    @property
    def measures(self) -> str:
        """The extractor's name, with its version."""
        return self.extractor.name

    @property
    def num_held_out(self) -> int:
        """Images that were never trained on."""
        return len(self.source.held_out["image"]) if self.source.held_out else 0

    @property
    def reference(self) -> str:
        """Which real images figures of features are taken against."""
        count = len(self.source.examples["image"])
        return "train" if count <= MOST_REAL else f"{MOST_REAL} of train"

    def judge(self, bundle: ImageBundle, n: int, seed: int, name: str) -> Verdict:
        """The figures of `n` samples of `bundle`.

        Args:
            bundle: Trained on the source.
            n: Number of samples.
            seed: Of the samples.
            name: Of the run, for those who wait.
        """
        latents, labels = bundle.latents(n, seed), bundle.labels_for(n)
        drawn, small = self._draw(bundle, latents, labels, f"Drawing samples of {name}")
        real, num_classes = self.real, self.source.spec.num_classes
        if labels is None and drawn.probabilities is not None and self._knows(drawn.probabilities):
            real, drawn = _as_predicted(real), _as_predicted(drawn)
        elif labels is None:
            real = real._replace(labels=None)
        figures = compare(
            real, drawn, self.extractor.name, num_classes, self.every, self.seed, self.reference, self.progress
        )
        hits = None
        if labels is not None:
            hits = self._recognise(drawn.probabilities, small) == labels
            floor = float(np.mean(self._held_out[0])) if self._held_out is not None else np.nan
            recogniser = self.extractor.name if self.is_own else "svm"
            figures.append(of_share("recognised", Share.of(hits), floor, recogniser))
        # The first, not every fifth: classes come in turn, and every fifth sample would be of two classes out of ten.
        chosen = slice(COPIES_LIMIT)
        nearest = self._nearest(small[chosen], None, f"Looking for copies of {name}")
        figures.append(of_share("memorised", share_near(nearest.distances, self._usual), NEAR, "pixels"))
        asked = None if labels is None else labels[chosen]
        return Verdict(
            tuple(figures),
            tuple(self._of_classes(real, drawn, hits)),
            *self._pairs(bundle, latents[chosen], asked, nearest),
        )

    def _see(self, images: Rows, rows: np.ndarray, labels: np.ndarray | None, what: str) -> Side:
        parts = []
        for start in range(0, len(rows), AT_ONCE):
            self.progress(what, start, len(rows))
            parts.append(self.extractor(images[rows[start : start + AT_ONCE]]))
        self.progress(what, len(rows), len(rows))
        return _side(parts, labels)

    def _draw(
        self, bundle: ImageBundle, latents: np.ndarray, labels: np.ndarray | None, what: str
    ) -> tuple[Side, np.ndarray]:
        """What the extractor sees in samples, and the samples made small: not all of them are kept as they are."""
        parts, small = [], []
        for start in range(0, len(latents), AT_ONCE):
            self.progress(what, start, len(latents))
            some = slice(start, start + AT_ONCE)
            images = bundle.render(latents[some], None if labels is None else labels[some])
            parts.append(self.extractor(images))
            small.append(made_small(images))
        self.progress(what, len(latents), len(latents))
        return _side(parts, labels), np.concatenate(small)

    def _knows(self, probabilities: np.ndarray) -> bool:
        return probabilities.shape[1] == self.source.spec.num_classes

    def _nearest(self, images: np.ndarray, own: np.ndarray | None, what: str) -> Nearest:
        training = Small(self.source.examples["image"], lambda done, total: self.progress(what, done, total))
        return nearest_images(images, training, own)

    @cached_property
    def _usual(self) -> np.ndarray:
        """How near to a training image real ones are that are none: held out, or else each the others' own."""
        training, held_out, what = self.source.examples["image"], self.source.held_out, "Learning how near is usual"
        if held_out:
            rows = _spaced(len(held_out["image"]), USUAL_LIMIT)
            return self._nearest(made_small(held_out["image"][rows]), None, what).distances
        rows = _spaced(len(training), USUAL_LIMIT)
        distances = self._nearest(made_small(training[rows]), rows, what).distances
        # The same image twice would make any sample look new.
        return distances[distances > 0] if np.any(distances > 0) else distances

    @cached_property
    def _svm(self) -> SVC:
        self.progress("Learning to recognise classes", 0, 1)
        examples = self.source.examples
        classifier = fit_classifier(Small(examples["image"]), np.asarray(examples["label"]))
        self.progress("Learning to recognise classes", 1, 1)
        return classifier

    def _recognise(self, probabilities: np.ndarray | None, small: np.ndarray) -> np.ndarray:
        """The classes that images show."""
        if self.is_own and probabilities is not None:
            return probabilities.argmax(axis=1)
        self.progress("Recognising classes", 0, 1)
        labels = predicted(self._svm, small)
        self.progress("Recognising classes", 1, 1)
        return labels

    @cached_property
    def _held_out(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Which of the held-out images show the class they are of, and that class; None where there are none."""
        held_out = self.source.held_out
        if "label" not in held_out:
            return None
        rows = _spaced(len(held_out["image"]), USUAL_LIMIT)
        images = held_out["image"][rows]
        probabilities = self.extractor(images).probabilities if self.is_own else None
        labels = np.asarray(held_out["label"])[rows]
        return self._recognise(probabilities, made_small(images)) == labels, labels

    def _of_classes(self, real: Side, drawn: Side, hits: np.ndarray | None) -> list[ClassFigures]:
        if real.labels is None or drawn.labels is None:
            return []
        names = self.source.spec.classes
        shares = [np.bincount(labels, minlength=len(names)) / len(labels) for labels in (real.labels, drawn.labels)]
        nothing = np.full(len(names), np.nan)
        recognised = nothing if hits is None else _means(hits, drawn.labels, len(names))
        held_out = nothing
        if hits is not None and self._held_out is not None:
            held_out = _means(*self._held_out, len(names))
        columns = (*shares, recognised, held_out, diversity_of_classes(real, drawn, len(names)))
        return [ClassFigures(name, *map(float, row)) for name, *row in zip(names, *columns, strict=True)]

    def _pairs(
        self, bundle: ImageBundle, latents: np.ndarray, labels: np.ndarray | None, nearest: Nearest
    ) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
        """The samples nearest to a training image, and as many that come as they do."""
        unit = float(np.quantile(self._usual, NEAR)) or 1.0
        first = np.argsort(nearest.distances, kind="stable")[:PAIRS]
        found = []
        for rows in (first, np.arange(min(PAIRS, len(latents)))):
            samples = bundle.render(latents[rows], None if labels is None else labels[rows])
            training = self.source.examples["image"][nearest.rows[rows]]
            found.append(tuple(map(Pair, samples, training, (nearest.distances[rows] / unit).tolist())))
        return found[0], found[1]


class Small:
    """Images that are made small when their rows are asked for.

    Args:
        images: uint8 `(N, H, W, C)`, perhaps on disk.
        progress: Told how many rows have been asked for, in order, and how many there are.
    """

    def __init__(self, images: Rows, progress: Callable[[int, int], None] | None = None):
        self._images, self._progress = images, progress

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if self._progress is not None and isinstance(rows, slice):
            self._progress(rows.start or 0, len(self))
        return made_small(self._images[rows])


def made_small(images: np.ndarray) -> np.ndarray:
    """uint8 images whose longer side has at most `SIDE` pixels: what makes a copy, and not its every hair."""
    height, width = images.shape[1:3]
    if max(height, width) <= SIDE:
        return images
    scale = SIDE / max(height, width)
    return resize_images(images, (max(1, round(height * scale)), max(1, round(width * scale))))


def _side(parts: Sequence[Seen], labels: np.ndarray | None) -> Side:
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    features = np.concatenate([part.features for part in parts])
    return Side(features, np.concatenate(probabilities) if probabilities else None, labels)


def _as_predicted(side: Side) -> Side:
    return side._replace(labels=np.asarray(side.probabilities).argmax(axis=1))


def _labels(examples: Mapping[str, Rows], rows: np.ndarray) -> np.ndarray | None:
    return np.asarray(examples["label"])[rows] if "label" in examples else None


def _means(values: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(labels, minlength=classes)
    with np.errstate(invalid="ignore"):
        return np.bincount(labels, values, minlength=classes) / counts


def _spaced(count: int, most: int) -> np.ndarray:
    """Rows of at most `most` out of `count`, evenly spaced."""
    most = min(count, most)
    return np.arange(most) * count // most
