"""Two dense layers on each side: the networks of the article."""

import math

import keras
from keras import layers

from sparring.networks.inputs import image_inputs, joined, latent_inputs


def mlp_generator(shape: tuple[int, int, int], num_classes: int, *, latent_dim: int, width: int) -> keras.Model:
    """`latent_dim -> width relu -> pixels tanh`; a one-hot label is joined to the latents."""
    inputs = latent_inputs(latent_dim, num_classes)
    x = layers.Dense(width, activation="relu")(joined(inputs))
    x = layers.Dense(math.prod(shape), activation="tanh")(x)
    return keras.Model(inputs, layers.Reshape(shape)(x), name="generator")


def mlp_discriminator(shape: tuple[int, int, int], num_classes: int, *, width: int) -> keras.Model:
    """`pixels -> width relu -> one logit`; a one-hot label is joined to the pixels."""
    inputs = image_inputs(shape, num_classes)
    flat = layers.Flatten()(inputs[0])
    x = layers.Dense(width, activation="relu")(joined([flat, *inputs[1:]]))
    return keras.Model(inputs, layers.Dense(1)(x), name="discriminator")
