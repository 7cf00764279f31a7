"""Initial weights that Keras does not have."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("sparring")
class BilinearNormal(keras.initializers.Initializer):
    """For a 4x4 `Conv2DTranspose` of stride 2: starts as bilinear doubling of a random mixture of the channels.

    Independent weights differ between the four pixels that one position unfolds to, in the same way everywhere: a
    checkerboard. Here the weights of an input and an output channel are one normal number of standard deviation
    `stddev` times the kernel of bilinear interpolation, whose weights on any pixel add up to 1.
    """

    def __init__(self, stddev: float):
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        taps = np.array([0.25, 0.75, 0.75, 0.25])
        mixture = keras.initializers.RandomNormal(stddev=self.stddev)((1, 1, *shape[2:]), dtype)
        return mixture * ops.convert_to_tensor(np.outer(taps, taps)[:, :, None, None], dtype=mixture.dtype)

    def get_config(self):
        return {"stddev": self.stddev}
