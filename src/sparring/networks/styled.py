"""Content of one image, style of another: the four networks of StarGAN v2 (Choi et al. 2019, arXiv:1912.01865).

Written after section 2.1 and appendix A of the paper. Labels are one-hot domains `(N, domains)`, styles `(N, width)`.
Sizes are halved by averages and doubled bilinearly, which neither alias nor make checkerboards (Zhang 2019,
arXiv:1904.11486). Widths are given in channels and do not follow from the size of the image.
"""

import itertools
from collections.abc import Callable

import keras
from keras import layers, ops

from sparring.layers.activation import LeakyReLU
from sparring.layers.adaptive import StyleAffine
from sparring.layers.fitting import CropLike, PadToMultiple
from sparring.ops.geometry import canvas

SMALLEST = 16  # Pixels of the shorter side to which the generator halves an image, as in the paper,
FEWEST_HALVINGS, MOST_HALVINGS = 2, 4  # within these limits, if it has as many pixels.
SHARED, OWN = 4, 4  # Dense layers of the mapping network for all domains, and for each by itself.
BALANCE = 0.5**0.5  # Of the sum of two branches, which keeps the variance of either.


def style_generator(
    shape: tuple[int, int, int], *, width: int, most_width: int, blocks: int, style_dim: int, details: bool
) -> keras.Model:
    """`[images, styles]` to images of the same height and width, whichever they are, in [-1, 1].

    The content loses its statistics on the way down, by instance normalisation, and is given those of the style on the
    way up, by adaptive instance normalisation. All of it passes through the smallest size in the paper; with `details`
    what a halving loses joins what is doubled back to its size, as in a U-Net (arXiv:1505.04597), without its
    statistics and ahead of a style.

    Args:
        shape: Height, width and channels it is trained at, which say how often it halves.
        width: Channels at full size; doubled with every halving.
        most_width: Channels at most.
        blocks: Residual blocks at the smallest size that lose statistics, and as many that are given new ones.
        style_dim: Numbers of a style.
        details: Whether what is lost to halvings joins again.
    """
    wanted = max(FEWEST_HALVINGS, canvas(*shape[:2], smallest=SMALLEST).doublings)
    halvings = max(1, min(wanted, MOST_HALVINGS, canvas(*shape[:2]).doublings))
    images = keras.Input((None, None, shape[-1]), name="images")
    style = keras.Input((style_dim,), name="styles")
    widths = [min(width * 2**step, most_width) for step in range(halvings + 1)]
    x = _convolution(width, 3, use_bias=False)(PadToMultiple(2**halvings)(images))
    sizes = []  # What is about to be halved, from the largest on.
    for channels in widths[1:]:
        sizes.append(x)
        x = _block(x, channels, _normalised, halve=True)
    for _ in range(blocks):
        x = _block(x, widths[-1], _normalised)

    plan = [widths[-1]] * blocks + widths[-2::-1]  # Channels behind each block that hears the style,
    counts = [
        c for before, c in itertools.pairwise([widths[-1], *plan]) for c in (before, min(before, c))
    ]  # and of each norm.
    # One layer for all of them. On TensorFlow many slopes of a style would add up in an order that differs from process
    # to process, and so would their sum.
    parts = layers.Dense(2 * sum(counts))(style)
    affine = iter(ops.split(parts, [2 * end for end in itertools.accumulate(counts)][:-1], axis=-1))

    def styled(x):
        return StyleAffine()([_normalised(x, scale=False, center=False), next(affine)])

    for channels in plan[:blocks]:
        x = _block(x, channels, styled)
    for channels, lost in zip(plan[blocks:], reversed(sizes), strict=True):
        x = _block(x, channels, styled, double=True, joining=lost if details else None)
    x = _convolution(shape[-1], 1, activation="tanh")(LeakyReLU()(_normalised(x)))
    return keras.Model([images, style], CropLike()([x, images]), name="generator")


