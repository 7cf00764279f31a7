"""What one example alone does not show: how much the examples of a batch differ."""

import math

import keras
from keras import ops


class MinibatchDeviation(keras.layers.Layer):
    """Adds one channel that holds how much the examples of a group differ (Karras et al. 2017, arXiv:1710.10196).

    Section 3 there: the standard deviation of every feature over the group, its mean over all features, the same
    number everywhere. A group is `group_size` examples that follow one another, so that devices which share a batch
    in multiples of it find the groups of one; a last group is smaller where the batch does not divide, and an
    example by itself differs by 0. `(N, ..., C)` becomes `(N, ..., C + 1)`.
    """

    def __init__(self, group_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.group_size = group_size

    def call(self, x):
        rows = ops.reshape(x, (-1, math.prod(x.shape[1:])))
        group = ops.arange(ops.shape(x)[0]) // self.group_size
        together = ops.cast(group[:, None] == group[None, :], x.dtype)
        # A product with a matrix of means: unlike reshaping to groups it takes a batch of any size.
        means = together / ops.sum(together, axis=1, keepdims=True)
        variance = ops.matmul(means, ops.square(rows - ops.matmul(means, rows)))
        # The slope of a square root is infinite at 0.
        found = ops.mean(ops.sqrt(variance + 1e-8), axis=1)
        found = ops.reshape(found, (-1,) + (1,) * (len(x.shape) - 1))
        return ops.concatenate([x, ops.ones_like(x[..., :1]) * found], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return super().get_config() | {"group_size": self.group_size}
