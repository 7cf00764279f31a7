"""Where examples come from: a name, a folder, a file, arrays or a DataFrame, opened by one function."""

import dataclasses
import difflib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydantic

from sparring.data.clips.listing import FILMS
from sparring.data.clips.moving_mnist import NAME as MOVING_MNIST
from sparring.data.clips.opening import are_clips, open_clips, refuse_frames
from sparring.data.examples import Source
from sparring.data.files import open_files, slug
from sparring.data.images.arrangement import is_lettered
from sparring.data.images.arrays import Arrays, from_arrays, read_arrays, stays_on_disk
from sparring.data.images.domains import join_domains, read_domains
from sparring.data.images.folder import read_images
from sparring.data.images.named import NAMES, read_named
from sparring.data.images.pixels import Size, parse_size
from sparring.data.lazy import Rows, too_large
from sparring.data.spec import ImageSpec, squared_distance
from sparring.data.tables.constraints import Constraint
from sparring.data.tables.reading import SUFFIXES, is_table, read_table, table_path
from sparring.data.tables.streamed import open_long, streamed_source
from sparring.data.tables.table import table_source
from sparring.errors import DataError, UsageError

KNOWN = (*NAMES, MOVING_MNIST)
KINDS = (
    "a folder of images or clips, or a file ending in .zip, .npz, .npy, "
    f"{', '.join(FILMS)}, or, for a table, {', '.join(SUFFIXES)}"
)


def image_source(
    name: str,
    images: Rows,
    labels: np.ndarray | None = None,
    classes: tuple[str, ...] = (),
    held_out: Mapping[str, Rows] | None = None,
    notes: tuple[str, ...] = (),
) -> Source[ImageSpec]:
    """A source of uint8 `images` (N, H, W, 1, 3 or 4) with int32 `labels` (N,) into `classes`, where there are any.

    Raises:
        DataError: There are fewer than two images, all are identical, or they are larger than an ImageSpec allows.
    """
    if len(images) < 2:
        raise DataError(f"Training needs at least 2 images. Received: {len(images)} in {name}")
    distance = squared_distance(images)
    if distance == 0:
        raise DataError(f"Training needs images that differ. Received: {len(images)} identical ones in {name}")
    shape = (images.shape[1], images.shape[2], images.shape[3])
    try:
        spec = ImageSpec(shape=shape, classes=classes, num_examples=len(images), squared_distance=distance)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = first["loc"][0] if first["loc"] else "data"
        raise DataError(f"{name} cannot be used: {field}: {first['msg']}. Received: images of {shape}") from error
    examples: dict[str, Rows] = {"image": images}
    if labels is not None:
        examples["label"] = labels
    return Source(name, spec, examples, dict(held_out or {}), tuple(notes))


