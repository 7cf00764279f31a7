"""Objects in front of a background."""

import keras
from keras import ops


class Placed(keras.layers.Layer):
    """Pictures of objects, each moved as it is to its place, in front of a background; at any fraction of a pixel.

    `[background (N, H, W, C), objects (N, K, P, Q, C + 1), places (N, K, 2)]` becomes `(N, H, W, C)`. The last channel
    of an object says from -1, nothing, to 1, all, how much it covers of what is behind it: the background and the
    objects before it. A place says where the middle of an object lies, down and to the right of that of the frame in
    halves of its sides: at 1 it lies on the border, and what is beyond is cut off. Pixels are mixed bilinearly, as by a
    spatial transformer that only shifts (Jaderberg et al. 2015, arXiv:1506.02025, equation 5).

    Args:
        fineness: Pixels of an object for one of the frame, along each side.
    """

    def __init__(self, fineness: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.fineness = fineness

    def call(self, inputs):
        frame, objects, places = inputs
        opacity = (objects[..., -1:] + 1) / 2
        # What covers nothing has no colour either, else it would bleed into the border.
        x = ops.concatenate([objects[..., :-1] * opacity, opacity], axis=-1)
        x = ops.einsum("nkhp,nkpqc->nkhqc", self._shares(frame.shape[1], x.shape[2], places[..., 0]), x)
        x = ops.einsum("nkwq,nkhqc->nkhwc", self._shares(frame.shape[2], x.shape[3], places[..., 1]), x)
        for number in range(x.shape[1]):
            frame = x[:, number, ..., :-1] + (1 - x[:, number, ..., -1:]) * frame
        return frame

    def _shares(self, count: int, others: int, place):
        """How much of each pixel of an object is in each of the frame along one side, `(N, K, count, others)`."""
        here = ops.arange(count, dtype=place.dtype) - (count - 1) / 2 - place[..., None] * count / 2
        there = (ops.arange(others, dtype=place.dtype) - (others - 1) / 2) / self.fineness
        return ops.relu(1 - ops.abs(here[..., None] - there)) / self.fineness

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {"fineness": self.fineness}
