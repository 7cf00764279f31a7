"""The resizers of the extractors: an extractor's name stands for one of them too."""

import numpy as np
from PIL import Image

from sparring.errors import UsageError

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Of red, green and blue: ITU-R BT.601, as Pillow's mode L.


def as_images(images: np.ndarray) -> np.ndarray:
    """`images`, once they are known to be uint8 `(N, H, W, 1, 3 or 4)`.

    Raises:
        UsageError: They are something else.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3, 4):
        raise UsageError(
            "An extractor takes uint8 images of shape (N, height, width, 1, 3 or 4). "
            f"Received: {images.dtype} of shape {images.shape}."
        )
    return images


def as_color(images: np.ndarray) -> np.ndarray:
    """uint8 `(N, H, W, C)` as uint8 `(N, H, W, 3)`: grey three times, transparent parts laid on white."""
    images = as_images(images)
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    if images.shape[-1] == 4:
        alpha = images[..., 3:].astype(np.float32) / 255
        return np.rint(images[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return images


def as_grey(images: np.ndarray) -> np.ndarray:
    """uint8 `(N, H, W, C)` as float32 `(N, H, W, 1)` of 0 to 255, not rounded; transparent parts laid on white."""
    images = as_images(images)
    if images.shape[-1] == 1:
        return images.astype(np.float32)
    return (as_color(images) @ LUMA)[..., None]


def resize(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Any `(N, H, W, C)` of 0 to 255 as float32 `(N, height, width, C)` of 0 to 255, not rounded.

    By Pillow's bicubic filter, which widens where images shrink so that nothing is skipped, on each channel by itself
    as floats (Parmar, Zhang and Zhu 2022, arXiv:2104.11222, section 4: the choice that changes features least).
    """
    images = np.asarray(images, np.float32)
    if images.shape[1:3] == (height, width):
        return images
    resized = np.empty((len(images), height, width, images.shape[-1]), np.float32)
    for image, place in zip(images, resized, strict=True):
        for channel in range(images.shape[-1]):
            plane = Image.fromarray(image[..., channel])
            place[..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC))
    return np.clip(resized, 0, 255, out=resized)


def reduce(images: np.ndarray, longest: int) -> np.ndarray:
    """`resize` to a longer side of `longest` in proportion; images that are not larger keep their size."""
    height, width = images.shape[1:3]
    scale = min(1.0, longest / max(height, width))
    return resize(images, max(1, round(height * scale)), max(1, round(width * scale)))


def resize_like_tensorflow1(images: np.ndarray, side: int) -> np.ndarray:
    """uint8 `(N, H, W, C)` as float32 `(N, side, side, C)` as `tf.image.resize_bilinear` of TensorFlow 1 made them.

    Pixel `i` comes from the place `i * H / side`, without the half of a pixel that is added today, of its two
    neighbours alone: where images shrink, pixels are skipped. All in float32, horizontally first, as that kernel did.
    """
    images = np.asarray(images)
    (top, bottom, down), (left, right, across) = (_neighbours(size, side) for size in images.shape[1:3])
    rows, columns = down[:, None, None], across[None, :, None]
    resized = np.empty((len(images), side, side, images.shape[-1]), np.float32)
    for image, place in zip(images, resized, strict=True):
        image = image.astype(np.float32)
        wide = image[:, left]
        wide += (image[:, right] - wide) * columns
        place[:] = wide[top]
        place += (wide[bottom] - place) * rows
    return resized


def _neighbours(size: int, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every new pixel: the pixel before it, the one after it, and how far it lies from the first."""
    places = np.arange(side, dtype=np.float32) * np.float32(size / side)
    before = places.astype(np.int64)
    return before, np.minimum(before + 1, size - 1), places - before.astype(np.float32)
