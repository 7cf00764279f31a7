"""Images and clips in files, each changed and written under its own name."""

import collections
import contextlib
import io
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.applications.frames import GIF, Unplayable, change_clip, ending
from sparring.bundle.films import STREAMED
from sparring.bundle.pictures import picture
from sparring.bundle.translation import TranslationBundle
from sparring.data.clips.decoding import Film, require_av
from sparring.data.clips.listing import Listing, list_moving
from sparring.data.files import FILMS, Files, Parts, is_film, is_image, open_files
from sparring.data.images.folder import why_unreadable
from sparring.data.images.pixels import EXTENSIONS, Half, decode, decoding, half_of
from sparring.errors import DataError, UsageError, few
from sparring.files import replace_file

# How files are written, by their endings; others become PNG.
FORMATS: dict[str, tuple[str, dict]] = {
    ".png": ("PNG", {}),
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".webp": ("WEBP", {"quality": 95}),
    ".bmp": ("BMP", {}),
}
AT_ONCE = 16  # Images of one size that are translated together.

Progress = Callable[[str, int, int], None]


def each_image(
    change: Callable[[np.ndarray], np.ndarray],
    path: Path,
    folder: Path,
    named: bool,
    bundle: TranslationBundle,
    progress: Progress,
    say: Callable[[str], None],
    half: Half | None = None,
) -> Path:
    """Writes what `change` makes of an image or a clip, or of all in a folder or zip, under their own names.

    Args:
        change: From uint8 (n, height, width, channels) to as many of the same.
        path: Of the images.
        folder: A file for one image where it is `named` so, else a folder.
        named: Whether the user has named it.
        bundle: What translates: it says how many channels and at least how many pixels an image must have.
        progress: Called with what is done, how many images and frames are, and of how many; of 1 where a file does
            not say how many frames it has.
        say: Called with each sentence a user should see.
        half: Of every image that alone is changed; all of it by default.
    """
    files, images, clips = _find(path)
    alone = path.is_file() and path.suffix.lower() != ".zip"
    targets = _targets(path, folder, images, clips, alone, named)
    films = {parts: Film(Listing(files, {}), parts) for parts in clips}
    said = {parts: film.count() for parts, film in films.items()}
    told = _Told(progress, [1] * len(images) + list(said.values()))
    unreadable: dict[Parts, str] = {}

    def prepare(pixels: np.ndarray) -> np.ndarray:
        if min(pixels.shape[:2]) < bundle.smallest:
            raise ValueError(
                f"{pixels.shape[0]}x{pixels.shape[1]} pixels, at least {bundle.smallest} a side are needed"
            )
        return with_channels(pixels, bundle.spec.shape[-1])

    with decoding():
        for group in _grouped(_decoded(files, images, prepare, unreadable, half)):
            changed = change(np.stack([pixels for _, pixels in group]))
            for (parts, _), image in zip(group, changed, strict=True):
                _write(image, targets[parts])
            told.add(len(group))
        told.add(len(unreadable))

        def prepare_frame(pixels: np.ndarray) -> np.ndarray:
            return prepare(pixels if half is None else half_of(pixels, half))

        for parts, film in films.items():
            try:
                with told.counting(said[parts]):
                    change_clip(film, targets[parts], prepare_frame, change, AT_ONCE, told.add)
            except Unplayable as error:
                unreadable[parts] = str(error)
    if sounding := ["/".join(parts) for parts, film in films.items() if film.has_sound and parts not in unreadable]:
        say(f"Sound is left out, that of {few(sounding)}.")
    if unreadable:
        raise _unreadable_error(path, folder, unreadable, len(images), len(clips))
    return targets[(images + clips)[0]] if alone else folder


class _Told:
    """Tells how many images and frames are done.

    Args:
        progress: As of `translate`.
        counts: How many the files say they have, None where one does not say.
    """

    def __init__(self, progress: Progress, counts: Sequence[int | None]):
        self.progress, self.done, self.known = progress, 0, None not in counts
        self.total = sum(count or 0 for count in counts)

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        if count:
            self.progress("translating", self.done, max(self.done, self.total) if self.known else 1)

    @contextlib.contextmanager
    def counting(self, said: int | None) -> Iterator[None]:
        """For a clip that says it has so many: when it is at its end, as many as there were are counted."""
        before = self.done
        try:
            yield
        finally:
            self.total += self.done - before - (said or 0)


