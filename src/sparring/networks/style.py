"""A generator steered by styles at every size, after StyleGAN2 (Karras et al. 2020, arXiv:1912.04958)."""

import keras
from keras import layers, ops

from sparring.layers.activation import LeakyReLU
from sparring.layers.minibatch import MinibatchDeviation
from sparring.layers.modulated import Constant, ModulatedConv2D
from sparring.layers.scaled import ScaledConv2D, ScaledDense
from sparring.networks.heads import Head, head_inputs, judged
from sparring.networks.inputs import cut_to, doubled, latent_inputs, padded
from sparring.ops.geometry import canvas

GAIN = 2**0.5  # Of a leaky ReLU, nearly: keeps the variance of what passes through it.
MAPPING_RATE = 0.01  # Of the mapping network's learning rate (appendix B there).


def style_generator(
    shape: tuple[int, int, int], num_classes: int, *, latent_dim: int, width: int, mapping_layers: int
) -> keras.Model:
    """A mapping network makes a style of the latents, which scales the inputs of every convolution.

    The skip generator of section 4.1 and figure 7: from a learned constant two modulated convolutions at each size,
    each size adding its share to the image, which is doubled bilinearly from size to size. Weights are scaled when
    they are used, so the paper's learning rate of 0.002 suits any width.

    Where it is not the paper's: the first convolution of a size is done before the doubling instead of inside of it,
    at the same cost; the style is as long as the latents; and there is no noise, which the paper adds to every map
    and which would have to come with the batch: all that is in an image comes from its latents.

    Args:
        shape: Height, width and channels of an image.
        num_classes: 0 takes no labels; a label is embedded linearly and joined to the latents, both normalised.
        latent_dim: Size of the noise vector and of the style.
        width: Channels at the image's size; doubled with every halving, up to eight times.
        mapping_layers: Dense layers from the latents to the style; the paper has 8.
    """
    doublings, height, base_width, *_ = canvas(*shape[:2])
    inputs = latent_inputs(latent_dim, num_classes)
    style = _mapped(inputs, latent_dim, mapping_layers)
    channels = doubled(width, doublings)
    x = Constant(height, base_width, channels)(style)
    x = _styled(x, style, channels)
    image = _to_image(x, style, shape[-1])
    for step in reversed(range(doublings)):
        channels = doubled(width, step)
        x = _styled(x, style, channels, upsampled=True)
        x = _styled(x, style, channels)
        image = layers.Add()([_upsampled(image), _to_image(x, style, shape[-1])])
    return keras.Model(inputs, cut_to(image, shape), name="generator")


def style_discriminator(
    shape: tuple[int, int, int], num_classes: int, *, width: int, head: Head = "projection"
) -> keras.Model:
    """Residual blocks, halved by averaging, and how much the images of a group differ (section 4.1, figure 7).

    Convolutions behind a halving read averages of 2x2 positions; the paper's stride follows a wider filter. The
    deviation of a minibatch is taken over groups of 4, see `MinibatchDeviation`. `head`: see `heads.judged`.
    """
    doublings, *_ = canvas(*shape[:2])
    inputs = head_inputs(shape, num_classes, head)
    x = LeakyReLU()(ScaledConv2D(width, 1, GAIN)(padded(inputs[0], shape)))
    for step in range(doublings):
        x = _halved(x, doubled(width, step + 1))
    channels = x.shape[-1]
    x = LeakyReLU()(ScaledConv2D(channels, 3, GAIN, padding="same")(MinibatchDeviation()(x)))
    x = LeakyReLU()(ScaledDense(channels, GAIN)(layers.Flatten()(x)))
    return keras.Model(inputs, judged(x, inputs, num_classes, head), name="discriminator")


def _mapped(inputs: list, latent_dim: int, num_layers: int):
    latents, *labels = inputs
    x = ops.rms_normalization(latents)
    if labels:
        embedded = ops.rms_normalization(ScaledDense(latent_dim)(labels[0]))
        x = layers.Concatenate()([x, embedded])
    for _ in range(num_layers):
        x = LeakyReLU()(ScaledDense(latent_dim, GAIN, MAPPING_RATE)(x))
    return x


def _styled(x, style, channels: int, *, upsampled: bool = False):
    """A modulated 3x3 convolution, doubled where asked for, and a leaky ReLU."""
    x = ModulatedConv2D(channels, 3, gain=GAIN)([x, _scales(style, x.shape[-1])])
    return LeakyReLU()(_upsampled(x) if upsampled else x)


def _to_image(x, style, channels: int):
    return ModulatedConv2D(channels, 1, demodulate=False)([x, _scales(style, x.shape[-1])])


def _scales(style, channels: int):
    """What the style makes of each channel, about 1 at first."""
    return ScaledDense(channels, bias_initializer="ones")(style)


def _upsampled(x):
    return layers.UpSampling2D(2, interpolation="bilinear")(x)


def _halved(x, channels: int):
    """A residual block; both ways are scaled so that the variance of their sum is that of the input."""
    beside = ScaledConv2D(channels, 1, 0.5**0.5, use_bias=False)(layers.AveragePooling2D(2)(x))
    x = LeakyReLU()(ScaledConv2D(x.shape[-1], 3, GAIN, padding="same")(x))
    x = LeakyReLU()(ScaledConv2D(channels, 3, padding="same")(layers.AveragePooling2D(2)(x)))
    return layers.Add()([x, beside])
