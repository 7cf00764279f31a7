"""One clip played: its frames, one after the other, from video files, animated images and folders of frames."""

import contextlib
import importlib
import io
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from sparring.data.clips.listing import Listing, count_pictures
from sparring.data.files import Parts, is_film
from sparring.data.images.pixels import FORMATS, decode, flatten
from sparring.errors import DataError

# Only these demuxers run on a file, whatever its name says: a playlist, for one, would open other files.
CONTAINERS = "mov,mp4,matroska,webm,avi"
MARGIN = 4096  # Bytes at the end of a GIF in which its last one is looked for.
CUT_OFF = 0.9  # A film that ends before this share of the time that its file says it lasts counts as cut off.


class Frame(NamedTuple):
    """A picture of a clip.

    Attributes:
        pixels: uint8 (height, width, 1 or 3).
        time: When it is shown, in the units of the file; None where that is not known.
        is_key: Whether decoding can begin there.
        seconds: How long it is shown; None where the file tells no more than its rate.
    """

    pixels: np.ndarray
    time: int | None = None
    is_key: bool = False
    seconds: float | None = None


class Anchor(NamedTuple):
    """A frame that decoding can begin at: its number in the clip and its time."""

    number: int
    time: int


class Film:
    """A clip that can be played.

    Attributes:
        rate: Frames per second; None where the file does not say, and before the first frame.
        has_sound: Whether there is sound beside the pictures; known from the first frame on.
    """

    def __init__(self, listing: Listing, parts: Parts):
        self.listing, self.parts = listing, parts
        self.rate: float | None = None
        self.has_sound = False

    def count(self) -> int | None:
        """How many frames the file says it has, None where it does not say; 0 of one that cannot be opened."""
        try:
            if (members := self.listing.frames.get(self.parts)) is not None:
                return len(members)
            if not is_film(self.parts):
                return count_pictures(self.listing.files, self.parts)
            with self._open_video() as (_, container, stream):
                lasts = _seconds(container, stream)
                return stream.frames or round((lasts or 0) * float(stream.average_rate or 0)) or None
        except Exception:  # Of a damaged file it is said where it is played.
            return 0

    def play(self, anchor: Anchor | None = None, skip: int = 0) -> Iterator[Frame]:
        """The frames from `anchor` on, by default from the first, but for the first `skip` of these.

        There is none where the file cannot be sought for the anchor.

        Raises:
            Exception: Whatever decoders run into; the caller knows the name of the file and says it.
        """
        if (members := self.listing.frames.get(self.parts)) is not None:
            return self._play_files(members[skip:])
        return self._play_video(anchor, skip) if is_film(self.parts) else self._play_animation(skip)

    def _play_files(self, members: Sequence[Parts]) -> Iterator[Frame]:
        for name in members:
            yield Frame(decode(self.listing.files.read(name))[0])

    def _play_animation(self, skip: int) -> Iterator[Frame]:
        durations = []
        with self.listing.files.open(self.parts) as file:
            _check_ending(file)
            with Image.open(file, formats=FORMATS) as image:
                for number, picture in enumerate(ImageSequence.Iterator(image)):
                    durations.append(picture.info.get("duration", 0))
                    if number < skip:
                        continue
                    pixels = np.asarray(flatten(picture)[0])
                    yield Frame(pixels.reshape(*pixels.shape[:2], -1), seconds=durations[-1] / 1000)
        if sum(durations) > 0:
            self.rate = 1000 * len(durations) / sum(durations)

    def _play_video(self, anchor: Anchor | None, skip: int) -> Iterator[Frame]:
        with self._open_video() as (av, container, stream):
            yield from self._decode(av, container, stream, anchor, skip)

    @contextlib.contextmanager
    def _open_video(self) -> Iterator[tuple[ModuleType, Any, Any]]:
        """PyAV, the file opened by it, and the first stream of pictures."""
        av = require_av()
        with self.listing.files.open(self.parts) as file:
            if not file.read(1):
                raise ValueError("it is empty")
            file.seek(0)
            with av.open(file, options={"format_whitelist": CONTAINERS}) as container:
                if not container.streams.video:
                    raise ValueError("it holds no video")
                stream = container.streams.video[0]
                if stream.codec_context is None:
                    raise ValueError("its codec is not known")
                yield av, container, stream

    def _decode(self, av, container, stream, anchor: Anchor | None, skip: int) -> Iterator[Frame]:
        self.rate = float(stream.average_rate or stream.guessed_rate or 0) or None
        self.has_sound = bool(container.streams.audio)
        if anchor is not None:
            container.seek(anchor.time, stream=stream)
        # One for all frames: each frame's own would set up the same conversion anew.
        converter, count = av.video.reformatter.VideoReformatter(), 0
        for frame in container.decode(stream):
            if anchor is not None and count == 0 and frame.pts != anchor.time:
                if frame.pts is None or frame.pts > anchor.time:
                    return
                continue
            count += 1
            if count <= skip:
                continue
            if frame.width * frame.height > (Image.MAX_IMAGE_PIXELS or 0):
                raise ValueError(f"its frames are too large: {frame.height}x{frame.width} (height x width)")
            pixels = converter.reformat(frame, format="rgb24").to_ndarray()
            yield Frame(np.rot90(pixels, frame.rotation // 90), frame.pts, frame.key_frame)
        if anchor is None and count:
            self._check_whole(container, stream, frame.time)

    def _check_whole(self, container, stream, end: float | None):
        """Raises ValueError where the last frame comes long before the end; frames may differ in how long they last."""
        lasts = _seconds(container, stream)
        if lasts and end is not None and end + 1 / (self.rate or 1) < CUT_OFF * lasts:
            raise ValueError(f"it is cut off: it says it lasts {lasts:.1f} s, and it ends after {end:.1f} s")


def alike(frames: Iterator[Frame]) -> Iterator[Frame]:
    """The frames as they come; raises ValueError where one differs in size from those before it, or there are none."""
    size = None
    for number, frame in enumerate(frames):
        found = frame.pixels.shape[:2]
        if size is not None and found != size:
            raise ValueError(f"frame {number} is {_by(found)} and those before it {_by(size)}")
        size = found
        yield frame
    if size is None:
        raise ValueError("it has no frames")


def _by(size: tuple[int, ...]) -> str:
    return f"{size[0]}x{size[1]} (height x width)"


def _seconds(container, stream) -> float | None:
    """How long the file says its pictures last."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1  # Sound might go on after the pictures.
    return container.duration / 1e6 if alone and container.duration else None


def _check_ending(file: BinaryIO):
    """Raises ValueError of a GIF without its last byte, behind which some programs write zeros."""
    if file.read(3) == b"GIF":
        file.seek(max(0, file.seek(0, io.SEEK_END) - MARGIN))
        if not file.read().rstrip(b"\0").endswith(b";"):
            raise ValueError("it is cut off")
    file.seek(0)


def find_av() -> ModuleType | None:
    """PyAV, which is not needed but for video files; None where it is not installed."""
    try:
        return importlib.import_module("av")
    except ImportError:
        return None


def require_av() -> ModuleType:
    """PyAV, to read video files.

    Raises:
        DataError: It is not installed.
    """
    av = find_av()
    if av is None:
        raise DataError("Reading video files needs PyAV. Install it with: pip install 'sparring[video]'")
    return av


def why_no_clip(error: Exception) -> str:
    """What a decoder ran into, in a few words."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "no image of a known format"
    return getattr(error, "strerror", None) or str(error)
