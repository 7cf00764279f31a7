"""A folder or a zip of image files made into one array, with classes and a held-out part where they are arranged so."""

import collections
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.data.arrangement import Arrangement, arrange
from sparring.data.arrays import Arrays
from sparring.data.files import Files, Parts, open_files
from sparring.data.pixels import Size, decode, size_note, stored_size
from sparring.errors import DataError

NAMED = 5  # Files that a message names.


def read_images(path: Path, size: Size | None = None, skip_unreadable: bool = False) -> Arrays:
    """Read every image below a folder or in a zip, in the order of their names.

    What is a class and what is held out, `arrange` says. In a zip the folders that all images have in common count as
    part of its path. Hidden files and `__MACOSX` are passed over.

    Args:
        path: A folder, or a zip; nothing is extracted.
        size: Height and width to crop and resize to; None demands that all images have one size.
        skip_unreadable: Whether to do without files that cannot be read, with a note.

    Returns:
        Images with 1 channel if every file is grey, else with 3.

    Raises:
        DataError: There are no images, some cannot be read, or they differ in size and `size` is None.
    """
    with open_files(path) as files:
        return _read(files, arrange(files), size, skip_unreadable)


def why_unreadable(error: Exception) -> str:
    """What a decoder ran into, in a few words."""
    return "no image of a known format" if isinstance(error, Image.UnidentifiedImageError) else str(error)


def _read(files: Files, arrangement: Arrangement, size: Size | None, skip_unreadable: bool) -> Arrays:
    images = np.empty((0, 0, 0, 1), np.uint8)
    kept: list[int] = []
    unreadable: dict[Parts, str] = {}
    transparent = 0
    for index, parts in enumerate(arrangement.files):
        try:
            pixels, was_transparent = decode(files.read(parts), size)
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            unreadable[parts] = why_unreadable(error)
            continue
        if unreadable and not skip_unreadable:
            continue  # It will fail; the rest is read to name them all at once.
        transparent += was_transparent
        if not kept:
            images = _allocate(len(arrangement.files), pixels.shape)
        if pixels.shape[:2] != images.shape[1:3]:
            raise _sizes_error(files)
        if pixels.shape[2] > images.shape[3]:
            images = np.repeat(images, 3, axis=3)  # The first file with colours: those before it were grey.
        images[len(kept)] = pixels
        kept.append(index)
    notes = list(arrangement.notes)
    if unreadable:
        if not skip_unreadable or not kept:
            raise _unreadable_error(files, unreadable)
        names, more = ["/".join(parts) for parts in unreadable][:NAMED], ", ..." if len(unreadable) > NAMED else ""
        notes.append(f"Skipped as unreadable, {len(unreadable)} of {len(files.images)}: {', '.join(names)}{more}")
    if transparent:
        notes.append(f"{transparent} images with transparent parts were laid on white.")
    if size is not None:
        notes.append(size_note(size))
    return _sort_out(files.path, arrangement, images, kept, notes)


def _sort_out(
    path: Path, arrangement: Arrangement, images: np.ndarray, kept: Sequence[int], notes: list[str]
) -> Arrays:
    """The `kept` images in the first rows of `images` with numbered classes, and those to hold out apart."""
    end = len(kept)
    middle = sum(index < arrangement.num_training for index in kept)
    held_out = {"image": images[middle:end]} if middle < end else {}
    if arrangement.names is None:
        return Arrays(images[:middle], None, (), held_out, tuple(notes))
    names = [arrangement.names[index] for index in kept]
    classes = tuple(sorted(set(names[:middle])))
    if unknown := sorted(set(names[middle:]) - set(classes)):
        raise DataError(
            f"Every class in {path} that is held out must be trained on. Received: no image to train on of "
            f"{', '.join(unknown[:NAMED])}. Move some there, or remove the held-out ones."
        )
    if len(classes) < 2:
        notes.append(f"Every label is {' '.join(classes)}, so there are no classes.")
        return Arrays(images[:middle], None, (), held_out, tuple(notes))
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in names], np.int32)
    if held_out:
        held_out["label"] = labels[middle:]
    return Arrays(images[:middle], labels[:middle], classes, held_out, tuple(notes))


def _unreadable_error(files: Files, unreadable: Mapping[Parts, str]) -> DataError:
    shown = ["/".join(parts) for parts in unreadable]
    if len(unreadable) == 1:
        (reason,) = unreadable.values()
        return DataError(
            f"{shown[0]} in {files.path} could not be read as an image ({reason}). "
            "Remove or repair it, or pass `--skip-unreadable`."
        )
    listed = ", ".join(f"{name} ({reason})" for name, reason in zip(shown[:NAMED], unreadable.values(), strict=False))
    more = f", and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
    return DataError(
        f"{len(unreadable)} of {len(files.images)} files in {files.path} could not be read as images: {listed}{more}. "
        "Remove or repair them, or pass `--skip-unreadable`."
    )


def _allocate(count: int, shape: Sequence[int]) -> np.ndarray:
    try:
        return np.empty((count, *shape), np.uint8)
    except MemoryError as error:
        raise DataError(
            f"{count} images of {shape[0]}x{shape[1]} do not fit into memory. Pass a smaller size, such as `--size 64`."
        ) from error


def _sizes_error(files: Files) -> DataError:
    """Count the sizes of all files that open."""
    sizes: collections.Counter[Size] = collections.Counter()
    for parts in files.images:
        try:
            sizes[stored_size(files.read(parts))] += 1
        except Exception:  # A damaged file is reported when it is decoded; here the rest is counted.
            sizes[0, 0] += 0
    (height, width), most = sizes.most_common(1)[0]
    return DataError(
        f"The images in {files.path} must have one size. Received: {len(+sizes)} sizes, most often {height}x{width} "
        f"(height x width, {most} of {len(files.images)} files). Pass `--size 64` to crop and resize them."
    )
