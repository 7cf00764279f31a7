"""Data sets known by name: digits comes with scikit-learn, the others are read from a folder or downloaded by Keras."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from sklearn.datasets import load_digits

from sparring.data.images.arrays import MNIST_KEYS, Arrays, from_arrays, read_arrays
from sparring.data.images.pixels import Size
from sparring.errors import DataError

DIGITS = tuple("0123456789")
# The class names are those of the data sets' own pages: zalandoresearch/fashion-mnist, cs.toronto.edu/~kriz/cifar.html
CLASSES = {
    "mnist": DIGITS,
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
}
NAMES = ("digits", *CLASSES)


def read_named(name: str, size: Size | None = None, data_dir: str | os.PathLike[str] | None = None) -> Arrays:
    """Read one of `NAMES`.

    Args:
        name: "digits" (1,797 of 8x8, of which a fifth is held out), "mnist" or "fashion_mnist" (60,000 + 10,000 of
            28x28), or "cifar10" (50,000 + 10,000 of 32x32 in colour). The test split is held out.
        size: Height and width to resize to; None keeps the size.
        data_dir: Folder that may hold `<name>.npz`; None means the one in the environment variable SPARRING_DATA.
            Where the file is not there, Keras takes its own copy or downloads one.

    Raises:
        DataError: The data set can be neither found nor downloaded, or its file is damaged.
    """
    if name == "digits":
        return from_arrays(_digits(), size)
    folder = data_dir if data_dir is not None else os.environ.get("SPARRING_DATA") or None
    file = Path(folder).expanduser() / f"{name}.npz" if folder is not None else None
    if file is not None and file.is_file():
        arrays, place = read_arrays(file), str(file)
        missing = [key for key in MNIST_KEYS if key not in arrays]
        if missing:
            raise DataError(f"{file} must hold the arrays {', '.join(MNIST_KEYS)}. Missing: {', '.join(missing)}")
    else:
        arrays, place = _download(name, file), name
    try:
        return _with_names(from_arrays(arrays, size), CLASSES[name])
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


def _digits() -> dict[str, np.ndarray]:
    """Scikit-learn's digits; every fifth of each class is held out, which no library version can change."""
    found = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)
    labels = found.target
    test = np.zeros(len(labels), bool)
    for digit in range(10):
        test[np.flatnonzero(labels == digit)[2::5]] = True
    return dict(zip(MNIST_KEYS, (images[~test], labels[~test], images[test], labels[test]), strict=True))


def _download(name: str, file: Path | None) -> dict[str, np.ndarray]:
    """The four arrays as Keras finds them in its own folder or on the network."""
    load: Callable = getattr(keras.datasets, name).load_data
    try:
        train, test = load()
    except Exception as error:  # Keras raises a bare Exception when the network is not there.
        absent = f"{file} does not exist, and " if file is not None else ""
        raise DataError(
            f"{absent}{name} could not be downloaded ({error}): put {name}.npz with the arrays {', '.join(MNIST_KEYS)} "
            "in a folder and pass `--data-dir FOLDER`; `digits` needs no network."
        ) from error
    return dict(zip(MNIST_KEYS, (*train, *test), strict=True))


def _with_names(found: Arrays, names: tuple[str, ...]) -> Arrays:
    """`found` with the labels 0 to 9 it came with, and `names` for them."""
    if not found.classes or not set(found.classes) <= set(DIGITS):
        raise DataError(f"the labels must be 0 to 9. Received: {', '.join(found.classes[:12]) or 'one class only'}")
    number = np.array(found.classes, np.int32)  # A small file may lack some of the ten.
    held_out = {**found.held_out, "label": number[np.asarray(found.held_out["label"])]}
    return dataclasses.replace(found, labels=number[found.labels], classes=names, held_out=held_out)
