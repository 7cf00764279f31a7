"""Whether an augmentation is a differentiable function of images and their noise."""

from typing import Any

import numpy as np
from keras import ops

from sparring.backend import at_once, value_and_input_grad
from sparring.testing.failure import expect, trying
from sparring.testing.trial import arrays, finite, normal, same

COUNT = 16
SHAPES = [(16, 16, 1), (17, 24, 3)]  # The last one also tells which noise is read: colour may need some of its own.


def check_augmentation(augmentation: Any):
    """Whether an augmentation can be put into `Adversarial`.

    Shape and type of the images stay; a gradient comes through; the same noise makes the same change; an image is
    changed by its own row of the noise alone; exactly `num_draws` columns are read, counted from the first; `follow`
    reports what `logs` announces. One that adapts itself must be in a state in which it changes images.

    Raises:
        CheckError: At the first thing that does not hold.
    """
    for attribute in ("num_draws", "logs", "follow"):
        expect(
            hasattr(augmentation, attribute),
            "An augmentation is called with (images, noise) and has `num_draws`, `logs` and `follow(margin)`. "
            f"Received: {type(augmentation).__name__} without `{attribute}`",
        )
    for shape in SHAPES:
        _check_images(augmentation, shape)
    _check_noise(augmentation, SHAPES[-1])
    with trying("`follow(margin)` must take logits of (N, 1)."):
        found = set(augmentation.follow(ops.convert_to_tensor(normal(COUNT, 1))))
    expect(
        found == set(augmentation.logs),
        f"`follow` must report what `logs` announces, {sorted(augmentation.logs)}. Received: {sorted(found)}",
    )


def _images(shape) -> np.ndarray:
    return np.tanh(normal(COUNT, *shape, seed=1))


def _changed(augmentation, images, noise) -> np.ndarray:
    return arrays(at_once(lambda: augmentation(ops.convert_to_tensor(images), ops.convert_to_tensor(noise)), [])[0])


def _check_images(augmentation, shape):
    images, noise = _images(shape), normal(COUNT, augmentation.num_draws)
    with trying(f"The augmentation must take images of {images.shape} and noise of {noise.shape}."):
        found = _changed(augmentation, images, noise)
    expect(
        found.shape == images.shape and found.dtype == images.dtype,
        f"Changed images must be {images.dtype} of {images.shape}. Received: {found.dtype} of {found.shape}",
    )
    expect(finite(found), "Changed images must be finite. Received: some that are not.")

    def weighted(x):
        # Of a plain mean, what only moves pixels about would have the same gradient everywhere.
        seen = augmentation(x, ops.convert_to_tensor(noise))
        return ops.mean(seen * ops.convert_to_tensor(normal(*images.shape, seed=2)), axis=(1, 2, 3)), {}

    with trying("A gradient must pass through the augmentation: use keras.ops, no NumPy, on the images."):
        _, gradient = at_once(lambda: value_and_input_grad(weighted, ops.convert_to_tensor(images), []), [])[0]
        gradient = arrays(gradient)
    expect(
        finite(gradient) and gradient.any(),
        "A finite gradient must pass through the augmentation, or the generator learns nothing. Received: none; is "
        "there a rounding, a cast to whole numbers or stop_gradient?",
    )


def _check_noise(augmentation, shape):
    images, width = _images(shape), augmentation.num_draws
    noise, other = normal(COUNT, width), normal(COUNT, width, seed=3)
    found = _changed(augmentation, images, noise)
    expect(
        same(found, _changed(augmentation, images, noise)),
        "The same images and noise must be changed in the same way twice, and are not: all that is random must come "
        "from `noise`.",
    )
    expect(
        not same(found, images),
        "The images came back as they were. An augmentation that adapts itself must be checked in a state in which it "
        "changes images.",
    )
    first = np.arange(COUNT) == 0
    rest = _changed(augmentation, images, np.where(first[:, None], other, noise))
    expect(
        same(rest[1:], found[1:]),
        "An image must be changed by its own row of the noise alone. Received: images that change with another's row; "
        "take noise[:, i], not noise[0].",
    )
    rest = _changed(augmentation, np.where(first[:, None, None, None], -images, images), noise)
    expect(same(rest[1:], found[1:]), "An image must not depend on the other images of its batch. Received: some do.")
    for column in range(width):
        moved = np.where(np.arange(width) == column, other, noise)
        expect(
            not same(_changed(augmentation, images, moved), found),
            f"All of the `num_draws`={width} columns of the noise must matter. Received: column {column} changes "
            "nothing, for images in colour; announce fewer.",
        )
    _check_width(augmentation, images, noise)


def _check_width(augmentation, images, noise):
    """JAX reads the last column where there is none behind it, and says nothing."""
    more = [np.concatenate([noise, normal(COUNT, 4, seed=seed)], axis=1) for seed in (4, 5)]
    try:
        first, second = (_changed(augmentation, images, x) for x in more)
    except Exception:  # What insists on its number of columns reads no more.
        return
    expect(
        same(first, second),
        f"No more than the first `num_draws`={noise.shape[1]} columns of the noise may be read. Received: later ones "
        "matter; announce more.",
    )
