"""The inputs and sizes that families share."""

import keras

from sparring.ops.geometry import canvas

MOST_DOUBLINGS = 3  # Of the channels.


def latent_inputs(latent_dim: int, num_classes: int) -> list:
    """`[latents]`, or `[latents, labels]` where there are classes."""
    return [keras.Input((latent_dim,), name="latents"), *_label_inputs(num_classes)]


def image_inputs(shape: tuple[int, int, int], num_classes: int) -> list:
    """`[images]`, or `[images, labels]` where there are classes."""
    return [keras.Input(shape, name="images"), *_label_inputs(num_classes)]


def _label_inputs(num_classes: int) -> list:
    return [keras.Input((num_classes,), name="labels")] if num_classes else []


def joined(inputs: list):
    """All inputs as one vector per example."""
    return keras.layers.Concatenate()(inputs) if len(inputs) > 1 else inputs[0]


def doubled(width: int, halvings: int) -> int:
    """Channels after so many halvings of the size: `width` doubled with each, up to eight times as many."""
    return width * 2 ** min(halvings, MOST_DOUBLINGS)


def cut_to(x, shape: tuple[int, int, int]):
    """Crops the canvas `x` to the height and width of `shape`."""
    spare_height, spare_width = canvas(*shape[:2])[3:]
    if not spare_height and not spare_width:
        return x
    return keras.layers.Cropping2D((_halves(spare_height), _halves(spare_width)))(x)


def padded(x, shape: tuple[int, int, int]):
    """Zero-pads an image of `shape` to the canvas it was cut from."""
    spare_height, spare_width = canvas(*shape[:2])[3:]
    if not spare_height and not spare_width:
        return x
    return keras.layers.ZeroPadding2D((_halves(spare_height), _halves(spare_width)))(x)


def _halves(spare: int) -> tuple[int, int]:
    return spare // 2, spare - spare // 2
