"""Every position looks at all the others (Zhang et al. 2018, arXiv:1805.08318)."""

import keras
from keras import layers, ops

from sparring.layers.spectral import SpectralConv2D


class SelfAttention(keras.layers.Layer):
    """Self-attention of SAGAN: `y = gamma * o + x` (equations 1 to 3), `gamma` starting at 0.

    Queries and keys have an eighth of the channels, values half of them. Keys and values are pooled to half the
    height and width by their maxima, as in the authors' released code though not in the paper: a quarter of the
    memory. A map with an odd side is not pooled. Called on `(N, H, W, C)`; returns the same shape.

    Args:
        spectral: Whether the four 1x1 convolutions are spectrally normalised, as in the paper.
    """

    def __init__(self, spectral: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.spectral = spectral

    def build(self, input_shape):
        _, height, width, channels = input_shape
        self.pooled = height % 2 == width % 2 == 0
        convolution = SpectralConv2D if self.spectral else layers.Conv2D
        few, half = max(1, channels // 8), max(1, channels // 2)
        self.queries = convolution(few, 1, use_bias=False)
        self.keys = convolution(few, 1, use_bias=False)
        self.values = convolution(half, 1, use_bias=False)
        self.result = convolution(channels, 1, use_bias=False)
        for layer in (self.queries, self.keys, self.values):
            layer.build(input_shape)
        self.result.build((*input_shape[:-1], half))
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")

    def call(self, x):
        _, height, width, _ = x.shape
        queries, keys, values = self.queries(x), self.keys(x), self.values(x)
        if self.pooled:
            keys, values = ops.max_pool(keys, 2, strides=2), ops.max_pool(values, 2, strides=2)
        queries, keys, values = (
            ops.reshape(y, (-1, y.shape[1] * y.shape[2], y.shape[3])) for y in (queries, keys, values)
        )
        weights = ops.softmax(ops.matmul(queries, ops.transpose(keys, (0, 2, 1))))
        found = ops.matmul(weights, values)
        return x + self.gamma * self.result(ops.reshape(found, (-1, height, width, found.shape[-1])))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"spectral": self.spectral}
