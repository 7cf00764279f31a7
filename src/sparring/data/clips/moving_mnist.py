"""Moving MNIST: two digits that bounce in a square, generated without end."""

import os

import numpy as np

from sparring.data.images.named import read_named
from sparring.data.images.pixels import Size, resize_images
from sparring.data.lazy import LazyRows

NAME = "moving_mnist"
CANVAS, DIGITS = 64, 2  # Pixels of a side, and digits in a clip.
STEP = 0.1  # Of the free way, from one frame to the next.
TRAINING, HELD_OUT = 1_000_000, 10_000  # Clips; of the canonical test file there are as many as the second.


class MovingDigits(LazyRows):
    """uint8 (N, frames, side, side, 1): clip `r` is a pure function of `r` and of the digits.

    The protocol is that of Srivastava et al. (arXiv:1502.04681, section 3.2) as their program has it: a position and a
    direction are drawn evenly; in every frame a digit moves by a tenth of the way that is free, is stopped at the
    edge and turned back there, and only then is drawn, at the whole pixel below its position; where two digits meet
    the brighter pixel counts.

    Args:
        digits: uint8 (n, 28, 28, 1).
        part: Makes the clips of one part others than those of another.
        num_clips: How many there are.
        frames: Frames of a clip.
        stride: From one of its frames to the next.
        size: Height and width of a frame, 64x64 by default. Where these are 64 divided by a whole number, a pixel is
            the mean of those it covers; else frames are cropped and resized as images are.
    """

    def __init__(
        self,
        digits: np.ndarray,
        part: int,
        num_clips: int,
        frames: int,
        stride: int = 1,
        size: Size | None = None,
    ):
        self.digits, self.part, self.stride, self.size = digits[..., 0], part, stride, size or (CANVAS, CANVAS)
        self.shape = (num_clips, frames, *self.size, 1)
        self.digests = np.array([*digits.shape, int(digits.sum(dtype=np.int64)), part, stride], np.int64)

    def _make(self, rows: list[int]) -> np.ndarray:
        made = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for index, row in enumerate(rows):
            made[index] = self._resize(self._draw(row))
        return made

    def _draw(self, row: int) -> np.ndarray:
        """A clip at its full size."""
        random = np.random.Generator(np.random.Philox(key=[self.part, 0], counter=[0, 0, 0, row]))
        chosen = self.digits[random.integers(len(self.digits), size=DIGITS)]
        position, angle = random.random((DIGITS, 2)), random.random(DIGITS) * 2 * np.pi
        velocity = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        frames, side = self.shape[1], chosen.shape[1]
        clip = np.zeros((frames, CANVAS, CANVAS), np.uint8)
        for number in range((frames - 1) * self.stride + 1):
            position = position + STEP * velocity
            velocity = np.where((position <= 0) | (position >= 1), -velocity, velocity)
            position = np.clip(position, 0, 1)
            if number % self.stride:
                continue
            for (top, left), digit in zip(((CANVAS - side) * position).astype(int), chosen, strict=True):
                place = clip[number // self.stride, top : top + side, left : left + side]
                np.maximum(place, digit, out=place)
        return clip[..., None]

    def _resize(self, clip: np.ndarray) -> np.ndarray:
        height, width = self.size
        if CANVAS % height or CANVAS % width:
            return resize_images(clip, self.size)
        blocks = clip.reshape(len(clip), height, CANVAS // height, width, CANVAS // width, 1)
        return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)


def moving_mnist(
    frames: int, stride: int, size: Size | None, data_dir: str | os.PathLike[str] | None
) -> tuple[MovingDigits, MovingDigits]:
    """Clips to train on, of MNIST's training digits, and those held out, of its test digits.

    Raises:
        DataError: MNIST can be neither found nor downloaded.
    """
    found = read_named("mnist", None, data_dir)
    parts = (np.asarray(found.images), TRAINING), (np.asarray(found.held_out["image"]), HELD_OUT)
    training, held_out = (
        MovingDigits(digits, part, count, frames, stride, size) for part, (digits, count) in enumerate(parts)
    )
    return training, held_out
