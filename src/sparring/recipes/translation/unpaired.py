"""Translation that is learnt without pairs."""

from typing import Annotated

from pydantic import Field

from sparring.backend import num_replicas
from sparring.data.spec import DomainsSpec
from sparring.errors import UsageError
from sparring.networks.translation import encoder_of, patch_discriminator, patch_projector, resnet_generator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.history import History
from sparring.objectives.translation import Contrastive, Cycle
from sparring.recipes.domain_parts import BACKWARD, FORWARD, find_ends, sides_from, translation_game, way
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

Blocks = Annotated[int, Field(ge=1, le=16, description="Residual blocks of a generator, at a quarter of the size.")]


def cyclegan(
    spec: DomainsSpec,
    *,
    images: DomainImages = 20_000,
    batch_size: PairBatch = 4,
    width: Count = 16,
    discriminator_width: Count = 32,
    patch: Patch = None,
    blocks: Blocks = 6,
    loss: LossName = "least_squares",
    cycle: Strength = 10.0,
    identity: Strength = 0.5,
    history: Annotated[int, Field(ge=0, le=4096)] = 0,
    penalties: Penalties = "none",
    gamma: Gamma = None,
    penalty_every: PenaltyEvery = 1,
    learning_rate: LearningRate = 2e-4,
    constant_share: ConstantShare = 0.5,
    beta1: Momentum = 0.5,
    jitter: JitterShare = 0.06,
    mirror: Mirror = True,
    augment: Augment = "none",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 5_000,
    tick_images: TickImages = None,
) -> Game:
    """Two ways between two domains, each undone by the other (CycleGAN, Zhu et al. 2017, arXiv:1703.10593).

    Equation 3 with the identity loss of section 5.2, in both directions at once. The paper's generators have 64
    channels at full size, its batches one image, and its discriminators see some of the last 50 images (`history=50`).

    Args:
        width: Channels of a generator at full size; doubled with each of two halvings.
        discriminator_width: Channels of a discriminator at half of the size, doubled with every halving.
        cycle: Weight of what a way and back changes, lambda in equation 3.
        identity: Weight, as a share of `cycle`, of what is changed of images of the target; 0 leaves it out.
        history: Generated images that are kept for a discriminator, on one device; 0 keeps none.
    """
    find_ends(spec, None)
    if history and num_replicas() > 1:
        raise UsageError(
            f"`history` is kept on one device alone. Received: history={history}, {num_replicas()} devices"
        )
    if history and history < batch_size:
        raise UsageError(f"`history` must be 0 or at least `batch_size`, {batch_size}. Received: history={history}")
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
    there, back = (resnet_generator(spec.shape, width=width, blocks=blocks) for _ in range(2))
    use_bias = not options["loss"].differences
    judges = [
        patch_discriminator(spec.shape, width=discriminator_width, patch=patch, use_bias=use_bias) for _ in range(2)
    ]
    aims = Cycle(
        (there, back),
        (Adversarial(back, judges[0], **options), Adversarial(there, judges[1], **options)),
        cycle,
        identity,
        [History(history, spec.shape) for _ in range(2)] if history else [],
    )
    return translation_game(
        spec,
        aims,
        [there, back],
        judges,
        {FORWARD: there, BACKWARD: back},
        images=images,
        batch_size=batch_size,
        learning_rate=learning_rate,
        constant_share=constant_share,
        beta_1=beta1,
        jitter=jitter,
        mirror=mirror,
        ema_halflife_images=ema_halflife_images,
        tick_images=tick_images,
        notes=[f"{spec.domains[0]} becomes {spec.domains[1]}, and back.", *notes],
    )


