"""A folder or a zip of image files made into images, with classes and a held-out part where they are arranged so."""

import collections
import dataclasses
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.data import lazy
from sparring.data.files import Files, Parts, open_files
from sparring.data.images.arrangement import Arrangement, arrange
from sparring.data.images.arrays import Arrays
from sparring.data.images.pixels import Half, Header, Size, decode, decoding, read_header, size_note
from sparring.data.lazy import ImageFiles, Rows, decoding_threads
from sparring.errors import DataError, few

AT_ONCE = 64  # Files that a thread looks at before it takes others.


def read_images(
    path: Path, size: Size | None = None, skip_unreadable: bool = False, half: Half | None = None
) -> Arrays:
    """Read every image below a folder or in a zip, in the order of their names.

    What is a class and what is held out, `arrange` says. In a zip the folders that all images have in common count as
    part of its path. Hidden files and `__MACOSX` are passed over.

    Images that would take more than `MEMORY_LIMIT` bytes stay in their files. Of each the header is read now, and all
    of it is decoded where that is wanted to skip unreadable ones, or where it looks cut off.

    Args:
        path: A folder, or a zip; nothing is extracted.
        size: Height and width to crop and resize to; None demands that all images have one size.
        skip_unreadable: Whether to do without files that cannot be read, with a note.
        half: Which half of every image to read, where each shows two pictures side by side; None reads all of it.

    Returns:
        Images with 1 channel if every file is grey, else with 3.

    Raises:
        DataError: There are no images, some cannot be read, or they differ in size and `size` is None.
    """
    files = open_files(path)
    arrangement = arrange(files)
    with decoding():
        if _may_be_large(files, arrangement, size):
            seen = _look_at_all(files, arrangement, size, skip_unreadable, half)
            if lazy.is_large(seen.num_bytes):
                return _leave(files, arrangement, seen, size, half)
        return _read(files, arrangement, size, skip_unreadable, half)


def why_unreadable(error: Exception) -> str:
    """What a decoder ran into, in a few words."""
    return "no image of a known format" if isinstance(error, Image.UnidentifiedImageError) else str(error)


def _may_be_large(files: Files, arrangement: Arrangement, size: Size | None) -> bool:
    """Whether the images would be larger than the limit if all were in colour and of the size of the first."""
    for parts in arrangement.files:
        try:
            height, width = size or read_header(files.read(parts)).size
        except Exception:  # A damaged file is reported where all are read.
            continue
        return lazy.is_large(len(arrangement.files) * height * width * 3)
    return False


@dataclasses.dataclass
class _Seen:
    """What was seen of files that were not decoded."""

    kept: list[int] = dataclasses.field(default_factory=list)
    unreadable: dict[Parts, str] = dataclasses.field(default_factory=dict)
    sizes: collections.Counter[Size] = dataclasses.field(default_factory=collections.Counter)
    channels: int = 1
    transparent: int = 0
    file_bytes: int = 0
    digests: bytearray = dataclasses.field(default_factory=bytearray)
    shape: tuple[int, int, int] = (0, 0, 0)

    @property
    def num_bytes(self) -> int:
        height, width, channels = self.shape
        return len(self.kept) * height * width * channels


def _look_at_all(
    files: Files, arrangement: Arrangement, size: Size | None, skip_unreadable: bool, half: Half | None
) -> _Seen:
    """Look at all files, and check that they can be trained on as far as can be told without decoding them."""

    def look(parts: Parts) -> tuple[Header | str, int, bytes]:
        """The header, or why there is none, the number of bytes, and their digest."""
        try:
            data = files.read(parts)
            header = read_header(data, half)
            if skip_unreadable or not header.complete:
                decode(data, size, half)
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            return why_unreadable(error), 0, b""
        return header, len(data), hashlib.sha256(data).digest()

    seen, chosen = _Seen(), arrangement.files
    groups = [chosen[start : start + AT_ONCE] for start in range(0, len(chosen), AT_ONCE)]
    with ThreadPoolExecutor() as pool:  # More threads than cores: where the disk is slow, they wait for it together.
        found = itertools.chain.from_iterable(pool.map(lambda group: list(map(look, group)), groups))
        for index, (header, num_bytes, digest) in enumerate(found):
            if isinstance(header, str):
                seen.unreadable[chosen[index]] = header
                continue
            seen.kept.append(index)
            seen.sizes[header.size] += 1
            seen.channels = max(seen.channels, header.channels)
            seen.transparent += header.transparent
            seen.file_bytes += num_bytes
            seen.digests += digest
    if seen.unreadable and not (skip_unreadable and seen.kept):
        raise _unreadable_error(files, seen.unreadable)
    if size is None and len(seen.sizes) > 1:
        raise _sizes_error(files, seen.sizes)
    seen.shape = (*(size or next(iter(seen.sizes))), seen.channels)
    return seen