def style_encoder(
    shape: tuple[int, int, int], num_domains: int, *, width: int, most_width: int, style_dim: int
) -> keras.Model:
    """`[images, labels]` to the style of each image among those of its domain, `(N, style_dim)`."""
    images, labels = keras.Input(shape, name="images"), keras.Input((num_domains,), name="labels")
    x = layers.Dense(num_domains * style_dim)(_features(images, width, most_width))
    style = layers.Dot(axes=1)([layers.Reshape((num_domains, style_dim))(x), labels])
    return keras.Model([images, labels], style, name="encoder")


def mapping_network(num_domains: int, *, latent_dim: int, style_dim: int, width: int) -> keras.Model:
    """`[latents, labels]` to a style of the domain, `(N, style_dim)`: dense layers for all, then some for each."""
    latents, labels = keras.Input((latent_dim,), name="latents"), keras.Input((num_domains,), name="labels")
    x = latents
    for _ in range(SHARED):
        x = _dense(width)(x)
    styles = []
    for _ in range(num_domains):
        y = x
        for _ in range(OWN - 1):
            y = _dense(width)(y)
        styles.append(layers.Reshape((1, style_dim))(layers.Dense(style_dim)(y)))
    style = layers.Dot(axes=1)([layers.Concatenate(axis=1)(styles), labels])
    return keras.Model([latents, labels], style, name="mapping")


def domain_discriminator(shape: tuple[int, int, int], num_domains: int, *, width: int, most_width: int) -> keras.Model:
    """`[images, labels]` to one logit `(N, 1)`: each domain has a head, and the label says whose counts."""
    images, labels = keras.Input(shape, name="images"), keras.Input((num_domains,), name="labels")
    logits = layers.Dense(num_domains)(_features(images, width, most_width))
    return keras.Model([images, labels], layers.Dot(axes=1)([logits, labels]), name="discriminator")


def _features(images, width: int, most_width: int):
    """What a style or a verdict is read from: halved without normalisation to about 4x4, then one vector."""
    x = _convolution(width, 3)(images)
    for step in range(1, canvas(*images.shape[1:3]).doublings + 1):
        x = _block(x, min(width * 2**step, most_width), None, halve=True)
    channels, sides = x.shape[-1], x.shape[1:3]
    x = layers.Conv2D(channels, sides, kernel_initializer="he_normal")(LeakyReLU()(x))
    return LeakyReLU()(layers.Flatten()(x))


def _block(x, channels: int, normalised: Callable | None, *, halve: bool = False, double: bool = False, joining=None):
    """Two convolutions behind their activations, beside the same image, halved or doubled alike.

    What is `joining` comes in between the two, ahead of the second's normalisation.
    """
    normal = normalised or (lambda x: x)
    use_bias = normalised is None  # Normalisation takes away what a bias adds, here or in a block behind.
    beside = x if channels == x.shape[-1] else _convolution(channels, 1, use_bias=False)(x)
    y = LeakyReLU()(normal(x))
    if double:
        y, beside = (layers.UpSampling2D(2, interpolation="bilinear")(z) for z in (y, beside))
    y = _convolution(min(channels, x.shape[-1]), 3, use_bias=use_bias)(y)  # Wide where the image is small.
    if joining is not None:
        y = layers.Add()([y, _normalised(joining, center=False)])  # A bias would be taken away again, as above.
    if halve:
        y, beside = (layers.AveragePooling2D(2, padding="same")(z) for z in (y, beside))
    y = _convolution(channels, 3, use_bias=use_bias)(LeakyReLU()(normal(y)))
    return layers.Rescaling(BALANCE)(layers.Add()([y, beside]))


def _normalised(x, *, scale: bool = True, center: bool = True):
    """Every channel of every image to mean 0 and variance 1, or what is learnt in their place."""
    return layers.GroupNormalization(groups=-1, epsilon=1e-5, scale=scale, center=center)(x)


def _dense(width: int):
    return layers.Dense(width, activation="relu", kernel_initializer="he_normal")


def _convolution(channels: int, kernel: int, **kwargs):
    return layers.Conv2D(channels, kernel, padding="same", kernel_initializer="he_normal", **kwargs)
