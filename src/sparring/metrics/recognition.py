"""Whether samples show what was asked for, by a classifier of real examples."""

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.svm import SVC

TRAINING_LIMIT = 10_000  # Examples a support vector machine learns in seconds.
AT_ONCE = 1000  # Images in memory as floats, where each is taken by itself.


class Images(Protocol):
    """uint8 (N, H, W, C): an array, or images on disk that are decoded when their rows are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any: ...


class Share(NamedTuple):
    """A share of `trials` examples, with the 95 % interval of Wilson 1927."""

    value: float
    low: float
    high: float
    trials: int

    @classmethod
    def of(cls, hits: np.ndarray) -> "Share":
        n, p, z = len(hits), float(np.mean(hits)), 1.96
        middle, spread = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = (middle - spread) / (1 + z**2 / n), (middle + spread) / (1 + z**2 / n)
        return cls(p, max(low, 0.0), min(high, 1.0), n)  # Rounding alone leads beyond.

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%}, n={self.trials:,})"


def fit_classifier(images: Images, labels: np.ndarray) -> SVC:
    """A support vector machine with a radial kernel on the pixels of real uint8 images `(N, H, W, C)`.

    At most 10,000 examples, evenly spaced, are learned.
    """
    step = -(-len(images) // TRAINING_LIMIT)
    return SVC(C=10.0).fit(_features(images[::step]), labels[::step])


def predicted(classifier: SVC, images: Images) -> np.ndarray:
    """The labels `(N,)` that the classifier gives uint8 `images`."""
    parts = (images[start : start + AT_ONCE] for start in range(0, len(images), AT_ONCE))
    return np.concatenate([classifier.predict(_features(part)) for part in parts])


def recognised(classifier: SVC, images: Images, labels: np.ndarray) -> Share:
    """The share of uint8 `images` that the classifier gives the label it should have."""
    return Share.of(predicted(classifier, images) == labels)


def _features(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255
