"""Two dense layers on each side: the networks of the article."""

import math

import keras
from keras import layers

from sparring.networks.heads import Head, head_inputs, judged
from sparring.networks.inputs import joined, latent_inputs


def mlp_generator(shape: tuple[int, int, int], num_classes: int, *, latent_dim: int, width: int) -> keras.Model:
    """`latent_dim -> width relu -> pixels tanh`; a one-hot label is joined to the latents."""
    inputs = latent_inputs(latent_dim, num_classes)
    x = layers.Dense(width, activation="relu")(joined(inputs))
    x = layers.Dense(math.prod(shape), activation="tanh")(x)
    return keras.Model(inputs, layers.Reshape(shape)(x), name="generator")


def mlp_discriminator(
    shape: tuple[int, int, int], num_classes: int, *, width: int, head: Head = "projection"
) -> keras.Model:
    """`pixels -> width relu -> one logit`; a one-hot label weighs the hidden units in that logit.

    Joined to the pixels, ten more inputs among hundreds, the label would hardly be heard. `head`: see `heads.judged`.
    """
    inputs = head_inputs(shape, num_classes, head)
    x = layers.Dense(width, activation="relu")(layers.Flatten()(inputs[0]))
    return keras.Model(inputs, judged(x, inputs, num_classes, head), name="discriminator")
