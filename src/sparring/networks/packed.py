"""Any discriminator as one that judges several images together."""

from collections.abc import Callable

import keras

from sparring.layers.packing import Pack
from sparring.networks.inputs import image_inputs


def packed_discriminator(
    make: Callable[[tuple[int, int, int], int], keras.Model],
    shape: tuple[int, int, int],
    num_classes: int,
    packing: int,
) -> keras.Model:
    """One logit for `packing` neighbouring images, which stand in the channels (PacGAN, arXiv:1712.04086).

    A generator that makes too few kinds of images is caught sooner by a judge of several at once.

    Args:
        make: `make(shape, num_classes)` returns the discriminator, of images with `packing` times the channels and,
            where there are classes, the labels side by side.
        shape: Height, width and channels of one image.
        num_classes: Number of classes; 0 where there are none.
        packing: Images judged together; 1 returns what `make` does.
    """
    height, width, channels = shape
    if packing == 1:
        return make(shape, num_classes)
    inputs = image_inputs(shape, num_classes)
    judge = make((height, width, packing * channels), packing * num_classes)
    return keras.Model(inputs, judge([Pack(packing)(x) for x in inputs]), name="discriminator")
