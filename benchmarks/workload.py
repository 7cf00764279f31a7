"""What every contender trains on and with: images, and the options of the recipe, without importing Keras."""

import ast
import os
import time
from pathlib import Path

from sparring import find_recipe

import numpy as np

RECIPES = ("article", "dcgan", "r3gan")
TRANSLATIONS = ("pix2pix", "cyclegan", "fastcut")
DOMAIN_SHAPE = (400, 64, 64, 3)  # Of either domain's images.
PEAK_SIDE, PEAK_PRODUCTS = 1024, 12


def load_images() -> np.ndarray:
    """MNIST's 60,000 training images, uint8 (N, 28, 28, 1), from `SPARRING_TEST_DATA`; random ones where it is not."""
    path = Path(os.environ.get("SPARRING_TEST_DATA", ".")) / "mnist.npz"
    if not path.is_file():
        return np.random.default_rng(0).integers(0, 256, (60_000, 28, 28, 1), np.uint8)
    with np.load(path) as arrays:
        return arrays["x_train"][..., None]


def load_domains() -> np.ndarray:
    """uint8 images of two domains, one behind the other: random, for what they show takes no time."""
    return np.random.default_rng(0).integers(0, 256, (2, *DOMAIN_SHAPE), np.uint8)


def settings(recipe: str) -> dict:
    """The defaults of the recipe's options, read from its source."""
    return {name: ast.literal_eval(option.default) for name, option in find_recipe(recipe).options.items()}


def now() -> tuple[float, float]:
    """Seconds by the wall, and by the processor over all threads."""
    return time.perf_counter(), time.process_time()


def since(began: tuple[float, float]) -> tuple[float, float]:
    """Seconds since `now()` was `began`."""
    return tuple(end - start for end, start in zip(now(), began, strict=True))


def factors() -> tuple[np.ndarray, np.ndarray]:
    """Two matrices whose product measures the peak."""
    random = np.random.default_rng(0)
    return tuple(random.standard_normal((2, PEAK_SIDE, PEAK_SIDE), dtype=np.float32))
