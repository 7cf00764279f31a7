"""A small network that looks at clips, run by NumPy: the same features on every backend and device."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import softmax

from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import centred, convolve, halve

FEATURES = 64  # Units of the last layer before the classes.
WIDTHS = (12, 24, 48)  # Filters of the stages; a network of fewer has the last of them.
COARSEST = 4  # Stages of means of 2 x 2 follow one another until the shorter side is at most this.


def widths_for(height: int, width: int) -> tuple[int, ...]:
    """Filters of each stage for frames of this size."""
    depth = math.ceil(math.log2(max(2, min(height, width) / COARSEST)))
    return WIDTHS[-min(depth, len(WIDTHS)) :]


def prepared(clips: np.ndarray) -> np.ndarray:
    """Clips (N, frames, H, W, C) of 0 to 255 as float32 (N, frames, H, W, 2 C): each frame, and what is new in it.

    The difference from the frame before, which of the first is 0, is motion that need not be learned to be seen.
    """
    frames = centred(clips)
    new = np.zeros_like(frames)
    new[:, 1:] = frames[:, 1:] - frames[:, :-1]
    return np.concatenate([frames, new], axis=-1)


class ClipNetwork:
    """Convolutions over space and over time in turn, a mean over time, a dense layer of 64, and the classes.

    A stage is a convolution of 3 x 3 of every frame, a mean of 2 x 2 and, from the second stage on, a convolution over
    three frames and a mean of two of them where there are four; all with ReLU, at the edges continued by zeros. So 3-D
    convolutions are taken apart (Tran et al. 2018, arXiv:1711.11248, section 3.2: as good, and cheaper).

    Weights are `space_1.kernel` (3, 3, in, out), `time_2.kernel` (3, 1, in, out), and so on, each with a `.bias`, then
    `features` and `classes`, as Keras has them.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]):
        self._weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        self._depth = sum(name.startswith("space_") for name in weights) // 2

    @property
    def num_parameters(self) -> int:
        return sum(array.size for array in self._weights.values())

    def __call__(self, clips: np.ndarray) -> Seen:
        """Features (N, 64) and probabilities of float32 clips (N, frames, H, W, C) of 0 to 255, all at once."""
        x = prepared(clips)
        count = len(x)
        for number in range(1, self._depth + 1):
            frames = x.shape[1]
            x = halve(convolve(x.reshape(count * frames, *x.shape[2:]), *self._layer(f"space_{number}")))
            x = x.reshape(count, frames, *x.shape[1:])
            if number > 1:
                x = halve_time(convolve_time(x, *self._layer(f"time_{number}")))
        kernel, bias = self._layer("features")
        features = np.maximum(x.mean(axis=1).reshape(count, -1) @ kernel + bias, 0)
        kernel, bias = self._layer("classes")
        return Seen(features, softmax(features @ kernel + bias, axis=1))

    def _layer(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return self._weights[f"{name}.kernel"], self._weights[f"{name}.bias"]


def convolve_time(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """ReLU of a convolution over three frames, (N, frames, H, W, in) with a kernel (3, 1, in, out)."""
    frames = x.shape[1]
    padded = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0), (0, 0)))
    found = sum(padded[:, shift : shift + frames] @ kernel[shift, 0] for shift in range(3)) + bias
    return np.maximum(found, 0, out=found)


def halve_time(x: np.ndarray) -> np.ndarray:
    """Means of two frames, where there are four; an odd last one is left out."""
    if x.shape[1] < 4:
        return x
    even = x.shape[1] // 2 * 2
    return (x[:, 0:even:2] + x[:, 1:even:2]) * np.float32(0.5)
