"""Recipes for images: each a function of the DataSpec whose keyword options are the whole configuration."""

from functools import partial
from typing import Annotated, Any, Literal

import keras
from pydantic import Field

from sparring.augmentation.adaptive import AdaptiveAugment
from sparring.augmentation.diffaugment import DiffAugment
from sparring.backend import num_replicas
from sparring.data.spec import DataSpec
from sparring.networks.dcgan import dcgan_discriminator, dcgan_generator
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.networks.residual import residual_discriminator, residual_generator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import non_saturating, relativistic
from sparring.objectives.penalties import R1, R2
from sparring.training.game import Game
from sparring.training.pace import Pace
from sparring.training.players import Player

Count = Annotated[int, Field(ge=1, le=4096)]
Blocks = Annotated[int, Field(ge=1, le=16)]
Patch = Annotated[int, Field(ge=1, le=2)]
Images = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Strength = Annotated[float, Field(ge=0)]
Augment = Literal["auto", "none", "diffaugment", "adaptive"]

# The discriminator learns fewer images than about these by heart before the generator has learnt from them.
FEW_IMAGES = 10_000
SMALLEST_AUGMENTED = 16  # Pixels a side: in fewer, half a side hidden leaves too little of the image.


def article(
    spec: DataSpec,
    *,
    images: Images = 600_000,
    batch_size: Count = 100,
    latent_dim: Count = 100,
    width: Count = 256,
    learning_rate: Rate = 1e-3,
    conditional: bool = True,
) -> Game:
    """The simple GAN of "Unlocking the Power of GANs in Python with TensorFlow", working.

    Generator `latents -> width relu -> pixels tanh`, discriminator `pixels -> width relu -> one logit`, Adam, binary
    cross-entropy (Goodfellow et al. 2014, arXiv:1406.2661, equation 1, on logits, which is the same mathematics), a
    line after every epoch. Where there are classes the one-hot label is joined to the latents (Mirza and Osindero 2014,
    arXiv:1411.1784) and weighs the discriminator's hidden units (Miyato and Koyama 2018, arXiv:1802.05637);
    `conditional=False` gives the article's networks to the letter.

    Args:
        images: Images to train on in all.
        batch_size: Images in a step.
        latent_dim: Size of the noise vector.
        width: Units in the hidden layer of either network.
        learning_rate: Of both Adams.
        conditional: Whether both networks read the label of an image.
    """
    num_classes = spec.num_classes if conditional else 0
    return _two_players(
        spec,
        Adversarial(
            mlp_generator(spec.shape, num_classes, latent_dim=latent_dim, width=width),
            mlp_discriminator(spec.shape, num_classes, width=width),
            non_saturating,
        ),
        partial(keras.optimizers.Adam, learning_rate, beta_1=0.5),
        pace=Pace(images, batch_size, spec.num_examples, "Epoch"),
        latent_dim=latent_dim,
    )


def dcgan(
    spec: DataSpec,
    *,
    images: Images = 1_000_000,
    batch_size: Count = 64,
    latent_dim: Count = 100,
    width: Count = 32,
    learning_rate: Rate = 2e-4,
    ema_halflife_images: Strength = 10_000,
    tick_images: Images | None = None,
    augment: Augment = "auto",
    augment_policy: str = "translation,cutout",
) -> Game:
    """Convolutions with batch normalisation, binary cross-entropy: the classic (Radford et al. 2015, arXiv:1511.06434).

    Args:
        images: Images to train on in all.
        batch_size: Images in a step.
        latent_dim: Size of the noise vector.
        width: Channels at half the image's size; doubled with every halving.
        learning_rate: Of both Adams, with beta1 0.5 (section 3 of the paper).
        ema_halflife_images: Half-life of the averaged generator.
        tick_images: Images between two looks; None takes the number there are, between 2,000 and 10,000.
        augment: Changes all the discriminator sees: always, with a probability that adapts itself, or not at all;
            auto takes diffaugment for fewer than 10,000 images of 16 pixels a side or more.
        augment_policy: What is changed, of color, translation, cutout and flip, separated by commas.
    """
    synchronized = num_replicas() > 1
    augmentation, notes = _augmentation(spec, augment, augment_policy, batch_size)
    return _two_players(
        spec,
        Adversarial(
            dcgan_generator(
                spec.shape, spec.num_classes, latent_dim=latent_dim, width=width, synchronized=synchronized
            ),
            dcgan_discriminator(spec.shape, spec.num_classes, width=width, synchronized=synchronized),
            non_saturating,
            augmentation=augmentation,
        ),
        partial(keras.optimizers.Adam, learning_rate, beta_1=0.5),
        pace=Pace.over(spec.num_examples, images, batch_size, tick_images),
        latent_dim=latent_dim,
        halflife_images=ema_halflife_images,
        notes=notes,
    )


