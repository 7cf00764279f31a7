"""What recipes for video are put together from: which frames of a clip are looked at, and options made into objects."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from sparring.data.spec import VideoSpec
from sparring.errors import UsageError
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.video import Moving
from sparring.ops.color import from_uint8
from sparring.ops.frames import take_frames
from sparring.ops.noise import uniform
from sparring.recipes.parts import accumulating, gamma_from, side_from
from sparring.training.game import Game
from sparring.training.pace import Pace
from sparring.training.players import Player
from sparring.training.schedules import Adam, cosine

SEEN = {"pair": 2, "triple": 3}  # Frames that a motion discriminator of 2-D convolutions looks at.


class PreparedClips:
    """Batches of uint8 clips made into the frames that discriminators look at, which are drawn anew for every clip.

    Args:
        spec: Of the data.
        judge: What judges motion: "pair" or "triple", which are told the times between frames, or "volume", which sees
            all of a clip in its order.
        path: Frames that motion runs through, of which a clip begins anywhere where it has room; None for two clips.

    Attributes:
        seen: Frames of a clip that are looked at, any of them alike.
        timed: Whether the motion discriminator is told the times between frames.

    Raises:
        UsageError: The path is shorter than a clip.
    """

    def __init__(self, spec: VideoSpec, judge: str, path: int | None):
        self.length, self.num_classes = spec.shape[0], spec.num_classes
        self.timed = judge in SEEN
        self.seen = min(SEEN.get(judge, self.length), self.length)
        self.path = 2 * self.length if path is None else path
        if self.path < self.length:
            raise UsageError(f"`path` must be at least the frames of a clip, {self.length}. Received: path={path}")

    @property
    def draws(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of the noise that comes with each clip."""
        return {"order": (self.length,), "begin": (1,)}

    def __call__(self, batch):
        # The ranks of as many random numbers as there are frames: the first of them are a choice, each as likely.
        chosen = ops.argsort(batch["order"], axis=1)[:, : self.seen]
        moments = ops.cast(ops.sort(chosen, axis=1), "int32")
        first = ops.cast(chosen[:, :1], "int32")
        room = self.path - self.length
        begin = ops.floor(uniform(batch["begin"][:, 0]) * (room + 1))
        found = {
            "real": from_uint8(take_frames(batch["clip"], moments)),
            "moments": moments,
            "alone": ops.sum(ops.cast(moments < first, "int32"), axis=1),
            "begin": ops.minimum(ops.cast(begin, "int32"), room),
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
    penalties: str,
    gamma: float | None,
    final_gamma_share: float,
    updates: int,
    **options,
) -> tuple[list[dict[str, Any]], list[str]]:
    """What the two `Adversarial` are made with beside their networks, of one frame and of `seen`, and notes on it.

    Distances of clips add up over their frames: of a part of a clip the strength of R1 and R2 is a part, too. It is at
    its end after so many updates. Other options as of `side_from`.
    """
    whole, more = gamma_from(spec, gamma, penalties)
    found: list[dict[str, Any]] = []
    for count in (1, seen):
        share = whole * count / spec.shape[0]
        strength = cosine(share, final_gamma_share * share, updates)
        # Each its own: what adapts itself follows one discriminator.
        side, notes = side_from(spec, strength, penalties=penalties, **options)
        found.append(side)
    return found, notes + more


def clip_game(
    spec: VideoSpec,
    motion: keras.Model,
    generator: keras.Model,
    judges: Sequence[keras.Model],
    sides: Sequence[Mapping[str, Any]],
    *,
    prepare: PreparedClips,
    clips: int,
    batch_size: int,
    tick_clips: int | None,
    learning_rate: float,
    final_learning_rate: float | None,
    accumulate: int,
    ema_halflife_clips: float,
    notes: Sequence[str],
) -> Game:
    """A game of what makes clips against who judges single frames and who judges several, who move first."""
    frames, moving = (Adversarial(generator, judge, **side) for judge, side in zip(judges, sides, strict=True))
    aims = Moving(motion, generator, frames, moving)
    pace = Pace.over(spec.num_examples, clips, batch_size, tick_clips)
    rate = cosine(learning_rate, final_learning_rate, clips // (batch_size * accumulate))
    adam = partial(Adam, rate, 0.0, 0.99, **accumulating(accumulate))
    noise = {"latents": (generator.inputs[0].shape[-1],), "motion": (prepare.path, motion.inputs[0].shape[-1])}
    return Game(
        spec,
        [
            Player("discriminator", judges, adam, aims.discriminator_loss, aims.discriminator_logs),
            Player("generator", [motion, generator], adam, aims.generator_loss, aims.generator_logs, act=aims.act),
        ],
        averaged={"motion": motion, "generator": generator},
        draws={**noise, **prepare.draws, **aims.draws},
        pace=pace,
        halflife_images=ema_halflife_clips,
        extra_state=aims.extra_state,
        prepare=prepare,
        notes=notes,
    )
