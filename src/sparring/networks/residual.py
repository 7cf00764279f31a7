"""Residual networks without normalisation: the R3GAN pair (Huang et al. 2024, arXiv:2501.05441)."""

import math

import keras
from keras import layers

from sparring.layers.basis import Basis
from sparring.layers.projection import ProjectionHead
from sparring.networks.inputs import cut_to, image_inputs, joined, latent_inputs, padded
from sparring.ops.geometry import canvas

SLOPE = 0.2
EXPANSION = 2


def residual_generator(
    shape: tuple[int, int, int], num_classes: int, *, latent_dim: int, width: int, blocks: int
) -> keras.Model:
    """A learned base, then `blocks` residual blocks at each size, doubled bilinearly between sizes."""
    doublings, height, base_width, *_ = canvas(*shape[:2])
    inputs = latent_inputs(latent_dim, num_classes)
    scale = _branch_scale(blocks * (doublings + 1))
    x = Basis(height, base_width, _channels(width, doublings))(joined(inputs))
    for step in range(doublings + 1):
        if step:
            x = layers.UpSampling2D(2, interpolation="bilinear")(x)
            x = _pointwise(_channels(width, doublings - step), 1.0)(x)
        for _ in range(blocks):
            x = _block(x, scale)
    x = _pointwise(shape[-1], 1.0)(x)
    return keras.Model(inputs, cut_to(x, shape), name="generator")


def residual_discriminator(shape: tuple[int, int, int], num_classes: int, *, width: int, blocks: int) -> keras.Model:
    """The generator's mirror image: residual blocks, halved by averaging between sizes, one logit at the end."""
    doublings, height, base_width, *_ = canvas(*shape[:2])
    inputs = image_inputs(shape, num_classes)
    scale = _branch_scale(blocks * (doublings + 1))
    x = _pointwise(_channels(width, 0), 1.0)(padded(inputs[0], shape))
    for step in range(doublings + 1):
        if step:
            x = layers.AveragePooling2D(2)(x)
            x = _pointwise(_channels(width, step), 1.0)(x)
        for _ in range(blocks):
            x = _block(x, scale)
    # Neither carries a bias: the paired loss reads the difference of two logits under one label, where it cancels.
    x = _depthwise((height, base_width), "valid", 1.0, use_bias=False)(x)
    logits = ProjectionHead(use_bias=False)([layers.Flatten()(x), *inputs[1:]])
    return keras.Model(inputs, logits, name="discriminator")


def _channels(width: int, halvings: int) -> int:
    """`width` at full size, doubled with every halving up to eight times."""
    return width * 2 ** min(halvings, 3)


def _block(x, scale: float):
    """An inverted bottleneck (figure 2 of the paper) that starts as the identity.

    Where the paper groups its 3x3 convolution by 16 channels this one is depthwise: on a CPU a grouped convolution
    costs 20 to 60 times a dense one, a depthwise one a seventeenth.
    """
    channels = x.shape[-1]
    y = _pointwise(EXPANSION * channels, scale)(x)
    y = layers.LeakyReLU(SLOPE)(y)
    y = _depthwise((3, 3), "same", scale * 2**0.5)(y)
    y = layers.LeakyReLU(SLOPE)(y)
    y = layers.Conv2D(channels, 1, use_bias=False, kernel_initializer="zeros")(y)
    return layers.Add()([x, y])


def _branch_scale(num_blocks: int) -> float:
    """Fixup's scale of the first two of three convolutions in a branch (Zhang et al. 2019, arXiv:1901.09321)."""
    return num_blocks**-0.25


def _pointwise(channels: int, scale: float):
    """A 1x1 convolution with weights of variance `scale^2 / fan_in`."""
    weights = keras.initializers.VarianceScaling(scale**2, "fan_in", "untruncated_normal")
    return layers.Conv2D(channels, 1, kernel_initializer=weights)


def _depthwise(size: tuple[int, int], padding: str, scale: float, **kwargs):
    """A depthwise convolution; Keras' own scaling would count all channels into its fan-in."""
    weights = keras.initializers.RandomNormal(stddev=scale / math.prod(size) ** 0.5)
    return layers.DepthwiseConv2D(size, padding=padding, depthwise_initializer=weights, **kwargs)
