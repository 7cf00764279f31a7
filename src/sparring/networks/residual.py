"""Residual networks without normalisation: the R3GAN pair (Huang et al. 2024, arXiv:2501.05441, section 4)."""

import math

import keras
from keras import layers

from sparring.errors import UsageError
from sparring.layers.activation import LeakyReLU
from sparring.layers.basis import Basis
from sparring.layers.initial import BilinearNormal
from sparring.networks.heads import Head, head_inputs, judged
from sparring.networks.inputs import cut_to, doubled, joined, latent_inputs, padded
from sparring.ops.geometry import canvas

GAIN = 2**0.5  # Of a leaky ReLU, nearly: keeps the variance of what passes through it.


def residual_generator(
    shape: tuple[int, int, int], num_classes: int, *, latent_dim: int, width: int, blocks: int, patch: int
) -> keras.Model:
    """A learned base, then `blocks` residual blocks at each size, doubled bilinearly between sizes.

    With a `patch` of 2 the last layer unfolds each position to 2x2 pixels, and there are no blocks at full size.
    """
    sizes, height, base_width = _plan(shape, patch)
    inputs = latent_inputs(latent_dim, num_classes)
    x = Basis(height, base_width, doubled(width, sizes - 1))(joined(inputs))
    for step in reversed(range(sizes)):
        if step < sizes - 1:
            x = layers.UpSampling2D(2, interpolation="bilinear")(x)
            x = _convolution(doubled(width, step), 1)(x)
        for _ in range(blocks):
            x = _block(x, blocks * sizes)
    x = LeakyReLU()(x)
    if patch == 1:
        x = _convolution(shape[-1], 1, GAIN)(x)
    else:
        weights = BilinearNormal(stddev=GAIN / math.sqrt(width))
        x = layers.Conv2DTranspose(shape[-1], 4, strides=2, padding="same", kernel_initializer=weights)(x)
    return keras.Model(inputs, cut_to(x, shape), name="generator")


def residual_discriminator(
    shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int,
    blocks: int,
    patch: int,
    head: Head = "projection",
) -> keras.Model:
    """The generator's mirror image: residual blocks, halved by averaging between sizes, one logit at the end.

    `head`: see `heads.judged`.
    """
    sizes, height, base_width = _plan(shape, patch)
    inputs = head_inputs(shape, num_classes, head)
    x = padded(inputs[0], shape)
    x = _convolution(width, 1)(x) if patch == 1 else _convolution(width, 4, strides=2)(x)
    for step in range(sizes):
        if step:
            x = layers.AveragePooling2D(2)(x)
            x = _convolution(doubled(width, step), 1)(x)
        for _ in range(blocks):
            x = _block(x, blocks * sizes)
    x = LeakyReLU()(x)
    # Neither carries a bias: the paired loss reads the difference of two logits under one label, where it cancels.
    weights = keras.initializers.RandomNormal(stddev=1 / math.sqrt(height * base_width))
    x = layers.DepthwiseConv2D((height, base_width), use_bias=False, depthwise_initializer=weights)(x)
    outputs = judged(layers.Flatten()(x), inputs, num_classes, head, use_bias=False)
    return keras.Model(inputs, outputs, name="discriminator")


def _plan(shape: tuple[int, int, int], patch: int) -> tuple[int, int, int]:
    """The number of sizes with blocks, and the height and width of the smallest."""
    doublings, height, base_width, *_ = canvas(*shape[:2])
    if patch == 2 and not doublings:
        raise UsageError(f"`patch=2` needs images of at least 8 pixels a side. Received: {shape[0]}x{shape[1]}")
    return doublings + 1 - (patch - 1), height, base_width


def _block(x, num_blocks: int):
    """Two 3x3 convolutions beside the identity, which the block is at first: the last of them starts at zero.

    The first is scaled by Fixup's rule for two layers (Zhang et al. 2019, arXiv:1901.09321). The paper's last
    configuration, E, groups a 3x3 convolution by 16 channels between two of 1x1; on a CPU a grouped convolution costs
    many times a dense one, so this is its configuration before that, dense.
    """
    channels = x.shape[-1]
    y = LeakyReLU()(x)
    y = _convolution(channels, 3, GAIN * num_blocks**-0.5)(y)
    y = LeakyReLU()(y)
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer="zeros")(y)
    return layers.Add()([x, y])


def _convolution(channels: int, kernel: int, scale: float = 1.0, strides: int = 1):
    """A convolution with normal weights of variance `scale^2 / fan_in`."""
    weights = keras.initializers.VarianceScaling(scale**2, "fan_in", "untruncated_normal")
    return layers.Conv2D(channels, kernel, strides=strides, padding="same", kernel_initializer=weights)
