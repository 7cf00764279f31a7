"""A recipe of one's own: one function in one file.

    sparring recipes examples/own_recipe.py:least_squares
    sparring train digits --recipe examples/own_recipe.py:least_squares --set width=64

Its keyword options are its command line: names, types, defaults and the words below are all there is to write.
"""

from functools import partial

from sparring import Game, ImageSpec, Player
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import Loss
from sparring.training.pace import Pace

import keras
from keras import ops

# Real images should score 1 and fakes 0; the generator wants its own to score 1 (Mao et al. 2016, arXiv:1611.04076).
squares = Loss(
    discriminator=lambda real, fake: (ops.mean(ops.square(real - 1)) + ops.mean(ops.square(fake))) / 2,
    generator=lambda real, fake: ops.mean(ops.square(fake - 1)) / 2,
)


def least_squares(
    spec: ImageSpec, *, images: int = 300_000, batch_size: int = 64, width: int = 128, learning_rate: float = 5e-4
) -> Game:
    """Two dense networks under the least squares loss.

    Args:
        images: Images to train on in all.
        batch_size: Images in a step.
        width: Units in the hidden layers.
        learning_rate: Of both Adams.
    """
    generator = mlp_generator(spec.shape, spec.num_classes, latent_dim=32, width=width)
    discriminator = mlp_discriminator(spec.shape, spec.num_classes, width=width)
    sides = Adversarial(generator, discriminator, squares)
    adam = partial(keras.optimizers.Adam, learning_rate, beta_1=0.5)
    return Game(
        spec,
        [
            Player("discriminator", [discriminator], adam, sides.discriminator_loss, sides.discriminator_logs),
            Player("generator", [generator], adam, sides.generator_loss, act=sides.act),
        ],
        averaged={"generator": generator},
        draws={"latents": (32,)},
        pace=Pace.over(spec.num_examples, images, batch_size),
    )
