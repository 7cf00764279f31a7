"""Images of any size for networks that halve and double it."""

import keras
from keras import ops


class PadToMultiple(keras.layers.Layer):
    """Mirrors an image `(N, H, W, C)` over its lower and right border until both sides are multiples of a number.

    The smaller side must be at least half of that number.
    """

    def __init__(self, multiple: int, **kwargs):
        super().__init__(**kwargs)
        self.multiple = multiple

    def call(self, x):
        _, height, width, _ = x.shape
        below, beside = -height % self.multiple, -width % self.multiple
        if not below and not beside:
            return x
        return ops.pad(x, [[0, 0], [0, below], [0, beside], [0, 0]], mode="symmetric")

    def compute_output_shape(self, input_shape):
        count, *sides, channels = input_shape
        return (count, *(side and side + -side % self.multiple for side in sides), channels)

    def get_config(self):
        return super().get_config() | {"multiple": self.multiple}


class CropLike(keras.layers.Layer):
    """Cuts `x` to the height and width of another image; called on `[x, other]`."""

    def call(self, inputs):
        x, other = inputs
        return x[:, : other.shape[1], : other.shape[2]]

    def compute_output_shape(self, input_shape):
        (count, _, _, channels), (_, height, width, _) = input_shape
        return (count, height, width, channels)
