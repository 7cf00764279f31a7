"""How the network that looks at clips is trained: once, seeded, and counted on clips held out."""

from collections.abc import Iterator
from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from sparring.metrics.clips.network import FEATURES, ClipNetwork, prepared, widths_for
from sparring.metrics.clips.spoiling import SPOILED, spoil
from sparring.metrics.recognition import Share

BATCH = 32
LEARNING_RATE = 2e-3  # Falls to 0 along a cosine.
HELD_OUT = 0.1  # Share of the groups.
AS_THEY_ARE = 0.5  # Share of the clips that are not spoiled, where these have classes to be told apart.


class Learned(NamedTuple):
    """What `learn` gives: weights as `ClipNetwork` takes them, and the share of held-out clips that it named rightly.

    Of clips with classes these are named, of others whether and how they are spoiled.
    """

    weights: dict[str, np.ndarray]
    accuracy: Share


def learn(clips: np.ndarray, labels: np.ndarray | None, groups: np.ndarray, clips_seen: int, seed: int = 0) -> Learned:
    """Train `ClipNetwork` to name the classes of uint8 `clips` (N, frames, H, W, C), and what is none of them.

    Beside the classes, or one for all where there are no `labels`, it learns the four of `SPOILED`: real clips whose
    frames are in a wrong order, stand still or come from two clips (the order of frames as a pretext: Misra et al.
    2016, arXiv:1603.08561, section 3). Labels alone would leave it blind to motion wherever one frame tells the class.

    A tenth of the `groups` (N,), int, drawn by the seed, is held out, at least one of each: stretches of one clip are
    no strangers to each other. On one machine and backend the same seed gives the same weights; elsewhere they differ.
    """
    random = np.random.default_rng(seed)
    names = np.unique(groups)
    names = random.permutation(names)[: max(1, round(HELD_OUT * len(names)))] if len(names) > 1 else names
    is_held_out = np.isin(groups, names)
    kept = np.flatnonzero(~is_held_out) if not is_held_out.all() else np.arange(len(clips))
    numbers = np.zeros(len(clips), np.int64) if labels is None else np.asarray(labels, np.int64)
    classes = int(numbers.max()) + 1
    steps = max(1, clips_seen // BATCH)
    model = network(clips.shape[1:], classes + len(SPOILED), seed)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Not compiled by XLA: on a CPU that costs TensorFlow its fast convolutions.
    quick = False if keras.config.backend() == "tensorflow" else "auto"
    model.compile(keras.optimizers.Adam(schedule), loss, jit_compile=quick)
    share = 1 / (1 + len(SPOILED)) if labels is None else AS_THEY_ARE
    model.fit(_batches(clips, numbers, kept, share, random), steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)
    weights = {
        f"{layer.name}.{variable.name}": np.array(variable, np.float32)
        for layer in model.layers
        for variable in layer.weights
    }
    held_out = np.flatnonzero(is_held_out)[:1000]
    if labels is None:
        shown, wanted = _spoiled(clips, numbers, random.choice(held_out, 200), share, random)
    else:
        shown, wanted = clips[held_out], numbers[held_out]
    found = []
    look = ClipNetwork(weights)
    for start in range(0, len(shown), BATCH):
        probabilities = look(shown[start : start + BATCH]).probabilities
        assert probabilities is not None
        found.append((probabilities if labels is None else probabilities[:, :classes]).argmax(axis=1))
    return Learned(weights, Share.of(np.concatenate(found) == wanted))


def network(shape: tuple[int, ...], classes: int, seed: int) -> keras.Model:
    """The network of `ClipNetwork` in Keras for what `prepared` makes of clips of `shape`, down to the logits."""
    frames, height, width, channels = shape
    fixed = {"dtype": "float32"}  # Whatever the policy of the process is.
    seeds = iter(range(1000 * seed, 1000 * seed + 100))

    def started() -> dict:
        return {"kernel_initializer": keras.initializers.HeNormal(seed=next(seeds)), **fixed}

    x = inputs = keras.Input((frames, height, width, 2 * channels))
    for number, filters in enumerate(widths_for(height, width), start=1):
        # Frames one by one, and then time against places, as images: 2-D convolutions are those that are fast.
        x = ops.reshape(x, (-1, height, width, x.shape[-1]))
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"space_{number}", **started())(x)
        x = layers.AveragePooling2D(2, **fixed)(x)
        height, width = x.shape[1:3]
        if number > 1:
            x = ops.reshape(x, (-1, frames, height * width, filters))
            name = f"time_{number}"
            x = layers.Conv2D(filters, (3, 1), padding="same", activation="relu", name=name, **started())(x)
            if frames >= 4:
                x = layers.AveragePooling2D((2, 1), **fixed)(x)
                frames //= 2
        x = ops.reshape(x, (-1, frames, height, width, filters))
    x = layers.Flatten(**fixed)(ops.mean(x, axis=1))
    x = layers.Dense(FEATURES, activation="relu", name="features", **started())(x)
    x = layers.Dense(classes, name="classes", **started())(x)
    return keras.Model(inputs, x)


def _batches(
    clips: np.ndarray, numbers: np.ndarray, rows: np.ndarray, share: float, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches without end of the clips of `rows`, of which a `share` is as it is."""
    order = random.permutation(rows)
    while True:
        while len(order) < BATCH:
            order = np.concatenate([order, random.permutation(rows)])
        chosen, order = order[:BATCH], order[BATCH:]
        shown, wanted = _spoiled(clips, numbers, chosen, share, random)
        yield prepared(shown), wanted


def _spoiled(
    clips: np.ndarray, numbers: np.ndarray, rows: np.ndarray, share: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Clips, some of them spoiled, and what each is: its class, or from the last class on the way it is spoiled."""
    ways = np.where(random.random(len(rows)) < share, -1, random.integers(len(SPOILED), size=len(rows)))
    others = clips[random.permutation(rows)]
    shown = spoil(clips[rows], others, ways, random)
    return shown, np.where(ways < 0, numbers[rows], numbers.max() + 1 + ways)
