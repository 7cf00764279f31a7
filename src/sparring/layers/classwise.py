"""A gain and a bias for every class."""

import keras
from keras import ops


class ClasswiseAffine(keras.layers.Layer):
    """`x * gain[y] + bias[y]`, a number for every class and channel; behind a batch normalisation without its own.

    Together they are conditional batch normalisation (Dumoulin et al. 2016, arXiv:1610.07629, equation 5), as in the
    generator of arXiv:1802.05637. Called on `[x, labels]` of shapes `(N, H, W, C)` and `(N, classes)`, one-hot.
    """

    def build(self, input_shape):
        (*_, channels), (_, classes) = input_shape
        self.gain = self.add_weight(name="gain", shape=(classes, channels), initializer="ones")
        self.bias = self.add_weight(name="bias", shape=(classes, channels), initializer="zeros")

    def call(self, inputs):
        x, labels = inputs
        return x * ops.matmul(labels, self.gain)[:, None, None] + ops.matmul(labels, self.bias)[:, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape[0]
