"""Residual and style-based networks whose discriminators are held back where real images are."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from sparring.data.spec import ImageSpec
from sparring.networks.residual import residual_discriminator, residual_generator
from sparring.networks.style import style_discriminator, style_generator
from sparring.recipes.option_types import (
    Accumulate,
    Augment,
    AugmentPolicy,
    BatchSize,
    Count,
    FinalGamma,
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

Blocks = Annotated[int, Field(ge=1, le=16, description="Residual blocks at each size.")]
Patch = Annotated[
    int | None,
    Field(
        ge=1,
        le=2,
        description="1 has blocks at full size; 2 folds 2x2 pixels into one position first, a quarter of the work "
        "there; None takes 2 from 16 pixels a side on.",
    ),
]
Beta2 = Annotated[float, Field(ge=0, lt=1, description="How long Adam's second moment remembers, at the beginning.")]
FinalBeta2 = Annotated[
    float | None, Field(gt=0, lt=1, description="At the end, after a cosine; None leaves it as it is.")
]


def r3gan(
    spec: ImageSpec,
    *,
    images: Images = 500_000,
    batch_size: BatchSize = 32,
    latent_dim: LatentDim = 64,
    width: Count = 32,
    discriminator_width: Count | None = None,
    blocks: Blocks = 1,
    patch: Patch = None,
    loss: LossName = "relativistic",
    penalties: Penalties = "r1,r2",
    gamma: Gamma = None,
    final_gamma: FinalGamma = None,
    penalty_every: PenaltyEvery = 1,
    finite_differences: FiniteDifferences = False,
    packing: Packing = 1,
    head: Head = "projection",
    learning_rate: LearningRate = 1e-3,
    final_learning_rate: FinalLearningRate = 1e-4,
    beta2: Beta2 = 0.9,
    final_beta2: FinalBeta2 = 0.99,
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 20_000,
    tick_images: TickImages = None,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
) -> Game:
    """Residual networks without normalisation, relativistic loss, R1 and R2 (Huang et al. 2024, arXiv:2501.05441).

    Equation 2 of the paper with both penalties on every step; on cosines over the training the learning rate falls and
    Adam's second moment comes to remember longer (appendix D). Grey digits are learnt sooner with `learning_rate=0.003
    final_learning_rate=0.001 discriminator_width=16 gamma=0.3 ema_halflife_images=4000` (docs/benchmarks.md), few
    coloured pictures are not. The paper's grouped convolutions are dense here, because grouped ones are slow on a CPU.

    Args:
        width: Channels at the largest size that has blocks; doubled with every halving, up to eight times.
        discriminator_width: The same of the discriminator, which is most of the work of a step; None takes `width`.
    """
    updates = images // (batch_size * accumulate)
    if patch is None:
        patch = 2 if min(spec.shape[:2]) >= 16 else 1
    sizes: dict[str, Any] = {"blocks": blocks, "patch": patch}

    def adam():
        rate = cosine(learning_rate, final_learning_rate, updates)
        return Adam(rate, 0.0, cosine(beta2, final_beta2, updates), **accumulating(accumulate))

    return image_game(
        spec,
        partial(residual_generator, latent_dim=latent_dim, width=width, **sizes),
        partial(residual_discriminator, head=head, width=discriminator_width or width, **sizes),
        adam,
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
        final_gamma=final_gamma,
        penalty_every=penalty_every,
        finite_differences=finite_differences,
    )


def stylegan2(
    spec: ImageSpec,
    *,
    images: Images = 500_000,
    batch_size: BatchSize = 32,
    latent_dim: LatentDim = 128,
    width: Count = 16,
    mapping_layers: Annotated[int, Field(ge=1, le=16)] = 4,
    loss: LossName = "non_saturating",
    penalties: Penalties = "r1",
    gamma: Gamma = None,
    penalty_every: PenaltyEvery = 16,
    finite_differences: FiniteDifferences = False,
    packing: Packing = 1,
    head: Head = "projection",
    learning_rate: LearningRate = 2e-3,
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 10_000,
    tick_images: TickImages = None,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
) -> Game:
    """A style for every size of the image, lazy R1 (StyleGAN2, Karras et al. 2020, arXiv:1912.04958).

    For images of 64 pixels a side and more. Not of the paper's: no noise in the maps, no regularisation of path
    lengths, and a smaller mapping network.

    Args:
        width: Channels at the image's size; doubled with every halving, up to eight times.
        mapping_layers: Dense layers from the latents to the style.
    """
    return image_game(
        spec,
        partial(style_generator, latent_dim=latent_dim, width=width, mapping_layers=mapping_layers),
        partial(style_discriminator, width=width, head=head),
        partial(Adam, learning_rate, 0.0, 0.99, **accumulating(accumulate)),
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
    )