def r3gan(
    spec: DataSpec,
    *,
    images: Images = 500_000,
    batch_size: Count = 32,
    latent_dim: Count = 64,
    width: Count = 32,
    blocks: Blocks = 1,
    patch: Patch | None = None,
    gamma: Strength | None = None,
    learning_rate: Rate = 1e-3,
    final_learning_rate: Rate = 1e-4,
    ema_halflife_images: Strength = 20_000,
    tick_images: Images | None = None,
    augment: Augment = "auto",
    augment_policy: str = "translation,cutout",
) -> Game:
    """Residual networks without normalisation, relativistic loss, R1 and R2 (Huang et al. 2024, arXiv:2501.05441).

    Equation 2 of the paper with both penalties on every step; the learning rate falls on a cosine over the training.
    The paper's grouped convolutions are dense here, because grouped ones are slow on a CPU.

    Args:
        images: Images to train on in all; the learning rate reaches its end there.
        batch_size: Images in a step.
        latent_dim: Size of the noise vector.
        width: Channels at the largest size that has blocks; doubled with every halving, up to eight times.
        blocks: Residual blocks at each size.
        patch: 1 has blocks at full size; 2 folds 2x2 pixels into one position first, a quarter of the work there;
            None takes 2 from 16 pixels a side on.
        gamma: Strength of R1 and R2; None takes it from the data, 0.01 times the mean squared distance of two images.
        learning_rate: Of both Adams, with beta1 0 and beta2 0.99, at the beginning.
        final_learning_rate: At the end.
        ema_halflife_images: Half-life of the averaged generator.
        tick_images: Images between two looks; None takes the number there are, between 2,000 and 10,000.
        augment: Changes all the discriminator sees: always, with a probability that adapts itself, or not at all;
            auto takes diffaugment for fewer than 10,000 images of 16 pixels a side or more.
        augment_policy: What is changed, of color, translation, cutout and flip, separated by commas.
    """
    augmentation, notes = _augmentation(spec, augment, augment_policy, batch_size)
    if gamma is None:
        gamma = 1e-2 * spec.squared_distance
        notes.append(f"gamma is {gamma:.3g}, 0.01 times the mean squared distance of two images.")
    if patch is None:
        patch = 2 if min(spec.shape[:2]) >= 16 else 1
    sizes = {"width": width, "blocks": blocks, "patch": patch}

    def adam():
        steps = max(1, images // batch_size)
        rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=final_learning_rate / learning_rate)
        return keras.optimizers.Adam(rate, beta_1=0.0, beta_2=0.99)

    return _two_players(
        spec,
        Adversarial(
            residual_generator(spec.shape, spec.num_classes, latent_dim=latent_dim, **sizes),
            residual_discriminator(spec.shape, spec.num_classes, **sizes),
            relativistic,
            [R1(gamma), R2(gamma)] if gamma else [],
            augmentation,
        ),
        adam,
        pace=Pace.over(spec.num_examples, images, batch_size, tick_images),
        latent_dim=latent_dim,
        halflife_images=ema_halflife_images,
        notes=notes,
    )


def _augmentation(spec: DataSpec, augment: Augment, policy: str, batch_size: int) -> tuple[Any, list[str]]:
    """What changes the images the discriminator sees, and a note where it was for the recipe to choose."""
    steady = DiffAugment(policy)  # Made in any case: a name that is wrong is told even where none is used.
    if augment == "adaptive":
        return AdaptiveAugment(policy, batch_size=batch_size), []
    if augment != "auto":
        return steady if augment == "diffaugment" else None, []
    height, width, _ = spec.shape
    if spec.num_examples >= FEW_IMAGES:
        return None, [f"No augmentation: {spec.num_examples:,} images are too many to be learnt by heart."]
    if min(height, width) < SMALLEST_AUGMENTED:
        return None, [f"No augmentation: of {height}x{width} pixels none can be spared."]
    names = " and ".join(name.strip() for name in policy.split(","))
    return steady, [
        f"The discriminator sees images changed by {names}, or it would learn {spec.num_examples:,} by heart."
    ]


def _two_players(spec, sides: Adversarial, make_optimizer, *, latent_dim: int, **game) -> Game:
    """A game of one generator and one discriminator, the discriminator moving first."""
    discriminator = Player(
        "discriminator", [sides.discriminator], make_optimizer, sides.discriminator_loss, sides.discriminator_logs
    )
    generator = Player(
        "generator", [sides.generator], make_optimizer, sides.generator_loss, sides.generator_logs, act=sides.act
    )
    return Game(
        spec,
        [discriminator, generator],
        averaged={"generator": sides.generator},
        draws={"latents": (latent_dim,), **sides.draws},
        extra_state=sides.extra_state,
        **game,
    )
