"""Small moves of images that are trained on, as of a camera that was held a little differently."""

from typing import Any

from keras import ops

from sparring.ops.noise import uniform

Tensor = Any  # Of whichever backend.


class Jitter:
    """Random jitter (Isola et al. 2016, arXiv:1611.07004, appendix 6.2): moved, and every other image mirrored.

    The paper enlarges an image by 30 of 256 pixels and cuts out a part of the old size. Here nothing is enlarged: what
    comes in at a border is a reflection of what lies there.

    Args:
        share: An image moves by at most this share of a side, either way.
        mirror: Whether every second image is turned left to right.

    Attributes:
        num_draws: Standard normal numbers that an image needs.
    """

    num_draws = 3

    def __init__(self, share: float, mirror: bool):
        self.share, self.mirror = share, mirror

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Images `(N, H, W, C)`, moved as standard normal `noise` `(N, num_draws)` says; by products, see `_moves`."""
        _, height, width, channels = images.shape
        chance = uniform(noise)
        turned = ops.cast(chance[:, 2] > 0.5, "int32") if self.mirror else None
        down, across = self._moves(chance[:, 0], height), self._moves(chance[:, 1], width, turned)
        images = ops.matmul(down, ops.reshape(images, (-1, height, width * channels)))
        return ops.matmul(across[:, None], ops.reshape(images, (-1, height, width, channels)))

    def _moves(self, uniforms, size: int, turned=None):
        """Matrices `(N, size, size)` of zeros and ones that each move a column of numbers."""
        reach = min(size - 1, round(self.share * size))
        whole = ops.cast(ops.floor(uniforms * (2 * reach + 1)), "int32")
        place = ops.arange(size)
        source = place + (ops.minimum(whole, 2 * reach) - reach)[:, None]
        source = ops.abs(source)  # Reflected at 0, and below at the last.
        source = (size - 1) - ops.abs((size - 1) - source)
        if turned is not None:
            source = ops.where(turned[:, None] > 0, (size - 1) - source, source)
        return ops.cast(source[:, :, None] == place, "float32")
