"""Translation among domains in the style of a reference."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from keras import ops
from pydantic import Field

from sparring.backend import num_replicas
from sparring.data.spec import DomainsSpec
from sparring.errors import UsageError
from sparring.networks.styled import domain_discriminator, mapping_network, style_encoder, style_generator
from sparring.objectives.styled import GROUP, Styled, choose
from sparring.objectives.translation import real_key
from sparring.recipes.domain_parts import PreparedDomains, sides_from
from sparring.recipes.option_types import (
    Augment,
    AugmentPolicy,
    BatchSize,
    Count,
    Gamma,
    Halflife,
    Images,
    JitterShare,
    LatentDim,
    LearningRate,
    LossName,
    Mirror,
    Momentum,
    Penalties,
    PenaltyEvery,
    Strength,
    TickImages,
)
from sparring.training.game import Game
from sparring.training.pace import Pace
from sparring.training.players import Player
from sparring.training.schedules import Adam, constant_then_linear


def stargan_v2(
    spec: DomainsSpec,
    *,
    images: Images = 100_000,
    batch_size: BatchSize = 8,
    width: Count = 32,
    most_width: Count = 256,
    blocks: Annotated[int, Field(ge=1, le=16)] = 2,
    style_dim: Count = 64,
    details: bool = True,
    latent_dim: LatentDim = 16,
    mapping_width: Count = 256,
    loss: LossName = "non_saturating",
    style: Strength = 1.0,
    diversity: Strength = 1.0,
    cycle: Strength = 1.0,
    penalties: Penalties = "r1",
    gamma: Gamma = 1.0,
    penalty_every: PenaltyEvery = 1,
    learning_rate: LearningRate = 1e-4,
    mapping_share: Annotated[float, Field(gt=0, le=1)] = 0.01,
    beta1: Momentum = 0.0,
    jitter: JitterShare = 0.06,
    mirror: Mirror = True,
    augment: Augment = "none",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 5_000,
    tick_images: TickImages = None,
) -> Game:
    """Two or more domains, each into any, in a drawn style or a reference's (arXiv:1912.01865, StarGAN v2's idea).

    Equation 5 of Choi et al. 2019 with the weights and learning rates of its appendix B. One step in place of the
    paper's two: half of a batch takes its style from references, half from the mapping network. Widths are given in
    channels, and no facial landmarks are used.

    Args:
        width: Channels of all networks at full size; doubled with every halving.
        most_width: Channels at most.
        blocks: Residual blocks of the generator at its smallest size, of either kind.
        style_dim: Numbers of a style.
        details: Whether the generator sees its image at every size on the way up: what is small stays sharp. The
            paper's does not, and may change shapes more.
        mapping_width: Of the layers that make a style of noise.
        style: Weight of finding a style again in what was made with it, lambda_sty.
        diversity: Weight, falling to 0 on a straight line, of how far two styles lead apart, lambda_ds.
        cycle: Weight of what a way there and back changes, lambda_cyc.
        mapping_share: Share of the learning rate that the mapping network has.
    """
    _check_groups(batch_size)
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
    count, widths = len(spec.domains), {"width": width, "most_width": most_width}
    generator = style_generator(spec.shape, blocks=blocks, style_dim=style_dim, details=details, **widths)
    encoder = style_encoder(spec.shape, count, style_dim=style_dim, **widths)
    mapping = mapping_network(count, latent_dim=latent_dim, style_dim=style_dim, width=mapping_width)
    discriminator = domain_discriminator(spec.shape, count, **widths)
    pace = Pace.over(spec.num_examples, images, batch_size, tick_images)
    steps = pace.num_ticks * pace.steps_per_tick
    aims = Styled(
        generator,
        discriminator,
        encoder=encoder,
        mapping=mapping,
        style=style,
        diversity=constant_then_linear(diversity, 0.0, steps),
        cycle=cycle,
        **options,
    )
    prepared = _Chosen(spec, jitter, mirror)
    return Game(
        spec,
        _players(aims, partial(Adam, learning_rate, beta1, 0.99), mapping_share),
        averaged={"generator": generator, "encoder": encoder, "mapping": mapping},
        draws={**aims.draws, **prepared.draws},
        pace=pace,
        halflife_images=ema_halflife_images,
        extra_state=aims.extra_state,
        prepare=prepared,
        notes=[f"Each of {', '.join(spec.domains)[:200]} becomes any of them.", *notes],
    )


def _check_groups(batch_size: int):
    if batch_size % (GROUP * num_replicas()):
        raise UsageError(
            f"`batch_size` must be a multiple of {GROUP} on each device, of which images have their references. "
            f"Received: batch_size={batch_size}, {num_replicas()} devices"
        )


def _players(aims: Styled, adam: Callable, mapping_share: float) -> list[Player]:
    """Who judges, and who draws: of the latter the mapping network learns at a pace of its own."""
    rest, mapping = [aims.generator, aims.encoder], aims.mapping
    shares = [1.0] * sum(len(network.trainable_variables) for network in rest)
    shares += [mapping_share] * len(mapping.trainable_variables)
    return [
        Player("discriminator", [aims.discriminator], adam, aims.discriminator_loss, aims.discriminator_logs),
        Player(
            "generator",
            [*rest, mapping],
            partial(adam, shares=shares),
            aims.generator_loss,
            aims.generator_logs,
            act=aims.act,
        ),
    ]


class _Chosen(PreparedDomains):
    """Prepared batches in which each row is an image of one domain that becomes one of another, see `choose`."""

    def __call__(self, batch):
        found = super().__call__(batch)
        return found | choose(ops.stack([found[real_key(place)] for place in self.places], axis=1), found)
