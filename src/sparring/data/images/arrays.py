"""NumPy arrays, .npy and .npz files made into uint8 images and numbered classes."""

import dataclasses
import zipfile
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from sparring.data import lazy
from sparring.data.images.pixels import Size, resize_images, size_note
from sparring.data.lazy import Rows
from sparring.errors import DataError

MNIST_KEYS = ("x_train", "y_train", "x_test", "y_test")
PAIR_KEYS = ("images", "labels")
ROWS_AT_ONCE = 1024  # Floats become uint8 piece by piece, so that the whole never stands in memory twice as floats.
TOLERANCE = 1e-6  # What float32 arithmetic may add to a value of 0 or 1.


@dataclasses.dataclass(frozen=True, eq=False)
class Arrays:
    """Images and labels as they were found; a `Source` is made of them.

    Attributes:
        images: uint8 (N, H, W, 1, 3 or 4).
        labels: int32 (N,), or None where there are no classes.
        classes: Names of the classes in the order of their labels.
        held_out: "image" and, with classes, "label" of the examples that are never trained on; may be empty.
        notes: What was done to the data.
        keys: Of files the key of each, see `Arrangement`, first of those trained on; empty for arrays.
    """

    images: Rows
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    held_out: Mapping[str, Rows] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a .npy or .npz file that `from_arrays` can use; pickled objects are never loaded.

    A .npy file of more than `MEMORY_LIMIT` bytes stays on disk, mapped: its rows are read when they are asked for.

    Raises:
        DataError: The file is damaged, holds objects, or holds no layout that is understood.
    """
    try:
        found = np.load(path, mmap_mode="r" if stays_on_disk(path) else None, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"images": np.asarray(found)}
        with found:
            return {name: np.asarray(found[name]) for name in _roles(found.files) if name in found.files}
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    # What NumPy and zipfile raise on files that are damaged, encrypted, or declare more than there is memory for.
    except (
        ValueError,
        OSError,
        EOFError,
        KeyError,
        RuntimeError,
        MemoryError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DataError(
            f"{path} could not be read as NumPy arrays ({error}). Write it again with numpy.savez; "
            "arrays of Python objects are never loaded."
        ) from error


def stays_on_disk(path: Path) -> bool:
    """Whether a file is left on disk where it can be mapped; what is packed in a .npz cannot."""
    return path.suffix.lower() == ".npy" and lazy.is_large(path.stat().st_size)


def from_arrays(arrays: Mapping[str, np.ndarray], size: Size | None = None) -> Arrays:
    """Make uint8 images and numbered classes of arrays.

    Args:
        arrays: `x_train`, `y_train`, `x_test`, `y_test`, or `images` and `labels`, or a single array of any name.
            Images are (N, H, W) or (N, H, W, 1, 3 or 4): uint8, integers in 0..255, bool, or floats in [0, 1] or
            [-1, 1].
            Labels are (N,) or (N, 1) integers or strings; without them there are no classes. Test arrays are held out.
        size: Height and width to crop and resize to; None keeps the size.

    Raises:
        DataError: An array has another shape, type or range, is not finite, or does not fit the others.
    """
    image_name, label_name, test_name, test_label_name = _roles(arrays)
    names = [name for name in (image_name, test_name) if name in arrays]
    images, notes = to_uint8({name: _with_channels(name, np.asarray(arrays[name])) for name in names})
    if size is not None and any(array.shape[1:3] != size for array in images.values()):
        images = {name: resize_images(array, size) for name, array in images.items()}
        notes.append(size_note(size))
    shapes = {name: array.shape[1:] for name, array in images.items()}
    if len(set(shapes.values())) > 1:
        raise DataError(f"`{image_name}` and `{test_name}` must have images of one shape. Received: {shapes}")

    labels: np.ndarray | None = None
    values: list = []
    if label_name in arrays:
        labels, values = number_labels(label_name, arrays[label_name], len(images[image_name]))
    classes = tuple(str(value) for value in values)
    held_out = {"image": images[test_name]} if test_name in images else {}
    if held_out and classes:
        if test_label_name not in arrays:
            raise DataError(f"`{test_label_name}` is missing: `{label_name}` is there, so both need labels.")
        held_out["label"] = number_labels(test_label_name, arrays[test_label_name], len(held_out["image"]), values)[0]
    if len(classes) == 1:
        notes.append(f"Every label is {classes[0]}, so there are no classes.")
        labels, classes = None, ()
        held_out.pop("label", None)
    return Arrays(images[image_name], labels, classes, held_out, tuple(notes))


def _roles(names: Collection[str]) -> tuple[str, str, str, str]:
    """Names of the images, their labels, the held-out images and their labels; some may not be there."""
    if "x_train" in names:
        return MNIST_KEYS
    if "images" in names:
        return (*PAIR_KEYS, "", "")
    if len(names) == 1:
        return (next(iter(names)), "", "", "")
    raise DataError(
        f"expected the arrays {', '.join(MNIST_KEYS)}, or images and labels, or one array alone. "
        f"Received: {', '.join(sorted(names)) or 'none'}"
    )


def _with_channels(name: str, images: np.ndarray) -> np.ndarray:
    """`images` with an axis of channels."""
    shape = images.shape
    if images.ndim not in (3, 4):
        raise DataError(f"`{name}` must have shape (N, H, W) or (N, H, W, 1, 3 or 4). Received: {shape}")
    if images.size == 0:
        raise DataError(f"`{name}` must hold images. Received: an empty array of shape {shape}")
    if images.ndim == 3:
        if shape[2] in (1, 3):
            raise DataError(f"`{name}` must hold many images, (N, H, W, C). Received: what looks like one, {shape}")
        return images[..., None]
    if shape[3] in (1, 3, 4):
        return images
    if shape[1] in (1, 3):
        raise DataError(
            f"`{name}` must have its channels last. Received: {shape}; use numpy.moveaxis({name}, 1, -1) first."
        )
    raise DataError(f"`{name}` must have 1, 3 or 4 channels. Received: {shape[3]} in shape {shape}")


def to_uint8(arrays: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """All `arrays` as uint8, and notes on it; floats are scaled alike in all of them."""
    floats = {name: array for name, array in arrays.items() if array.dtype.kind == "f"}
    notes: list[str] = []
    signed = False
    if floats:
        signed = _lowest(floats) < -TOLERANCE
        notes.append(f"Values in [{-1 if signed else 0}, 1] were scaled to 0..255.")
    result = {}
    for name, array in arrays.items():
        if name in floats:
            result[name] = _scale(array, signed)
        elif array.dtype.kind == "b":
            result[name] = array.astype(np.uint8) * np.uint8(255)
            notes.append(f"`{name}`: false became 0 and true 255.")
        elif array.dtype == np.uint8:
            result[name] = array
        elif array.dtype.kind in "iu":
            low, high = int(array.min()), int(array.max())
            if low < 0 or high > 255:
                raise DataError(f"`{name}` must hold integers in 0..255. Received: {low} to {high}")
            result[name] = array.astype(np.uint8, copy=False)
        else:
            raise DataError(f"`{name}` must hold numbers. Received: dtype {array.dtype}")
    return result, notes


def _lowest(arrays: dict[str, np.ndarray]) -> float:
    """Smallest value of floats, after a check that all lie in [-1, 1]."""
    for name, array in arrays.items():
        bad = array.size - np.count_nonzero(np.isfinite(array))
        if bad:
            raise DataError(f"`{name}` must be finite. Received: {bad} of {array.size} values are NaN or infinite.")
    low = min(float(array.min()) for array in arrays.values())
    high = max(float(array.max()) for array in arrays.values())
    if low < -1 - TOLERANCE or high > 1 + TOLERANCE:
        raise DataError(
            f"Float images must lie in [0, 1] or [-1, 1]. Received: {low:g} to {high:g}; "
            "values of 0..255 are taken as uint8."
        )
    return low


def _scale(images: np.ndarray, signed: bool) -> np.ndarray:
    """Floats in [-1, 1] if `signed`, else in [0, 1], as uint8."""
    result = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), ROWS_AT_ONCE):
        piece = images[start : start + ROWS_AT_ONCE].astype(np.float32)
        piece = (piece + 1) * 127.5 if signed else piece * 255
        result[start : start + ROWS_AT_ONCE] = np.clip(np.rint(piece), 0, 255)
    return result


def number_labels(name: str, labels: np.ndarray, count: int, values: list | None = None) -> tuple[np.ndarray, list]:
    """Number `labels` by their place in `values`, by default their own sorted values; return both."""
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"`{name}` must have shape (N,), one label each. Received: {labels.shape}")
    if len(labels) != count:
        raise DataError(f"`{name}` must hold one label for each of the {count} examples. Received: {len(labels)}")
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.dtype.kind not in "iubU" and not all(isinstance(label, str) for label in labels):
        raise DataError(f"`{name}` must hold integers or strings. Received: dtype {labels.dtype}")
    items = labels.tolist()
    if values is None:
        values = sorted(set(items))
    numbers = {value: number for number, value in enumerate(values)}
    unknown = sorted({str(item) for item in items if item not in numbers})
    if unknown:
        raise DataError(f"`{name}` must hold no class that is not trained on. Received: {', '.join(unknown[:5])}")
    return np.array([numbers[item] for item in items], np.int32), values
