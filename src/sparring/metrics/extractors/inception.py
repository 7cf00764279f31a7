"""The network of the Inception score and the Frechet inception distance, `inception-2015`, as a Keras model."""

import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np
from scipy.special import softmax

from sparring.errors import DataError
from sparring.metrics.extractor import Seen
from sparring.metrics.extractors.classifier import in_parts
from sparring.metrics.extractors.resizing import as_color, resize_like_tensorflow1
from sparring.metrics.extractors.torch_file import read_tensors
from sparring.metrics.extractors.torch_weights import TorchWeights
from sparring.metrics.recognition import Images

SIDE, FEATURES, CLASSES = 299, 2048, 1008
AT_ONCE = 20  # Images that go through the network together.
FLOAT32 = {"dtype": "float32"}  # Whatever the policy of the process is.


class Branch(NamedTuple):
    """A convolution within a block: the name in files of weights, filters, kernel, and stride."""

    name: str
    filters: int
    kernel: tuple[int, int]
    stride: int = 1


class InceptionExtractor:
    """The graph `classify_image_graph_def.pb` of 2015-12-05 that published figures are made with.

    Features are the 2048 means of its last block ("pool3"), for the Frechet and kernel inception distances (Heusel et
    al. 2017, arXiv:1706.08500; Binkowski et al. 2018, arXiv:1801.01401); probabilities those of its 1008 classes
    without the bias of the logits, for the Inception score (Salimans et al. 2016, arXiv:1606.03498). The network is
    Inception v3 (Szegedy et al. 2015, arXiv:1512.00567, table 1) but for three things of that graph: means at the
    edges count no padding, the last block takes greatest values in place of means, and images are resized by
    `resizing.resize_like_tensorflow1` from uint8 to 299 x 299, then `(x - 128) / 128`. Weights that Keras or
    torchvision ship are of another training and give other figures.

    Grey images are taken three times, transparent parts laid on white.
    """

    name = "inception-2015"

    def __init__(self, weights: str | os.PathLike):
        """Build the network and fill it from a file of PyTorch as `fetch_weights` gets it.

        Raises:
            DataError: The file cannot be read, or is not of this network.
        """
        self._model, self._head = inception(), np.zeros((FEATURES, CLASSES), np.float32)
        tensors = read_tensors(weights)
        try:
            self._head = fill(self._model, tensors)
        except DataError as error:
            raise DataError(f"{os.fspath(weights)} is not the network of 2015-12-05: {error}") from None

    def __call__(self, images: Images) -> Seen:
        return in_parts(images, self._look, AT_ONCE)

    def _look(self, images: np.ndarray) -> Seen:
        x = (resize_like_tensorflow1(as_color(images), SIDE) - 128) / 128
        # Always as many, so that a backend that compiles does so once.
        full = np.concatenate([x, np.zeros((AT_ONCE - len(x), *x.shape[1:]), np.float32)])
        features = keras.ops.convert_to_numpy(self._model.predict_on_batch(full))[: len(x)]
        return Seen(features, softmax(features @ self._head, axis=1))


def inception() -> keras.Model:
    """From float32 images `(N, 299, 299, 3)` of -1 to 1 to the features `(N, 2048)`; 21.8 million parameters.

    Every batch normalisation is folded into the convolution before it: `fill` does that.
    """
    x = inputs = keras.Input((SIDE, SIDE, 3))
    x = _convolve(x, Branch("Conv2d_1a_3x3", 32, (3, 3), 2), "valid")
    x = _convolve(x, Branch("Conv2d_2a_3x3", 32, (3, 3)), "valid")
    x = _convolve(x, Branch("Conv2d_2b_3x3", 64, (3, 3)))
    x = _greatest(x, 2)
    x = _convolve(x, Branch("Conv2d_3b_1x1", 80, (1, 1)), "valid")
    x = _convolve(x, Branch("Conv2d_4a_3x3", 192, (3, 3)), "valid")
    x = _greatest(x, 2)
    for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_35(x, name, pooled)
    x = _to_17(x, "Mixed_6a")
    for name, inner in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = _block_17(x, name, inner)
    x = _to_8(x, "Mixed_7a")
    x = _block_8(x, "Mixed_7b", _mean)
    x = _block_8(x, "Mixed_7c", _greatest)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(**FLOAT32)(x), name="inception-2015")


def fill(model: keras.Model, tensors: Mapping[str, np.ndarray]) -> np.ndarray:
    """Put the tensors of PyTorch's names and layouts into `inception()`; gives the kernel of the logits `(2048, 1008)`.

    Raises:
        DataError: A tensor is missing, of another shape or not finite.
    """

    weights = TorchWeights(tensors)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            file_name = layer.name.replace("-", ".")
            weights.fold_into(layer, f"{file_name}.conv", f"{file_name}.bn")
    return weights.tensor("fc.weight", (CLASSES, FEATURES)).T.astype(np.float32)


