"""Whether samples are copies of the training data."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from sparring.metrics.recognition import Images, Share

NEAR = 0.01  # This share of held-out examples lies nearer to the training data by definition.
HELD_OUT_LIMIT = 10_000  # Held-out images, evenly spaced: a hundred of them decide what is near.
AT_ONCE = 10_000  # Training images in memory as floats.


def near_copies(samples: np.ndarray, training: Images, held_out: Images) -> Share:
    """The share of `samples` nearer to a training image than 99 % of real images that were never trained on.

    Images are uint8 `(N, H, W, C)`, the distance Euclidean on pixels. A generator that had learned the distribution
    and nothing by heart would score about 1 %. At most 10,000 held-out images, evenly spaced, are looked at.
    """
    real = _flat(held_out[:: -(-len(held_out) // HELD_OUT_LIMIT)])
    queries = np.concatenate([real, _flat(samples)])
    nearest = np.full(len(queries), np.inf)
    for start in range(0, len(training), AT_ONCE):
        neighbours = NearestNeighbors(n_neighbors=1).fit(_flat(training[start : start + AT_ONCE]))
        nearest = np.minimum(nearest, neighbours.kneighbors(queries)[0][:, 0])
    nearest_held_out, nearest_samples = nearest[: len(real)], nearest[len(real) :]
    return Share.of(nearest_samples < np.quantile(nearest_held_out, NEAR))


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)
