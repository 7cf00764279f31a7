"""Features whose scale and shift come from a style."""

import keras
from keras import ops


class StyleAffine(keras.layers.Layer):
    """`x * (1 + gain) + bias`, both linear in a style; behind an instance normalisation without its own.

    Together they are adaptive instance normalisation (Huang and Belongie 2017, arXiv:1703.06868, equation 8, with the
    gain and bias of Karras et al. 2018, arXiv:1812.04948, section 2). Called on `[x, style]` of shapes `(N, H, W, C)`
    and `(N, D)`.
    """

    def build(self, input_shape):
        (*_, channels), (_, width) = input_shape
        self.kernel = self.add_weight(name="kernel", shape=(width, 2 * channels), initializer="lecun_normal")
        self.bias = self.add_weight(name="bias", shape=(2 * channels,), initializer="zeros")

    def call(self, inputs):
        x, style = inputs
        gain, bias = ops.split(ops.matmul(style, self.kernel) + self.bias, 2, axis=-1)
        return x * (1.0 + gain[:, None, None]) + bias[:, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape[0]
