"""Several examples before one judge."""

import keras
from keras import ops


class Pack(keras.layers.Layer):
    """Neighbouring examples side by side in the last axis: `(N, ..., C)` becomes `(N / packing, ..., packing * C)`.

    Lin et al. 2017 (PacGAN, arXiv:1712.04086, section 2.2).
    """

    def __init__(self, packing: int, **kwargs):
        super().__init__(**kwargs)
        self.packing = packing

    def call(self, x):
        _, *inner, channels = x.shape
        x = ops.moveaxis(ops.reshape(x, (-1, self.packing, *inner, channels)), 1, -2)
        return ops.reshape(x, (-1, *inner, self.packing * channels))

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[1:-1], self.packing * input_shape[-1])

    def get_config(self):
        return super().get_config() | {"packing": self.packing}
