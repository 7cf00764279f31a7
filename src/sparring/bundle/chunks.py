"""Networks called on a chunk of rows at a time, so that any number of rows fits into memory."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

CHUNK_VALUES = 2**21  # Pixel values at once: some hundred MB with 64 channels at full resolution.
MOST_ROWS = 1024


def in_chunks(
    call: Callable[[list[np.ndarray]], Any], inputs: Sequence[np.ndarray], shape: Sequence[int]
) -> Iterator[np.ndarray]:
    """What `call([rows, ...])` gives for the rows of `inputs`, float32; images of `shape` say how many rows at once.

    Not by `predict`, whose set-up is too slow.
    """
    size = max(1, min(MOST_ROWS, CHUNK_VALUES // math.prod(shape)))
    for start in range(0, len(inputs[0]), size):
        made = call([rows[start : start + size] for rows in inputs])
        yield keras.ops.convert_to_numpy(keras.ops.cast(made, "float32"))
