"""Rows that are made when they are asked for, above all of images that stay in their files."""

import abc
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from sparring.data.files import Files, Parts
from sparring.data.images.pixels import Half, Size, decode
from sparring.errors import DataError

# Bytes of decoded images, 512 MiB. Larger data stays on disk: in memory it would be most of what training takes. It
# depends on nothing but the data, as the fingerprint of a run does: not on how much memory happens to be free.
MEMORY_LIMIT = 512 * 2**20
# Bytes of a file, on average. Smaller ones decode so fast that threads would spend more on taking turns in Python than
# they win, and opening has just brought them into the system's cache, so that there is no disk to wait for.
WORTH_A_THREAD = 4096
MOST_THREADS = 16


def is_large(num_bytes: int) -> bool:
    """Whether images of so many bytes stay on disk."""
    return num_bytes > MEMORY_LIMIT


def too_large(num_bytes: int, plural: str = "images") -> str:
    """The beginning of the sentence that tells why images stay on disk."""
    return (
        f"The {plural} would take {num_bytes / 2**20:,.0f} MB of memory, and more than {MEMORY_LIMIT / 2**20:,.0f} MB "
        "are not loaded"
    )


class Rows(Protocol):
    """What examples are made of: an array, or what answers as one where rows are concerned."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> Any: ...


Examples = Mapping[str, Rows]
"""Arrays of examples by name, as in `Source.examples`."""


class LazyRows(abc.ABC):
    """uint8 examples that are no array: `rows[numbers]` makes an array of some of them.

    Numbers are one, a slice or an array, as of a NumPy array, and several threads may ask at the same time.

    Attributes:
        shape: As of the array of all rows.
        digests: uint8 that change with any value of any row.
        failure: The error that was raised of a file that could not be decoded, for where another stands before it.
    """

    dtype = np.dtype(np.uint8)
    shape: tuple[int, ...]
    digests: np.ndarray
    failure: DataError | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        wanted = np.asarray(rows)
        flat = wanted.ravel().tolist()
        if flat and not -len(self) <= min(flat) <= max(flat) < len(self):
            raise IndexError(f"rows {min(flat)} to {max(flat)} of {len(self)}")
        made = self._make([row % len(self) for row in flat])
        return made.reshape(*wanted.shape, *self.shape[1:])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it in memory."""
        return self[:].astype(dtype or self.dtype, copy=False)

    @abc.abstractmethod
    def _make(self, rows: list[int]) -> np.ndarray:
        """An array of these rows, each from 0 on."""


class ImageFiles(LazyRows):
    """uint8 images (N, H, W, C) that stay in their files; `images[rows]` decodes those rows into an array.

    Args:
        files: The folder or zip.
        chosen: The file of each row.
        digests: uint8 (N, 32), the SHA-256 of each file's content.
        shape: Height, width and channels of every image.
        size: Height and width to crop and resize to; None where the files have that size.
        threads: How many decode at the same time.
        half: The half of each image that is meant; None for all of it.

    """

    def __init__(
        self,
        files: Files,
        chosen: Sequence[Parts],
        digests: np.ndarray,
        shape: Sequence[int],
        size: Size | None = None,
        threads: int = 1,
        half: Half | None = None,
    ):
        self.files, self.chosen, self.digests = files, chosen, digests
        self.shape, self.size, self.threads = (len(chosen), *shape), size, threads
        self.half = half

    def _make(self, rows: list[int]) -> np.ndarray:
        images = np.empty((len(rows), *self.shape[1:]), np.uint8)

        def fill(places: range):
            for place in places:
                images[place] = self._decode(rows[place])

        if self.threads == 1 or len(rows) == 1:
            fill(range(len(rows)))
        else:
            list(self._pool.map(fill, [range(start, len(rows), self.threads) for start in range(self.threads)]))
        return images

    def pick(self, rows: np.ndarray, channels: int | None = None) -> "ImageFiles":
        """These rows, still in their files; grey ones may become several channels."""
        height, width, own = self.shape[1:]
        chosen, shape = [self.chosen[row] for row in rows], (height, width, channels or own)
        return ImageFiles(self.files, chosen, self.digests[rows], shape, self.size, self.threads, self.half)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, "decode")

    def _decode(self, row: int) -> np.ndarray:
        try:
            pixels, _ = decode(self.files.read(self.chosen[row]), self.size, self.half)
            if pixels.shape[:2] != self.shape[1:3]:  # A PNG whose EXIF tag stands behind its pixels.
                raise ValueError(f"it is turned to {pixels.shape[0]}x{pixels.shape[1]} (height x width)")
            return np.broadcast_to(pixels, self.shape[1:])
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            self.failure = self._error(row, error)
            raise self.failure from error

    def _error(self, row: int, error: Exception) -> DataError:
        named = f"{'/'.join(self.chosen[row])} in {self.files.path} could not be"
        # Pillow's own errors of damaged files are OSErrors too, but without a number.
        if isinstance(error, OSError) and error.errno is not None:
            return DataError(f"{named} read ({error.strerror}). Put it back, then give the same command again.")
        return DataError(
            f"{named} decoded ({error}). Repair or remove it, or pass `--skip-unreadable`. A run that has begun is "
            "kept as it is saved; without this file the data is another, so begin a new one (--run)."
        )


def pick(images: Rows, rows: np.ndarray) -> Rows:
    """These rows of `images`, in memory or still in their files."""
    if isinstance(images, ImageFiles):
        return images.pick(rows)
    whole = len(rows) == len(images) and (rows == np.arange(len(rows))).all()
    return images if whole else images[rows]


def decoding_threads(mean_bytes: float) -> int:
    """How many threads should decode files of this average size."""
    return min(MOST_THREADS, os.cpu_count() or 1) if mean_bytes >= WORTH_A_THREAD else 1
