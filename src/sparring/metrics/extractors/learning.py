"""How a classifier whose features are to judge is trained: once, seeded, and counted on images held out."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from sparring.errors import UsageError
from sparring.metrics.extractors.classifier import FEATURES, Classifier, centred, in_parts
from sparring.metrics.recognition import Share

BATCH = 64
LEARNING_RATE = 2e-3  # Falls to 0 along a cosine.
LEAST_LEARNT = 20  # Images.
HELD_OUT, MOST_HELD_OUT = 0.1, 2000  # Share of the images, and how many at most.


class Layer(NamedTuple):
    """A convolution: filters, and the side of each."""

    filters: int
    side: int


class Learned(NamedTuple):
    """What `learn` gives: the weights by name as `Classifier` takes them, and the share of held-out images it knew."""

    weights: dict[str, np.ndarray]
    accuracy: Share


def learn(
    pixels: np.ndarray, labels: np.ndarray, classes: int, layers: Sequence[Layer], images_seen: int, seed: int = 0
) -> Learned:
    """Train the classifier of `layers` on uint8 `pixels` `(N, H, W, C)` with integer `labels` `(N,)`.

    A tenth of the images, 2,000 at most, drawn by the seed, is held out. The rest is shown in shuffled order until
    `images_seen` have been. On one machine and backend the same seed gives the same weights; elsewhere they differ.

    Raises:
        UsageError: Fewer than two classes, or fewer than 20 images.
    """
    if classes < 2 or len(pixels) < LEAST_LEARNT:
        raise UsageError(
            f"A classifier takes at least 2 classes and {LEAST_LEARNT} images. "
            f"Received: {classes} and {len(pixels)}. Use the extractor `random`."
        )
    random = np.random.default_rng(seed)
    order = random.permutation(len(pixels))
    count = min(MOST_HELD_OUT, int(len(pixels) * HELD_OUT))
    held_out, kept = order[:count], order[count:]
    weights = train_classifier(pixels, labels, classes, layers, shown_rows(kept, images_seen, random), seed)
    seen = in_parts(pixels[held_out], Classifier(weights))
    assert seen.probabilities is not None
    return Learned(weights, Share.of(seen.probabilities.argmax(axis=1) == labels[held_out]))


def shown_rows(rows: np.ndarray, images_seen: int, random: np.random.Generator) -> np.ndarray:
    """`(steps, BATCH)` of `rows`, shuffled anew in every pass, until about `images_seen` are shown."""
    steps = max(1, images_seen // BATCH)
    passes = math.ceil(steps * BATCH / len(rows))
    return np.concatenate([random.permutation(rows) for _ in range(passes)])[: steps * BATCH].reshape(steps, BATCH)


def train_classifier(
    pixels: np.ndarray, labels: np.ndarray, classes: int, layers: Sequence[Layer], shown: np.ndarray, seed: int = 0
) -> dict[str, np.ndarray]:
    """Weights for `Classifier`, learned of the rows of uint8 `pixels` that `shown_rows` gave."""
    model = _model(pixels.shape[1:], classes, layers, seed)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, len(shown))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Not compiled by XLA: on a CPU that costs TensorFlow its fast convolutions.
    model.compile(keras.optimizers.Adam(schedule), loss, jit_compile=False if _is_tensorflow() else "auto")
    model.fit(_Shown(pixels, labels, shown), epochs=1, shuffle=False, verbose=0)
    return {
        f"{layer.name}.{variable.name}": np.array(variable, np.float32)
        for layer in model.layers
        for variable in layer.weights
    }


def _is_tensorflow() -> bool:
    return keras.config.backend() == "tensorflow"


def _model(shape: tuple[int, ...], classes: int, layers: Sequence[Layer], seed: int) -> keras.Model:
    """The classifier of `Classifier` in Keras, down to the logits."""
    seeds = iter(range(1000 * seed, 1000 * seed + len(layers) + 2))
    fixed = {"dtype": "float32"}  # Whatever the policy of the process is.

    def started(initializer: type[keras.Initializer]) -> dict:
        return {"kernel_initializer": initializer(seed=next(seeds)), **fixed}

    x = inputs = keras.Input(shape)
    for number, layer in enumerate(layers, start=1):
        name = f"convolution_{number}"
        he = started(keras.initializers.HeNormal)
        x = keras.layers.Conv2D(layer.filters, layer.side, padding="same", activation="relu", name=name, **he)(x)
        x = keras.layers.AveragePooling2D(2, **fixed)(x)
    x = keras.layers.Flatten(**fixed)(x)
    x = keras.layers.Dense(FEATURES, activation="relu", name="features", **started(keras.initializers.HeNormal))(x)
    x = keras.layers.Dense(classes, name="classes", **started(keras.initializers.GlorotUniform))(x)
    return keras.Model(inputs, x)


class _Shown(keras.utils.PyDataset):
    """Batch `k` is row `k` of `shown`."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, shown: np.ndarray):
        super().__init__()
        self._pixels, self._labels, self._shown = pixels, labels, shown

    def __len__(self) -> int:
        return len(self._shown)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._shown[index]
        return centred(self._pixels[rows]), self._labels[rows]
