"""Clips as pictures that move, and as sheets of their frames."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import getdata, getheader

from sparring.bundle.pictures import PALETTE_FRAMES, few_greys, grid, in_palette, one_palette, save_animation, save_grid
from sparring.data.clips.decoding import find_av
from sparring.errors import UsageError
from sparring.files import replacing

SHEET_COLUMNS = 16  # Frames of a clip in a sheet at most: of longer ones evenly chosen.
SMALLEST = 96  # Pixels of the longer side of a clip in a film, to which smaller ones are enlarged.
ANIMATIONS, FILM = (".gif", ".webp"), ".mp4"
STREAMED = (FILM, ".gif")
QUALITY = {"crf": "18"}  # Of H.264, from 0 without loss to 51: at 18 a loss is hard to see.
SHORTEST = 20  # Milliseconds of a frame of a GIF: of less, players make a tenth of a second.

Write = Callable[..., None]


def save_sheet(clips: np.ndarray, path: str | os.PathLike) -> None:
    """Write frames of `clips`, uint8 (n, frames, height, width, channels), a row for each clip, as .png or .webp."""
    frames = clips.shape[1]
    count = min(frames, SHEET_COLUMNS)
    shown = clips[:, np.arange(count) * frames // count]
    save_grid(shown.reshape(-1, *clips.shape[2:]), path, count)


def save_film(clips: np.ndarray, path: str | os.PathLike, frame_rate: float) -> None:
    """Write `clips` side by side as a film: .gif, .webp, or .mp4, which needs PyAV.

    Args:
        clips: uint8 (n, frames, height, width, channels); small ones are enlarged without blurring.
        path: Where to.
        frame_rate: Frames in a second. GIF counts in hundredths of a second, at least two of them.

    Raises:
        UsageError: `path` ends in something else, or PyAV is not there.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (*ANIMATIONS, FILM):
        raise UsageError(f"`path` must end in {', '.join(ANIMATIONS)} or {FILM}. Received: {os.fspath(path)!r}")
    frames = (grid(frame, min_side=SMALLEST) for frame in np.moveaxis(clips, 1, 0))
    if suffix in STREAMED:
        with writing_film(path, frame_rate) as write:
            for frame in frames:
                write(frame)
    else:
        save_animation(list(frames), path, max(SHORTEST, round(1000 / frame_rate)), hold_milliseconds=0)


@contextlib.contextmanager
def writing_film(path: str | os.PathLike, frame_rate: float) -> Iterator[Write]:
    """A function that appends a frame to a film, .mp4 or .gif, which is at `path` when all are written.

    However long the film is, no more than a few frames are in memory. If anything fails, what was at `path` stays.
    H.264 takes even sides alone: of an odd one the last row or column stands there twice. A GIF repeats without end.

    Args:
        path: Where to.
        frame_rate: Frames in a second.

    Yields:
        `write(frame, seconds=None)`: a picture, all of one size and mode, and in a GIF how long it is shown, where that
        is not by the rate.

    Raises:
        UsageError: `path` ends in something else, or PyAV is not there.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in STREAMED:
        raise UsageError(f"`path` must end in {' or '.join(STREAMED)}. Received: {os.fspath(path)!r}")
    if suffix == FILM and not can_film():
        raise UsageError("Writing .mp4 needs PyAV. Install it with: pip install 'sparring[video]'; .gif needs nothing.")
    with replacing(path) as file, (_mp4 if suffix == FILM else _gif)(file, frame_rate) as write:
        yield write


def can_film() -> bool:
    """Whether .mp4 can be written here."""
    return find_av() is not None


@contextlib.contextmanager
def _mp4(file: BinaryIO, frame_rate: float) -> Iterator[Write]:
    """H.264 in MP4, in the colors that every player knows, which come in squares of four pixels."""
    av = find_av()
    assert av is not None
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(frame_rate).limit_denominator(1001), options=QUALITY)
        stream.pix_fmt = "yuv420p"

        def write(frame: Image.Image, seconds: float | None = None):
            pixels = np.asarray(frame.convert("RGB"))
            pixels = np.pad(pixels, [(0, side % 2) for side in pixels.shape[:2]] + [(0, 0)], "edge")
            if not stream.codec_context.is_open:
                stream.height, stream.width = pixels.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))

        yield write
        container.mux(stream.encode())


@contextlib.contextmanager
def _gif(file: BinaryIO, frame_rate: float) -> Iterator[Write]:
    """Grey frames as they come; coloured ones share a palette chosen from all of them, and wait for it on the disk."""
    lasting: list[int] = []  # Milliseconds, of each frame.

    def put(frame: Image.Image, number: int):
        header = getheader(frame, info={"loop": 0})[0] if number == 0 else []
        file.writelines([*header, *getdata(frame, duration=lasting[number])])

    with tempfile.TemporaryFile(dir=Path(file.name).parent) as storage:
        waiting = _Waiting(storage)

        def write(frame: Image.Image, seconds: float | None = None):
            lasting.append(max(SHORTEST, round(1000 * (1 / frame_rate if seconds is None else seconds))))
            if frame.mode == "L":
                put(few_greys(frame), len(lasting) - 1)
            else:
                waiting.append(frame.convert("RGB"))

        yield write
        if len(waiting):
            shown = range(0, len(waiting), -(-len(waiting) // PALETTE_FRAMES))
            palette = one_palette([waiting[number] for number in shown])
            for number in range(len(waiting)):
                put(in_palette(waiting[number], palette), number)
    file.write(b";")


class _Waiting:
    """RGB frames of one size in a file, in any number."""

    def __init__(self, file: BinaryIO):
        self.file, self.size, self.count = file, (0, 0), 0

    def __len__(self) -> int:
        return self.count

    def append(self, frame: Image.Image) -> None:
        self.size, self.count = frame.size, self.count + 1
        self.file.write(frame.tobytes())

    def __getitem__(self, number: int) -> Image.Image:
        num_bytes = 3 * self.size[0] * self.size[1]
        self.file.seek(number * num_bytes)
        return Image.frombytes("RGB", self.size, self.file.read(num_bytes))
