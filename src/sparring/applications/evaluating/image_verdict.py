"""What a judge of images finds."""

import types
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sparring.metrics.resampling import Figure


class ClassFigures(NamedTuple):
    """The figures of one class.

    Attributes:
        name: Of the class.
        real_share: How much of the training data is of it, 0 to 1.
        share: How much of the samples is: asked for, or as the extractor sees it.
        recognised: The share of its samples in which the class is recognised; NaN where none can be asked for.
        recognised_held_out: The same of held-out images.
        diversity: How varied its samples are against its real images; NaN where there are too few.
    """

    name: str
    real_share: float
    share: float
    recognised: float
    recognised_held_out: float
    diversity: float


class Pair(NamedTuple):
    """A sample and the training image nearest to it.

    Attributes:
        sample: uint8 `(H, W, C)`.
        training: uint8 `(H, W, C)`.
        distance: In units of the one below which 1 % of real images lie.
    """

    sample: np.ndarray
    training: np.ndarray
    distance: float


class Verdict(NamedTuple):
    """What the judge found of a run; there are no other ways to make images that its figures stand beside."""

    figures: tuple[Figure, ...]
    classes: tuple[ClassFigures, ...]
    nearest: tuple[Pair, ...]
    usual: tuple[Pair, ...]
    beside: Mapping[str, tuple[Figure, ...]] = types.MappingProxyType({})
