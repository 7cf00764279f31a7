"""A finished translator: images of one domain made into images of another."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from sparring.bundle.bundle import Bundle
from sparring.data.spec import DomainsSpec
from sparring.errors import UsageError
from sparring.ops.color import from_uint8, to_uint8

CHUNK_VALUES = 2**20  # Pixel values translated at once: some hundred MB with 32 channels at full size.
# A U-Net halves an image to 4 pixels or more of those it was trained at, and mirrors others up to a multiple of that:
# at most their own size again, from an eighth of the trained size on.
SMALLEST_SHARE = 8
WAYS = {"forward": (0, 1), "backward": (1, 0)}  # From which domain to which, by the name of the network.


class TranslationBundle(Bundle):
    """A translator between domains of images.

    Its networks, `forward` from the first domain to the second and `backward`, of which one may be missing, take
    `[images]`, float32 (n, height, width, channels) in [-1, 1] of any height and width, and give as many of the same.
    """

    @property
    def spec(self) -> DomainsSpec:
        assert isinstance(self.record.spec, DomainsSpec)
        return self.record.spec

    @property
    def ways(self) -> dict[str, str]:
        """The domain that images are translated from, by the domain that they become images of."""
        domains = self.spec.domains
        return {domains[target]: domains[source] for name, (source, target) in WAYS.items() if name in self.networks}

    def target(self, to: str | None = None) -> str:
        """The domain that images become images of: `to`, or the first way there is.

        Raises:
            UsageError: There is no way to it.
        """
        if to is None:
            return next(iter(self.ways))
        self.spec.place(to)
        if to not in self.ways:
            known = ", ".join(f"{source} to {target}" for target, source in self.ways.items())
            raise UsageError(f"This bundle does not translate to {to}. It translates {known}.")
        return to

    def translate(self, images: np.ndarray, to: str | None = None) -> np.ndarray:
        """`images` as if they were of another domain.

        Args:
            images: uint8 (n, height, width, channels), of any height and width from an eighth of those on that the
                bundle was trained at.
            to: Name of the domain; the only one, or the second, by default.

        Returns:
            uint8, of the same shape.

        Raises:
            UsageError: There is no way to that domain, or the images are of another shape, type or size.
        """
        images = self.checked(images)
        network = self.networks[self._name(self.target(to))]
        return in_parts(lambda part: network([from_uint8(part)], training=False), images)

    def look(
        self, n: int, *, seed: int = 0, labels: Mapping[str, np.ndarray] | None = None
    ) -> dict[tuple[str, str], np.ndarray]:
        """Translations of images, each way that there is.

        Args:
            n: Number of images of a domain, at most.
            seed: Of styles, where they are drawn.
            labels: uint8 (n, height, width, channels) of the trained size, by the name of their domain.

        Returns:
            Their translations, uint8, by the names of their domain and of that they become.
        """
        return {
            (source, target): self._looked((labels or {})[source][:n], target, seed)
            for target, source in self.ways.items()
        }

    def _looked(self, images: np.ndarray, target: str, seed: int) -> np.ndarray:
        return self.translate(images, target)

    def checked(self, images: np.ndarray) -> np.ndarray:
        """`images` as an array, if they can be translated; raises UsageError as `translate` does."""
        images, channels = np.asarray(images), self.spec.shape[-1]
        if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] != channels:
            raise UsageError(
                f"`images` must be uint8 of shape (n, height, width, {channels}). Received: {images.dtype}, "
                f"{images.shape}"
            )
        if min(images.shape[1:3]) < self.smallest:
            raise UsageError(
                f"`images` must have at least {self.smallest} pixels a side. Received: "
                f"{images.shape[1]}x{images.shape[2]}"
            )
        return images

    @property
    def smallest(self) -> int:
        """Pixels that a side of an image must have to be translated."""
        return max(2, min(self.spec.shape[:2]) // SMALLEST_SHARE)

    def _name(self, target: str) -> str:
        return next(name for name, (_, place) in WAYS.items() if self.spec.domains[place] == target)


def in_parts(translate: Callable[..., Any], images: np.ndarray, *beside: np.ndarray) -> np.ndarray:
    """What `translate(images, *beside)` makes of uint8 images, so many at once as fit, as uint8 again."""
    size = max(1, min(1024, CHUNK_VALUES // int(np.prod(images.shape[1:]))))
    found = [np.empty((0, *images.shape[1:]), np.uint8)]
    for start in range(0, len(images), size):
        made = translate(*(array[start : start + size] for array in (images, *beside)))
        found.append(to_uint8(keras.ops.convert_to_numpy(keras.ops.cast(made, "float32"))))
    return np.concatenate(found)
