"""Where examples come from: a name, a folder, a zip, a NumPy file or arrays, opened by one function."""

import contextlib
import dataclasses
import difflib
import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
import pydantic

from sparring.data.arrays import Arrays, from_arrays, read_arrays, stays_on_disk
from sparring.data.batches import Batches
from sparring.data.images import read_images
from sparring.data.lazy import ImageFiles, Rows, too_large
from sparring.data.named import NAMES, read_named
from sparring.data.pixels import Size, parse_size
from sparring.data.spec import DataSpec, squared_distance
from sparring.errors import DataError, SparringError, UsageError

KINDS = "a folder of images, or a file ending in .zip, .npz or .npy"


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Examples, in memory or on disk, and what is known of them.

    Attributes:
        name: Short name for folders and pages.
        spec: What one example looks like.
        examples: "image", uint8 (N, H, W, C), and where there are classes "label", int32 (N,). Images that would not
            fit into memory are no array, but `images[rows]` is one.
        held_out: The same of examples that are never trained on; empty where nothing is held out.
        notes: What was done to the data, one plain sentence each.
    """

    name: str
    spec: DataSpec
    examples: dict[str, Rows]
    held_out: dict[str, Rows]
    notes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any name, shape, type or value in `examples`.

        Of images on disk the content of the files counts: it stands for their values, and takes no decoding.
        """
        digest = hashlib.sha256()
        for name in sorted(self.examples):
            rows = self.examples[name]
            digest.update(f"{name} {rows.shape} {rows.dtype.str};".encode())
            digest.update(np.ascontiguousarray(rows.digests if isinstance(rows, ImageFiles) else rows).data)
        return digest.hexdigest()[:16]

    @contextlib.contextmanager
    def naming_failures(self) -> Iterator[None]:
        """Raises the DataError of a file that could not be decoded, where TensorFlow has made another error of it."""
        try:
            yield
        except SparringError:
            raise
        except Exception as error:
            for rows in self.examples.values():
                if isinstance(rows, ImageFiles) and rows.failure is not None:
                    raise rows.failure from error
            raise

    def batches(self, batch_size: int, seed: int = 0) -> Batches:
        """The endless stream of shuffled batches of `examples`."""
        if batch_size < 1:
            raise UsageError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
        return Batches(self.examples, batch_size, seed)


def image_source(
    name: str,
    images: Rows,
    labels: np.ndarray | None = None,
    classes: tuple[str, ...] = (),
    held_out: Mapping[str, Rows] | None = None,
    notes: tuple[str, ...] = (),
) -> Source:
    """A source of uint8 `images` (N, H, W, 1, 3 or 4) with int32 `labels` (N,) into `classes`, where there are any.

    Raises:
        DataError: There are fewer than two images, all are identical, or they are larger than a DataSpec allows.
    """
    if len(images) < 2:
        raise DataError(f"Training needs at least 2 images. Received: {len(images)} in {name}")
    distance = squared_distance(images)
    if distance == 0:
        raise DataError(f"Training needs images that differ. Received: {len(images)} identical ones in {name}")
    shape = (images.shape[1], images.shape[2], images.shape[3])
    try:
        spec = DataSpec(shape=shape, classes=classes, num_examples=len(images), squared_distance=distance)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = first["loc"][0] if first["loc"] else "data"
        raise DataError(f"{name} cannot be used: {field}: {first['msg']}. Received: images of {shape}") from error
    examples: dict[str, Rows] = {"image": images}
    if labels is not None:
        examples["label"] = labels
    return Source(name, spec, examples, dict(held_out or {}), tuple(notes))


def open_source(
    source: str | os.PathLike[str] | np.ndarray | tuple[np.ndarray, np.ndarray],
    *,
    size: str | int | tuple[int, int] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    skip_unreadable: bool = False,
) -> Source:
    """Open whatever holds images.

    Args:
        source: "digits", "mnist", "fashion_mnist" or "cifar10"; else a path: a folder of images, flat or with one
            sub-folder per class or with a table `labels.csv`, a .zip of one, a .npz or .npy file; else an array of
            images; else a pair of images and labels. A name wins over a file of that name: write `./digits` for the
            file. Folders `train` and `test` (or `val`) are no classes: what lies in `test` is held out.
        size: Crop at the centre and resize to it: 64, or "48x64" for height x width. None keeps the size.
        data_dir: Folder that may hold `<name>.npz` of a named data set; by default the one in SPARRING_DATA.
        skip_unreadable: Whether to do without image files that cannot be read, with a note; by default they are an
            error that names them.

    Raises:
        DataError: There is nothing of that name, or what is there cannot be used.
        UsageError: `size` is not a size.

    Example:
        >>> open_source("digits").spec.shape
        (8, 8, 1)
    """
    name, found = find_arrays(source, parse_size(size), data_dir, skip_unreadable)
    return image_source(name, found.images, found.labels, found.classes, found.held_out, found.notes)


def find_arrays(
    source: object,
    size: Size | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    skip_unreadable: bool = False,
) -> tuple[str, Arrays]:
    """The name of `source` and its images as they are, even if there are too few to train on; as in `open_source`."""
    if isinstance(source, np.ndarray):
        return "arrays", from_arrays({"images": source}, size)
    if isinstance(source, tuple) and len(source) == 2:
        return "arrays", from_arrays({"images": source[0], "labels": source[1]}, size)
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            "`source` must be a name, a path, an array of images, or a pair of images and labels. "
            f"Received: {type(source).__name__}"
        )
    if isinstance(source, str) and source in NAMES:
        return source, read_named(source, size, data_dir)
    path = Path(source).expanduser()
    if not path.exists():
        raise _unknown(os.fspath(source))
    if (files := folder_or_zip(source)) is not None:
        return slug(files), read_images(files, size, skip_unreadable)
    suffix = path.suffix.lower()
    if suffix in (".npz", ".npy"):
        return slug(path), _read_file(path, size)
    raise DataError(f"{path} must be {KINDS}. Received: a file ending in {suffix or 'nothing'}")


def folder_or_zip(source: object) -> Path | None:
    """Where the image files of `source` lie; None where it is no folder and no zip of them."""
    if not isinstance(source, str | os.PathLike) or (isinstance(source, str) and source in NAMES):
        return None
    path = Path(source).expanduser()
    return path if path.is_dir() or (path.suffix.lower() == ".zip" and path.exists()) else None


def _read_file(path: Path, size: Size | None) -> Arrays:
    arrays = read_arrays(path)
    try:
        found = from_arrays(arrays, size)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if stays_on_disk(path) and np.may_share_memory(np.asarray(found.images), arrays["images"]):
        stays = f"{too_large(path.stat().st_size)}: they stay in {path.name} and are read while training."
        found = dataclasses.replace(found, notes=(*found.notes, stays))
    return found


def _unknown(source: str) -> DataError:
    near = difflib.get_close_matches(source.lower().replace("-", "_"), NAMES, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return DataError(
        f"{source} is neither a known name nor an existing path. {meant}Known names: {', '.join(NAMES)}. "
        f"A path must exist and be {KINDS}."
    )


def slug(path: Path) -> str:
    """A name of plain letters, digits, `-` and `_` after the last part of `path`."""
    place = path.resolve()
    words = unicodedata.normalize("NFKD", place.name if path.is_dir() else place.stem)
    words = words.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", words).strip("-_")[:60] or "images"
