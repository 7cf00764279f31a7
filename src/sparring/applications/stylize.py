"""Images in files made into images of another domain, in the style of a reference."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sparring.applications.changing import Progress, each_image, find_images, with_channels
from sparring.applications.sample import load
from sparring.bundle.pictures import save_grid
from sparring.bundle.styles import StyleBundle, style_matrix
from sparring.data.files import Parts
from sparring.data.images.folder import why_unreadable
from sparring.data.images.pixels import decode, decoding
from sparring.data.spec import DomainsSpec
from sparring.errors import DataError, UsageError

MOST = 32  # Contents, or references, in one picture.
STILLS = (".png", ".webp")


def stylize(
    run: str | os.PathLike[str],
    content: str | os.PathLike[str],
    style: str | os.PathLike[str],
    *,
    to: str | None = None,
    strength: float = 1.0,
    out: str | os.PathLike[str] | None = None,
    trust: bool = False,
    progress: Progress = lambda what, done, total: None,
    say: Callable[[str], None] = print,
) -> Path:
    """Makes an image, or all in a folder or zip, anew in the style of a reference, and writes them.

    With one reference every image keeps its size and its name, and so do clips, as in `translate`. With several, one
    picture is written: contents down the side, references along the top, all at the size that was trained at.

    Args:
        run: Folder of a run or a bundle of a recipe that learns styles, such as stargan_v2.
        content: An image file, or a folder or zip of them.
        style: The reference, an image file; or a folder or zip of them.
        to: Name of the domain that the reference is of; by default that of the folder in which it lies.
        strength: From 0, the style that an image has itself, to 1, that of the reference.
        out: A file for one image, a .png or .webp file for a picture of many, else a folder; by default `stylized`, or
            `stylized.png`, in `run`.
        trust: Also load a bundle that names somebody else's recipe, which runs that recipe's code.
        progress: As of `translate`.
        say: As of `translate`.

    Returns:
        What was written: a file or a folder.

    Raises:
        UsageError: The bundle has no styles, or no such domain, or nothing says which the reference is of, or `out`
            would overwrite the images.
        DataError: There are no images, or some cannot be read.

    Example:
        >>> stylize("runs/faces-stargan_v2", "me.png", "anime/7.png", out="new.png")
    """
    bundle = load(run, trust=trust)
    if not isinstance(bundle, StyleBundle):
        instead = "; use `sparring translate`" if bundle.record.spec.kind == "domains" else ""
        raise UsageError(
            f"{os.fspath(run)} is of {bundle.record.recipe}, which is trained without references{instead}."
        )
    if to is not None:
        bundle.spec.place(to)
    path, reference = Path(content).expanduser(), Path(style).expanduser()
    references, names = _read(reference, bundle.spec.shape)
    domains = [to] * len(references) if to is not None else _domains(reference, names, bundle.spec)
    if len(references) == 1:
        code = bundle.styles(references, domains[0])
        return each_image(
            lambda images: bundle.translate(images, style=code, strength=strength),
            path,
            Path(run) / "stylized" if out is None else Path(out),
            out is not None,
            bundle,
            progress,
            say,
        )
    written = Path(run) / "stylized.png" if out is None else Path(out)
    if written.suffix.lower() not in STILLS:
        raise UsageError(
            f"`out` must end in {' or '.join(STILLS)}: several references make one picture. Received: "
            f"{os.fspath(written)!r}"
        )
    contents, _ = _read(path, bundle.spec.shape)
    written.parent.mkdir(parents=True, exist_ok=True)
    save_grid(style_matrix(bundle, contents, references, domains, strength), written, len(references) + 1)
    return written


def _domains(path: Path, chosen: list[Parts], spec: DomainsSpec) -> list[str]:
    """For each of the references in `path` the domain that its folder is named after."""
    inside = path.stem if path.suffix.lower() == ".zip" else path.parent.name if path.is_file() else path.name
    found = [parts[-2] if len(parts) > 1 else inside for parts in chosen]
    if unknown := sorted(set(found) - set(spec.domains)):
        raise UsageError(
            f"`to` must say which domain the reference is of, {', '.join(spec.domains)[:200]}: it lies in a folder "
            f"named after none. Received: {unknown[0]!r}"
        )
    return found


def _read(path: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, list[Parts]]:
    """The images of a file, a folder or a zip, cropped and resized to `shape`, and where in it they lie.

    Raises:
        DataError: There are none, too many for a picture, or one cannot be read.
    """
    files, chosen = find_images(path)
    if len(chosen) > MOST:
        raise DataError(
            f"A picture shows at most {MOST} contents and {MOST} references. Received: {len(chosen)} in {path}"
        )
    found = []
    with decoding():
        for parts in chosen:
            try:
                pixels, _ = decode(files.read(parts), shape[:2])
            except Exception as error:  # Decoders raise whatever a damaged file leads them to.
                raise DataError(
                    f"{path} could not be read as an image: {'/'.join(parts)} ({why_unreadable(error)})."
                ) from error
            found.append(with_channels(pixels, shape[2]))
    return np.stack(found), chosen
