"""Images of one domain, in files, made into images of another."""

import io
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.applications.sample import load
from sparring.bundle.pictures import picture
from sparring.bundle.styles import StyleBundle
from sparring.bundle.translation import TranslationBundle
from sparring.data.files import Files, Parts, open_files
from sparring.data.images.domains import HALVES
from sparring.data.images.folder import why_unreadable
from sparring.data.images.pixels import EXTENSIONS, Half, decode, decoding
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


def translate(
    run: str | os.PathLike[str],
    source: str | os.PathLike[str],
    *,
    to: str | None = None,
    out: str | os.PathLike[str] | None = None,
    seed: int | None = None,
    pairs: bool = False,
    trust: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Path:
    """Translates an image, or all in a folder or zip, each at its own size, and writes them under their own names.

    Args:
        run: Folder of a run or a bundle.
        source: An image file, or a folder or zip of them; sub-folders stay as they are.
        to: Name of the domain that images become images of; the only one, or the second, by default.
        out: A file for one image, else a folder; by default `translated` in `run`.
        seed: Of the style that a run of styles draws, the same for all images; 0 by default.
        pairs: Whether images show a pair side by side, as those that the run was trained on did: the half that is to
            be translated is, and the other left out.
        trust: Also load a bundle that names somebody else's recipe, which runs that recipe's code.
        progress: Called with what is done, how many are, and of how many.

    Returns:
        What was written: a file for one image, else a folder.

    Raises:
        UsageError: The bundle does not translate, or not to that domain, or `out` would overwrite the images.
        DataError: There are no images, or some cannot be read; the others are translated.

    Example:
        >>> translate("runs/summer-winter-fastcut", "photos/", out="winter/")
    """
    bundle = load(run, trust=trust)
    if not isinstance(bundle, TranslationBundle):
        raise UsageError(
            f"`translate` needs a run of two domains, such as one of fastcut. Received: {os.fspath(run)!r}, of "
            f"{bundle.record.spec.kind} data"
        )
    target = bundle.target(to)
    if seed is not None and not isinstance(bundle, StyleBundle):
        raise UsageError(f"{bundle.record.recipe} draws no styles: leave out `seed`. Received: seed={seed}")
    if pairs and bundle.spec.domains != HALVES:
        raise UsageError(
            f"`pairs` needs a run that was trained on pairs side by side, of {' and '.join(HALVES)}. Received: a "
            f"run of {' and '.join(bundle.spec.domains)}"
        )
    half: Half | None = HALVES[bundle.spec.place(bundle.ways[target])] if pairs else None
    more = {"seed": seed or 0} if isinstance(bundle, StyleBundle) else {}
    return each_image(
        lambda images: bundle.translate(images, target, **more),
        Path(source).expanduser(),
        Path(run) / "translated" if out is None else Path(out),
        out is not None,
        bundle.spec.shape[-1],
        progress,
        half,
    )


def each_image(
    change: Callable[[np.ndarray], np.ndarray],
    path: Path,
    folder: Path,
    named: bool,
    channels: int,
    progress: Progress,
    half: Half | None = None,
) -> Path:
    """Writes what `change` makes of an image, or of all in a folder or zip, under their own names.

    Args:
        change: From uint8 (n, height, width, channels) to as many of the same.
        path: Of the images.
        folder: A file for one image where it is `named` so, else a folder.
        named: Whether the user has named it.
        channels: That images are to have.
        progress: As of `translate`.
        half: Of every image that alone is changed; all of it by default.
    """
    files, chosen = find_images(path)
    alone = path.is_file() and path.suffix.lower() in EXTENSIONS
    to_file = alone and named and bool(folder.suffix)
    if to_file:
        _format(folder)
    elif folder.suffix.lower() in FORMATS:
        raise UsageError(f"`out` must be a folder for several images. Received: {os.fspath(folder)!r}")
    if folder.resolve() == (path if to_file or not alone else path.parent).resolve():
        raise UsageError(f"`out` would overwrite the images. Received: {os.fspath(folder)!r}")
    unreadable: dict[Parts, str] = {}
    written, done = folder, 0
    with decoding():
        read = _decoded(files, chosen, channels, unreadable, half)
        for group in _grouped(read):
            images = change(np.stack([pixels for _, pixels in group]))
            for (parts, _), image in zip(group, images, strict=True):
                written = folder if to_file else _named(folder.joinpath(*parts))
                _write(image, written)
            done += len(group)
            progress("translating", done + len(unreadable), len(chosen))
    if unreadable:
        names = [f"{'/'.join(parts)} ({reason})" for parts, reason in unreadable.items()]
        raise DataError(
            f"{len(names)} of {len(chosen)} files in {path} could not be read as images: {few(names)}. "
            f"The others, {done}, were translated{f' to {folder}' if done else ''}."
        )
    return written if alone else folder


def find_images(path: Path) -> tuple[Files, list[Parts]]:
    """The images of a folder or a zip, or the one file."""
    if not path.exists():
        raise DataError(f"{path} does not exist. Expected an image, or a folder or zip of them.")
    if path.is_dir() or path.suffix.lower() == ".zip":
        files = open_files(path)
        return files, files.images
    if path.suffix.lower() not in EXTENSIONS:
        raise DataError(f"{path} must be an image ({' '.join(EXTENSIONS)}), or a folder or zip of them.")
    return Files(path, {(path.name,): True}, lambda parts: path.read_bytes()), [(path.name,)]


def _decoded(
    files: Files, chosen: list[Parts], channels: int, unreadable: dict[Parts, str], half: Half | None
) -> Iterator[tuple[Parts, np.ndarray]]:
    """Each image with the channels that the bundle takes; what cannot be read is added to `unreadable`."""
    for parts in chosen:
        try:
            pixels, _ = decode(files.read(parts), half=half)
        except Exception as error:  # Decoders raise whatever a damaged file leads them to.
            unreadable[parts] = why_unreadable(error)
            continue
        yield parts, with_channels(pixels, channels)


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


def _named(path: Path) -> Path:
    return path if path.suffix.lower() in FORMATS else path.with_suffix(".png")


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
