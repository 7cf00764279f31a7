"""Clips in arrays, .npy and .npz files."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sparring.data import lazy
from sparring.data.clips.footage import Footage
from sparring.data.clips.windows import Loaded
from sparring.data.images.arrays import number_labels, to_uint8
from sparring.data.images.pixels import Size, resize_images, size_note
from sparring.errors import DataError

KEYS = ("clips", "images", "x_train")  # Names of (clips, frames, height, width[, channels]); any name of one alone.
LABELS = ("labels", "label", "y_train")
LAYOUT = (
    "`clips` (clips, frames, height, width[, channels]), or `frames` (all frames, height, width[, channels]) and "
    "`lengths` (clips,), and perhaps `labels` (clips,) and `held_out` (clips,)"
)


def holds_clips(path: Path) -> bool:
    """Whether a .npy or .npz file can only be clips: it has `frames` and `lengths`, or an array of five axes."""
    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, mmap_mode="r", allow_pickle=False).ndim == 5
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            if names >= {"frames", "lengths"}:
                return True
            return any(_ndim(archive, name) == 5 for name in archive.namelist() if name.endswith(".npy"))
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile):
        return False  # It is said where the file is read.


def _ndim(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(name) as file:
        read = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        version = np.lib.format.read_magic(file)[0]
        return len(read[version](file)[0]) if version in read else 0


def read_clip_arrays(path: Path, size: Size | None) -> Footage:
    """The clips of a .npy or .npz file; a .npy too large for memory stays on disk, mapped.

    Raises:
        DataError: The file is damaged, or its arrays are no clips.
    """
    try:
        mapped = path.suffix.lower() == ".npy" and lazy.is_large(path.stat().st_size)
        found = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
        if isinstance(found, np.ndarray):
            arrays = {"clips": np.asarray(found)}
        else:
            with found:
                known = {"frames", "lengths", "held_out", *KEYS, *LABELS}
                arrays = {name: found[name] for name in found.files if name in known or len(found.files) == 1}
    # What NumPy and zipfile raise on files that are damaged, encrypted, or declare more than there is memory for.
    except (ValueError, OSError, EOFError, KeyError, RuntimeError, MemoryError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} could not be read as NumPy arrays ({error}). Write it again with numpy.savez; "
            "arrays of Python objects are never loaded."
        ) from error
    try:
        return from_clip_arrays(arrays, size)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def from_clip_arrays(arrays: Mapping[str, np.ndarray], size: Size | None = None) -> Footage:
    """Clips of arrays.

    Args:
        arrays: One of (clips, frames, height, width[, channels]), or `frames` (all frames, height, width[, channels])
            with `lengths` (clips,): uint8, integers in 0..255, bool, or floats in [0, 1] or [-1, 1]. With them may
            come `labels` or `label`, integers or strings, and `held_out`, which clips are never trained on.
        size: Height and width to crop and resize to; None keeps the size.

    Raises:
        DataError: An array has another shape, type or range, or does not fit the others.
    """
    frames, lengths = _frames(arrays)
    whole, notes = to_uint8({"clips": frames})
    frames = whole["clips"]
    if size is not None and frames.shape[1:3] != size:
        frames = resize_images(frames, size)
        notes.append(size_note(size, "Frames"))
    ends = np.cumsum(lengths)
    clips = [frames[end - length : end] for end, length in zip(ends, lengths, strict=True)]
    held_out = _held_out(arrays, len(clips))
    label_name = next((name for name in LABELS if name in arrays), None)
    labels, classes = None, tuple[str, ...]()
    if label_name is not None:
        trained = sorted(set(np.asarray(arrays[label_name])[~held_out].ravel().tolist()))
        labels, values = number_labels(label_name, arrays[label_name], len(clips), trained)
        classes = tuple(str(value) for value in values)
        if len(classes) == 1:
            notes.append(f"Every label is {classes[0]}, so there are no classes.")
            labels, classes = None, ()
    names = [f"clip {number}" for number in range(len(clips))]
    digests = np.array([np.frombuffer(hashlib.sha256(np.ascontiguousarray(c).data).digest(), np.uint8) for c in clips])
    return Footage(Loaded(clips, digests), names, labels, classes, held_out, [None] * len(clips), tuple(notes))


def join_clips(clips: list[np.ndarray]) -> dict[str, np.ndarray]:
    """`frames` and `lengths` of clips in a list, each (frames, height, width[, channels]).

    Raises:
        DataError: They differ in more than their numbers of frames.
    """
    shapes = {clip.shape[1:] for clip in clips}
    if len(shapes) > 1 or len({clip.dtype for clip in clips}) > 1:
        raise DataError(f"Clips in a list must have frames of one shape and type. Received: {sorted(shapes)}")
    return {"frames": np.concatenate(clips), "lengths": np.array([len(clip) for clip in clips])}


def _frames(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """All frames (N, height, width, channels), and how many are of each clip."""
    if "frames" in arrays and "lengths" in arrays:
        frames, lengths = np.asarray(arrays["frames"]), np.asarray(arrays["lengths"])
        if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or lengths.sum() != len(frames) or lengths.min() < 1:
            raise DataError(
                f"`lengths` must hold positive integers that add up to the {len(frames):,} frames. Received: "
                f"{lengths.dtype} {lengths.shape} of sum {lengths.sum():,}"
            )
    else:
        name = next((key for key in KEYS if key in arrays), next(iter(arrays)) if len(arrays) == 1 else None)
        if name is None:
            raise DataError(f"expected {LAYOUT}. Received: {', '.join(arrays) or 'none'}")
        clips = np.asarray(arrays[name])
        if clips.ndim not in (4, 5) or clips.size == 0:
            raise DataError(f"expected {LAYOUT}. Received: `{name}` of shape {clips.shape}")
        frames = clips.reshape(-1, *clips.shape[2:])
        lengths = np.full(len(clips), clips.shape[1])
    frames = frames[..., None] if frames.ndim == 3 else frames
    if frames.ndim != 4 or frames.shape[3] not in (1, 3, 4) or frames.size == 0:
        raise DataError(f"expected {LAYOUT}, of 1, 3 or 4 channels. Received: frames of shape {frames.shape[1:]}")
    return frames, lengths.astype(np.int64)


def _held_out(arrays: Mapping[str, np.ndarray], count: int) -> np.ndarray:
    held_out = np.asarray(arrays.get("held_out", np.zeros(count, bool)))
    if held_out.shape != (count,) or not np.isin(held_out, (0, 1)).all():
        raise DataError(f"`held_out` must say of each of the {count:,} clips 0 or 1. Received: shape {held_out.shape}")
    if held_out.all():
        raise DataError("`held_out` must leave clips to train on. Received: all of them")
    return held_out.astype(bool)
