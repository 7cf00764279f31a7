"""Whether samples are copies of the training data."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from sparring.metrics.recognition import Share

NEAR = 0.01  # This share of held-out examples lies nearer to the training data by definition.


def near_copies(samples: np.ndarray, training: np.ndarray, held_out: np.ndarray) -> Share:
    """The share of `samples` nearer to a training image than 99 % of real images that were never trained on.

    Images are uint8 `(N, H, W, C)`, the distance Euclidean on pixels. A generator that had learned the distribution
    and nothing by heart would score about 1 %.
    """
    neighbours = NearestNeighbors(n_neighbors=1).fit(_flat(training))
    nearest_held_out = neighbours.kneighbors(_flat(held_out))[0][:, 0]
    nearest_samples = neighbours.kneighbors(_flat(samples))[0][:, 0]
    return Share.of(nearest_samples < np.quantile(nearest_held_out, NEAR))


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32)
