"""Clips as pictures that move, and as sheets of their frames."""

import io
import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.bundle.pictures import grid, save_animation, save_grid
from sparring.data.clips.decoding import find_av
from sparring.errors import UsageError
from sparring.files import replace_file

SHEET_COLUMNS = 16  # Frames of a clip in a sheet at most: of longer ones evenly chosen.
SMALLEST = 96  # Pixels of the longer side of a clip in a film, to which smaller ones are enlarged.
ANIMATIONS, FILM = (".gif", ".webp"), ".mp4"
QUALITY = {"crf": "18"}  # Of H.264, from 0 without loss to 51: at 18 a loss is hard to see.


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
    frames = [grid(frame, min_side=SMALLEST) for frame in np.moveaxis(clips, 1, 0)]
    if suffix == FILM:
        replace_file(path, _encode(frames, frame_rate))
    else:
        save_animation(frames, path, max(20, round(1000 / frame_rate)), hold_milliseconds=0)


def can_film() -> bool:
    """Whether .mp4 can be written here."""
    return find_av() is not None


def _encode(frames: Sequence[Image.Image], frame_rate: float) -> bytes:
    """H.264 in MP4, in the colors that every player knows, which come in squares of four pixels."""
    av = find_av()
    if av is None:
        raise UsageError("Writing .mp4 needs PyAV. Install it with: pip install 'sparring[video]'; .gif needs nothing.")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(frame_rate).limit_denominator(1000), options=QUALITY)
        stream.width, stream.height = (side + side % 2 for side in frames[0].size)
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            white = Image.new("RGB", (stream.width, stream.height), "white")
            white.paste(frame.convert("RGB"))
            container.mux(stream.encode(av.VideoFrame.from_image(white)))
        container.mux(stream.encode())
    return buffer.getvalue()
