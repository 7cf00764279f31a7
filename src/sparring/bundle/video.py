"""A finished generator of clips: as long as one likes, closed to loops, what is shown and how it moves apart."""

from functools import partial

import keras
import numpy as np

from sparring.bundle.bundle import Bundle
from sparring.bundle.chunks import in_chunks
from sparring.bundle.classes import Labels, as_condition, labels_for
from sparring.bundle.latents import normal_latents, normal_paths
from sparring.data.spec import VideoSpec
from sparring.errors import UsageError
from sparring.ops.color import to_uint8


class VideoBundle(Bundle):
    """A generator of clips.

    Its network `motion` takes `[noise]` or `[noise, condition]`, noise (n, frames, motion_dim) and one-hot float32
    labels, and gives angles (n, frames, motion_dim); `generator` takes `[latents, angles]` or
    `[latents, angles, condition]` and gives single frames, float32 (n, height, width, channels) in [-1, 1].
    """

    @property
    def spec(self) -> VideoSpec:
        assert isinstance(self.record.spec, VideoSpec)
        return self.record.spec

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes one can ask for; none where the generator takes no labels, whatever the data has."""
        return self.spec.classes if len(self.networks["generator"].inputs) > 2 else ()

    @property
    def motion_dim(self) -> int:
        return self.networks["motion"].inputs[0].shape[-1]

    @property
    def lead(self) -> int:
        """Frames of motion before a clip begins: a path gets under way first, as those that were trained on mostly had.

        They are as many as a path has more than a clip in training, see the option `path` of the recipe.
        """
        length, path = self.spec.shape[0], self.record.options.get("path")
        return path - length if isinstance(path, int) else length

    def labels_for(self, n: int, labels: Labels = None) -> np.ndarray | None:
        """As of `ImageBundle`."""
        return labels_for(self.classes, n, labels)

    def contents(self, n: int, seed: int = 0) -> np.ndarray:
        """Standard normal float32 (n, latent_dim), what each clip shows; row `i` depends on `seed` and `i` only."""
        return normal_latents(n, self.latent_dim, seed)

    def motions(self, n: int, frames: int, seed: int = 0) -> np.ndarray:
        """Standard normal float32 (n, lead + frames, motion_dim), how each clip moves, and did before it begins.

        Frame `t` of row `i` depends on `seed`, `i` and `t` only: a longer clip goes on where a shorter one ends.
        """
        return normal_paths(n, self.lead + frames, self.motion_dim, seed)

    def angles(self, motions: np.ndarray, labels: Labels = None, *, loop: bool = False) -> np.ndarray:
        """The angles of every frame, float32 (n, frames, motion_dim) in radians, for noise as `motions` gives it.

        Of a loop the last frame leads to the first. A recurrent network does not come back to where it was by itself:
        it is driven by the same noise twice, the second round counts, and in it every angle turns a little faster or
        slower than it would, by at most half a turn over all frames, so that it ends a whole number of turns from where
        it began.
        """
        condition = as_condition(self.labels_for(len(motions), labels), len(self.classes))
        own = motions[:, self.lead :]
        noise = np.concatenate([motions, own, own[:, :1]], axis=1) if loop else motions
        found = keras.ops.convert_to_numpy(self.networks["motion"]([noise, *condition], training=False))
        angles, frames = found.astype(np.float32)[:, self.lead :], own.shape[1]
        if not loop:
            return angles
        start, end = angles[:, frames : frames + 1], angles[:, -1:]
        left_over = 2 * np.pi * np.round((end - start) / (2 * np.pi)) - (end - start)
        share = (np.arange(frames, dtype=np.float32) / frames)[:, None]
        # It begins where the same clip does that is no loop.
        return angles[:, frames:-1] - start + angles[:, :1] + share * left_over

    def render(self, contents: np.ndarray, angles: np.ndarray, labels: Labels = None) -> np.ndarray:
        """uint8 (n, frames, height, width, channels) of `contents` (n, latent_dim) and of `angles`."""
        (count, frames, _), shape = angles.shape, self.spec.shape[1:]
        condition = as_condition(self.labels_for(count, labels), len(self.classes))
        each, *more = (np.repeat(one, frames, axis=0) for one in (contents, *condition))
        inputs = [each, angles.reshape(count * frames, -1), *more]
        generator = partial(self.networks["generator"], training=False)
        images = np.concatenate([to_uint8(chunk) for chunk in in_chunks(generator, inputs, shape)])
        return images.reshape(count, frames, *shape)

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        labels: Labels = None,
        frames: int | None = None,
        loop: bool = False,
        content: int | None = None,
        motion: int | None = None,
    ) -> np.ndarray:
        """`n` clips.

        Args:
            n: Number of clips.
            seed: The same seed gives the same clips, whatever `n` and `frames` are: there are more of them, or they go
                on.
            labels: As in `labels_for`.
            frames: Of every clip; by default as many as it was trained on.
            loop: Whether the last frame leads on to the first, see `angles`.
            content: All clips show what the clip of this number shows, each with a motion of its own.
            motion: All clips move as the clip of this number does, each showing something of its own.

        Returns:
            uint8 (n, frames, height, width, channels).

        Raises:
            UsageError: A number is too small, or a class unknown.

        Example:
            >>> faces = bundle.sample(8, frames=48)
            >>> moving_otherwise = bundle.sample(8, frames=48, content=3)
        """
        frames = self.spec.shape[0] if frames is None else frames
        chosen = {name: place for name, place in (("content", content), ("motion", motion)) if place is not None}
        if frames < 1:
            raise UsageError(f"`frames` must be at least 1. Received: frames={frames}")
        if any(place < 0 for place in chosen.values()):
            raise UsageError(f"`content` and `motion` must be numbers of clips, from 0 on. Received: {chosen}")
        count = max(n, *(place + 1 for place in chosen.values())) if chosen else n
        contents, motions, numbers = self.contents(count, seed), self.motions(count, frames, seed), None
        if self.classes:
            numbers = self.labels_for(count, labels)
            assert numbers is not None
            for place in chosen.values():  # One class: another's motion with this content has never been trained.
                numbers = np.full(count, numbers[place])
        if content is not None:
            contents = contents[[content] * count]
        if motion is not None:
            motions = motions[[motion] * count]
        wanted = None if numbers is None else numbers[:n]
        return self.render(contents[:n], self.angles(motions[:n], wanted, loop=loop), wanted)

    def look(self, n: int, *, seed: int = 0, labels: Labels = None) -> np.ndarray:
        """`sample`, without the labels where the generator takes none."""
        return self.sample(n, seed=seed, labels=labels if self.classes else None)
