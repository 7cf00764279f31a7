"""Labelled images for `augment`: a small network to judge with, rivals, and images of a generator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from sparring.applications.augmenting.rivals import missing_counts, repeated
from sparring.applications.augmenting.subject import NOTHING, OVERSAMPLED, Examples, class_ways
from sparring.bundle.bundle import Bundle
from sparring.bundle.images import ImageBundle
from sparring.data.examples import Source
from sparring.data.source import image_source
from sparring.data.spec import ImageSpec
from sparring.errors import DataError, UsageError, nearest
from sparring.metrics.extractors.classifier import Classifier, in_parts
from sparring.metrics.extractors.learning import Layer, shown_rows, train_classifier
from sparring.metrics.extractors.own import layers_for
from sparring.metrics.extractors.resizing import reduce
from sparring.metrics.verdict import Way

SHIFTED, NOISY = Way("shifted copies x4", "rival"), Way("noisy copies x4", "rival")
ONCE, RECOGNISED = Way("synthetic x1", "synthetic"), Way("synthetic x1, recognised", "synthetic")
TIMES = {SHIFTED: 4, NOISY: 4, ONCE: 1, RECOGNISED: 2}  # Of the recognised so many are drawn, and as many as real kept.
FARTHEST = 1 / 14  # Of the side, that an image is shifted: 2 pixels of MNIST.
NOISE = 0.1 * 255  # Standard deviation, in steps of brightness.
MODELS = ("cnn", "svm")
METRICS = ("balanced_accuracy", "accuracy", "f1_macro")
WIDEST = 32  # Filters: few images do not need more, and many networks are trained.
# Passes over the real images; as many images are seen whatever is added. Fewer than these and what is added was not
# learnt yet: of 400 digits and shifted copies of them the network knows 0.88 after 6,000, 0.93 after 24,000 and 0.94
# after 60,000 (docs/augment.md).
PASSES, LEAST_SEEN, MOST_SEEN = 20, 24_000, 60_000
LARGEST = 64  # Pixels of the longer side that a model looks at.


class SmallNetwork(ClassifierMixin, BaseEstimator):
    """Convolutions of 3 x 3 with means of 2 x 2 and two dense layers, as a classifier of scikit-learn.

    Args:
        num_classes: Labels are from 0.
        images_seen: Images that training shows, repeats counted.
        seed: Of the first weights and of the order.
    """

    def __init__(self, num_classes: int = 2, images_seen: int = LEAST_SEEN, seed: int = 0):
        self.num_classes, self.images_seen, self.seed = num_classes, images_seen, seed

    def fit(self, images: np.ndarray, labels: np.ndarray) -> "SmallNetwork":
        """Learns uint8 `images` (N, H, W, C) with integer `labels` (N,)."""
        pixels = _small(images)
        layers = [Layer(min(layer.filters, WIDEST), layer.side) for layer in layers_for(pixels.shape[1:])]
        shown = shown_rows(np.arange(len(pixels)), self.images_seen, np.random.default_rng(self.seed))
        weights = train_classifier(pixels, labels, self.num_classes, layers, shown, self.seed)
        self.classifier_ = Classifier(weights)
        self.classes_ = np.arange(self.num_classes)
        return self

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """Probabilities (N, num_classes)."""
        probabilities = in_parts(_small(images), self.classifier_).probabilities
        assert probabilities is not None
        return probabilities

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The likeliest labels (N,)."""
        return self.predict_proba(images).argmax(axis=1)