def open_source(
    source: Any,
    *,
    size: str | int | tuple[int, int] | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    skip_unreadable: bool = False,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    constraints: Sequence[Constraint | str] = (),
    hold_out: float | None = None,
    domains: bool = False,
    frames: int | None = None,
    stride: int | None = None,
) -> Source:
    """Open whatever holds images or clips or is a table.

    Args:
        source: "digits", "mnist", "fashion_mnist" or "cifar10"; else a path: a folder of images, flat or with one
            sub-folder per class or with a table `labels.csv`, a .zip of one, a .npz or .npy file; else an array of
            images; else a pair of images and labels. A name wins over a file of that name: write `./digits` for the
            file. Folders `train` and `test` (or `val`) are no classes: what lies in `test` is held out. A DataFrame,
            or a path that ends in .csv, .tsv, .txt or .parquet, is a table; one of more than 256 MB is read in parts,
            its encoded rows stay on disk, and its columns are understood from a sample. Several of these paths and
            names in a list, or several of anything but tables by name in a dictionary, are domains, and so is a folder
            or zip of `trainA`, `trainB` and perhaps `testA`, `testB`; files of equal names in all are pairs. Clips are
            "moving_mnist", a video file, a folder or zip of them, sub-folders being classes as of images, an array
            (clips, frames, height, width[, channels]) or a list of arrays, alone or with labels, and a .npz of
            `frames` (all frames, height, width[, channels]) and `lengths` (clips,), perhaps with `labels` and with
            `held_out`, which says of each clip whether it is never trained on.
        size: Crop at the centre and resize to it: 64, or "48x64" for height x width. None keeps the size.
        data_dir: Folder that may hold `<name>.npz` of a named data set; by default the one in SPARRING_DATA.
        skip_unreadable: Whether to do without image files that cannot be read, with a note; by default they are an
            error that names them.
        target: Of a table the name of the column that models are to predict.
        columns: Of a table what columns are that were taken for something else: `number`, `category`, `date` or
            `identifier` by their names.
        constraints: Of a table what must hold in every row: `start <= end`, `0 <= age <= 120`, `fixed: country, city`,
            `one-hot: a, b, c`, or objects of `sparring.data.tables.constraints`.
        hold_out: Of a table the share of the rows that is never trained on; by default a fifth, at most 10,000, and
            none of fewer than 500 rows.
        domains: Whether a folder or zip holds domains: one in each sub-folder, or pairs, two pictures side by side in
            each image, `left` and `right`.
        frames: Of clips how many frames are trained on at once, 16 by default. Where it is given, folders of frames
            and animated images are clips too, and so are arrays of four axes, (clips, frames, height, width).
        stride: Of clips from one such frame to the next, 1 by default: 2 leaves out every second one.

    Raises:
        DataError: There is nothing of that name, or what is there cannot be used.
        UsageError: `size` is not a size, or is given for a table, or what is for tables or clips alone for others.

    Example:
        >>> open_source("digits").spec.shape
        (8, 8, 1)
    """
    if is_table(source):
        refuse_frames(source, frames, stride)
        return _open_table(source, size, target, columns, constraints, hold_out)
    given = {"target": target, "columns": columns, "constraints": constraints, "hold_out": hold_out}
    if names := [f"`{name}`" for name, value in given.items() if value]:
        verb = "is" if len(names) == 1 else "are"
        raise UsageError(f"{' and '.join(names)} {verb} for tables: {', '.join(SUFFIXES)}. Received: {source!s:.200}")
    wanted = parse_size(size)
    if are_clips(source, frames):
        return open_clips(source, frames, stride, wanted, data_dir, skip_unreadable)
    refuse_frames(source, frames, stride)
    if is_several(source):
        return _open_several(source, wanted, data_dir, skip_unreadable)
    if (path := folder_or_zip(source)) is not None and (domains or is_lettered(open_files(path))):
        return read_domains(slug(path), path, wanted, skip_unreadable)
    if domains:
        raise DataError(f"Translation needs two sources, one for each domain. Received: {source!s:.200} alone")
    name, found = find_arrays(source, wanted, data_dir, skip_unreadable)
    return image_source(name, found.images, found.labels, found.classes, found.held_out, found.notes)


def is_several(source: Any) -> bool:
    """Whether a source is several: paths or names in a list, or anything by name."""
    if isinstance(source, Mapping):
        return True
    listed = isinstance(source, Sequence) and not isinstance(source, str)
    return listed and len(source) > 0 and all(isinstance(one, str | os.PathLike) for one in source)


def name_sources(sources: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """Sources by the name of each, with a number where two have the same."""
    if isinstance(sources, Mapping):
        return dict(sources)
    names = [one if one in NAMES else slug(Path(one)) for one in map(os.fspath, sources)]
    return {
        name if names.count(name) == 1 else f"{name}-{place}": one
        for place, (name, one) in enumerate(zip(names, sources, strict=True), start=1)
    }


def _open_several(sources, size: Size | None, data_dir, skip_unreadable: bool) -> Source:
    parts = {name: find_arrays(one, size, data_dir, skip_unreadable)[1] for name, one in name_sources(sources).items()}
    return join_domains("-".join(map(_plain, parts))[:60], parts)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", name)


def _open_table(source, size, target, columns, constraints, hold_out) -> Source:
    if size is not None:
        raise UsageError(f"`size` is for images. Received: size={size} for a table")
    if isinstance(source, pd.DataFrame):
        return table_source("table", source, target, columns, (), constraints, hold_out)
    path = table_path(source)
    if (table := open_long(path)) is not None:
        return streamed_source(slug(path), table, target, columns, constraints, hold_out)
    frame, notes = read_table(path)
    return table_source(slug(path), frame, target, columns, tuple(notes), constraints, hold_out)


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
    near = difflib.get_close_matches(source.lower().replace("-", "_"), KNOWN, cutoff=0.5)
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    return DataError(
        f"{source} is neither a known name nor an existing path. {meant}Known names: {', '.join(KNOWN)}. "
        f"A path must exist and be {KINDS}."
    )
