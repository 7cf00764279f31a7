"""What makes features of images, under a name that says which: figures of different extractors are not comparable."""

from typing import NamedTuple, Protocol

import numpy as np

from sparring.metrics.recognition import Images


class Seen(NamedTuple):
    """What an extractor makes of `N` images.

    Attributes:
        features: float32 `(N, d)`.
        probabilities: Of the classes that the extractor knows, `(N, classes)`; None where it knows none.
    """

    features: np.ndarray
    probabilities: np.ndarray | None


class Extractor(Protocol):
    """Frozen, deterministic, and the same for an image whatever others come with it.

    Attributes:
        name: With its version, as `digits-v1`; whatever changes a feature changes the name.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, images: Images, /) -> Seen:
        """What it sees in uint8 images `(N, H, W, C)` of any size and 1, 3 or 4 channels, taken in parts.

        Those of clips take these, `(N, frames, H, W, C)`.
        """
        ...