class ImageSubject:
    """Images in classes.

    Args:
        source: As `open_source` gives it. What it holds out stays untouched.
        models: Names of `MODELS`, or estimators of scikit-learn that take uint8 `(N, H, W, C)`.
        metric: One of `METRICS`, by default the first.
        seed: Of the models.

    Raises:
        DataError: There are no classes.
        UsageError: An argument is wrong.
    """

    noun = "images"

    def __init__(self, source: Source[ImageSpec], models: Sequence[str | BaseEstimator], metric: str | None, seed: int):
        if not source.spec.classes:
            raise DataError(
                f"`augment` needs images with labels: a sub-folder for each class, or labels.csv. Received: "
                f"{source.spec.num_examples:,} images without in {source.name}"
            )
        if metric is not None and metric not in METRICS:
            raise UsageError(f"`metric` must be one of {', '.join(METRICS)} here. Received: {metric!r}")
        self.whole, self.metric = source, metric or METRICS[0]
        self.images = source.examples["image"]
        self.labels = np.asarray(source.examples["label"])
        self.strata: np.ndarray | None = self.labels
        self.classes, self.count = source.spec.classes, len(self.labels)
        self.seen = int(np.clip(PASSES * self.count, LEAST_SEEN, MOST_SEEN))
        self.models = dict(self._model(model, seed) for model in models or ("cnn",))
        rivals = (OVERSAMPLED,) if class_ways(self.labels) else ()
        self.ways = (NOTHING, *rivals, SHIFTED, NOISY, ONCE, RECOGNISED)
        self.about = {
            "source": source.name,
            "fingerprint": source.fingerprint,
            "classes": list(self.classes),
            "notes": list(source.notes),
        }

    def source(self, rows: np.ndarray) -> Source[ImageSpec]:
        return image_source(self.whole.name, self.images[rows], self.labels[rows], self.classes)

    def examples(self, rows: np.ndarray, extra: tuple[np.ndarray, np.ndarray] | None = None) -> Examples:
        images, labels = self.images[rows], self.labels[rows]
        if extra is None:
            return Examples(images, labels)
        return Examples(np.concatenate([images, extra[0]]), np.concatenate([labels, extra[1]]))

    def extra(
        self, way: Way, rows: np.ndarray, bundle: Bundle | None, seed: int
    ) -> tuple[np.ndarray, np.ndarray] | None:
        random = np.random.default_rng([seed, 2])
        images, labels = self.images[rows], self.labels[rows]
        if way == OVERSAMPLED:
            chosen = repeated(labels, missing_counts(labels), random)
            return images[chosen], labels[chosen]
        if way not in TIMES:
            return None
        wanted = np.tile(labels, TIMES[way])
        if way.kind == "synthetic":
            assert isinstance(bundle, ImageBundle)
            if not bundle.classes:
                raise UsageError(
                    f"Recipe {bundle.record.recipe} takes no labels, so that its images have none. Choose one that "
                    "does, such as r3gan."
                )
            drawn = bundle.sample(len(wanted), seed=seed, labels=wanted)
            if way == RECOGNISED:
                network = SmallNetwork(len(self.classes), self.seen // 2, seed).fit(images, labels)
                chosen = recognised(network.predict(drawn), wanted, np.bincount(labels, minlength=len(self.classes)))
                return drawn[chosen], wanted[chosen]
            return drawn, wanted
        copies = np.tile(images, (TIMES[way], 1, 1, 1))
        return (shifted if way == SHIFTED else noisy)(copies, random), wanted

    def data(self, extra: tuple[np.ndarray, np.ndarray] | None) -> dict[str, np.ndarray]:
        """Arrays "image", "label" and "synthetic", images that were added last."""
        images, labels = self.examples(np.arange(self.count), extra)
        return {"image": images, "label": labels, "synthetic": np.arange(len(labels)) >= self.count}

    def _model(self, model: str | BaseEstimator, seed: int) -> tuple[str, Any]:
        if isinstance(model, BaseEstimator):
            return type(model).__name__, model
        if model == "cnn":
            return model, SmallNetwork(len(self.classes), self.seen, seed)
        if model == "svm":
            return model, make_pipeline(FunctionTransformer(_flat), SVC(C=10.0))
        raise UsageError(
            f"`model` must be one of {', '.join(MODELS)}, or an estimator.{nearest(str(model), MODELS)} "
            f"Received: {model!r}"
        )


def recognised(seen_as: np.ndarray, wanted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Places where labels `seen_as` are those `wanted`, of each class the first `counts`, or as many as there are."""
    right = seen_as == wanted
    return np.concatenate([np.flatnonzero(right & (wanted == label))[:count] for label, count in enumerate(counts)])


def shifted(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Each of uint8 `(N, H, W, C)` moved by up to a fourteenth of its side, and at least a pixel; edges continued."""
    height, width = images.shape[1:3]
    down, right = (max(1, round(side * FARTHEST)) for side in (height, width))
    padded = np.pad(images, ((0, 0), (down, down), (right, right), (0, 0)), mode="edge")
    tops, lefts = random.integers(0, 2 * down + 1, len(images)), random.integers(0, 2 * right + 1, len(images))
    return np.stack(
        [image[top : top + height, left : left + width] for image, top, left in zip(padded, tops, lefts, strict=True)]
    )


def noisy(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Uint8 `(N, H, W, C)` with normal noise of a tenth of the range."""
    return np.clip(np.rint(images + random.normal(0, NOISE, images.shape)), 0, 255).astype(np.uint8)


def _small(images: np.ndarray) -> np.ndarray:
    return np.rint(reduce(images, LARGEST)).astype(np.uint8)


def _flat(images: np.ndarray) -> np.ndarray:
    return _small(images).reshape(len(images), -1).astype(np.float32) / 255