def fastcut(
    spec: DomainsSpec,
    *,
    to: To = None,
    images: DomainImages = 40_000,
    batch_size: PairBatch = 4,
    width: Count = 16,
    discriminator_width: Count = 32,
    patch: Patch = None,
    blocks: Blocks = 6,
    loss: LossName = "least_squares",
    closeness: Strength = 10.0,
    identity: Strength = 0.0,
    num_patches: Count = 64,
    temperature: Annotated[float, Field(gt=0, le=10)] = 0.07,
    flip_equivariance: bool = True,
    penalties: Penalties = "none",
    gamma: Gamma = None,
    penalty_every: PenaltyEvery = 1,
    learning_rate: LearningRate = 2e-4,
    constant_share: ConstantShare = 0.75,
    beta1: Momentum = 0.5,
    jitter: JitterShare = 0.06,
    mirror: Mirror = True,
    augment: Augment = "none",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 5_000,
    tick_images: TickImages = None,
) -> Game:
    """One way between two domains, held patch by patch to what it shows (Park et al. 2020, arXiv:2007.15651).

    FastCUT: equation 6 with its weights of 10 and 0 and the flip equivariance of appendix C.1. In the paper 64 channels
    at full size, batches of one image, and 256 patches of 256x256 pixels.

    Args:
        width: Channels of the generator at full size; doubled with each of two halvings.
        discriminator_width: Channels of the discriminator at half of the size, doubled with every halving.
        closeness: Weight of what patches of an image and its translation have in common, lambda_X in equation 6.
        identity: The same of images that are of the target already, lambda_Y; 0 leaves that out.
        num_patches: Places of an image that are compared, at each of five depths of the generator.
        temperature: Of the comparison: the lower, the more the hardest patches count.
        flip_equivariance: Whether a mirrored image must become a mirrored one; where `mirror` is, and 4 divides widths.
    """
    ends = find_ends(spec, to)
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
    generator = resnet_generator(spec.shape, width=width, blocks=blocks)
    projector = patch_projector(encoder := encoder_of(generator))
    use_bias = not options["loss"].differences
    discriminator = patch_discriminator(spec.shape, width=discriminator_width, patch=patch, use_bias=use_bias)
    aims = Contrastive(
        generator,
        discriminator,
        encoder=encoder,
        projector=projector,
        ends=ends,
        closeness=closeness,
        identity=identity,
        num_patches=num_patches,
        temperature=temperature,
        equivariant=flip_equivariance and mirror and spec.shape[1] % 4 == 0,
        **options,
    )
    return translation_game(
        spec,
        aims,
        [generator, projector],
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


def cut(
    spec: DomainsSpec,
    *,
    to: To = None,
    images: DomainImages = 40_000,
    batch_size: PairBatch = 4,
    width: Count = 16,
    discriminator_width: Count = 32,
    patch: Patch = None,
    blocks: Blocks = 6,
    loss: LossName = "least_squares",
    closeness: Strength = 1.0,
    identity: Strength = 1.0,
    num_patches: Count = 64,
    temperature: Annotated[float, Field(gt=0, le=10)] = 0.07,
    penalties: Penalties = "none",
    gamma: Gamma = None,
    penalty_every: PenaltyEvery = 1,
    learning_rate: LearningRate = 2e-4,
    constant_share: ConstantShare = 0.5,
    beta1: Momentum = 0.5,
    jitter: JitterShare = 0.06,
    mirror: Mirror = True,
    augment: Augment = "none",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 5_000,
    tick_images: TickImages = None,
) -> Game:
    """fastcut that leaves images of the target as they are, and holds less to the others (arXiv:2007.15651).

    CUT: equation 6 with weights of 1 and 1.

    Args:
        width: Channels of the generator at full size; doubled with each of two halvings.
        discriminator_width: Channels of the discriminator at half of the size, doubled with every halving.
        closeness: Weight of what patches of an image and its translation have in common, lambda_X in equation 6.
        identity: The same of images that are of the target already, lambda_Y.
        num_patches: Places of an image that are compared, at each of five depths of the generator.
        temperature: Of the comparison: the lower, the more the hardest patches count.
    """
    return fastcut(
        spec,
        to=to,
        images=images,
        batch_size=batch_size,
        width=width,
        discriminator_width=discriminator_width,
        patch=patch,
        blocks=blocks,
        loss=loss,
        closeness=closeness,
        identity=identity,
        num_patches=num_patches,
        temperature=temperature,
        flip_equivariance=False,
        penalties=penalties,
        gamma=gamma,
        penalty_every=penalty_every,
        learning_rate=learning_rate,
        constant_share=constant_share,
        beta1=beta1,
        jitter=jitter,
        mirror=mirror,
        augment=augment,
        augment_policy=augment_policy,
        ema_halflife_images=ema_halflife_images,
        tick_images=tick_images,
    )
