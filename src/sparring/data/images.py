"""A folder or a zip of image files, flat or with one sub-folder per class, read where it lies."""

import collections
import dataclasses
import os
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NoReturn

import numpy as np
from PIL import Image

from sparring.data.arrays import Arrays
from sparring.data.pixels import EXTENSIONS, Size, decode, size_note, stored_size
from sparring.errors import DataError

MEMBER_LIMIT = 256 * 2**20  # Bytes; no image that Pillow agrees to decode needs a larger file.

Parts = tuple[str, ...]
Entries = dict[Parts, Callable[[], bytes] | None]  # What reads a file; None stands for a folder.


@dataclasses.dataclass(frozen=True)
class Arrangement:
    """Which files are examples, in which order, and which class each belongs to."""

    files: list[Parts]
    labels: np.ndarray | None
    classes: tuple[str, ...]
    notes: list[str]


def read_images(path: Path, size: Size | None = None) -> Arrays:
    """Read every image below a folder or in a zip, in the order of their names.

    Two or more sub-folders that hold images, with no image beside them, are classes. In a zip the folders that all
    images have in common count as part of its path. Hidden files and `__MACOSX` are passed over.

    Args:
        path: A folder, or a zip; nothing is extracted.
        size: Height and width to crop and resize to; None demands that all images have one size.

    Returns:
        Images with 1 channel if every file is grey, else with 3.

    Raises:
        DataError: There are no images, one cannot be read, or they differ in size and `size` is None.
    """
    if path.is_dir():
        entries = _walk(path)
        return _read(path, entries, _arrange(path, entries, 0), size)
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} could not be opened as a zip ({error}). Copy or download it again.") from error
    with archive:
        entries = _members(path, archive)
        return _read(path, entries, _arrange(path, entries, _common_depth(entries)), size)


def _visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _is_image(parts: Parts) -> bool:
    return parts[-1].lower().endswith(EXTENSIONS)


def _walk(root: Path) -> Entries:
    """Everything visible below a folder; links are followed unless they lead back up."""

    def fail(error: OSError) -> NoReturn:
        raise DataError(f"{error.filename} could not be opened ({error.strerror}).") from error

    entries: Entries = {}
    for name, folders, files in os.walk(root, onerror=fail, followlinks=True):
        here = Path(name)
        parts = here.relative_to(root).parts
        folders[:] = [f for f in folders if _visible(f) and not here.resolve().is_relative_to((here / f).resolve())]
        entries.update({(*parts, folder): None for folder in folders})
        entries.update({(*parts, file): (here / file).read_bytes for file in files if _visible(file)})
    return entries


def _members(path: Path, archive: zipfile.ZipFile) -> Entries:
    """Everything visible in a zip, after a look at what its images declare."""
    entries: Entries = {}
    for info in archive.infolist():
        # Some Windows programs write backslashes.
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        if not parts or not all(_visible(part) for part in parts):
            continue
        for depth in range(1, len(parts)):
            entries.setdefault(parts[:depth], None)
        if info.is_dir():
            entries.setdefault(parts, None)
            continue
        entries[parts] = partial(archive.read, info)
        if not _is_image(parts):
            continue
        if info.flag_bits & 1:
            raise DataError(f"{path} is encrypted ({info.filename}). Pack it again without a password.")
        if info.file_size > MEMBER_LIMIT:
            raise DataError(
                f"{info.filename} in {path} says it unpacks to {info.file_size / 2**20:,.0f} MB; "
                f"at most {MEMBER_LIMIT // 2**20} MB are read. Remove it from the zip."
            )
    return entries


def _common_depth(entries: Entries) -> int:
    """How many leading folders all images share."""
    files = [parts for parts in entries if entries[parts] and _is_image(parts)]
    depth = 0
    while files and len(files[0]) > depth + 1 and len({parts[depth] for parts in files}) == 1:
        depth += 1
    return depth


def _arrange(path: Path, entries: Entries, depth: int) -> Arrangement:
    """Sort the images and find the classes, seen from `depth` folders down."""
    files = sorted(parts for parts, read in entries.items() if read and _is_image(parts))
    if not files:
        raise DataError(f"{path} holds no images. Understood are {' '.join(EXTENSIONS)}")
    below = [parts[depth:] for parts in entries if len(parts) > depth and parts[:depth] == files[0][:depth]]
    folders = {parts[0] for parts in below if len(parts) > 1} | {
        parts[0] for parts in below if entries[(*files[0][:depth], *parts)] is None
    }
    holding = sorted({parts[depth] for parts in files if len(parts) > depth + 1})
    at_top = sum(len(parts) == depth + 1 for parts in files)
    notes = [f"The sub-folder {name} holds no images and was passed over." for name in sorted(folders - set(holding))]
    if at_top or len(holding) < 2:
        if at_top and holding:
            notes.append(f"{at_top} images lie beside the sub-folders, so the sub-folders are not classes.")
        return Arrangement(files, None, (), notes)
    notes.append(f"The {len(holding)} sub-folders are the classes.")
    numbers = {name: number for number, name in enumerate(holding)}
    labels = np.array([numbers[parts[depth]] for parts in files], np.int32)
    return Arrangement(files, labels, tuple(holding), notes)


def _read(path: Path, entries: Entries, arrangement: Arrangement, size: Size | None) -> Arrays:
    files, notes = arrangement.files, arrangement.notes
    images = np.empty((0, 0, 0, 1), np.uint8)
    transparent = 0
    for row, parts in enumerate(files):
        pixels, was_transparent = _decode(path, entries, parts, size)
        transparent += was_transparent
        if row == 0:
            images = _allocate(len(files), pixels.shape)
        if pixels.shape[:2] != images.shape[1:3]:
            raise _sizes_error(path, entries, files)
        if pixels.shape[2] > images.shape[3]:
            images = np.repeat(images, 3, axis=3)  # The first file with colours: those before it were grey.
        images[row] = pixels
    if transparent:
        notes.append(f"{transparent} images with transparent parts were laid on white.")
    if size is not None:
        notes.append(size_note(size))
    return Arrays(images, arrangement.labels, arrangement.classes, {}, tuple(notes))


def _decode(path: Path, entries: Entries, parts: Parts, size: Size | None) -> tuple[np.ndarray, bool]:
    read = entries[parts]
    assert read is not None
    try:
        return decode(read(), size)
    except Exception as error:  # Decoders raise whatever a damaged file leads them to.
        reason = "no image of a known format" if isinstance(error, Image.UnidentifiedImageError) else error
        raise DataError(
            f"{'/'.join(parts)} in {path} could not be read as an image ({reason}). Remove or repair it."
        ) from error


def _allocate(count: int, shape: Sequence[int]) -> np.ndarray:
    try:
        return np.empty((count, *shape), np.uint8)
    except MemoryError as error:
        raise DataError(
            f"{count} images of {shape[0]}x{shape[1]} do not fit into memory. Pass a smaller size, such as `--size 64`."
        ) from error


def _sizes_error(path: Path, entries: Entries, files: Sequence[Parts]) -> DataError:
    """Count the sizes of all files that open."""
    sizes: collections.Counter[Size] = collections.Counter()
    for parts in files:
        read = entries[parts]
        try:
            sizes[stored_size(read() if read else b"")] += 1
        except Exception:  # A damaged file is reported when it is decoded; here the rest is counted.
            sizes[0, 0] += 0
    (height, width), most = sizes.most_common(1)[0]
    return DataError(
        f"The images in {path} must have one size. Received: {len(+sizes)} sizes, most often {height}x{width} "
        f"(height x width, {most} of {len(files)} files). Pass `--size 64` to crop and resize them."
    )
