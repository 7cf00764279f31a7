"""Numbers to try things on, and the state before and after."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Standard normal float32, the same for the same seed."""
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def one_hot(count: int, num_classes: int, first: int = 0) -> np.ndarray:
    """One-hot float32 labels `(count, num_classes)`, all classes in turn from `first` on."""
    return np.eye(num_classes, dtype=np.float32)[(np.arange(count) + first) % num_classes]


def arrays(tree):
    """Every tensor or variable in `tree` as an array of its own, which no later assignment changes."""
    return keras.tree.map_structure(lambda x: np.array(ops.convert_to_numpy(x)), tree)


def restore(variables: Sequence, values: Sequence[np.ndarray]):
    """Assigns what `arrays` has read."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def same(first, second) -> bool:
    """Whether two trees of arrays hold the same numbers, but for the order in which a device may add them up."""
    pairs = zip(keras.tree.flatten(first), keras.tree.flatten(second), strict=True)
    return all(x.shape == y.shape and np.allclose(x, y, rtol=1e-4, atol=1e-5) for x, y in pairs)


def finite(tree) -> bool:
    """Whether every number is finite."""
    return all(np.isfinite(x).all() for x in keras.tree.flatten(tree))
