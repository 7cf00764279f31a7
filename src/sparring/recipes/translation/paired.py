"""Translation that is learnt of pairs."""

from sparring.data.spec import DomainsSpec
from sparring.errors import UsageError
from sparring.networks.translation import patch_discriminator, unet_generator
from sparring.objectives.translation import Paired
from sparring.recipes.domain_parts import find_ends, sides_from, translation_game, way
from sparring.recipes.option_types import (
    Augment,
    AugmentPolicy,
    ConstantShare,
    Count,
    DomainImages,
    Gamma,
    Halflife,
    JitterShare,
    LearningRate,
    LossName,
    Mirror,
    Momentum,
    PairBatch,
    Patch,
    Penalties,
    PenaltyEvery,
    Strength,
    TickImages,
    To,
)
from sparring.training.game import Game


def pix2pix(
    spec: DomainsSpec,
    *,
    to: To = None,
    images: DomainImages = 20_000,
    batch_size: PairBatch = 8,
    width: Count = 32,
    discriminator_width: Count = 32,
    patch: Patch = None,
    loss: LossName = "non_saturating",
    closeness: Strength = 100.0,
    penalties: Penalties = "none",
    gamma: Gamma = None,
    penalty_every: PenaltyEvery = 1,
    learning_rate: LearningRate = 2e-4,
    constant_share: ConstantShare = 1.0,
    beta1: Momentum = 0.5,
    jitter: JitterShare = 0.06,
    mirror: Mirror = True,
    augment: Augment = "none",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 5_000,
    tick_images: TickImages = None,
) -> Game:
    """A U-Net that learns of pairs, judged patch by patch (pix2pix, Isola et al. 2016, arXiv:1611.07004).

    Equation 4 of the paper with its weight of 100, its learning rate and its jitter (section 3.3, appendix 6.2). Half
    the paper's width, batches of 8 instead of 1, each image normalised by itself, and no noise: the paper's is dropout.

    Args:
        width: Channels of the U-Net at half of the size; doubled with every halving, up to eight times.
        discriminator_width: Channels of the discriminator at half of the size, likewise.
        closeness: Weight of the mean absolute difference to the truth, lambda in equation 4.
    """
    ends = find_ends(spec, to)
    if not spec.paired:
        raise UsageError(
            f"pix2pix learns of pairs, and these images of {' and '.join(spec.domains)} are none: files that show the "
            "same must have equal names, and every name must be in both domains. Without pairs take fastcut."
        )
    options, notes = sides_from(
        spec,
        loss=loss,
        penalties=penalties,
        gamma=gamma,
        penalty_every=penalty_every,
        augment=augment,
        augment_policy=augment_policy,
        batch_size=batch_size,
    )
    generator = unet_generator(spec.shape, width=width)
    discriminator = patch_discriminator(
        spec.shape,
        width=discriminator_width,
        patch=patch,
        channels=2 * spec.shape[-1],
        use_bias=not options["loss"].differences,
    )
    aims = Paired(generator, discriminator, ends=ends, closeness=closeness, **options)
    return translation_game(
        spec,
        aims,
        [generator],
        [discriminator],
        {way(ends): generator},
        images=images,
        batch_size=batch_size,
        learning_rate=learning_rate,
        constant_share=constant_share,
        beta_1=beta1,
        jitter=jitter,
        mirror=mirror,
        ema_halflife_images=ema_halflife_images,
        tick_images=tick_images,
        notes=[f"{spec.domains[ends[0]]} becomes {spec.domains[ends[1]]}.", *notes],
    )
