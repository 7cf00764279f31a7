"""What is a source of clips, and what it is opened as."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from sparring.data.clips import moving_mnist
from sparring.data.clips.arrays import from_clip_arrays, holds_clips, join_clips, read_clip_arrays
from sparring.data.clips.folder import read_clips
from sparring.data.clips.footage import FRAME_RATE, FRAMES, Footage, clip_source, make_source
from sparring.data.clips.listing import SUFFIXES, holds_films
from sparring.data.examples import Source
from sparring.data.files import slug
from sparring.data.images.named import NAMES
from sparring.data.images.pixels import Size
from sparring.data.spec import VideoSpec
from sparring.errors import UsageError

MOST_FRAMES = 1024  # As of a VideoSpec.


def are_clips(source: Any, frames: int | None = None) -> bool:
    """Whether a source is one of clips: because it can be nothing else, or because `frames` are asked for.

    Nothing else are the name moving_mnist, video files and folders and zips of them, arrays of five axes, lists of
    arrays, and .npz files of `frames` and `lengths`.
    """
    if isinstance(source, tuple) and len(source) == 2:
        source = source[0]
    if isinstance(source, np.ndarray):
        return source.ndim == 5 or (source.ndim == 4 and frames is not None)
    if isinstance(source, list) and source and all(isinstance(one, np.ndarray) for one in source):
        return all(one.ndim in (3, 4) for one in source)
    if not isinstance(source, str | os.PathLike) or source in NAMES:
        return False
    if source == moving_mnist.NAME:
        return True
    path = Path(source).expanduser()
    if not path.exists():
        return False
    if path.suffix.lower() in (".npy", ".npz"):
        return frames is not None or holds_clips(path)
    if path.is_dir() or path.suffix.lower() == ".zip":
        return frames is not None or holds_films(path)
    return holds_films(path) or (frames is not None and path.suffix.lower() in SUFFIXES)


def open_clips(
    source: Any,
    frames: int | None = None,
    stride: int | None = None,
    size: Size | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    skip_unreadable: bool = False,
) -> Source[VideoSpec]:
    """The source of what `are_clips`; as in `open_source`.

    Raises:
        DataError: What is there cannot be used.
        UsageError: `frames` or `stride` are out of range.
    """
    length, step = check_length(frames, stride)
    if isinstance(source, str) and source == moving_mnist.NAME:
        training, held_out = moving_mnist.moving_mnist(length, step, size, data_dir)
        return make_source(source, {"clip": training}, {"clip": held_out}, (), FRAME_RATE, ())
    name, found = find_clips(source, frames is not None, size, skip_unreadable)
    return clip_source(name, found, length, step)


def check_length(frames: int | None, stride: int | None) -> tuple[int, int]:
    """Frames of a stretch and the stride, 16 and 1 by default."""
    frames, stride = FRAMES if frames is None else frames, 1 if stride is None else stride
    if not 2 <= frames <= MOST_FRAMES:
        raise UsageError(f"`frames` must be 2 to {MOST_FRAMES}. Received: frames={frames}")
    if stride < 1:
        raise UsageError(f"`stride` must be at least 1. Received: stride={stride}")
    return frames, stride


def find_clips(
    source: Any, folders: bool, size: Size | None = None, skip_unreadable: bool = False
) -> tuple[str, Footage]:
    """The name of a source and its clips as they are, even if none can be trained on; not of moving_mnist."""
    labels = None
    if isinstance(source, tuple):
        source, labels = source
    if isinstance(source, np.ndarray | list):
        arrays = {"clips": source} if isinstance(source, np.ndarray) else join_clips(source)
        return "clips", from_clip_arrays(arrays if labels is None else arrays | {"labels": np.asarray(labels)}, size)
    path = Path(source).expanduser()
    if path.suffix.lower() in (".npy", ".npz"):
        return slug(path), read_clip_arrays(path, size)
    return slug(path), read_clips(path, folders, size, skip_unreadable)


def refuse_frames(source: Any, frames: int | None, stride: int | None):
    """Raises UsageError where `frames` or `stride` are given for what are no clips."""
    given = [f"`{name}`" for name, value in (("frames", frames), ("stride", stride)) if value is not None]
    if not given:
        return
    if isinstance(source, str | os.PathLike) and source not in NAMES and not Path(source).expanduser().exists():
        return  # It is said that there is nothing.
    verb = "is" if len(given) == 1 else "are"
    hint = " Animated images and folders of frames are clips where `--frames` is given." if frames is None else ""
    raise UsageError(f"{' and '.join(given)} {verb} for clips. Received: {_name(source)}.{hint}")


def _name(source: Any) -> str:
    return f"{source!s:.200}" if isinstance(source, str | os.PathLike) else type(source).__name__
