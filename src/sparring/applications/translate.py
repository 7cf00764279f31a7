"""Images of one domain, and clips of them, in files, made into images of another."""

import os
from collections.abc import Callable
from pathlib import Path

from sparring.applications.changing import Progress, each_image
from sparring.applications.sample import load
from sparring.bundle.styles import StyleBundle
from sparring.bundle.translation import TranslationBundle
from sparring.data.images.domains import HALVES
from sparring.data.images.pixels import Half
from sparring.errors import UsageError


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
    say: Callable[[str], None] = print,
) -> Path:
    """Translates an image or a clip, or all in a folder or zip, each at its own size; they keep their names.

    Video files become .mp4, images that move .gif, both at their own rate and without sound; of a clip only a few
    frames at a time are in memory. Where two would be one file, the ending stays in the name: `a.avi.mp4`.

    Args:
        run: Folder of a run or a bundle.
        source: An image or video file, or a folder or zip of them; sub-folders stay as they are.
        to: Name of the domain that images become images of; the only one, or the second, by default.
        out: A file for one image or clip, else a folder; by default `translated` in `run`.
        seed: Of the style that a run of styles draws, the same for all images and frames; 0 by default.
        pairs: Whether images show a pair side by side, as those that the run was trained on did: the half that is to
            be translated is, and the other left out.
        trust: Also load a bundle that names somebody else's recipe, which runs that recipe's code.
        progress: Called with what is done, how many images and frames are, and of how many; of 1 where a file does
            not say how many frames it has.
        say: Called with each sentence a user should see.

    Returns:
        What was written: a file for one image or clip, else a folder.

    Raises:
        UsageError: The bundle does not translate, or not to that domain, or `out` would overwrite the images.
        DataError: There are no images and no clips, or some cannot be read, the others being translated; or video
            files need PyAV, which is not installed.

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
        bundle,
        progress,
        say,
        half,
    )
