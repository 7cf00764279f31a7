"""From image to image: a U-Net, a residual network, and discriminators of patches.

Generators map `[images]` of any height and width to images of the same in [-1, 1]. Discriminators map `[images]` to one
logit for each of many overlapping patches, `(N, height, width, 1)`. All normalise each image by itself (Ulyanov et al.
2016, arXiv:1607.08022), which is the same in training and in use, for one image and for many.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops

from sparring.errors import UsageError
from sparring.layers.activation import LeakyReLU
from sparring.layers.fitting import CropLike, PadToMultiple
from sparring.networks.inputs import doubled
from sparring.ops.geometry import canvas

# What of a residual generator's encoder is compared: pixels, both halvings, the first residual block and one in the
# middle (Park et al. 2020, arXiv:2007.15651, appendix C.1).
TAPS = ("pixels", "halved_1", "halved_2", "block_first", "block_middle")
HALVINGS = 2  # Of a residual generator.
PATCHES = {12: 1, 30: 2, 66: 3}  # Pixels of a side that a logit sees, by how often its discriminator halves.


def unet_generator(shape: tuple[int, int, int], *, width: int) -> keras.Model:
    """Halves the image down to about 4x4 and doubles it again, each size seeing what was there on the way down.

    Isola et al. 2016, arXiv:1611.07004, section 3.2.1. Halved by averages and doubled bilinearly, where the paper has
    strides: neither aliases nor makes checkerboards (Zhang 2019, arXiv:1904.11486). At its end it sees its input again.

    Args:
        shape: Height, width and channels it is trained at, which say how often it halves.
        width: Channels at half of the size; doubled with every halving, up to eight times.
    """
    sizes = canvas(*shape[:2]).doublings
    if not sizes:
        raise UsageError(f"A U-Net needs images of at least 8 pixels a side. Received: {shape[0]}x{shape[1]}")
    images = keras.Input((None, None, shape[-1]), name="images")
    padded = PadToMultiple(2**sizes)(images)
    x = LeakyReLU()(_convolution(width, 4, strides=2)(padded))
    passed = []
    for step in range(1, sizes):
        passed.append(x)
        x = _convolution(doubled(width, step), 3, use_bias=False)(layers.AveragePooling2D(2)(x))
        x = LeakyReLU()(_normalised(x))
    for step in reversed(range(1, sizes)):
        x = layers.Concatenate()([_upsampled(x), passed.pop()])
        x = layers.ReLU()(_normalised(_convolution(doubled(width, step - 1), 3, use_bias=False)(x)))
    # Two convolutions at full size: one transposed one, as in the paper, weaves a cloth over the image.
    x = layers.Concatenate()([_upsampled(x), padded])
    x = layers.ReLU()(_convolution(max(1, width // 2), 3)(x))
    x = _convolution(shape[-1], 3, activation="tanh")(x)
    return keras.Model([images], CropLike()([x, images]), name="generator")


def resnet_generator(shape: tuple[int, int, int], *, width: int, blocks: int) -> keras.Model:
    """Halves the image twice, changes it by residual blocks, and doubles it twice.

    Johnson et al. 2016 (arXiv:1603.08155) as in CycleGAN (Zhu et al. 2017, arXiv:1703.10593, appendix 7.2), halved by
    averages and doubled bilinearly instead of by strides. Its last layer sees the image again, as that of
    `unet_generator` does: what is kept need not be drawn anew from a quarter of the size, where after the same training
    every edge of a photograph was followed by echoes.

    Args:
        shape: Height, width and channels.
        width: Channels at full size; doubled with each halving.
        blocks: Residual blocks; the paper has 6 at 128 pixels and 9 at 256.
    """
    images = keras.Input((None, None, shape[-1]), name="images")
    x = padded = PadToMultiple(2**HALVINGS, name=TAPS[0])(images)
    x = layers.ReLU()(_normalised(_convolution(width, 7, use_bias=False)(padded)))
    for step in range(1, HALVINGS + 1):
        x = _convolution(width * 2**step, 3, use_bias=False)(layers.AveragePooling2D(2)(x))
        x = layers.ReLU(name=TAPS[step])(_normalised(x))
    names = {blocks // 2: TAPS[4], 0: TAPS[3]}
    for block in range(blocks):
        x = _block(x, names.get(block))
    for step in reversed(range(HALVINGS)):
        x = layers.ReLU()(_normalised(_convolution(width * 2**step, 3, use_bias=False)(_upsampled(x))))
    x = _convolution(shape[-1], 7, activation="tanh")(layers.Concatenate()([x, padded]))
    return keras.Model([images], CropLike()([x, images]), name="generator")


def encoder_of(generator: keras.Model) -> keras.Model:
    """The first half of a `resnet_generator`, with the same weights: what it has at each of `TAPS`."""
    names = {layer.name for layer in generator.layers}
    return keras.Model(generator.inputs, [generator.get_layer(name).output for name in TAPS if name in names])


def patch_projector(encoder: keras.Model, width: int = 256) -> keras.Model:
    """Two dense layers for each tap of an encoder, and vectors of length 1 (arXiv:2007.15651, section 3).

    Maps a list of `(N, patches, channels)` to one of `(N, patches, width)`.
    """
    inputs = [keras.Input((None, tap.shape[-1])) for tap in encoder.outputs]
    outputs = []
    for x in inputs:
        x = layers.Dense(width, activation="relu", kernel_initializer=_normal())(x)
        x = layers.Dense(width, kernel_initializer=_normal())(x)
        # Where all features are 0 so is this, and the slope of a length has no value there.
        outputs.append(ops.rms_normalization(x, epsilon=1e-10) * width**-0.5)
    return keras.Model(inputs, outputs, name="projector")


def patch_discriminator(
    shape: tuple[int, int, int],
    *,
    width: int,
    patch: int | None = None,
    channels: int | None = None,
    use_bias: bool = True,
) -> keras.Model:
    """Judges overlapping patches by themselves (arXiv:1611.07004, section 3.2.2).

    Args:
        shape: Height, width and channels of one image.
        width: Channels after the first halving; doubled with each after it.
        patch: Pixels of a side that a logit sees, one of `PATCHES`; None takes the most that are about half of the
            image's shorter side or less. The paper's is 70 of 256.
        channels: Of what is judged, where that is several images side by side in the channels.
        use_bias: Whether the logits have one.
    """
    height, side, own = shape
    patch = patch or max((size for size in PATCHES if size <= 0.52 * min(height, side)), default=min(PATCHES))
    halvings = PATCHES[patch]
    images = keras.Input((height, side, channels or own), name="images")
    x = LeakyReLU()(_convolution(width, 4, strides=2)(images))
    for step in range(1, halvings + 1):
        x = layers.AveragePooling2D(2)(x) if step < halvings else x
        x = LeakyReLU()(_normalised(_convolution(doubled(width, step), 3, use_bias=False)(x)))
    return keras.Model([images], _convolution(1, 3, use_bias=use_bias)(x), name="discriminator")


def _block(x, name: str | None):
    y = layers.ReLU()(_normalised(_convolution(x.shape[-1], 3, use_bias=False)(x)))
    y = _normalised(_convolution(x.shape[-1], 3, use_bias=False)(y))
    return layers.Add(name=name)([x, y])


def _normalised(x):
    """Every channel of every image to mean 0 and variance 1, then scaled and shifted."""
    return layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)


def _upsampled(x):
    return layers.UpSampling2D(2, interpolation="bilinear")(x)


def _normal():
    """The initial weights of all three papers."""
    return keras.initializers.RandomNormal(stddev=0.02)


def _convolution(channels: int, kernel: int | Sequence[int], **kwargs):
    return layers.Conv2D(channels, kernel, padding="same", kernel_initializer=_normal(), **kwargs)