def _targets(
    path: Path, folder: Path, images: list[Parts], clips: list[Parts], alone: bool, named: bool
) -> dict[Parts, Path]:
    """The file that each image and clip is written to; raises UsageError where it cannot be."""
    endings = {parts: ending(parts) for parts in clips}
    to_file = alone and named and bool(folder.suffix)
    if folder.resolve() == (path if to_file or not alone else path.parent).resolve():
        raise UsageError(f"`out` would overwrite the images. Received: {os.fspath(folder)!r}")
    if to_file and not clips:
        _format(folder)
    elif to_file and folder.suffix.lower() not in {*endings.values(), GIF}:
        shown = " or ".join(dict.fromkeys([*endings.values(), GIF]))
        raise UsageError(f"`out` of this clip must end in {shown}, or be a folder. Received: {os.fspath(folder)!r}")
    elif not to_file and folder.suffix.lower() in {*FORMATS, *STREAMED}:
        raise UsageError(f"`out` must be a folder for several images. Received: {os.fspath(folder)!r}")
    if to_file:
        return dict.fromkeys(images + clips, folder)
    names = {parts: Path(*parts).with_suffix(endings.get(parts) or _suffix(parts)) for parts in images + clips}
    taken = collections.Counter(names.values())
    return {
        parts: folder
        / (name if taken[name] == 1 or name.name == parts[-1] else Path(*parts[:-1], parts[-1] + name.suffix))
        for parts, name in names.items()
    }


def _unreadable_error(
    path: Path, folder: Path, unreadable: dict[Parts, str], num_images: int, num_clips: int
) -> DataError:
    total = num_images + num_clips
    if total == 1:
        (reason,) = unreadable.values()
        return DataError(f"{path} could not be read as {'a clip' if num_clips else 'an image'}: {reason}.")
    names = [f"{'/'.join(parts)} ({reason})" for parts, reason in unreadable.items()]
    kinds = " or ".join(["images"] * (num_images > 0) + ["clips"] * (num_clips > 0))
    done = total - len(names)
    others = f"The others, {done}, were translated to {folder}." if done else "Nothing was written."
    return DataError(f"{len(names)} of {total} files in {path} could not be read as {kinds}: {few(names)}. {others}")


def _find(path: Path) -> tuple[Files, list[Parts], list[Parts]]:
    """The images and the clips of a folder or a zip, or the one file."""
    files = _open(path, EXTENSIONS + FILMS, "an image or a clip")
    clips = list_moving(files)
    if any(map(is_film, clips)):
        require_av()  # Else every single file would be named as unreadable.
    names = {parts for parts, is_file in files.entries.items() if is_file and is_image(parts)}
    if not names and not clips:
        raise DataError(f"{path} holds no images and no clips. Understood are {' '.join(EXTENSIONS + FILMS)}")
    return files, sorted(names - set(clips)), clips


def find_images(path: Path) -> tuple[Files, list[Parts]]:
    """The images of a folder or a zip, or the one file."""
    files = _open(path, EXTENSIONS, "an image")
    return files, files.images


def _open(path: Path, endings: tuple[str, ...], what: str) -> Files:
    if not path.exists():
        raise DataError(f"{path} does not exist. Expected {what}, or a folder or zip of them.")
    if path.is_dir() or path.suffix.lower() == ".zip":
        return open_files(path)
    if path.suffix.lower() not in endings:
        raise DataError(f"{path} must be {what} ({' '.join(endings)}), or a folder or zip of them.")
    return Files(path, {(path.name,): True}, lambda parts: path.read_bytes(), root=path.absolute().parent)


def _decoded(
    files: Files,
    chosen: list[Parts],
    prepare: Callable[[np.ndarray], np.ndarray],
    unreadable: dict[Parts, str],
    half: Half | None,
) -> Iterator[tuple[Parts, np.ndarray]]:
    """Each image as `prepare` makes it; what cannot be read, or it refuses, is added to `unreadable`."""
    for parts in chosen:
        try:
            prepared = prepare(decode(files.read(parts), half=half)[0])
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            unreadable[parts] = why_unreadable(error)
            continue
        yield parts, prepared


def with_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """uint8 (height, width, 1 or 3) made grey or coloured."""
    if pixels.shape[-1] != channels:
        pixels = np.asarray(picture(pixels).convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], -1)


def _grouped(images: Iterator[tuple[Parts, np.ndarray]]) -> Iterator[list[tuple[Parts, np.ndarray]]]:
    """Neighbours of one size, at most so many: one call for each would take longer."""
    for _, same in itertools.groupby(images, key=lambda named: named[1].shape):
        while group := list(itertools.islice(same, AT_ONCE)):
            yield group


def _suffix(parts: Parts) -> str:
    """Of the file that an image is written to."""
    suffix = Path(parts[-1]).suffix
    return suffix if suffix.lower() in FORMATS else ".png"


def _format(path: Path) -> tuple[str, dict]:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"`out` must end in {', '.join(FORMATS)}, or be a folder. Received: {os.fspath(path)!r}")
    return FORMATS[suffix]


def _write(image: np.ndarray, path: Path):
    kind, options = _format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    shown: Image.Image = picture(image)
    shown.save(buffer, kind, **options)
    replace_file(path, buffer.getvalue())
