"""Twice the size by repetition."""

import keras
from keras import ops


class NearestDoubling(keras.layers.Layer):
    """Every position four times: `(N, H, W, C)` becomes `(N, 2H, 2W, C)`.

    Keras' `UpSampling2D` counts positions with integers, which on TensorFlow puts a line about oneDNN on the terminal
    of anybody who trains on a CPU.
    """

    def call(self, x):
        _, height, width, channels = x.shape
        shape = (ops.shape(x)[0], height, 2, width, 2, channels)
        x = ops.broadcast_to(x[:, :, None, :, None, :], shape)
        return ops.reshape(x, (-1, 2 * height, 2 * width, channels))

    def compute_output_shape(self, input_shape):
        count, height, width, channels = input_shape
        return (count, 2 * height, 2 * width, channels)
