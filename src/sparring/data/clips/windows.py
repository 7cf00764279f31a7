"""Stretches of frames cut out of clips when they are asked for, from memory or from files."""

import collections
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Protocol

import numpy as np

from sparring.data.clips.decoding import Anchor, Film, why_no_clip
from sparring.data.clips.listing import Listing
from sparring.data.files import Parts
from sparring.data.images.pixels import Size, decoding, resize_images
from sparring.data.lazy import LazyRows, decoding_threads
from sparring.errors import DataError

PAGE = 64  # Frames that are decoded together: a few times as many as a stretch has.
CACHE = 128 * 2**20  # Bytes of decoded pages that are kept.


def span(frames: int, stride: int) -> int:
    """How many frames of a clip a stretch of `frames`, every `stride`-th, reaches over."""
    return (frames - 1) * stride + 1


class Store(Protocol):
    """Where the frames of clips are.

    Attributes:
        lengths: Number of frames of each clip, int64.
        shape: Height, width, channels of every frame.
        digests: uint8 (clips, 32), which change with any value of a clip.
        threads: How many clips may be read at the same time.
        failure: As of `LazyRows`.
    """

    lengths: np.ndarray
    shape: tuple[int, int, int]
    digests: np.ndarray
    threads: int
    failure: DataError | None

    def read(self, clip: int, places: range) -> np.ndarray:
        """Frames of a clip, uint8 (frames, height, width, channels)."""


class Windows(LazyRows):
    """uint8 (N, frames, height, width, channels): a row is a stretch of frames that can be cut out of a clip.

    Rows go clip by clip, and within a clip by the first frame.

    Args:
        store: The clips.
        clips: Numbers of the clips to cut from; each must be long enough.
        frames: Frames of a stretch.
        stride: From one of its frames to the next.

    Attributes:
        counts: How many stretches there are of each of these clips.
    """

    def __init__(self, store: Store, clips: np.ndarray, frames: int, stride: int = 1):
        self.store, self.clips, self.frames, self.stride = store, clips, frames, stride
        self.counts = store.lengths[clips] - span(frames, stride) + 1
        self._ends = np.cumsum(self.counts)
        self.shape = (int(self.counts.sum()), frames, *store.shape)

    @property
    def digests(self) -> np.ndarray:  # type: ignore[override]
        return self.store.digests[self.clips]

    @property
    def failure(self) -> DataError | None:  # type: ignore[override]
        return self.store.failure

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.store.threads, "decode")

    def _make(self, rows: list[int]) -> np.ndarray:
        made = np.empty((len(rows), *self.shape[1:]), np.uint8)
        places = np.searchsorted(self._ends, rows, side="right")
        firsts = np.asarray(rows, np.int64) - self._ends[places] + self.counts[places]

        def fill(place: int):
            for index in np.flatnonzero(places == place):
                wanted = range(firsts[index], firsts[index] + span(self.frames, self.stride), self.stride)
                made[index] = self.store.read(int(self.clips[place]), wanted)

        different = np.unique(places).tolist()
        if self.store.threads == 1 or len(different) == 1:
            for place in different:
                fill(place)
        else:
            list(self._pool.map(fill, different))
        return made


class Loaded:
    """Clips in memory, or mapped: a `Store` of uint8 arrays (frames, height, width, channels) of one shape.

    Args:
        clips: The arrays, which may be views of one.
        digests: What stands for their values.
    """

    threads = 1
    failure: DataError | None = None

    def __init__(self, clips: Sequence[np.ndarray], digests: np.ndarray):
        self.clips, self.digests = clips, digests
        self.lengths = np.array([len(clip) for clip in clips], np.int64)
        self.shape: tuple[int, int, int] = clips[0].shape[1:]

    def read(self, clip: int, places: range) -> np.ndarray:
        return self.clips[clip][places.start : places.stop : places.step]


class OnDisk:
    """Clips that stay in their files: a `Store` that decodes a page of frames at a time and keeps the last ones.

    Args:
        listing: Where the files are.
        names: The file or the folder of frames of each clip.
        lengths: Their numbers of frames.
        anchors: Where decoding can begin in each.
        shape: Height, width and channels of every frame.
        size: Height and width to crop and resize to; None where the frames have that size.
        digests: What stands for their values.
        file_bytes: Size of all files together.
    """

    def __init__(
        self,
        listing: Listing,
        names: Sequence[Parts],
        lengths: Sequence[int],
        anchors: Sequence[Sequence[Anchor]],
        shape: tuple[int, int, int],
        size: Size | None,
        digests: np.ndarray,
        file_bytes: int,
    ):
        self.listing, self.names, self.anchors, self.size = listing, names, anchors, size
        self.lengths, self.shape, self.digests = np.array(lengths, np.int64), shape, digests
        self.threads = decoding_threads(file_bytes / len(names))
        self.failure: DataError | None = None
        self._pages: collections.OrderedDict[tuple[int, int], np.ndarray] = collections.OrderedDict()
        self._lock = threading.Lock()

    def read(self, clip: int, places: range) -> np.ndarray:
        numbers = np.asarray(places)
        made = np.empty((len(numbers), *self.shape), np.uint8)
        for page in np.unique(numbers // PAGE).tolist():
            inside = numbers // PAGE == page
            made[inside] = self._page(clip, page)[numbers[inside] - page * PAGE]
        return made

    def _page(self, clip: int, page: int) -> np.ndarray:
        with self._lock:
            if (found := self._pages.get((clip, page))) is not None:
                self._pages.move_to_end((clip, page))
                return found
        try:
            with decoding():
                found = self._decode(clip, page * PAGE, min((page + 1) * PAGE, int(self.lengths[clip])))
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            self.failure = self._error(clip, error)
            raise self.failure from error
        with self._lock:
            self._pages[clip, page] = found
            while len(self._pages) > 1 and sum(kept.nbytes for kept in self._pages.values()) > CACHE:
                self._pages.popitem(last=False)
        return found

    def _decode(self, clip: int, start: int, stop: int) -> np.ndarray:
        """Frames from one to another, from the nearest anchor before them, or where seeking fails from the first."""
        found, anchor = np.empty((stop - start, *self.shape), np.uint8), None
        for known in self.anchors[clip]:
            anchor = known if known.number <= start else anchor
        for begin in dict.fromkeys((anchor, None)):
            skip = start - (begin.number if begin else 0)
            for number, frame in enumerate(Film(self.listing, self.names[clip]).play(begin, skip)):
                found[number] = resize_images(frame.pixels[None], self.size)[0][..., : self.shape[2]]
                if number + 1 == len(found):
                    return found
        raise ValueError("it has fewer frames than it had")

    def _error(self, clip: int, error: Exception) -> DataError:
        named = f"{'/'.join(self.names[clip])} in {self.listing.files.path} could not be"
        if isinstance(error, FileNotFoundError):
            return DataError(f"{named} read ({error.strerror}). Put it back, then give the same command again.")
        return DataError(
            f"{named} decoded ({why_no_clip(error)}). Repair or remove it, or pass `--skip-unreadable`. A run that has "
            "begun is kept as it is saved; without this file the data is another, so begin a new one (--run)."
        )
