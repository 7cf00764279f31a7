"""Random changes of images that gradients pass through, each a pure function of the noise it is given."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops

from sparring.errors import UsageError, nearest
from sparring.ops.frames import fold
from sparring.ops.noise import uniform

Tensor = Any  # Of whichever backend.
POLICY = "translation,cutout"
TRANSLATION_SHARE = 8  # An image moves by at most this part of a side, an eighth.
CUTOUT_SHARE = 2  # The hidden square has this part of a side, a half.


class DiffAugment:
    """Differentiable augmentation (Zhao et al. 2020, arXiv:2006.10738, section 3.2 and the policies of section 4).

    The discriminator sees nothing but augmented images, real and generated ones changed alike, and the generator
    learns through the change. What is changed is data: the noise says it, so that batch `k` is changed in the same
    way on any backend and no two devices share a change.

    Args:
        policy: Names, separated by commas, in the order they are applied:
            `color` (brightness by up to 0.5 either way, saturation times 0 to 2 where there are several channels,
            contrast times 0.5 to 1.5), `translation` (by up to an eighth of either side, zeros coming in), `cutout`
            (zeros in a square of half of either side) and `flip` (left to right, every second image).

    Attributes:
        num_draws: Standard normal numbers that an image needs.
        logs: Names of what `follow` reports: nothing.

    Raises:
        UsageError: There is no change of that name.

    Example:
        >>> augmentation = DiffAugment("color,translation")
        >>> seen = augmentation(images, keras.random.normal((len(images), augmentation.num_draws)))
    """

    logs = ()

    def __init__(self, policy: str = POLICY):
        self.changes = read_policy(policy)
        self.num_draws = sum(change.num_draws for change in self.changes)

    def __call__(self, images: Tensor, noise: Tensor) -> Tensor:
        """Images `(N, H, W, C)` in [-1, 1], changed as standard normal `noise` `(N, num_draws)` says.

        Of clips `(N, T, H, W, C)` every frame is changed as the others of its clip are.
        """
        shape, (images, noise) = images.shape, by_frame(images, noise)
        uniforms, place = uniform(noise), 0
        for change in self.changes:
            images = change.apply(images, uniforms[:, place : place + change.num_draws])
            place += change.num_draws
        return ops.reshape(images, (-1, *shape[1:]))

    def follow(self, margin: Tensor) -> dict[str, Tensor]:
        """Takes how sure the discriminator is; the changes stay as they are."""
        return {}


@dataclasses.dataclass(frozen=True)
class Change:
    """`apply(images, uniforms)` with `num_draws` numbers in [0, 1] for each image."""

    num_draws: int
    apply: Callable[[Tensor, Tensor], Tensor]


def by_frame(images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Frames of clips `(N, T, H, W, C)` as images, each with the noise of its clip; images as they are."""
    if len(images.shape) == 4:
        return images, noise
    return fold(images), ops.repeat(noise, images.shape[1], axis=0)


def read_policy(policy: str) -> list[Change]:
    """The changes that `policy` names, in its order; UsageError for a name that is not known."""
    names = [name.strip() for name in policy.split(",")]
    for name in names:
        if name not in CHANGES:
            raise UsageError(
                f"There is no augmentation `{name}`.{nearest(name, CHANGES)} Expected some of "
                f"{', '.join(CHANGES)}, separated by commas. Received: {policy!r}"
            )
    return [CHANGES[name] for name in names]


def _whole(uniforms, count: int):
    """Uniform in [0, 1] to a whole number below `count`, each as likely."""
    return ops.minimum(ops.cast(ops.floor(uniforms * count), "int32"), count - 1)


def _color(images, uniforms):
    brightness, saturation, contrast = (uniforms[:, i, None, None, None] for i in range(3))
    images = images + (brightness - 0.5)
    if images.shape[-1] > 1:
        grey = ops.mean(images, axis=-1, keepdims=True)
        images = grey + (images - grey) * (2.0 * saturation)
    mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * (0.5 + contrast)


def _translation(images, uniforms):
    """By products with matrices of zeros and ones, one for each side.

    On TensorFlow on a CPU this is quicker with its gradient than a gather, and far quicker than choices between slices.
    Exact there; a GPU that multiplies in TF32 rounds, by much less than a step of uint8.
    """
    _, height, width, channels = images.shape
    down, across = (_moves(uniforms[:, axis], size) for axis, size in enumerate((height, width)))
    images = ops.matmul(down, ops.reshape(images, (-1, height, width * channels)))
    return ops.matmul(across[:, None], ops.reshape(images, (-1, height, width, channels)))


def _moves(uniforms, size: int):
    """Matrices `(N, size, size)` that each move a column of `size` numbers by up to its eighth."""
    reach = size // TRANSLATION_SHARE
    distance = _whole(uniforms, 2 * reach + 1) - reach
    place = ops.arange(size)
    return ops.cast(place - place[:, None] == distance[:, None, None], "float32")


def _cutout(images, uniforms):
    """The middle of the square is anywhere in the image, so that its border may hide a part of the square.

    Squares that lay inside would nearly always hide the middle of the image, and what the discriminator never sees
    the generator never learns. This way a pixel is hidden in every fourth image at most (DeVries and Taylor 2017,
    arXiv:1708.04552, section 3.2, where it is found to matter).
    """
    hidden = []
    for axis in (1, 2):
        size = images.shape[axis]
        side = size // CUTOUT_SHARE
        middle = _whole(uniforms[:, axis - 1], size + 1 - side % 2)  # Of an even square it lies between pixels.
        from_start = ops.arange(size) - (middle - side // 2)[:, None]
        hidden.append(ops.logical_and(from_start >= 0, from_start < side))
    rows, columns = hidden
    square = ops.logical_and(rows[:, :, None, None], columns[:, None, :, None])
    return images * (1.0 - ops.cast(square, images.dtype))


def _flip(images, uniforms):
    return ops.where(uniforms[:, :, None, None] > 0.5, ops.flip(images, axis=2), images)


CHANGES = {
    "color": Change(3, _color),
    "translation": Change(2, _translation),
    "cutout": Change(2, _cutout),
    "flip": Change(1, _flip),
}
