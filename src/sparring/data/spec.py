"""What one example looks like: small, immutable, and JSON."""

import math
from typing import Annotated, Literal

import numpy as np
import pydantic

from sparring.data.lazy import Rows

CHUNK = 2**22  # Values summed up at once: their sums are whole numbers, so the result does not depend on it.
Side = Annotated[int, pydantic.Field(ge=1, le=4096)]
Channels = Annotated[int, pydantic.Field(ge=1, le=4)]


class DataSpec(pydantic.BaseModel, frozen=True, extra="forbid"):
    """The shape and the classes of one example, and what a recipe needs to know of the whole.

    Images are float32 in [-1, 1] inside the house and uint8 at its doors, so the value range is not a field.

    Attributes:
        kind: What an example is.
        shape: Height, width, channels of an image.
        classes: Names of the classes in the order of their labels; empty where there are none.
        num_examples: Number of examples to train on.
        squared_distance: Mean squared Euclidean distance of two examples in [-1, 1], the scale of the data
            that the strength of a gradient penalty is measured by.
    """

    kind: Literal["image"] = "image"
    shape: tuple[Side, Side, Channels]
    classes: tuple[Annotated[str, pydantic.Field(max_length=200)], ...] = pydantic.Field((), max_length=20_000)
    num_examples: Annotated[int, pydantic.Field(ge=1)]
    squared_distance: Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]

    @property
    def num_classes(self) -> int:
        return len(self.classes)


def squared_distance(images: Rows, limit: int = 10_000) -> float:
    """Mean squared distance of two of the uint8 `images` on the scale [-1, 1]: twice their total variance.

    At most `limit` images, evenly spaced, are read, a few at a time.
    """
    chosen = np.arange(0, len(images), max(1, len(images) // limit))
    at_once = max(1, CHUNK // math.prod(images.shape[1:]))
    total, squares = np.zeros(images.shape[1:], np.int64), np.zeros(images.shape[1:], np.int64)
    for start in range(0, len(chosen), at_once):
        part = images[chosen[start : start + at_once]].astype(np.int64)
        total += part.sum(axis=0)
        squares += np.square(part).sum(axis=0)
    variance = squares / len(chosen) - np.square(total / len(chosen))
    return float(2 * variance.sum() / 127.5**2)
