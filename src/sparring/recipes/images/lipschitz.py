"""Critics that are held to a slope: by spectral normalisation, or by a penalty."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from sparring.backend import num_replicas
from sparring.data.spec import ImageSpec
from sparring.networks.sngan import sngan_discriminator, sngan_generator
from sparring.objectives.losses import LOSSES
from sparring.recipes.option_types import (
    Accumulate,
    Augment,
    AugmentPolicy,
    BatchSize,
    Count,
    FinalLearningRate,
    FiniteDifferences,
    Gamma,
    Halflife,
    Head,
    Images,
    LatentDim,
    LearningRate,
    LossName,
    Packing,
    Penalties,
    PenaltyEvery,
    Precision,
    TickImages,
)
from sparring.recipes.parts import accumulating, image_game
from sparring.training.game import Game
from sparring.training.schedules import Adam, cosine

Beta2 = Annotated[float, Field(ge=0, lt=1, description="How long Adam's second moment remembers.")]
Attention = Annotated[
    int | None, Field(ge=1, description="Side of the map of features that attends to itself (arXiv:1805.08318).")
]


def sngan(
    spec: ImageSpec,
    *,
    images: Images = 500_000,
    batch_size: BatchSize = 64,
    latent_dim: LatentDim = 128,
    width: Count = 64,
    spectral: bool = True,
    attention: Attention = None,
    loss: LossName = "hinge",
    penalties: Penalties = "none",
    gamma: Gamma = None,
    penalty_every: PenaltyEvery = 1,
    finite_differences: FiniteDifferences = False,
    packing: Packing = 1,
    head: Head = "projection",
    critic_updates: Count = 1,
    learning_rate: LearningRate = 2e-4,
    final_learning_rate: FinalLearningRate = None,
    beta2: Beta2 = 0.9,
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 10_000,
    tick_images: TickImages = None,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
) -> Game:
    """A residual discriminator with spectral normalisation, hinge loss (Miyato et al. 2018, arXiv:1802.05957).

    Table 4 and equations 16 and 17 of the paper, with a class-conditional generator and a projection discriminator
    (arXiv:1802.05637) where there are classes. The paper moves the discriminator five times for every move of the
    generator; `critic_updates=5` does. `attention` adds the self-attention of SAGAN (arXiv:1805.08318).

    Args:
        width: Channels of either network where it has most.
        spectral: Whether the discriminator is spectrally normalised.
        critic_updates: Moves of the discriminator in a step, each on `batch_size` images of its own.
    """
    sizes: dict[str, Any] = {"width": width, "attention": attention}
    use_bias = not LOSSES[loss].differences
    updates = images // (batch_size * critic_updates * accumulate)

    def adam(moves: int):
        rate = cosine(learning_rate, final_learning_rate, updates * moves)
        return Adam(rate, 0.0, beta2, **accumulating(accumulate))

    return image_game(
        spec,
        partial(sngan_generator, latent_dim=latent_dim, synchronized=num_replicas() > 1, **sizes),
        partial(sngan_discriminator, spectral=spectral, head=head, use_bias=use_bias, **sizes),
        (partial(adam, critic_updates), partial(adam, 1)),
        images=images,
        batch_size=batch_size,
        latent_dim=latent_dim,
        loss=loss,
        penalties=penalties,
        packing=packing,
        head=head,
        augment=augment,
        augment_policy=augment_policy,
        ema_halflife_images=ema_halflife_images,
        tick_images=tick_images,
        precision=precision,
        gamma=gamma,
        penalty_every=penalty_every,
        finite_differences=finite_differences,
        critic_updates=critic_updates,
    )


def wgan_gp(
    spec: ImageSpec,
    *,
    images: Images = 1_000_000,
    batch_size: BatchSize = 64,
    latent_dim: LatentDim = 128,
    width: Count = 64,
    penalties: Penalties = "wgan_gp",
    penalty_every: PenaltyEvery = 1,
    finite_differences: FiniteDifferences = False,
    packing: Packing = 1,
    critic_updates: Count = 5,
    learning_rate: LearningRate = 2e-4,
    final_learning_rate: FinalLearningRate = None,
    beta2: Beta2 = 0.9,
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 10_000,
    tick_images: TickImages = None,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
) -> Game:
    """A critic whose slope is held at 1 (Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1).

    The networks of sngan without spectral normalisation. The critic moves five times for every move of the generator.

    Args:
        width: Channels of either network where it has most.
        critic_updates: Moves of the critic in a step, each on `batch_size` images of its own.
    """
    return sngan(
        spec,
        images=images,
        batch_size=batch_size,
        latent_dim=latent_dim,
        width=width,
        spectral=False,
        loss="wasserstein",
        penalties=penalties,
        penalty_every=penalty_every,
        finite_differences=finite_differences,
        packing=packing,
        critic_updates=critic_updates,
        learning_rate=learning_rate,
        final_learning_rate=final_learning_rate,
        beta2=beta2,
        augment=augment,
        augment_policy=augment_policy,
        ema_halflife_images=ema_halflife_images,
        tick_images=tick_images,
        accumulate=accumulate,
        precision=precision,
    )
