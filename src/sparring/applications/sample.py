"""New samples from a run or a bundle."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sparring.applications.clips import save_clips
from sparring.bundle.bundle import Bundle
from sparring.bundle.images import ImageBundle
from sparring.bundle.loading import load_bundle
from sparring.bundle.pictures import grid, save_animation, save_folder, save_grid, save_npz
from sparring.bundle.tables import TableBundle, Where, save_table
from sparring.bundle.translation import TranslationBundle
from sparring.bundle.video import VideoBundle
from sparring.errors import UsageError
from sparring.recipes.rebuild import rebuild_networks

MILLISECONDS = 60  # A frame of an interpolation.


def load(path: str | os.PathLike[str], *, trust: bool = False) -> Bundle:
    """The bundle in a run's or a bundle's folder; nothing in it is executed.

    Args:
        path: The folder.
        trust: Also load a bundle that names somebody else's recipe, which runs that recipe's code.

    Raises:
        BundleError: It is damaged, too large, or not trusted.

    Example:
        >>> images = sparring.load("runs/digits-r3gan").sample(16, labels=3)
    """
    return load_bundle(path, rebuild_networks, trust=trust)


def sample(
    run: str | os.PathLike[str],
    *,
    n: int | None = None,
    labels: Sequence[str] | None = None,
    where: Where = None,
    seed: int = 0,
    truncation: float | None = None,
    interpolate: int | None = None,
    frames: int | None = None,
    loop: bool = False,
    out: str | os.PathLike[str] | None = None,
    trust: bool = False,
    say: Callable[[str], None] = print,
) -> Path:
    """Draws samples and writes them.

    Args:
        run: Folder of a run or a bundle.
        n: Number of samples, 64 by default, of clips 8; with `interpolate`, of walks side by side.
        labels: Of images and clips, classes by name or number, taken in turn; all by default.
        where: Of rows, levels by name of a column that all shall have, `{"income": ">50K"}`.
        seed: The same seed gives the same samples.
        truncation: Of images, as in `ImageBundle.latents`.
        interpolate: Of images, frames of an animation that walks between latents.
        frames: Of a clip; by default as many as those that were trained on have.
        loop: Of clips, whether the last frame leads on to the first, see `VideoBundle.angles`.
        out: Of images a grid (`.png`, `.webp`), arrays (`.npz`), an animation (`.gif`, `.webp`), or else a folder of
            PNGs; of clips as in `save_clips`; of rows a table (`.csv`, `.parquet`). By default `samples.png`,
            `walk.gif`, a folder `clips` or `samples.csv` in `run`.
        say: Called with each sentence a user should see.

    Returns:
        What was written.

    Raises:
        UsageError: An argument does not suit the bundle.
    """
    bundle = load(run, trust=trust)
    n = (8 if isinstance(bundle, VideoBundle) else 64) if n is None else n
    of_clips = {"frames": frames, "loop": loop}
    if isinstance(bundle, VideoBundle):
        _refuse({"truncation": truncation, "interpolate": interpolate}, "images, and this bundle makes clips")
        _refuse({"where": where}, "tables, and this bundle makes clips")
        target = Path(out) if out is not None else Path(run) / "clips"
        for sentence in save_clips(bundle, n, target, seed=seed, labels=_labels(bundle, labels), **of_clips):
            say(sentence)
        return target
    _refuse(of_clips, "clips, and this bundle makes none")
    if isinstance(bundle, TableBundle):
        others = {"labels": labels, "truncation": truncation, "interpolate": interpolate}
        _refuse(others, "images, and this bundle makes tables")
        target = Path(out) if out is not None else Path(run) / "samples.csv"
        save_table(bundle.parts(n, seed=seed, where=where), target)
        return target
    if isinstance(bundle, TranslationBundle):
        raise UsageError(
            f"This bundle translates images and draws none by itself. Use: sparring translate {os.fspath(run)} IMAGES"
        )
    assert isinstance(bundle, ImageBundle)
    _refuse({"where": where}, "tables, and this bundle makes images")
    target = Path(out) if out is not None else Path(run) / ("walk.gif" if interpolate else "samples.png")
    chosen = _labels(bundle, labels)
    if interpolate:
        if truncation is not None:
            raise UsageError("`truncation` and `interpolate` do not go together: leave one of them out.")
        walk = bundle.interpolate(interpolate, n, seed=seed, labels=chosen)
        save_animation([grid(frame) for frame in walk], target, MILLISECONDS, hold_milliseconds=0)
    else:
        _save_images(bundle, bundle.sample(n, seed=seed, labels=chosen, truncation=truncation), chosen, target)
    return target


def _refuse(arguments: Mapping[str, Any], meant_for: str):
    for name, value in arguments.items():
        if value:
            raise UsageError(f"`{name}` is for {meant_for}. Received: {name}={value!r}")


def _save_images(bundle: ImageBundle, images: np.ndarray, labels, target: Path):
    suffix = target.suffix.lower()
    numbers = bundle.labels_for(len(images), labels)
    if suffix == ".npz":
        save_npz(images, numbers, target)
    elif suffix in (".png", ".webp"):
        save_grid(images, target)
    elif not suffix:
        names = None if numbers is None else [bundle.classes[number] for number in numbers]
        save_folder(images, target, names)
    else:
        raise UsageError(f"`out` must end in .png, .webp or .npz, or be a folder. Received: {os.fspath(target)!r}")


def _labels(bundle: ImageBundle | VideoBundle, labels: Sequence[str] | None) -> list[str | int] | None:
    """Class names as they are; what is no name but a number, as the number of a class."""
    if labels is None:
        return None
    classes = bundle.classes
    return [int(label) if label not in classes and label.isdecimal() else label for label in labels]
