"""Features for a look at every tick: cheap, of any images, without weights, labels or a download."""

import numpy as np

from sparring.metrics.extractor import Seen
from sparring.metrics.recognition import Images

SIDE = 32  # Pixels; larger images are averaged down to fewer than twice as many.
PIXELS, CELLS = 7, 3  # A side, of the pixels and of the maps of a layer.
FILTERS = (16, 32)  # Of each layer.
WIDTH = 64  # Of the features.
AT_ONCE = 2**22  # Numbers of one layer in memory, 16 MB.


class Sketch:
    """Small pixels and two layers of random 3x3 filters, in the principal directions of some real images.

    The filters see edges and textures that the pixels' components are blind to; they know nothing of classes. They are
    drawn from one seed: the same images have the same features everywhere. Pixels and layers weigh the same, by their
    variance over the real images, and not every feature of its own: a pixel that is black in all of them would be all
    that counts.

    Args:
        real: uint8 (N, H, W, C), at least two different ones, that fix scales and directions.

    Attributes:
        name: With its version.
    """

    name = "sketch-v1"

    def __init__(self, real: Images):
        self._filters = random_filters(np.shape(real[:1])[-1])
        groups = self._groups(real)
        variances = [group.var(axis=0, dtype=np.float64).sum() for group in groups]
        self._scales = [1 / np.sqrt(variance) if variance else 0.0 for variance in variances]
        scaled = self._scaled(groups)
        self._mean = scaled.mean(axis=0)
        scaled -= self._mean
        _, directions = np.linalg.eigh(scaled.T @ scaled)
        self._directions = directions[:, ::-1][:, :WIDTH]

    def __call__(self, images: Images) -> Seen:
        """Features `(N, 64)` of uint8 images `(N, H, W, C)` of the size of the real ones."""
        found = (self._scaled(self._groups(images)) - self._mean) @ self._directions
        return Seen(found.astype(np.float32), None)

    def _scaled(self, groups: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([group * scale for group, scale in zip(groups, self._scales, strict=True)], axis=1)

    def _groups(self, images: Images) -> list[np.ndarray]:
        """Pixels and layers, each `(N, d)`."""
        side = min(np.shape(images[:1])[1:3])
        size = max(1, AT_ONCE // (FILTERS[0] * min(side, 2 * SIDE) ** 2))
        parts = [self._part(images[start : start + size]) for start in range(0, len(images), size)]
        return [np.concatenate(group) for group in zip(*parts, strict=True)]

    def _part(self, images: np.ndarray) -> list[np.ndarray]:
        maps = _pooled(images.astype(np.float32) / 127.5 - 1, max(1, min(images.shape[1:3]) // SIDE))
        found = [_grid(maps, PIXELS)]
        for filters in self._filters:
            maps = np.maximum(_filtered(maps, filters), 0)
            found.append(np.concatenate([_grid(maps, CELLS), maps.std(axis=(1, 2))], axis=1))
            maps = _pooled(maps, 2)
        return found


def random_filters(inputs: int) -> list[np.ndarray]:
    """Filters `(9 C, F)` of each layer for images of so many channels: of length 1, and blind to brightness.

    Brightness is what the pixels tell.
    """
    random = np.random.RandomState(0)  # Not `default_rng`, whose numbers may change with NumPy; these are frozen.
    found = []
    for outputs in FILTERS:
        filters = random.standard_normal((9 * inputs, outputs)).astype(np.float32)
        filters -= filters.mean(axis=0)
        found.append(filters / np.linalg.norm(filters, axis=0))
        inputs = outputs
    return found


def _filtered(maps: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """3x3 filters `(9 C, F)` on maps `(N, H, W, C)`, the edges repeated."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
    height, width = maps.shape[1:3]
    shifted = [padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.concatenate(shifted, axis=-1) @ filters


def _pooled(maps: np.ndarray, factor: int) -> np.ndarray:
    """Means of squares of so many a side; what does not make a whole one is left out."""
    height, width = maps.shape[1] // factor, maps.shape[2] // factor
    if factor == 1 or not height or not width:
        return maps
    cut = maps[:, : height * factor, : width * factor]
    return cut.reshape(len(maps), height, factor, width, factor, -1).mean(axis=(2, 4))


def _grid(maps: np.ndarray, cells: int) -> np.ndarray:
    """Means over a grid of at most so many cells a side, as rows."""
    for axis in (1, 2):
        bounds = np.linspace(0, maps.shape[axis], min(cells, maps.shape[axis]) + 1).astype(int)
        sizes = np.expand_dims(np.diff(bounds), tuple(other for other in range(4) if other != axis))
        maps = np.add.reduceat(maps, bounds[:-1], axis=axis) / sizes.astype(np.float32)
    return maps.reshape(len(maps), -1)