def _convolve(x: keras.KerasTensor, branch: Branch, padding: str = "same") -> keras.KerasTensor:
    name = branch.name.replace(".", "-")  # Keras takes a point in a name for a path of its own.
    settings = {"padding": padding, "activation": "relu", "kernel_initializer": "zeros", "name": name, **FLOAT32}
    return keras.layers.Conv2D(branch.filters, branch.kernel, branch.stride, **settings)(x)


def _chain(x: keras.KerasTensor, block: str, *branches: Branch) -> keras.KerasTensor:
    """One convolution after the other; those that halve the image take no padding."""
    for branch in branches:
        padding = "valid" if branch.stride > 1 else "same"
        x = _convolve(x, branch._replace(name=f"{block}.{branch.name}"), padding)
    return x


def _mean(x: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.AveragePooling2D(3, 1, "same", **FLOAT32)(x)


def _greatest(x: keras.KerasTensor, stride: int = 1) -> keras.KerasTensor:
    return keras.layers.MaxPooling2D(3, stride, "valid" if stride > 1 else "same", **FLOAT32)(x)


def _join(*parts: keras.KerasTensor) -> keras.KerasTensor:
    return keras.layers.Concatenate(**FLOAT32)(list(parts))


def _block_35(x: keras.KerasTensor, name: str, pooled: int) -> keras.KerasTensor:
    """Figure 5 of the paper, with a 5 x 5 in the second branch; 35 x 35."""
    return _join(
        _chain(x, name, Branch("branch1x1", 64, (1, 1))),
        _chain(x, name, Branch("branch5x5_1", 48, (1, 1)), Branch("branch5x5_2", 64, (5, 5))),
        _chain(
            x,
            name,
            Branch("branch3x3dbl_1", 64, (1, 1)),
            Branch("branch3x3dbl_2", 96, (3, 3)),
            Branch("branch3x3dbl_3", 96, (3, 3)),
        ),
        _chain(_mean(x), name, Branch("branch_pool", pooled, (1, 1))),
    )


def _to_17(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Figure 10: from 35 x 35 to 17 x 17."""
    return _join(
        _chain(x, name, Branch("branch3x3", 384, (3, 3), 2)),
        _chain(
            x,
            name,
            Branch("branch3x3dbl_1", 64, (1, 1)),
            Branch("branch3x3dbl_2", 96, (3, 3)),
            Branch("branch3x3dbl_3", 96, (3, 3), 2),
        ),
        _greatest(x, 2),
    )


def _block_17(x: keras.KerasTensor, name: str, inner: int) -> keras.KerasTensor:
    """Figure 6, with n = 7; 17 x 17."""
    return _join(
        _chain(x, name, Branch("branch1x1", 192, (1, 1))),
        _chain(
            x,
            name,
            Branch("branch7x7_1", inner, (1, 1)),
            Branch("branch7x7_2", inner, (1, 7)),
            Branch("branch7x7_3", 192, (7, 1)),
        ),
        _chain(
            x,
            name,
            Branch("branch7x7dbl_1", inner, (1, 1)),
            Branch("branch7x7dbl_2", inner, (7, 1)),
            Branch("branch7x7dbl_3", inner, (1, 7)),
            Branch("branch7x7dbl_4", inner, (7, 1)),
            Branch("branch7x7dbl_5", 192, (1, 7)),
        ),
        _chain(_mean(x), name, Branch("branch_pool", 192, (1, 1))),
    )


def _to_8(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """From 17 x 17 to 8 x 8."""
    return _join(
        _chain(x, name, Branch("branch3x3_1", 192, (1, 1)), Branch("branch3x3_2", 320, (3, 3), 2)),
        _chain(
            x,
            name,
            Branch("branch7x7x3_1", 192, (1, 1)),
            Branch("branch7x7x3_2", 192, (1, 7)),
            Branch("branch7x7x3_3", 192, (7, 1)),
            Branch("branch7x7x3_4", 192, (3, 3), 2),
        ),
        _greatest(x, 2),
    )


def _block_8(x: keras.KerasTensor, name: str, pool: Callable[[keras.KerasTensor], keras.KerasTensor]):
    """Figure 7: branches that end in a 1 x 3 beside a 3 x 1; 8 x 8."""
    single = _chain(x, name, Branch("branch3x3_1", 384, (1, 1)))
    double = _chain(x, name, Branch("branch3x3dbl_1", 448, (1, 1)), Branch("branch3x3dbl_2", 384, (3, 3)))
    return _join(
        _chain(x, name, Branch("branch1x1", 320, (1, 1))),
        _chain(single, name, Branch("branch3x3_2a", 384, (1, 3))),
        _chain(single, name, Branch("branch3x3_2b", 384, (3, 1))),
        _chain(double, name, Branch("branch3x3dbl_3a", 384, (1, 3))),
        _chain(double, name, Branch("branch3x3dbl_3b", 384, (3, 1))),
        _chain(pool(x), name, Branch("branch_pool", 192, (1, 1))),
    )
