"""What recipes for video are put together from: which frames of a clip are looked at, and options made into objects."""

from typing import Any

from keras import ops

from sparring.data.spec import VideoSpec
from sparring.objectives.losses import LOSSES
from sparring.ops.color import from_uint8
from sparring.ops.frames import take_frames
from sparring.ops.noise import uniform
from sparring.recipes.parts import choose_augmentation, gamma_from, read_penalties

SEEN = {"pair": 2, "triple": 3}  # Frames that a motion discriminator of 2-D convolutions looks at.


class PreparedClips:
    """Batches of uint8 clips made into the frames that discriminators look at, which are drawn anew for every clip.

    Args:
        spec: Of the data.
        seen: Frames of a clip that are looked at, any of them alike; all of them in their order where it is as long.
        path: Frames that motion runs through, of which a clip begins anywhere where it has room.
        timed: Whether the motion discriminator is told the times between frames.
    """

    def __init__(self, spec: VideoSpec, seen: int, path: int, timed: bool):
        self.length, self.num_classes = spec.shape[0], spec.num_classes
        self.seen, self.timed = seen, timed
        self.room = path - self.length

    @property
    def draws(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of the noise that comes with each clip."""
        return {"order": (self.length,), "begin": (1,)}

    def __call__(self, batch):
        # The ranks of as many random numbers as there are frames: the first of them are a choice, each as likely.
        chosen = ops.argsort(batch["order"], axis=1)[:, : self.seen]
        moments = ops.cast(ops.sort(chosen, axis=1), "int32")
        first = ops.cast(chosen[:, :1], "int32")
        begin = ops.floor(uniform(batch["begin"][:, 0]) * (self.room + 1))
        found = {
            "real": from_uint8(take_frames(batch["clip"], moments)),
            "moments": moments,
            "alone": ops.sum(ops.cast(moments < first, "int32"), axis=1),
            "begin": ops.minimum(ops.cast(begin, "int32"), self.room),
        }
        if self.timed:
            found["gaps"] = ops.cast(moments[:, 1:] - moments[:, :-1], "float32") / (self.length - 1)
        if "label" in batch:
            found["condition"] = ops.one_hot(batch["label"], self.num_classes)
        return batch | found


def sides_from(
    spec: VideoSpec,
    seen: int,
    *,
    loss: str,
    penalties: str,
    gamma: float | None,
    penalty_every: int,
    augment: str,
    augment_policy: str,
    batch_size: int,
) -> tuple[list[dict[str, Any]], list[str]]:
    """What the two `Adversarial` are made with beside their networks, of one frame and of `seen`, and notes on it.

    Distances of clips add up over their frames: of a part of a clip the strength of R1 and R2 is a part, too.
    """
    whole, more = gamma_from(spec, gamma, penalties)
    found: list[dict[str, Any]] = []
    for count in (1, seen):
        # Each its own: what adapts itself follows one discriminator.
        augmentation, notes = choose_augmentation(spec, augment, augment_policy, batch_size)
        share = whole * count / spec.shape[0]
        held_back = read_penalties(penalties, share, penalty_every)
        found.append({"loss": LOSSES[loss], "penalties": held_back, "augmentation": augmentation})
    return found, notes + more
