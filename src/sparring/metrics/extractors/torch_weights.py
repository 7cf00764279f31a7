"""Tensors of PyTorch put into layers of Keras."""

from collections.abc import Mapping

import keras
import numpy as np

from sparring.errors import DataError

EPSILON = 1e-3  # Of the batch normalisations of Inception's networks.


class TorchWeights:
    """The tensors of a file by their names, each asked for by the shape that it must have.

    Args:
        tensors: As `read_tensors` gives them.
    """

    def __init__(self, tensors: Mapping[str, np.ndarray]):
        self._tensors = tensors

    def tensor(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A float64 copy.

        Raises:
            DataError: It is missing, of another shape or not finite.
        """
        found = self._tensors.get(name)
        if found is None or found.shape != shape or not np.isfinite(found).all():
            received = "nothing" if found is None else found.shape
            raise DataError(f"`{name}` must be of shape {shape} and finite. Received: {received}.")
        return found.astype(np.float64)

    def fold_into(self, layer: keras.layers.Layer, convolution: str, normalisation: str) -> None:
        """Makes of a convolution without bias and the batch normalisation behind it one convolution with a bias.

        Args:
            layer: A convolution of Keras in two or three dimensions.
            convolution: The name of the one in the file.
            normalisation: And of what follows it.

        Raises:
            DataError: As `tensor`.
        """
        *sides, before, filters = layer.kernel.shape
        axes = range(len(sides) + 2)
        kernel = self.tensor(f"{convolution}.weight", (filters, before, *sides)).transpose(*axes[2:], 1, 0)
        weight, bias, mean, variance = (
            self.tensor(f"{normalisation}.{part}", (filters,))
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(variance + EPSILON)
        layer.set_weights([kernel * scale, bias - mean * scale])
