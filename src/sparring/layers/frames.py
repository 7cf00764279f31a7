"""What networks of clips do with frames, beside what is said of all of them."""

import keras
from keras import ops


class JoinToFrames(keras.layers.Layer):
    """The same numbers behind those of every frame: `[(N, T, D), (N, E)]` becomes `(N, T, D + E)`, of any length."""

    def call(self, inputs):
        frames, others = inputs
        count, length = ops.shape(frames)[0], ops.shape(frames)[1]
        others = ops.broadcast_to(others[:, None], (count, length, others.shape[-1]))
        return ops.concatenate([frames, others], axis=-1)

    def compute_output_shape(self, input_shape):
        (count, length, width), (_, more) = input_shape
        return (count, length, width + more)


class RunningSum(keras.layers.Layer):
    """Where something is that begins at `(N, D)` and moves by `(N, T, D)`: a sum up to every frame, `(N, T, D)`."""

    def call(self, inputs):
        start, steps = inputs
        return start[:, None] + ops.cumsum(steps, axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[1]


class FramesAsChannels(keras.layers.Layer):
    """Frames side by side in the channels, and behind them a constant channel for each time between two of them.

    `[(N, T, H, W, C), (N, D)]`, of which the first `T - 1` of `D` numbers are the times, becomes
    `(N, H, W, T * C + T - 1)`, as a motion discriminator of 2-D convolutions reads them (DIGAN, Yu et al. 2022,
    arXiv:2202.10571, section 3.2).
    """

    def call(self, inputs):
        frames, condition = inputs
        _, count, height, width, channels = frames.shape
        x = ops.reshape(ops.transpose(frames, (0, 2, 3, 1, 4)), (-1, height, width, count * channels))
        gaps = ops.cast(condition[:, None, None, : count - 1], x.dtype)
        gaps = ops.broadcast_to(gaps, (ops.shape(x)[0], height, width, count - 1))
        return ops.concatenate([x, gaps], axis=-1)

    def compute_output_shape(self, input_shape):
        (examples, count, height, width, channels), _ = input_shape
        return (examples, height, width, count * channels + count - 1)
