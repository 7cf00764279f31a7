"""Activations as layers."""

import keras

from sparring.ops.activation import leaky_relu


class LeakyReLU(keras.layers.Layer):
    """`x` where it is positive, else `slope * x`, with the same gradient at exactly 0 on either backend.

    Zero padding puts many values exactly there; Keras' own layer has the slope 0.2 there on TensorFlow and 1 on JAX.
    """

    def __init__(self, slope: float = 0.2, **kwargs):
        super().__init__(**kwargs)
        self.slope = slope

    def call(self, x):
        return leaky_relu(x, self.slope)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"slope": self.slope}
