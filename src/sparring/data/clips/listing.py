"""Which files below a folder or in a zip are clips."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from sparring.data.files import FILMS, Files, Parts, common_depth, is_film, is_image, open_files
from sparring.data.images.pixels import FORMATS
from sparring.errors import DataError

ANIMATIONS = (".gif", ".webp")  # Images that may move: clips only where frames are asked for.
SUFFIXES = FILMS + ANIMATIONS


@dataclasses.dataclass(frozen=True)
class Listing:
    """The clips of a folder or a zip.

    Attributes:
        files: Where they lie; its `images` are the clips, a folder of frames counting as one file.
        frames: The frames of each clip that is a folder of them, in their order.
        notes: What was passed over.
    """

    files: Files
    frames: Mapping[Parts, list[Parts]]
    notes: tuple[str, ...] = ()


def holds_films(path: Path) -> bool:
    """Whether what lies at `path` can only be clips: a film, or a folder or zip of at least as many as images."""
    if path.is_file() and path.suffix.lower() != ".zip":
        return path.suffix.lower() in FILMS
    names = [parts for parts, is_file in open_files(path).entries.items() if is_file]
    films = sum(map(is_film, names))
    return films > 0 and films >= sum(map(is_image, names))


def list_clips(path: Path, folders: bool) -> Listing:
    """The clips at `path`: a file alone, or below a folder or in a zip.

    Args:
        path: Where to look.
        folders: Whether animated images and folders of images are clips too; by default only films are.

    Raises:
        DataError: There are none.
    """
    if path.is_file() and path.suffix.lower() != ".zip":
        root, name = path.absolute().parent, (path.name,)
        one = Files(path.parent, {name: True}, lambda parts: root.joinpath(*parts).read_bytes(), root=root)
        return Listing(dataclasses.replace(one, plural="clips", listed=(name,)), {})
    files = open_files(path)
    names = [parts for parts, is_file in files.entries.items() if is_file]
    clips, frames, passed_over = [parts for parts in names if is_film(parts)], dict[Parts, list[Parts]](), 0
    images = [parts for parts in names if is_image(parts)]
    if folders:
        moving = [parts for parts in images if _moves(files, parts)]
        clips += moving
        for parts in set(images) - set(moving):
            frames.setdefault(parts[:-1], []).append(parts)
        # A picture beside clips is a cover; a folder that is nothing but pictures is a clip.
        covers = {folder for folder in frames if any(clip[: len(folder)] == folder for clip in clips)}
        covers |= {outer for outer in frames for inner in frames if inner != outer and inner[: len(outer)] == outer}
        passed_over = sum(len(frames.pop(folder)) for folder in covers)
    else:
        passed_over = len(images)
    for folder in frames:
        frames[folder].sort(key=_natural)
    whole = frames.pop((), None)  # The folder itself is one clip: it goes by its own name.
    if whole is not None:
        frames[(path.name,)] = whole
    listed = [*clips, *frames]
    if not listed:
        raise DataError(f"{path} holds no clips. Understood are {' '.join(SUFFIXES)} and folders of frames.")
    inside = {frame for members in frames.values() for frame in members}
    kept = {p: is_file for p, is_file in files.entries.items() if p not in inside and not (is_file and is_image(p))}
    kept |= dict.fromkeys(listed, True)
    found = dataclasses.replace(
        files,
        entries=kept,
        plural="clips",
        listed=tuple(listed),
        depth=common_depth(listed) if files.root is None else 0,
    )
    count = "1 image beside the clips was" if passed_over == 1 else f"{passed_over:,} images beside the clips were"
    notes = (f"{count} passed over.",) if passed_over else ()
    return Listing(found, frames, notes)


def list_moving(files: Files) -> list[Parts]:
    """The files that are clips by themselves, in the order of their names: films, and images of several pictures."""
    names = [parts for parts, is_file in files.entries.items() if is_file]
    return sorted(parts for parts in names if is_film(parts) or (_may_move(parts) and count_pictures(files, parts) > 1))


def count_pictures(files: Files, parts: Parts) -> int:
    """How many pictures an image file holds; of one that cannot be read 1, for that is reported where all are read."""
    try:
        with files.open(parts) as file, Image.open(file, formats=FORMATS) as image:
            return getattr(image, "n_frames", 1)
    except Exception:  # Decoders raise whatever a damaged file leads them to.
        return 1


def _may_move(parts: Parts) -> bool:
    return parts[-1].lower().endswith(ANIMATIONS)


def _moves(files: Files, parts: Parts) -> bool:
    """Whether an image file is of a kind that moves; of .webp, which may be stills, the file is asked."""
    stills = parts[-1].lower().endswith(".webp")
    return _may_move(parts) and (not stills or count_pictures(files, parts) > 1)


def _natural(parts: Parts) -> list[tuple[int, str]]:
    """Sorts frame 2 before frame 10."""
    return [(int(word), "") if word.isdigit() else (-1, word) for word in re.split(r"(\d+)", parts[-1])]
