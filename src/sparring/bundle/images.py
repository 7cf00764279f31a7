"""A finished generator of images: samples of it, and walks between them."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from sparring.bundle.bundle import Bundle
from sparring.bundle.chunks import in_chunks
from sparring.bundle.classes import Labels, as_condition, labels_for
from sparring.bundle.latents import normal_latents, spherical
from sparring.data.spec import ImageSpec
from sparring.errors import UsageError
from sparring.ops.color import to_uint8


class ImageBundle(Bundle):
    """A generator of images.

    Its network takes `[latents]`, or `[latents, condition]` with one-hot float32 labels, and gives float32
    (n, height, width, channels) in [-1, 1].
    """

    @property
    def spec(self) -> ImageSpec:
        assert isinstance(self.record.spec, ImageSpec)
        return self.record.spec

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes one can ask for; none where the generator takes no labels, whatever the data has."""
        return self.spec.classes if len(self.networks["generator"].inputs) > 1 else ()

    def latents(self, n: int, seed: int = 0, truncation: float | None = None) -> np.ndarray:
        """Standard normal float32 (n, latent_dim), see `normal_latents`; the first rows are those of a smaller `n`."""
        return normal_latents(n, self.latent_dim, seed, truncation)

    def labels_for(self, n: int, labels: Labels = None) -> np.ndarray | None:
        """int32 (n,) labels, or None for a bundle without classes.

        Args:
            n: Number of labels.
            labels: A class by its number or its name, or several, repeated in turn; None takes all classes in turn.

        Raises:
            UsageError: The bundle has no such class, or none at all.
        """
        return labels_for(self.classes, n, labels)

    def generate(self, latents: np.ndarray, labels: Labels = None) -> np.ndarray:
        """float32 (n, height, width, channels) in [-1, 1] for latents (n, latent_dim) and `labels` of `labels_for`."""
        return np.concatenate(list(self._chunks(latents, labels)))

    def sample(self, n: int, *, seed: int = 0, labels: Labels = None, truncation: float | None = None) -> np.ndarray:
        """`n` images, uint8 (n, height, width, channels); arguments as in `latents` and `labels_for`."""
        return self.render(self.latents(n, seed, truncation), labels)

    def look(self, n: int, *, seed: int = 0, labels: Labels = None) -> np.ndarray:
        """`sample`, without the labels where the generator takes none."""
        return self.sample(n, seed=seed, labels=labels if self.classes else None)

    def render(self, latents: np.ndarray, labels=None) -> np.ndarray:
        """`generate` as uint8, converted chunk by chunk: all of it as float32 would take four times the memory."""
        return np.concatenate([to_uint8(chunk) for chunk in self._chunks(latents, labels)])

    def interpolate(
        self, frames: int, n: int = 1, *, keypoints: int = 4, seed: int = 0, labels: Labels = None
    ) -> np.ndarray:
        """`n` walks side by side through `keypoints` random latents and back to the first.

        Between two latents the walk is spherical (arXiv:1609.04468, section 2.1): the middle is as long as the ends,
        as it would be for a random latent. The last frame leads on to the first. Each walk keeps its label.

        Returns:
            uint8 (frames, n, height, width, channels).
        """
        if frames < 1:
            raise UsageError(f"`frames` must be >= 1. Received: frames={frames}")
        points = self.latents(n * keypoints, seed).reshape(n, keypoints, -1).swapaxes(0, 1)
        place = np.arange(frames) * keypoints / frames
        start = place.astype(int)
        share = (place - start)[:, None, None]
        walk = spherical(points[start], points[(start + 1) % keypoints], share).reshape(frames * n, -1)
        chosen = self.labels_for(n, labels)
        images = self.render(walk, None if chosen is None else np.tile(chosen, frames))
        return images.reshape(frames, n, *self.spec.shape)

    def _chunks(self, latents: np.ndarray, labels: Labels) -> Iterator[np.ndarray]:
        """Images as the generator gives them, a chunk at a time."""
        condition = as_condition(self.labels_for(len(latents), labels), len(self.classes))
        generator = partial(self.networks["generator"], training=False)
        return in_chunks(generator, [latents, *condition], self.spec.shape)
