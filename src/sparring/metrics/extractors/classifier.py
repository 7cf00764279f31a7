"""A small convolutional classifier, run by NumPy: the same features on every backend and device, at once."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import softmax

from sparring.errors import UsageError
from sparring.metrics.extractor import Seen
from sparring.metrics.recognition import Images

AT_ONCE = 50  # Images that go through the layers together: their windows stay in a processor's cache.
FEATURES = 64  # Units of the last layer before the classes: few enough for a covariance from a thousand images.


class Classifier:
    """Convolutions of stride 1 with ReLU, each followed by a mean of 2 x 2; a dense layer of 64 with ReLU; the classes.

    Kernels are those of Keras' layers: `convolution_1.kernel` `(k, k, in, out)` with its `.bias`, and so on, then
    `features` and `classes`. Images at the edges are continued by zeros ("same"). NumPy, not Keras, because features
    must not depend on a backend or on a device that multiplies with fewer digits, and because nothing is compiled.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]):
        self._weights = {name: np.asarray(array, np.float32) for name, array in weights.items()}
        self._depth = sum(name.startswith("convolution_") for name in weights) // 2

    @property
    def num_parameters(self) -> int:
        return sum(array.size for array in self._weights.values())

    def __call__(self, pixels: np.ndarray) -> Seen:
        """Features `(N, 64)` and probabilities of float32 pixels `(N, H, W, C)` of 0 to 255, all at once."""
        x = centred(pixels)
        for number in range(1, self._depth + 1):
            x = halve(convolve(x, *self._layer(f"convolution_{number}")))
        kernel, bias = self._layer("features")
        features = np.maximum(x.reshape(len(x), -1) @ kernel + bias, 0)
        kernel, bias = self._layer("classes")
        return Seen(features, softmax(features @ kernel + bias, axis=1))

    def _layer(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        return self._weights[f"{name}.kernel"], self._weights[f"{name}.bias"]


def in_parts(images: Images, look: Callable[[np.ndarray], Seen], at_once: int = AT_ONCE) -> Seen:
    """What `look` sees in all images, of which it is given `at_once` at a time.

    Raises:
        UsageError: There are none.
    """
    if len(images) == 0:
        raise UsageError("An extractor takes at least one image. Received: none.")
    parts = [look(images[start : start + at_once]) for start in range(0, len(images), at_once)]
    probabilities = [part.probabilities for part in parts if part.probabilities is not None]
    features = np.concatenate([part.features for part in parts])
    return Seen(features, np.concatenate(probabilities) if probabilities else None)


def some_rows(count: int, most: int) -> np.ndarray:
    """Rows of `count`, ascending, the same `most` of them for everybody where there are more.

    Not evenly spaced ones: classes may take turns. Not by `default_rng`, whose numbers may change with NumPy; those of
    RandomState are frozen (NEP 19).
    """
    return np.sort(np.random.RandomState(0).permutation(count)[:most])


def centred(pixels: np.ndarray) -> np.ndarray:
    """0 to 255 as -1 to 1."""
    return pixels.astype(np.float32) / np.float32(127.5) - 1


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """ReLU of a convolution `(N, H, W, in)` with a `(k, k, in, out)` of odd `k`, continued by zeros."""
    side = kernel.shape[0]
    margin = side // 2
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    windows = np.moveaxis(sliding_window_view(padded, (side, side), axis=(1, 2)), 3, -1)
    result = windows.reshape(x.shape[0] * x.shape[1] * x.shape[2], -1) @ kernel.reshape(-1, kernel.shape[-1])
    result += bias
    return np.maximum(result, 0, out=result).reshape(*x.shape[:3], -1)


def halve(x: np.ndarray) -> np.ndarray:
    """Means of 2 x 2; an odd last row or column is left out."""
    x = x[:, : x.shape[1] // 2 * 2, : x.shape[2] // 2 * 2]
    rows = x[:, ::2] + x[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25)
