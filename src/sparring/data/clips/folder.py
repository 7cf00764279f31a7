"""Video files and folders of frames made into clips, in memory or left where they are."""

import collections
import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from sparring.data import lazy
from sparring.data.clips.decoding import Anchor, Film, alike, require_av, why_no_clip
from sparring.data.clips.footage import Footage
from sparring.data.clips.listing import Listing, list_clips
from sparring.data.clips.windows import Loaded, OnDisk, Store
from sparring.data.files import Parts, is_film
from sparring.data.images.arrangement import Arrangement, arrange
from sparring.data.images.pixels import Size, decoding, resize_images, size_note
from sparring.errors import DataError, few

PIECE = 2**20  # Bytes of a file that are read at once for its digest.


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was seen of a clip that could be played to its end.

    Attributes:
        length: Number of frames.
        size: Height and width of its frames, turned as the file says.
        grey: Whether all of them are.
        rate: Frames per second; None where the file does not say.
        anchors: Where decoding can begin.
        digest: SHA-256 of the file, or of the files of its frames.
        file_bytes: How large it is on disk.
    """

    length: int
    size: Size
    grey: bool
    rate: float | None
    anchors: tuple[Anchor, ...]
    digest: bytes
    file_bytes: int


class Viewing(Iterator[np.ndarray]):
    """Plays a clip; after its last frame `seen` is what is known of it.

    Raises:
        Exception: While it plays, whatever decoders run into, and ValueError of a clip without frames or of such as
            differ in size.
    """

    def __init__(self, listing: Listing, parts: Parts):
        self.listing, self.parts = listing, parts
        self.seen: Seen | None = None
        self._frames = self._play()

    def __next__(self) -> np.ndarray:
        return next(self._frames)

    def _play(self) -> Iterator[np.ndarray]:
        film, length, grey, size, anchors = Film(self.listing, self.parts), 0, True, (0, 0), []
        for frame in alike(film.play()):
            pixels = frame.pixels
            size = pixels.shape[:2]
            grey = grey and (pixels.shape[2] == 1 or bool((pixels == pixels[..., :1]).all()))
            if frame.is_key and frame.time is not None:
                anchors.append(Anchor(length, frame.time))
            length += 1
            yield pixels
        digest, file_bytes = self._digest()
        self.seen = Seen(length, size, grey, film.rate, tuple(anchors), digest, file_bytes)

    def _digest(self) -> tuple[bytes, int]:
        digest, file_bytes = hashlib.sha256(), 0
        for name in self.listing.frames.get(self.parts, [self.parts]):
            with self.listing.files.open(name) as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    file_bytes += len(piece)
        return digest.digest(), file_bytes


def read_clips(path: Path, folders: bool, size: Size | None = None, skip_unreadable: bool = False) -> Footage:
    """Read every clip at `path`, in the order of their names.

    What is a class and what is held out, `arrange` says, a clip in the place of an image. All clips are played once:
    the file does not tell for certain how many frames it has, nor whether they can be read. Clips whose frames would
    take more than `MEMORY_LIMIT` bytes stay in their files.

    Args:
        path: A video file, a folder, or a zip; nothing is extracted.
        folders: Whether animated images and folders of frames are clips too.
        size: Height and width to crop and resize to; None demands that all clips have one size.
        skip_unreadable: Whether to do without clips that cannot be read, with a note.

    Returns:
        Clips of 1 channel if every frame is grey, else of 3.

    Raises:
        DataError: There are no clips, PyAV is needed and not installed, some clips cannot be read, or they differ in
            size and `size` is None.
    """
    listing = list_clips(path, folders)
    if any(is_film(parts) for parts in listing.files.images):
        require_av()  # Else every single file would be named as unreadable.
    arrangement = arrange(listing.files)
    reading = _Reading(listing, size)
    with decoding():
        for index, parts in enumerate(arrangement.files):
            reading.add(index, parts)
    if reading.unreadable and not (skip_unreadable and reading.kept):
        raise _unreadable_error(listing, reading.unreadable)
    sizes = collections.Counter(seen.size for seen in reading.seen)
    if size is None and len(sizes) > 1:
        ((height, width), most), *_ = sizes.most_common(1)
        raise DataError(
            f"The clips in {path} must have one size. Received: {len(sizes)} sizes, most often {height}x{width} "
            f"(height x width, {most} of {len(reading.seen)} clips). Pass `--size 64` to crop and resize them."
        )
    notes = [*listing.notes, *arrangement.notes]
    if reading.unreadable:
        names = ["/".join(parts) for parts in reading.unreadable]
        notes.append(f"Skipped as unreadable, {len(names)} of {len(arrangement.files)}: {few(names)}")
    if size is not None:
        notes.append(size_note(size, "Frames"))
    if reading.frames is None:
        stay = lazy.too_large(reading.num_bytes, "clips")
        notes.append(f"{stay}: they stay in their files and are decoded while training.")
    return _sort_out(arrangement, reading, notes)


class _Reading:
    """Clips seen one after the other, and their frames as long as all of them fit into memory."""

    def __init__(self, listing: Listing, size: Size | None):
        self.listing, self.size = listing, size
        self.kept: list[int] = []
        self.names: list[Parts] = []
        self.seen: list[Seen] = []
        self.unreadable: dict[Parts, str] = {}
        self.frames: list[np.ndarray] | None = []

    @property
    def channels(self) -> int:
        return 1 if all(seen.grey for seen in self.seen) else 3

    @property
    def num_bytes(self) -> int:
        """Of all frames in memory."""
        return sum(seen.length * _area(self.size or seen.size) for seen in self.seen) * self.channels

    def add(self, index: int, parts: Parts):
        """Looks at a clip."""
        viewing, frames = Viewing(self.listing, parts), list[np.ndarray]()
        before, new = self.num_bytes, 0
        try:
            for pixels in viewing:
                if self.frames is None:
                    continue
                pixels = resize_images(pixels[None], self.size)[0]
                if (pixels == pixels[..., :1]).all():
                    pixels = pixels[..., :1]
                frames.append(pixels)
                new += pixels.nbytes
                if lazy.is_large(before + new):
                    self.frames = None  # They are decoded when they are asked for.
                    frames.clear()
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            self.unreadable[parts] = why_no_clip(error)
            return
        assert viewing.seen is not None
        self.kept.append(index)
        self.names.append(parts)
        self.seen.append(viewing.seen)
        if self.frames is not None:
            depth = 1 if viewing.seen.grey else 3
            self.frames.append(np.stack([np.broadcast_to(pixels, (*pixels.shape[:2], depth)) for pixels in frames]))
            if lazy.is_large(self.num_bytes):  # Grey ones beside coloured ones have three channels.
                self.frames = None

    def store(self) -> Store:
        """Where the frames are."""
        digests = np.array([np.frombuffer(seen.digest, np.uint8) for seen in self.seen])
        if self.frames is not None:
            clips = [np.broadcast_to(clip, (*clip.shape[:3], self.channels)) for clip in self.frames]
            return Loaded(clips, digests)
        return OnDisk(
            self.listing,
            self.names,
            [seen.length for seen in self.seen],
            [seen.anchors for seen in self.seen],
            (*(self.size or self.seen[0].size), self.channels),
            self.size,
            digests,
            sum(seen.file_bytes for seen in self.seen),
        )


def _sort_out(arrangement: Arrangement, reading: _Reading, notes: list[str]) -> Footage:
    """The clips with numbered classes."""
    held_out = np.array([index >= arrangement.num_training for index in reading.kept])
    labels, classes = None, tuple[str, ...]()
    if arrangement.names is not None:
        names = [arrangement.names[index] for index in reading.kept]
        classes = tuple(sorted({name for name, held in zip(names, held_out, strict=True) if not held}))
        if unknown := sorted(set(names) - set(classes)):
            raise DataError(
                f"Every class in {reading.listing.files.path} that is held out must be trained on. Received: no clip "
                f"to train on of {few(unknown)}. Move some there, or remove the held-out ones."
            )
        labels = np.array([classes.index(name) for name in names], np.int32)
        if len(classes) < 2:
            notes.append(f"Every label is {' '.join(classes)}, so there are no classes.")
            labels, classes = None, ()
    called, rates = ["/".join(parts) for parts in reading.names], [seen.rate for seen in reading.seen]
    return Footage(reading.store(), called, labels, classes, held_out, rates, tuple(notes))


def _unreadable_error(listing: Listing, unreadable: Mapping[Parts, str]) -> DataError:
    path, shown = listing.files.path, [f"{'/'.join(parts)} ({reason})" for parts, reason in unreadable.items()]
    advice = "Remove or repair it, or pass `--skip-unreadable`."
    if len(shown) == 1:
        (parts,) = unreadable
        return DataError(f"{'/'.join(parts)} in {path} could not be read as a clip ({unreadable[parts]}). {advice}")
    return DataError(
        f"{len(shown)} of {len(listing.files.images)} clips in {path} could not be read: {few(shown)}. "
        f"{advice.replace('it,', 'them,')}"
    )


def _area(size: Size) -> int:
    return size[0] * size[1]
