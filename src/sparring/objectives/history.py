"""Generated images of earlier steps, for a discriminator that should not forget them."""

import keras
from keras import ops

from sparring.ops.noise import uniform


class History(keras.layers.Layer):
    """The last generated images, of which one stands in for every second new one.

    Shrivastava et al. 2016 (arXiv:1612.07828, section 2.3), as in CycleGAN (arXiv:1703.10593, section 4), which keeps
    50. The oldest leave first; there a random one does.

    Args:
        size: Images that are kept, at least as many as a batch has.
        shape: Height, width and channels of one.
    """

    num_draws = 2  # Standard normal numbers that an image needs.

    def __init__(self, size: int, shape: tuple[int, int, int]):
        super().__init__(name="history", trainable=False)
        self.size = size
        self.images = self.add_weight(name="images", shape=(size, *shape), initializer="zeros", trainable=False)
        self.count = self.add_weight(name="count", shape=(), dtype="int32", initializer="zeros", trainable=False)
        self.built = True

    def call(self, images, noise):
        """`images` `(N, ...)`, some of them exchanged for earlier ones; they are kept in turn."""
        count, kept = ops.convert_to_tensor(self.count), ops.convert_to_tensor(self.images)
        filled, chance = ops.minimum(count, self.size), uniform(noise)
        chosen = ops.cast(ops.floor(chance[:, 1] * ops.cast(filled, "float32")), "int32")
        old = ops.take(kept, ops.clip(chosen, 0, ops.maximum(filled - 1, 0)), axis=0)
        exchanged = ops.logical_and(chance[:, 0] < 0.5, filled > 0)
        rows = ops.shape(images)[0]
        places = (count + ops.arange(rows)) % self.size
        self.images.assign(ops.scatter_update(kept, places[:, None], images))
        self.count.assign(count + rows)
        return ops.where(exchanged[:, None, None, None], old, images)
