"""What lies in a source of clips, clip by clip: looked at without demanding that it could be trained on."""

import dataclasses
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sparring.data.clips import moving_mnist
from sparring.data.clips.arrays import from_clip_arrays
from sparring.data.clips.decoding import Film, require_av, why_no_clip
from sparring.data.clips.folder import Viewing
from sparring.data.clips.footage import FRAMES, Footage
from sparring.data.clips.listing import Listing, list_clips
from sparring.data.clips.opening import find_clips
from sparring.data.files import Parts, is_film, slug
from sparring.data.images.arrangement import arrange_anyhow
from sparring.data.images.pixels import Size, decoding, resize_images

GENERATED = 100  # Clips of an endless source that are looked at.


@dataclasses.dataclass(eq=False)
class ClipSurvey:
    """What was seen of each readable clip, an item each, in the order they are trained on.

    Attributes:
        names: Name of the file or the folder of frames, or the row of an array.
        notes: What was found of classes and held-out parts.
        held_out: Whether the clip is held out.
        classes: Name of the class; empty where there are none.
        lengths: Number of frames.
        sizes: Height and width, turned as the file says.
        grey: Whether all frames are.
        rates: Frames per second; None where that is not known.
        digests: 16 bytes that are alike for clips of the same frames.
        mirrored: The same of the clip as a mirror shows it.
        unreadable: Why each clip that could not be read could not, by its name.
        is_endless: Whether there are far more, which are generated.
    """

    names: list[str]
    notes: tuple[str, ...] = ()
    held_out: list[bool] = dataclasses.field(default_factory=list)
    classes: list[str] = dataclasses.field(default_factory=list)
    lengths: list[int] = dataclasses.field(default_factory=list)
    sizes: list[Size] = dataclasses.field(default_factory=list)
    grey: list[bool] = dataclasses.field(default_factory=list)
    rates: list[float | None] = dataclasses.field(default_factory=list)
    digests: list[bytes] = dataclasses.field(default_factory=list)
    mirrored: list[bytes] = dataclasses.field(default_factory=list)
    unreadable: dict[str, str] = dataclasses.field(default_factory=dict)
    is_endless: bool = False


class Surveyed:
    """A source of clips that was looked at.

    Attributes:
        name: Short name of the source.
        survey: What was seen.
    """

    def __init__(self, name: str, survey: ClipSurvey, frames_of):
        self.name, self.survey, self._frames_of = name, survey, frames_of

    def strip(self, clip: int, count: int, size: Size) -> np.ndarray:
        """`count` frames of a clip, evenly spaced, cropped and resized: uint8 (count, *size, 3)."""
        wanted = np.linspace(0, self.survey.lengths[clip] - 1, count).round().astype(int)
        chosen: dict[int, Any] = dict.fromkeys(wanted.tolist())
        for number, pixels in enumerate(self._frames_of(clip)):
            if number in chosen:
                chosen[number] = np.broadcast_to(resize_images(pixels[None], size)[0], (*size, 3))
            if number == wanted[-1]:
                break
        return np.stack([chosen[number] for number in wanted.tolist()])


def survey_clips(source: Any, folders: bool, data_dir: str | os.PathLike[str] | None = None) -> Surveyed:
    """Look at every clip of what `are_clips`; of moving_mnist at the first ones.

    Raises:
        DataError: The source cannot be opened, or holds no clips.
    """
    if isinstance(source, str) and source == moving_mnist.NAME:
        training, _ = moving_mnist.moving_mnist(FRAMES, 1, None, data_dir)
        found = from_clip_arrays({"clips": training[:GENERATED]})
        note = f"Clips are generated: {len(training):,} to train on. Of these the first {GENERATED} were looked at."
        survey = dataclasses.replace(_survey_arrays(found), notes=(note,), is_endless=True)
        return Surveyed(source, survey, lambda clip: found.store.read(clip, range(FRAMES)))
    path = Path(source).expanduser() if isinstance(source, str | os.PathLike) else None
    if path is None or path.suffix.lower() in (".npy", ".npz"):
        name, found = find_clips(source, folders)
        return Surveyed(
            name, _survey_arrays(found), lambda clip: found.store.read(clip, range(int(found.store.lengths[clip])))
        )
    listing = list_clips(path, folders)
    if any(is_film(parts) for parts in listing.files.images):
        require_av()
    survey, chosen = _survey_files(listing)
    return Surveyed(slug(path), survey, lambda clip: (frame.pixels for frame in Film(listing, chosen[clip]).play()))


def _survey_files(listing: Listing) -> tuple[ClipSurvey, list[Parts]]:
    arrangement, chosen = arrange_anyhow(listing.files), list[Parts]()
    survey = ClipSurvey([], (*listing.notes, *arrangement.notes))
    with decoding():
        for index, parts in enumerate(arrangement.files):
            viewing = Viewing(listing, parts)
            try:
                digests = _digests(viewing)
            except Exception as error:  # Decoders raise whatever a damaged file leads them to.
                survey.unreadable["/".join(parts)] = why_no_clip(error)
                continue
            seen = viewing.seen
            assert seen is not None
            chosen.append(parts)
            survey.names.append("/".join(parts))
            survey.held_out.append(index >= arrangement.num_training)
            if arrangement.names is not None:
                survey.classes.append(arrangement.names[index])
            _add(survey, seen.length, seen.size, seen.grey, seen.rate, digests)
    return survey, chosen


def _survey_arrays(found: Footage) -> ClipSurvey:
    classes = [] if found.labels is None else [found.classes[label] for label in found.labels]
    survey = ClipSurvey(list(found.names), found.notes, found.held_out.tolist(), classes)
    height, width, channels = found.store.shape
    for clip, length in enumerate(found.store.lengths.tolist()):
        digests = _digests(iter(found.store.read(clip, range(length))))
        _add(survey, length, (height, width), channels == 1, found.rates[clip], digests)
    return survey


def _add(survey: ClipSurvey, length, size, grey, rate, digests):
    kept: tuple[list, ...] = (survey.lengths, survey.sizes, survey.grey, survey.rates, survey.digests, survey.mirrored)
    for values, value in zip(kept, (length, size, grey, rate, *digests), strict=True):
        values.append(value)


def _digests(frames: Iterator[np.ndarray]) -> tuple[bytes, bytes]:
    """Of the frames, and of what a mirror shows."""
    plain, mirrored = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
    for pixels in frames:
        plain.update(np.ascontiguousarray(pixels).data)
        mirrored.update(np.ascontiguousarray(pixels[:, ::-1]).data)
    return plain.digest(), mirrored.digest()
