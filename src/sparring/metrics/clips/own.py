"""A network trained once on somebody's own clips, kept in a folder: `clips-own-<data>-v1-<weights>`."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sparring.errors import UsageError
from sparring.metrics.clips.learning import learn
from sparring.metrics.clips.network import ClipNetwork, widths_for
from sparring.metrics.clips.spoiling import SPOILED
from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import in_parts, some_rows
from sparring.metrics.extractors.kept import digest_of, write_weights
from sparring.metrics.extractors.own import read_kept
from sparring.metrics.extractors.resizing import reduce
from sparring.metrics.recognition import Images

LARGEST = 32  # Pixels of the longer side; larger frames are reduced to it.
LONGEST = 16  # Frames; of longer clips so many, evenly spaced, are looked at.
MOST_CLIPS = 2_000  # That are learned from.
MOST_SEEN = 10_000  # Clips, repeats counted,
BUDGET = 3e11  # and products in forward passes: the time of training is in proportion to them.
AT_ONCE = 16  # Clips that go through the layers together.
LEAST = 20


class ClipExtractor:
    """64 features of whole clips, and the probabilities of the classes.

    It has learned to name the classes of the clips, where they have any, and to tell clips as they are from those whose
    frames are in a wrong order, stand still, or come from two clips: see `learn`. Frames larger than 32 pixels are
    reduced, in proportion; of more than 16 frames 16 are seen. What is finer is for metrics of single frames. Figures
    compare only with those of the same name, as two trainings on the same clips give different features.

    Attributes:
        name: `clips-own-`, or `clips-order-` where there are no classes, with 8 digits of the data's fingerprint, the
            version, and 4 of the weights' digest.
        num_classes: Of the data; 0 where there are none.
        accuracy: The share of held-out clips that it named rightly.
        trained: Whether this call trained it.
    """

    def __init__(
        self,
        clips: Images,
        labels: np.ndarray | None,
        *,
        groups: np.ndarray,
        fingerprint: str,
        folder: Path,
        say: Callable[[str], None],
    ):
        """Read the network of these data from `folder`, or train it, in less than a minute on one core, and keep it.

        Args:
            clips: uint8 (N, frames, H, W, C), in memory or not; at most 2,000, drawn at random, are learned from.
            labels: int (N,) from 0, or None.
            groups: int (N,), equal for clips that are cut from the same one, which are held out together.
            fingerprint: At least 8 hexadecimal digits that change with the data.
            folder: Where networks are kept.
            say: Called with a sentence before a training and after it.

        Raises:
            UsageError: There are fewer than 20 clips, or groups and labels do not fit.
        """
        for name, given in (("labels", labels), ("groups", groups)):
            if given is not None and (given.shape != (len(clips),) or given.dtype.kind not in "iu"):
                raise UsageError(f"`{name}` must be an integer for each of {len(clips)} clips. Received: {given.shape}")
        if len(clips) < LEAST:
            raise UsageError(f"A network of clips takes at least {LEAST} of them. Received: {len(clips)}.")
        rows = some_rows(len(clips), MOST_CLIPS)
        numbers = None if labels is None else labels[rows]
        if numbers is not None and len(np.unique(numbers)) < 2:
            numbers = None
        self.num_classes = 0 if numbers is None else int(numbers.max()) + 1
        shape = made_small(clips[rows[:1]]).shape[1:]
        kind = "order" if numbers is None else "own"
        expected = {"fingerprint": fingerprint, "shape": json.dumps(shape), "classes": str(self.num_classes)}
        path = folder / f"clips-{kind}-{fingerprint[:8]}-v1.safetensors"
        weights, self.accuracy = read_kept(path, expected, say)
        self.trained = not weights
        if not weights:
            what = f"{self.num_classes} classes and " if self.num_classes else ""
            say(f"Training a network on {len(rows):,} clips, {what}the order of frames, to judge with.")
            parts = [made_small(clips[rows[start : start + 100]]) for start in range(0, len(rows), 100)]
            small = np.rint(np.concatenate(parts)).astype(np.uint8)
            seen = int(min(MOST_SEEN, BUDGET / products_for(shape)))
            weights, self.accuracy = learn(small, numbers, groups[rows], seen)
            write_weights(path, weights, {**expected, "accuracy": json.dumps(self.accuracy)})
            guess = 1 / (1 + len(SPOILED)) if numbers is None else np.bincount(numbers).max() / len(numbers)
            say(f"It names {self.accuracy} of the clips held out rightly, and is kept as {path}.")
            if self.accuracy.low <= guess:
                say(f"That may be no better than a guess, {guess:.1%}: figures of its features tell little.")
        self.name = f"{path.stem}-{digest_of(weights)[:4]}"
        self._network = ClipNetwork(weights)

    @property
    def num_parameters(self) -> int:
        return self._network.num_parameters

    def __call__(self, clips: Images) -> Seen:
        """Features (N, 64) of uint8 clips (N, frames, H, W, C), and probabilities (N, classes) where there are any."""
        return in_parts(clips, self._look, AT_ONCE)

    def _look(self, clips: np.ndarray) -> Seen:
        seen = self._network(made_small(clips))
        if not self.num_classes or seen.probabilities is None:
            return Seen(seen.features, None)
        known = seen.probabilities[:, : self.num_classes]
        return Seen(seen.features, known / np.maximum(known.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny))


def made_small(clips: np.ndarray) -> np.ndarray:
    """uint8 (N, frames, H, W, C) as float32 of at most 16 frames whose longer side has at most 32 pixels."""
    frames = clips.shape[1]
    count = min(frames, LONGEST)
    chosen = clips[:, np.arange(count) * frames // count]
    small = reduce(chosen.reshape(-1, *clips.shape[2:]), LARGEST)
    return small.reshape(len(clips), count, *small.shape[1:])


def products_for(shape: tuple[int, ...]) -> int:
    """The products that the convolutions take for one clip of this shape."""
    frames, height, width, channels = shape
    before, total = 2 * channels, 0
    for number, filters in enumerate(widths_for(height, width), start=1):
        total += math.prod((frames, height, width, before, 9, filters))
        height, width = height // 2, width // 2
        if number > 1:
            total += math.prod((frames, height, width, filters, 3, filters))
            frames = frames // 2 if frames >= 4 else frames
        before = filters
    return total
