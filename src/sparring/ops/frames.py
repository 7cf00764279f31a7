"""Frames of clips: chosen by number, and taken for images."""

import math

from keras import ops


def take_frames(frames, places):
    """Frames `(N, T, ...)` at `places`, int `(N, k)`: `(N, k, ...)`, float32.

    By a product with zeros and ones, as cheap as a gather is and its gradient with it; exact of uint8 on any device.
    """
    frames = ops.cast(frames, "float32")
    _, count, *inner = frames.shape
    chosen = ops.cast(places[:, :, None] == ops.arange(count), "float32")
    flat = ops.reshape(frames, (-1, count, math.prod(inner)))
    return ops.reshape(ops.matmul(chosen, flat), (-1, places.shape[1], *inner))


def fold(frames):
    """`(N, T, ...)` to `(N * T, ...)`, the frames of a clip one after the other."""
    return ops.reshape(frames, (-1, *frames.shape[2:]))


def unfold(images, count: int):
    """`(N * count, ...)` to `(N, count, ...)`, what `fold` has joined."""
    return ops.reshape(images, (-1, count, *images.shape[1:]))
