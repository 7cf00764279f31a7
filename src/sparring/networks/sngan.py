"""Residual networks with batch and spectral normalisation (Miyato et al. 2018, arXiv:1802.05957, appendix B.4)."""

import math

import keras
from keras import layers, ops

from sparring.errors import UsageError
from sparring.layers.attention import SelfAttention
from sparring.layers.classwise import ClasswiseAffine
from sparring.layers.doubling import NearestDoubling
from sparring.layers.spectral import SpectralConv2D
from sparring.networks.heads import Head, head_inputs, judged
from sparring.networks.inputs import cut_to, joined, latent_inputs, padded
from sparring.ops.geometry import canvas

WIDEST = 32  # Pixels a side up to which every block has all the channels.
SMALLEST = 8  # Pixels a side at which the discriminator stops halving.


def sngan_generator(
    shape: tuple[int, int, int],
    num_classes: int,
    *,
    latent_dim: int,
    width: int,
    synchronized: bool,
    attention: int | None = None,
) -> keras.Model:
    """A dense layer to a small map, then a residual block for every doubling up to the image.

    At 32x32 with a `width` of 256 it is the generator of the paper's CIFAR-10 networks; above 32 pixels every doubling
    halves the channels. Labels give each class a gain and a bias of its own in every batch normalisation of the
    blocks (Miyato and Koyama 2018, arXiv:1802.05637); they are joined to the latents too, for gains that begin
    alike are slow to differ. Doubling is to the nearest neighbour.

    Args:
        shape: Height, width and channels of an image.
        num_classes: 0 takes no labels.
        latent_dim: Size of the noise vector.
        width: Channels.
        synchronized: Takes the batch statistics over all replicas, so that several devices equal one.
        attention: Puts self-attention (arXiv:1805.08318) behind the block whose map is so many pixels on its shorter
            side; None has none.

    Raises:
        UsageError: There is no map of the size `attention` behind a block in both networks.
    """
    _check_attention(attention, shape)
    _, height, base_width, *_ = canvas(*shape[:2])
    smallest, *sides = _rising(shape)
    inputs = latent_inputs(latent_dim, num_classes)
    channels = _channels(width, smallest)
    x = layers.Dense(height * base_width * channels)(joined(inputs))
    x = layers.Reshape((height, base_width, channels))(x)
    for side in sides:
        x = _rising_block(x, inputs[1:], _channels(width, side), synchronized)
        if side == attention:
            x = SelfAttention(spectral=False)(x)
    x = layers.ReLU()(_normalised(x, [], synchronized))
    x = layers.Conv2D(shape[-1], 3, padding="same", activation="tanh")(x)
    return keras.Model(inputs, cut_to(x, shape), name="generator")


def sngan_discriminator(
    shape: tuple[int, int, int],
    num_classes: int,
    *,
    width: int,
    spectral: bool = True,
    attention: int | None = None,
    head: Head = "projection",
    use_bias: bool = True,
) -> keras.Model:
    """Residual blocks that halve the image down to 8 pixels or fewer, two more, and a sum over all positions.

    At 32x32 with a `width` of 128 it is the discriminator of the paper's CIFAR-10 networks; maps above 32 pixels have
    half the channels for every doubling. There is no batch normalisation, so it can stand under a gradient penalty.

    Args:
        shape: Height, width and channels of an image.
        num_classes: 0 takes no labels.
        width: Channels.
        spectral: Whether all weights are spectrally normalised; without, it is such a network as WGAN-GP trains
            (Gulrajani et al. 2017, arXiv:1704.00028).
        attention: Puts self-attention (arXiv:1805.08318) behind the last block whose map is so many pixels on its
            shorter side; None has none.
        head: See `heads.judged`.
        use_bias: Whether the logit has a bias; a loss that reads differences of logits alone has no use for it.

    Raises:
        UsageError: There is no map of the size `attention` behind a block in both networks, or the head does not suit
            the data.
    """
    _check_attention(attention, shape)
    sides = _falling(shape)
    inputs = head_inputs(shape, num_classes, head)
    x = padded(inputs[0], shape)
    for step, side in enumerate(sides):
        x = _falling_block(x, _channels(width, side), spectral, first=step == 0, halved=step < len(sides) - 2)
        if side == attention and side not in sides[step + 1 :]:
            x = SelfAttention(spectral)(x)
    features = ops.sum(layers.ReLU()(x), axis=(1, 2))
    outputs = judged(features, inputs, num_classes, head, use_bias=use_bias, spectral=spectral)
    return keras.Model(inputs, outputs, name="discriminator")


def _rising(shape: tuple[int, int, int]) -> list[int]:
    """The shorter sides of the generator's maps, from the dense layer's on."""
    doublings, height, base_width, *_ = canvas(*shape[:2])
    return [min(height, base_width) * 2**step for step in range(doublings + 1)]


def _falling(shape: tuple[int, int, int]) -> list[int]:
    """The shorter sides of what the discriminator's blocks make, the two last of one size."""
    *halved, largest = _rising(shape)
    sides = [side for side in reversed(halved) if 2 * side > SMALLEST]
    return sides + [sides[-1] if sides else largest] * 2


def _check_attention(attention: int | None, shape: tuple[int, int, int]) -> None:
    sides = sorted(set(_rising(shape)[1:]) & set(_falling(shape)))
    if attention is not None and attention not in sides:
        known = ", ".join(map(str, sides)) or f"there is none for images of {shape[0]}x{shape[1]}"
        raise UsageError(
            "`attention` must be None or the shorter side of a map of features that both networks have: "
            f"{known}. Received: attention={attention}"
        )


def _channels(width: int, side: int) -> int:
    """`width` up to 32 pixels a side, half of it up to 64, a quarter up to 128."""
    return max(1, width >> max(0, math.ceil(math.log2(side / WIDEST))))


def _rising_block(x, labels: list, channels: int, synchronized: bool):
    """No convolution has a bias: the batch normalisation behind it, or the last of all, would take it away."""
    # A 1x1 convolution before the doubling gives what it would give behind it, of a quarter of the positions.
    beside = NearestDoubling()(layers.Conv2D(channels, 1, use_bias=False)(x))
    x = NearestDoubling()(layers.ReLU()(_normalised(x, labels, synchronized)))
    x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
    x = layers.ReLU()(_normalised(x, labels, synchronized))
    return layers.Add()([layers.Conv2D(channels, 3, padding="same", use_bias=False)(x), beside])


def _falling_block(x, channels: int, spectral: bool, *, first: bool, halved: bool):
    """The first reads pixels: half of their values would be lost to a ReLU."""
    convolution = SpectralConv2D if spectral else layers.Conv2D
    beside = layers.AveragePooling2D(2)(x) if halved else x
    if halved or x.shape[-1] != channels:
        beside = convolution(channels, 1)(beside)
    x = x if first else layers.ReLU()(x)
    x = layers.ReLU()(convolution(channels, 3, padding="same")(x))
    x = convolution(channels, 3, padding="same")(x)
    return layers.Add()([layers.AveragePooling2D(2)(x) if halved else x, beside])


def _normalised(x, labels: list, synchronized: bool):
    """Batch normalisation, with a gain and a bias of each class where there are `labels`."""
    shared = not labels
    # 0.9 follows the weights of a run of minutes; see dcgan.
    x = layers.BatchNormalization(momentum=0.9, synchronized=synchronized, center=shared, scale=shared)(x)
    return x if shared else ClasswiseAffine()([x, *labels])
