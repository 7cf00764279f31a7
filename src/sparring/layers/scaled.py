"""Layers whose weights are scaled when they are used: the equalised learning rate (arXiv:1710.10196, section 4.1)."""

import math

import keras
from keras import layers, ops


class ScaledDense(layers.Dense):
    """Keras' `Dense` with standard normal weights, multiplied by `gain / sqrt(inputs)` at every call.

    Adam moves every weight by about its learning rate: of weights that are all of size 1 it moves the same share,
    whatever the width of the layer (Karras et al. 2017, arXiv:1710.10196, section 4.1).

    Args:
        units: Size of the output.
        gain: Standard deviation of the output for independent inputs of variance 1.
        rate: Multiplies the learning rate of kernel and bias: they are kept `1 / rate` times as large.
        **kwargs: As in Keras' `Dense`, but for the kernel's initializer.
    """

    def __init__(self, units: int, gain: float = 1.0, rate: float = 1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.gain, self.rate = gain, rate

    def build(self, input_shape):
        self.kernel_initializer = keras.initializers.RandomNormal(stddev=1 / self.rate)
        super().build(input_shape)

    def call(self, inputs):
        scale = self.gain * self.rate / math.sqrt(self.kernel.shape[0])
        x = ops.matmul(inputs, ops.convert_to_tensor(self.kernel) * scale)
        return x + self.bias * self.rate if self.use_bias else x

    def get_config(self):
        return super().get_config() | {"gain": self.gain, "rate": self.rate}


class ScaledConv2D(layers.Conv2D):
    """Keras' `Conv2D` with standard normal weights, multiplied by `gain / sqrt(fan_in)` at every call.

    See `ScaledDense`; a bias is not scaled.
    """

    def __init__(self, filters: int, kernel_size: int, gain: float = 1.0, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        self.gain = gain

    def build(self, input_shape):
        self.kernel_initializer = keras.initializers.RandomNormal(stddev=1.0)
        super().build(input_shape)

    def call(self, inputs):
        scale = self.gain / math.sqrt(math.prod(self.kernel.shape[:-1]))
        x = self.convolution_op(inputs, ops.convert_to_tensor(self.kernel) * scale)
        return x + self.bias if self.use_bias else x

    def get_config(self):
        return super().get_config() | {"gain": self.gain}
