"""Convolutions steered by a style (Karras et al. 2020, arXiv:1912.04958, section 2.2)."""

import math

import keras
from keras import ops


class Constant(keras.layers.Layer):
    """A learned map of features, the same for every example: `(N, ...)` becomes `(N, height, width, channels)`."""

    def __init__(self, height: int, width: int, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width, self.channels = height, width, channels

    def build(self, input_shape):
        shape = (1, self.height, self.width, self.channels)
        self.constant = self.add_weight(
            name="constant", shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0)
        )

    def call(self, x):
        return ops.broadcast_to(self.constant, (ops.shape(x)[0], self.height, self.width, self.channels))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, self.channels)

    def get_config(self):
        return super().get_config() | {"height": self.height, "width": self.width, "channels": self.channels}


class ModulatedConv2D(keras.layers.Layer):
    """A convolution whose kernel each example scales by its own style (equations 1 to 3).

    The paper makes a kernel per example and convolves in groups. Here the inputs are scaled by the style, convolved
    with the one kernel, and the outputs scaled to what the demodulated kernel would give: the same numbers, as a
    convolution is linear. Called on `[x, style]` of shapes `(N, H, W, C)` and `(N, C)`.

    Args:
        filters: Channels of the output.
        kernel_size: Height and width of the kernel.
        demodulate: Whether outputs are scaled to a standard deviation of `gain` for independent inputs of variance 1.
        gain: See there; without demodulation it is so for a style of ones.
    """

    def __init__(self, filters: int, kernel_size: int, demodulate: bool = True, gain: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size
        self.demodulate, self.gain = demodulate, gain

    def build(self, input_shape):
        shape = (self.kernel_size, self.kernel_size, input_shape[0][-1], self.filters)
        # Scaled when used, as in `ScaledConv2D`.
        self.kernel = self.add_weight(
            name="kernel", shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0)
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, inputs):
        x, style = inputs
        kernel = self.kernel / math.sqrt(math.prod(self.kernel.shape[:-1]))
        x = ops.conv(x * style[:, None, None], kernel, padding="same", data_format="channels_last")
        if self.demodulate:
            energy = ops.matmul(ops.square(style), ops.sum(ops.square(kernel), axis=(0, 1)))
            x = x * ops.rsqrt(energy + 1e-8)[:, None, None]
        return x * self.gain + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[0][:-1], self.filters)

    def get_config(self):
        names = ("filters", "kernel_size", "demodulate", "gain")
        return super().get_config() | {name: getattr(self, name) for name in names}
