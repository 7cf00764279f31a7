"""A clip in a file changed frame by frame and written again; of any length, a few frames at a time are in memory."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from sparring.bundle.films import FILM, writing_film
from sparring.bundle.pictures import picture
from sparring.data.clips.decoding import Film, Frame, alike, why_no_clip
from sparring.data.clips.footage import FRAME_RATE
from sparring.data.files import Parts, is_film

GIF = ".gif"


class Unplayable(Exception):
    """A clip cannot be played to its end; the message says why, in a few words."""


def ending(parts: Parts) -> str:
    """Of the file that a clip is written to."""
    return FILM if is_film(parts) else GIF


def change_clip(
    film: Film,
    target: Path,
    prepare: Callable[[np.ndarray], np.ndarray],
    change: Callable[[np.ndarray], np.ndarray],
    at_once: int,
    progress: Callable[[int], None],
) -> None:
    """Writes what `change` makes of a clip, at its own rate; what stood at `target` stays unless all of it is written.

    Args:
        film: The clip.
        target: A .mp4 or .gif file; its folder is made where it is not there.
        prepare: Makes of a frame what `change` takes; a ValueError of it is one of the clip.
        change: From uint8 (n, height, width, channels) to as many of the same.
        at_once: Frames that are changed together, at most.
        progress: Called with how many more frames are done.

    Raises:
        Unplayable: The clip is damaged, has no frames, or its frames differ in size.
    """
    frames = _played(film, prepare)
    group = list(itertools.islice(frames, at_once))  # Only now is the rate known.
    target.parent.mkdir(parents=True, exist_ok=True)
    with writing_film(target, film.rate or FRAME_RATE) as write:
        while group:
            images = change(np.stack([frame.pixels for frame in group]))
            for frame, image in zip(group, images, strict=True):
                write(picture(image), frame.seconds)
            progress(len(group))
            group = list(itertools.islice(frames, at_once))


def _played(film: Film, prepare: Callable[[np.ndarray], np.ndarray]) -> Iterator[Frame]:
    try:
        yield from alike(frame._replace(pixels=prepare(frame.pixels)) for frame in film.play())
    except Exception as error:  # Decoders raise whatever a damaged file leads them to.
        raise Unplayable(why_no_clip(error)) from error
