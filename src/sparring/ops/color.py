"""Between the uint8 of files and screens and the float32 in [-1, 1] of networks."""

import numpy as np
from keras import ops


def from_uint8(images):
    """uint8 in [0, 255] to float32 in [-1, 1]."""
    return ops.cast(images, "float32") / 127.5 - 1.0


def to_uint8(images: np.ndarray) -> np.ndarray:
    """float32 in [-1, 1], clipped there, to uint8 in [0, 255]; NumPy, for images on their way out."""
    return np.rint((np.clip(images, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)
