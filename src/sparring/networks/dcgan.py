"""Strided convolutions and batch normalisation (Radford et al. 2015, arXiv:1511.06434)."""

import keras
from keras import layers

from sparring.layers.activation import LeakyReLU
from sparring.layers.adaptive import StyleAffine
from sparring.layers.scaled import ScaledDense
from sparring.networks.heads import Head, head_inputs, judged
from sparring.networks.inputs import cut_to, joined, latent_inputs, padded
from sparring.ops.geometry import canvas

KERNEL = 5
STYLE = 0.5  # Standard deviation of what a style adds to scales of one.


def dcgan_generator(
    shape: tuple[int, int, int], num_classes: int, *, latent_dim: int, width: int, synchronized: bool
) -> keras.Model:
    """Doubles a small map of features up to the image, halving the channels each time down to `width`.

    `synchronized` takes the batch statistics over all replicas, so that several devices equal one.
    """
    inputs = latent_inputs(latent_dim, num_classes)
    image = dcgan_image(joined(inputs), shape, width=width, synchronized=synchronized)
    return keras.Model(inputs, image, name="generator")


def dcgan_image(x, shape: tuple[int, int, int], *, width: int, synchronized: bool, style=None):
    """The image of `shape` that a `dcgan_generator` makes of numbers `(N, D)`.

    A `style`, `(N, E)`, scales and shifts the channels behind every batch normalisation (de Vries et al. 2017,
    arXiv:1707.00683, equation 4): `x` says where things are, the style what they are.
    """
    doublings, height, base_width, *_ = canvas(*shape[:2])
    channels = width * 2 ** max(0, doublings - 1)
    x = layers.Dense(height * base_width * channels, use_bias=False)(x)
    x = layers.Reshape((height, base_width, channels))(x)
    x = layers.ReLU()(_normalised(x, synchronized, style))
    for step in range(doublings - 1):
        channels = width * 2 ** (doublings - 2 - step)
        x = _initialised(layers.Conv2DTranspose, channels, 2, use_bias=False)(x)
        x = layers.ReLU()(_normalised(x, synchronized, style))
    x = _initialised(layers.Conv2DTranspose, shape[-1], 2 if doublings else 1, activation="tanh")(x)
    return cut_to(x, shape)


def dcgan_discriminator(
    shape: tuple[int, int, int], num_classes: int, *, width: int, synchronized: bool, head: Head = "projection"
) -> keras.Model:
    """Halves the image down to a small map of features, doubling the channels each time from `width`.

    `head`: see `heads.judged`.
    """
    doublings, *_ = canvas(*shape[:2])
    inputs = head_inputs(shape, num_classes, head)
    x = padded(inputs[0], shape)
    x = LeakyReLU()(_initialised(layers.Conv2D, width, 2 if doublings else 1)(x))
    for step in range(1, doublings):
        x = _initialised(layers.Conv2D, width * 2**step, 2, use_bias=False)(x)
        x = LeakyReLU()(_normalised(x, synchronized))
    return keras.Model(inputs, judged(layers.Flatten()(x), inputs, num_classes, head), name="discriminator")


def _initialised(convolution, channels: int, strides: int, **kwargs):
    """A convolution with the paper's initial weights: normal with standard deviation 0.02 (section 3)."""
    normal = keras.initializers.RandomNormal(stddev=0.02)
    return convolution(channels, KERNEL, strides=strides, padding="same", kernel_initializer=normal, **kwargs)


def _normalised(x, synchronized: bool, style=None):
    # 0.9 follows the weights of a run of minutes; Keras' 0.99 lags behind them for the first thousands of images.
    x = layers.BatchNormalization(momentum=0.9, synchronized=synchronized)(x)
    return x if style is None else StyleAffine()([x, ScaledDense(2 * x.shape[-1], STYLE)(style)])
