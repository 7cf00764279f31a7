"""What players of clips want: that each frame looks real, and that what moves does."""

import keras
from keras import ops

from sparring.objectives.adversarial import Adversarial, part_of
from sparring.ops.frames import fold, take_frames, unfold

FRAME, MOTION = "frame", "motion"  # Prefixes of what in a batch belongs to one of the two discriminators.


class Moving:
    """A generator of clips against two discriminators, of single frames and of several (arXiv:1707.04993, section 3).

    Only those frames are made that a discriminator looks at: the path of motion runs through all of a clip, which costs
    little, and the frames of the chosen moments are drawn (Skorokhodov et al. 2021, arXiv:2112.14683, section 3.2).

    A batch holds `real`, the chosen frames `(N, k, H, W, C)` in [-1, 1]; `moments`, int `(N, k)`, when in a clip they
    are; `begin`, int `(N,)`, where in the path of angles the clip begins; `alone`, int `(N,)`, which of the chosen
    frames is judged alone; `gaps`, the times between them, where the motion discriminator reads any; `latents`, the
    noise `motion` and, where there are classes, one-hot labels as `condition`. `act` adds `fake`, shaped as `real`.

    Args:
        motion: From noise to angles for every frame.
        generator: From content and angles to a frame.
        frames: Who judges single frames.
        moving: Who judges several.

    Attributes:
        draws: Name and shape of the noise that the two sides need.
        extra_state: The layers beside the networks whose variables are part of the state.
        generator_logs: Names of what the generator's loss reports.
        discriminator_logs: Names of what the discriminators' loss reports, `motion_` before those of several frames.
    """

    def __init__(self, motion: keras.Model, generator: keras.Model, frames: Adversarial, moving: Adversarial):
        self.motion, self.generator = motion, generator
        self.sides = {FRAME: frames, MOTION: moving}
        self.draws = {f"{name}/{key}": shape for name, side in self.sides.items() for key, shape in side.draws.items()}
        self.extra_state = [layer for side in self.sides.values() for layer in side.extra_state]
        self.generator_logs: tuple[str, ...] = ()
        self.discriminator_logs = (
            *frames.discriminator_logs,
            *(f"{MOTION}_{name}" for name in moving.discriminator_logs),
        )

    def act(self, game, batch):
        """The frames of a generated clip at the moments of the real ones: `{"fake": frames}`."""
        labels = [batch["condition"]] if "condition" in batch else []
        path = self.motion([batch["motion"], *labels], training=True)
        angles = take_frames(path, batch["moments"] + batch["begin"][:, None])
        return {"fake": _drawn(self.generator, batch["latents"], angles, labels)}

    def generator_loss(self, game, batch):
        """How well single frames and what moves pass."""
        return sum(side.generator_loss(game, self._part(batch, name))[0] for name, side in self.sides.items()), {}

    def discriminator_loss(self, game, batch):
        """How well both discriminators tell real from fake."""
        (alone, found), (moving, more) = (
            side.discriminator_loss(game, self._part(batch, name)) for name, side in self.sides.items()
        )
        return alone + moving, found | {f"{MOTION}_{name}": value for name, value in more.items()}

    def _part(self, batch, name: str):
        """What of a batch belongs to one side, by the names that `Adversarial` knows."""
        part = part_of(batch, name)
        known = [batch[key] for key in ("gaps", "condition") if key in batch and (key != "gaps" or name == MOTION)]
        if known:
            part["condition"] = ops.concatenate(known, axis=-1)
        for key in ("real", "fake"):
            frames = batch[key]
            part[key] = frames if name == MOTION else take_frames(frames, batch["alone"][:, None])[:, 0]
        return part


def _drawn(generator: keras.Model, latents, angles, labels: list):
    """Frames `(N, T, H, W, C)` of contents `(N, D)` and angles `(N, T, motion_dim)`, as one batch of images."""
    count = angles.shape[1]
    every = [ops.repeat(x, count, axis=0) for x in (latents, *labels)]
    frames = generator([every[0], fold(angles), *every[1:]], training=True)
    return unfold(ops.cast(frames, "float32"), count)
