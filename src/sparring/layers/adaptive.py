"""Features whose scale and shift come from a style."""

import keras
from keras import ops


class StyleAffine(keras.layers.Layer):
    """`x * (1 + gain) + bias`, both of a style; behind a normalisation.

    With that of instances it is adaptive instance normalisation (Huang and Belongie 2017, arXiv:1703.06868, equation
    8), with the gain and bias of Karras et al. 2018 (arXiv:1812.04948, section 2.1). Called on `[x, gain and bias]` of
    shapes `(N, H, W, C)` and `(N, 2 C)`.
    """

    def call(self, inputs):
        x, affine = inputs
        gain, bias = ops.split(affine, 2, axis=-1)
        return x * (1.0 + gain[:, None, None]) + bias[:, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape[0]
