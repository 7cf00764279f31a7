"""A classifier trained once on somebody's own labelled images, kept in a folder: `own-<data>-v1-<weights>`."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sparring.errors import DataError, UsageError
from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import Classifier, in_parts, some_rows
from sparring.metrics.extractors.kept import digest_of, read_weights, write_weights
from sparring.metrics.extractors.learning import Layer, learn
from sparring.metrics.extractors.resizing import as_images, reduce
from sparring.metrics.recognition import Images, Share

LARGEST = 64  # Pixels of the longer side; larger images are reduced to it.
COARSEST = 7  # Convolutions and means of 2 x 2 follow one another until the longer side is at most this.
WIDTHS = (16, 32, 64, 64)  # Filters; a network of fewer convolutions has the last of them.
MOST_IMAGES = 20_000  # That are learned from.
MOST_PASSES, LEAST_SEEN = 20, 30_000  # Passes over the images, unless these are few.
BUDGET = 6e11  # Products in forward passes: the time of training is in proportion to them.


class OwnExtractor:
    """64 features and the probabilities of the user's own classes.

    Images keep their channels. Where a side is longer than 64 pixels, they are reduced, in proportion, to 64
    (`resizing.resize`): what is finer is not judged. It sees what tells the classes apart, and is blind to what does
    not. Figures compare only with those of the same name, as two trainings on the same images give different features.

    Attributes:
        name: With 8 digits of the data's fingerprint, and 4 of the weights' digest.
        accuracy: The share of held-out images that it gave their label: features of a classifier that does not know
            its classes judge little.
        trained: Whether this call trained it.
    """

    def __init__(
        self, images: Images, labels: np.ndarray, *, fingerprint: str, folder: Path, say: Callable[[str], None]
    ):
        """Read the classifier of these data from `folder`, or train it, in about a minute on two cores, and keep it.

        Args:
            images: uint8 `(N, H, W, C)`; at most 20,000 of them, drawn at random, are learned from.
            labels: Integers `(N,)`, from 0.
            fingerprint: At least 8 hexadecimal digits that change with the data.
            folder: Where classifiers are kept.
            say: Called with a sentence before a training and after it.

        Raises:
            UsageError: The labels do not fit, or there are fewer than 2 classes or 20 images.
        """
        labels = np.asarray(labels)
        if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
            raise UsageError(f"Expected an integer label for each of {len(images)} images. Received: {labels.shape}.")
        shape = reduce(as_images(images[:1]), LARGEST).shape[1:]
        classes = int(labels.max()) + 1
        expected = {"fingerprint": fingerprint, "shape": json.dumps(shape), "classes": str(classes)}
        path = folder / f"own-{fingerprint[:8]}-v1.safetensors"
        weights, self.accuracy = read_kept(path, expected, say)
        self.trained = not weights
        if not weights:
            weights, self.accuracy = _trained(images, labels, classes, shape, say)
            write_weights(path, weights, {**expected, "accuracy": json.dumps(self.accuracy)})
            say(f"It knows {self.accuracy} of the images held out, and is kept as {path}.")
            most = np.bincount(labels).max() / len(labels)
            if self.accuracy.low <= most:
                say(f"That may be no better than a guess, as {most:.1%} are of one class: judge by `random` too.")
        self.name = f"{path.stem}-{digest_of(weights)[:4]}"
        self._classifier = Classifier(weights)

    @property
    def num_parameters(self) -> int:
        return self._classifier.num_parameters

    def __call__(self, images: Images) -> Seen:
        return in_parts(images, lambda part: self._classifier(reduce(as_images(part), LARGEST)))


def layers_for(shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """The convolutions for images of this shape."""
    long, short = max(shape[:2]), min(shape[:2])
    depth = max(1, min(math.ceil(math.log2(long / COARSEST)), int(math.log2(short))))
    return tuple(Layer(width, 3) for width in WIDTHS[-depth:])


def products_for(shape: tuple[int, ...]) -> int:
    """The products that the convolutions for images of this shape take, for one image."""
    (height, width, before), total = shape, 0
    for filters, side in layers_for(shape):
        total += height * width * before * side * side * filters
        height, width, before = height // 2, width // 2, filters
    return total


def read_kept(path: Path, expected: dict[str, str], say: Callable[[str], None]) -> tuple[dict[str, np.ndarray], Share]:
    """Weights and accuracy from `path`, no weights where they are to be trained."""
    nothing: tuple[dict[str, np.ndarray], Share] = ({}, Share(0.0, 0.0, 0.0, 0))
    if not path.is_file():
        return nothing
    try:
        weights, facts = read_weights(path)
    except DataError as error:
        say(f"{error} It is trained anew.")
        return nothing
    if {name: facts.get(name) for name in expected} != expected:
        return nothing  # Data of the same first digits, or an older shape.
    return weights, Share(*json.loads(facts["accuracy"]))


def _trained(
    images: Images, labels: np.ndarray, classes: int, shape: tuple[int, ...], say: Callable[[str], None]
) -> tuple[dict[str, np.ndarray], Share]:
    rows = some_rows(len(images), MOST_IMAGES)
    pixels = np.concatenate(
        [
            np.rint(reduce(as_images(images[rows[start : start + 500]]), LARGEST)).astype(np.uint8)
            for start in range(0, len(rows), 500)
        ]
    )
    images_seen = int(min(max(MOST_PASSES * len(rows), LEAST_SEEN), BUDGET / products_for(shape)))
    say(f"Training a classifier of {classes} classes on {len(rows):,} images to judge with: about a minute.")
    learned = learn(pixels, labels[rows], classes, layers_for(shape), images_seen)
    return learned.weights, learned.accuracy
