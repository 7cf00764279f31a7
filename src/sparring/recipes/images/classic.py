"""The classics: two dense networks, and strided convolutions under three losses."""

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from sparring.backend import num_replicas
from sparring.data.spec import ImageSpec
from sparring.networks.dcgan import dcgan_discriminator, dcgan_generator
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import non_saturating
from sparring.recipes.option_types import (
    Accumulate,
    Augment,
    AugmentPolicy,
    BatchSize,
    Count,
    Halflife,
    Head,
    Images,
    LatentDim,
    LearningRate,
    LossName,
    Packing,
    Penalties,
    Precision,
    TickImages,
)
from sparring.recipes.parts import accumulating, image_game, two_players
from sparring.training.game import Game
from sparring.training.pace import Pace
from sparring.training.schedules import Adam

Channels = Annotated[
    int, Field(ge=1, le=4096, description="Channels at half the image's size; doubled with every halving.")
]


def article(
    spec: ImageSpec,
    *,
    images: Images = 600_000,
    batch_size: BatchSize = 100,
    latent_dim: LatentDim = 100,
    width: Count = 256,
    learning_rate: LearningRate = 1e-3,
    conditional: bool = True,
) -> Game:
    """The simple GAN of "Unlocking the Power of GANs in Python with TensorFlow", working.

    Generator `latents -> width relu -> pixels tanh`, discriminator `pixels -> width relu -> one logit`, Adam, binary
    cross-entropy (Goodfellow et al. 2014, arXiv:1406.2661, equation 1, on logits, which is the same mathematics), a
    line after every epoch. Where there are classes the one-hot label is joined to the latents (Mirza and Osindero 2014,
    arXiv:1411.1784) and weighs the discriminator's hidden units (Miyato and Koyama 2018, arXiv:1802.05637);
    `conditional=False` gives the article's networks to the letter.

    Args:
        width: Units in the hidden layer of either network.
        learning_rate: Of both Adams.
        conditional: Whether both networks read the label of an image.
    """
    num_classes = spec.num_classes if conditional else 0
    return two_players(
        spec,
        Adversarial(
            mlp_generator(spec.shape, num_classes, latent_dim=latent_dim, width=width),
            mlp_discriminator(spec.shape, num_classes, width=width),
            non_saturating,
        ),
        partial(Adam, learning_rate, beta_1=0.5),
        pace=Pace(images, batch_size, spec.num_examples, "Epoch"),
        latent_dim=latent_dim,
    )


def dcgan(
    spec: ImageSpec,
    *,
    images: Images = 1_000_000,
    batch_size: BatchSize = 64,
    latent_dim: LatentDim = 100,
    width: Channels = 32,
    learning_rate: LearningRate = 2e-4,
    loss: LossName = "non_saturating",
    penalties: Penalties = "none",
    packing: Packing = 1,
    head: Head = "projection",
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 10_000,
    tick_images: TickImages = None,
    accumulate: Accumulate = 1,
    precision: Precision = "float32",
) -> Game:
    """Convolutions with batch normalisation, binary cross-entropy: the classic (Radford et al. 2015, arXiv:1511.06434).

    Adam with beta1 0.5 (section 3 of the paper). Penalties of slopes are refused: batch normalisation in the
    discriminator leaves no image a slope of its own.
    """
    sizes: dict[str, Any] = {"width": width, "synchronized": num_replicas() > 1}
    return image_game(
        spec,
        partial(dcgan_generator, latent_dim=latent_dim, **sizes),
        partial(dcgan_discriminator, head=head, **sizes),
        partial(Adam, learning_rate, beta_1=0.5, **accumulating(accumulate)),
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
    )


def lsgan(
    spec: ImageSpec,
    *,
    images: Images = 1_000_000,
    batch_size: BatchSize = 64,
    latent_dim: LatentDim = 100,
    width: Channels = 32,
    learning_rate: LearningRate = 2e-4,
    augment: Augment = "auto",
    augment_policy: AugmentPolicy = "translation,cutout",
    ema_halflife_images: Halflife = 10_000,
    tick_images: TickImages = None,
) -> Game:
    """The networks of dcgan under the least squares loss (Mao et al. 2016, arXiv:1611.04076, equation 9).

    An error that grows with the distance teaches the generator where a sure discriminator's cross-entropy is flat.
    """
    return dcgan(
        spec,
        images=images,
        batch_size=batch_size,
        latent_dim=latent_dim,
        width=width,
        learning_rate=learning_rate,
        loss="least_squares",
        augment=augment,
        augment_policy=augment_policy,
        ema_halflife_images=ema_halflife_images,
        tick_images=tick_images,
    )