def _leave(files: Files, arrangement: Arrangement, seen: _Seen, size: Size | None, half: Half | None) -> Arrays:
    """The images in their files."""
    chosen = [arrangement.files[index] for index in seen.kept]
    images = ImageFiles(
        files,
        chosen,
        np.frombuffer(bytes(seen.digests), np.uint8).reshape(-1, hashlib.sha256().digest_size),
        seen.shape,
        size,
        decoding_threads(seen.file_bytes / len(chosen)),
        half,
    )
    notes = [*arrangement.notes, *_skipped(files, seen.unreadable)]
    if seen.transparent:
        notes.append(f"{seen.transparent} images may have transparent parts, which are laid on white.")
    if size is not None:
        notes.append(size_note(size))
    notes.append(f"{lazy.too_large(seen.num_bytes)}: they stay in their files and are decoded while training.")
    return _sort_out(files.path, arrangement, seen.kept, lambda start, stop: images.pick(np.arange(start, stop)), notes)


def _read(
    files: Files, arrangement: Arrangement, size: Size | None, skip_unreadable: bool, half: Half | None
) -> Arrays:
    images = np.empty((0, 0, 0, 1), np.uint8)
    kept: list[int] = []
    unreadable: dict[Parts, str] = {}
    transparent = 0
    for index, parts in enumerate(arrangement.files):
        try:
            pixels, was_transparent = decode(files.read(parts), size, half)
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            unreadable[parts] = why_unreadable(error)
            continue
        if unreadable and not skip_unreadable:
            continue  # It will fail; the rest is read to name them all at once.
        transparent += was_transparent
        if not kept:
            images = _allocate(len(arrangement.files), pixels.shape)
        if pixels.shape[:2] != images.shape[1:3]:
            raise _sizes_error(files, _count_sizes(files))
        if pixels.shape[2] > images.shape[3]:
            images = np.repeat(images, 3, axis=3)  # The first file with colours: those before it were grey.
        images[len(kept)] = pixels
        kept.append(index)
    if unreadable and not (skip_unreadable and kept):
        raise _unreadable_error(files, unreadable)
    notes = [*arrangement.notes, *_skipped(files, unreadable)]
    if transparent:
        notes.append(f"{transparent} images with transparent parts were laid on white.")
    if size is not None:
        notes.append(size_note(size))
    return _sort_out(files.path, arrangement, kept, lambda start, stop: images[start:stop], notes)


def _sort_out(
    path: Path, arrangement: Arrangement, kept: Sequence[int], part: Callable[[int, int], Rows], notes: list[str]
) -> Arrays:
    """The `kept` images, of which `part` gives rows from one to another, with numbered classes, and those held out."""
    end = len(kept)
    middle = sum(index < arrangement.num_training for index in kept)
    images, held_out = part(0, middle), {"image": part(middle, end)} if middle < end else {}
    keys = tuple(arrangement.keys[index] for index in kept)
    if arrangement.names is None:
        return Arrays(images, None, (), held_out, tuple(notes), keys)
    names = [arrangement.names[index] for index in kept]
    classes = tuple(sorted(set(names[:middle])))
    if unknown := sorted(set(names[middle:]) - set(classes)):
        raise DataError(
            f"Every class in {path} that is held out must be trained on. Received: no image to train on of "
            f"{few(unknown)}. Move some there, or remove the held-out ones."
        )
    if len(classes) < 2:
        notes.append(f"Every label is {' '.join(classes)}, so there are no classes.")
        return Arrays(images, None, (), held_out, tuple(notes), keys)
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in names], np.int32)
    if held_out:
        held_out["label"] = labels[middle:]
    return Arrays(images, labels[:middle], classes, held_out, tuple(notes), keys)


def _skipped(files: Files, unreadable: Mapping[Parts, str]) -> list[str]:
    """A note on the files that were left out, if there are any."""
    if not unreadable:
        return []
    return [f"Skipped as unreadable, {len(unreadable)} of {len(files.images)}: {few(map('/'.join, unreadable))}"]


def _unreadable_error(files: Files, unreadable: Mapping[Parts, str]) -> DataError:
    if len(unreadable) == 1:
        ((parts, reason),) = unreadable.items()
        return DataError(
            f"{'/'.join(parts)} in {files.path} could not be read as an image ({reason}). "
            "Remove or repair it, or pass `--skip-unreadable`."
        )
    listed = few(f"{'/'.join(parts)} ({reason})" for parts, reason in unreadable.items())
    return DataError(
        f"{len(unreadable)} of {len(files.images)} files in {files.path} could not be read as images: {listed}. "
        "Remove or repair them, or pass `--skip-unreadable`."
    )


def _allocate(count: int, shape: Sequence[int]) -> np.ndarray:
    try:
        return np.empty((count, *shape), np.uint8)
    except MemoryError as error:
        raise DataError(
            f"{count} images of {shape[0]}x{shape[1]} do not fit into memory. Pass a smaller size, such as `--size 64`."
        ) from error


def _count_sizes(files: Files) -> collections.Counter[Size]:
    """The sizes of all files that open."""
    sizes: collections.Counter[Size] = collections.Counter()
    for parts in files.images:
        try:
            sizes[read_header(files.read(parts)).size] += 1
        except Exception:  # A damaged file is reported when it is decoded; here the rest is counted.
            sizes[0, 0] += 0
    return sizes


def _sizes_error(files: Files, sizes: collections.Counter[Size]) -> DataError:
    (height, width), most = sizes.most_common(1)[0]
    return DataError(
        f"The images in {files.path} must have one size. Received: {len(+sizes)} sizes, most often {height}x{width} "
        f"(height x width, {most} of {len(files.images)} files). Pass `--size 64` to crop and resize them."
    )
