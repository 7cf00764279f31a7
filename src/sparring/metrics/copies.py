"""Which training images samples are nearest to, by their pixels."""

from typing import NamedTuple

import numpy as np

from sparring.metrics.recognition import Images

VALUES = 2**24  # Pixel values of training images in memory as floats, 64 MB.
BLOCK = 2**22  # Distances in memory at a time, 16 MB.


class Nearest(NamedTuple):
    """The nearest training image of each sample.

    Attributes:
        distances: Euclidean, float64 `(N,)`, in grey levels of 0 to 255.
        rows: Of the training images, `(N,)`.
    """

    distances: np.ndarray
    rows: np.ndarray


def nearest_images(images: np.ndarray, training: Images, own: np.ndarray | None = None) -> Nearest:
    """The training image nearest to each of the uint8 `images` `(N, H, W, C)`.

    Training images are taken in parts, so they may be on disk.

    Args:
        own: Rows `(N,)` of training images that `images` are themselves: another one is looked for.
    """
    queries = _flat(images)
    squares = np.full(len(queries), np.inf, np.float32)
    rows, exact = np.zeros(len(queries), int), np.zeros(len(queries))
    size = max(1, VALUES // queries.shape[1])
    for start in range(0, len(training), size):
        part = _flat(training[start : start + size])
        norms = np.einsum("ij,ij->i", part, part)
        for block in _blocks(len(queries), len(part)):
            apart = queries[block] @ part.T
            apart *= -2
            apart += norms
            if own is not None:
                here = np.flatnonzero((own[block] >= start) & (own[block] < start + len(part)))
                apart[here, own[block][here] - start] = np.inf
            best = apart.argmin(axis=1)
            least = apart[np.arange(len(best)), best]
            nearer = np.flatnonzero(least < squares[block])
            found = block.start + nearer
            squares[found], rows[found] = least[nearer], start + best[nearer]
            # By its own difference: a distance of 0 would come out of float32 products as one of a few grey levels.
            exact[found] = np.linalg.norm(queries[found] - part[best[nearer]], axis=1)
    return Nearest(exact, rows)


def _blocks(rows: int, columns: int) -> list[slice]:
    size = max(1, BLOCK // columns)
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def _flat(images: np.ndarray) -> np.ndarray:
    # About the middle grey, which makes the squares, and what float32 loses of them, smaller.
    return images.reshape(len(images), -1).astype(np.float32) - 127.5
