"""Clips of content and motion apart."""

from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from sparring.backend import num_replicas
from sparring.data.spec import VideoSpec
from sparring.errors import UsageError
from sparring.networks.residual import residual_discriminator
from sparring.networks.video import (
    frame_generator,
    motion_network,
    object_generator,
    stacked_discriminator,
    volume_discriminator,
)
from sparring.recipes.clip_parts import PreparedClips, clip_game, sides_from
from sparring.recipes.option_types import (
    Accumulate,
    Augment,
    AugmentPolicy,
    Count,
    FinalLearningRate,
    Gamma,
    LatentDim,
    LearningRate,
    LossName,
    Penalties,
    PenaltyEvery,
    Precision,
)
from sparring.recipes.parts import computing_in
from sparring.training.game import Game

Clips = Annotated[int, Field(ge=1, description="Clips to train on in all; schedules reach their end there.")]
ClipBatch = Annotated[int, Field(ge=1, le=4096, description="Clips in one update of a network, over all devices.")]
TickClips = Annotated[
    int | None,
    Field(ge=1, description="Clips between two looks; None takes the number there are, between 2,000 and 10,000."),
]
ClipHalflife = Annotated[float, Field(ge=0, description="Half-life of the averaged generator, in clips.")]
MotionDiscriminator = Annotated[
    Literal["pair", "triple", "volume"],
    Field(
        description="What judges motion: two or three frames of a clip, drawn anew each time, under 2-D convolutions, "
        "or all of it under 3-D ones, at three times the cost."
    ),
]
Objects = Annotated[
    int,
    Field(
        ge=0,
        le=16,
        description="Things that keep their look and only move, before a background that stands still; 0 draws every "
        "frame as one, for what changes its shape too.",
    ),
]
Path = Annotated[
    int | None,
    Field(
        ge=2,
        le=4096,
        description="Frames that motion runs on for while it is trained, clips being stretches of it, so that longer "
        "clips can be drawn; None takes twice those of a clip.",
    ),
]
FinalShare = Annotated[
    float, Field(gt=0, le=1, description="Of gamma, what is left at the end, after a cosine; 1 leaves it as it is.")
]
Blocks = Annotated[int, Field(ge=1, le=16, description="Residual blocks at each size of the discriminators.")]


def mocogan(
    spec: VideoSpec,
    *,
    clips: Clips = 200_000,
    batch_size: ClipBatch = 32,
    latent_dim: LatentDim = 64,
    motion_dim: Count = 10,
    motion_units: Count = 64,
    objects: Objects = 0,
    path: Path = None,
    width: Count = 32,
    blocks: Blocks = 1,
    motion_discriminator: MotionDiscriminator = "triple",
    loss: LossName = "relativistic",
    penalties: Penalties = "r1,r2",
    gamma: Gamma = None,
    final_gamma_share: FinalShare = 0.125,
    penalty_every: PenaltyEvery = 1,
    learning_rate: LearningRate = 5e-4,
    final_learning_rate: FinalLearningRate = 1e-4,
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_clips: ClipHalflife = 10_000,
    tick_clips: TickClips = None,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
) -> Game:
    """Content that stays and motion that goes on, frame by frame (MoCoGAN, Tulyakov et al. 2017, arXiv:1707.04993).

    The paper's generator, a content vector beside what a recurrent network makes of noise, here the speeds of angles,
    both drawn by DCGAN's; and its two discriminators, of frames and of motion, in today's form: residual networks
    without normalisation, the loss and the penalties of R3GAN (Huang et al. 2024, arXiv:2501.05441), averaged weights.
    Motion is judged by a few frames and the times between them (DIGAN, arXiv:2202.10571, section 3.2; StyleGAN-V,
    arXiv:2112.14683, section 3.2), and only frames that are looked at are drawn; `motion_discriminator=volume` has the
    paper's 3-D convolutions.

    Measured by `benchmarks/actions.py`: after 400 seconds of processor 85 % of Weizmann's clips at 32 pixels show the
    action asked for, 50 % where all of a clip is judged. Digits that bounce stay themselves as `objects`, and do not in
    frames drawn as a whole (docs/video.md).

    Args:
        latent_dim: Size of the content, which all frames of a clip share.
        motion_dim: Size of the noise that motion takes in at every frame, and number of angles that are its code.
        motion_units: Size of the state of the recurrent network.
        objects: How many things `object_generator` draws, each of its own share of the content, and moves.
        width: Channels at half of the size, doubled with every halving; of the discriminators up to eight times.
        gamma: Strength of r1 and r2 for a whole clip, of which a discriminator of a few frames takes their share; None
            takes it from the data, 0.01 times the mean squared distance of two clips.
    """
    shape, classes, prepared = spec.shape[1:], spec.num_classes, PreparedClips(spec, motion_discriminator, path)
    (alone, several), notes = sides_from(
        spec,
        prepared.seen,
        loss=loss,
        penalties=penalties,
        gamma=gamma,
        final_gamma_share=final_gamma_share,
        penalty_every=penalty_every,
        updates=clips // batch_size,
        augment=augment,
        augment_policy=augment_policy,
        batch_size=batch_size,
    )
    sizes: dict[str, Any] = {"width": width, "blocks": blocks, "patch": 2 if min(shape[:2]) >= 16 else 1}
    motion = motion_network(classes, motion_dim=motion_dim, units=motion_units)  # A long sum: in float32 always.
    with computing_in(precision):
        generator = _generator(spec, objects, latent_dim=latent_dim, motion_dim=motion_dim, width=width)
        judges = [
            residual_discriminator(shape, classes, **sizes),
            _motion_judge(spec, prepared, not several["loss"].differences, sizes),
        ]
    return clip_game(
        spec,
        motion,
        generator,
        judges,
        [alone, several],
        prepare=prepared,
        clips=clips,
        batch_size=batch_size,
        tick_clips=tick_clips,
        learning_rate=learning_rate,
        final_learning_rate=final_learning_rate,
        accumulate=accumulate,
        ema_halflife_clips=ema_halflife_clips,
        notes=notes,
    )


def _generator(spec: VideoSpec, objects: int, **dims: int) -> keras.Model:
    """Of frames as a whole, or of `objects` where there are any."""
    if objects > dims["latent_dim"]:
        received = f"latent_dim={dims['latent_dim']}"
        raise UsageError(f"`latent_dim` must be at least `objects`, {objects}. Received: {received}.")
    shape, classes, synchronized = spec.shape[1:], spec.num_classes, num_replicas() > 1
    if objects:
        return object_generator(shape, classes, objects=objects, **dims, synchronized=synchronized)
    return frame_generator(shape, classes, **dims, synchronized=synchronized)


def _motion_judge(spec: VideoSpec, prepared: PreparedClips, use_bias: bool, sizes: dict[str, Any]) -> keras.Model:
    """Who judges the frames that `prepared` chooses."""
    shape, classes, seen = spec.shape[1:], spec.num_classes, prepared.seen
    if prepared.timed:
        return stacked_discriminator(shape, classes, frames=seen, **sizes)
    return volume_discriminator(shape, classes, frames=seen, width=sizes["width"], use_bias=use_bias)
