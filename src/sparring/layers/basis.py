"""A learned picture to start from."""

import keras
from keras import ops


class Basis(keras.layers.Layer):
    """A learned base of features, each scaled by a linear function of the input.

    The first layer of R3GAN's generator (Huang et al. 2024, arXiv:2501.05441, section 4): `(N, D)` becomes
    `(N, height, width, channels)`.
    """

    def __init__(self, height: int, width: int, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width, self.channels = height, width, channels

    def build(self, input_shape):
        shape = (self.height, self.width, self.channels)
        self.basis = self.add_weight(name="basis", shape=shape, initializer=keras.initializers.RandomNormal(stddev=1.0))
        # Unit variance out for standard normal latents in.
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.channels), initializer=keras.initializers.LecunNormal()
        )

    def call(self, x):
        return self.basis * ops.matmul(x, self.kernel)[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.height, self.width, self.channels)

    def get_config(self):
        return super().get_config() | {"height": self.height, "width": self.width, "channels": self.channels}
