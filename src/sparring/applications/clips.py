"""Films of new clips, and of what is shown and how it moves apart."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from sparring.bundle.films import ANIMATIONS, FILM, can_film, save_film, save_sheet
from sparring.bundle.pictures import STILLS, save_npz
from sparring.bundle.video import VideoBundle
from sparring.errors import UsageError

NO_FILM = "There is no .mp4, for PyAV is not installed: pip install 'sparring[video]'."


def save_clips(bundle: VideoBundle, n: int, target: Path, **how: Any) -> tuple[str, ...]:
    """Draws clips and writes them.

    Args:
        bundle: What draws them.
        n: Number of clips.
        target: A film (`.mp4`, `.gif`, `.webp`), a sheet of frames, one row a clip (`.png`), arrays (`.npz`), or else a
            folder: of a film of all clips side by side as .gif and .mp4, the sheet, and two more films, one of the same
            content with other motions, one of the same motion with other contents.
        **how: The other arguments of `VideoBundle.sample`.

    Returns:
        What a user should know, a sentence each.

    Raises:
        UsageError: `target` has another ending, or an argument does not suit the bundle.
    """
    suffix, rate = target.suffix.lower(), bundle.spec.frame_rate
    if suffix not in (*ANIMATIONS, FILM, *STILLS, ".npz", ""):
        raise UsageError(
            f"`out` of clips must end in .mp4, .gif, .webp, .png or .npz, or be a folder. Received: "
            f"{os.fspath(target)!r}"
        )
    clips = bundle.sample(n, **how)
    if suffix == ".npz":
        save_npz(clips, bundle.labels_for(n, how.get("labels")), target, "clips")
    elif suffix in (*ANIMATIONS, FILM):
        save_film(clips, target, rate)
    elif suffix:
        save_sheet(clips, target)
    else:
        return _save_folder(bundle, clips, target, how)
    return ()


def _save_folder(bundle: VideoBundle, clips: np.ndarray, folder: Path, how: dict[str, Any]) -> tuple[str, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    films = {
        "clips": clips,
        "same-content": bundle.sample(len(clips), content=0, **how),
        "same-motion": bundle.sample(len(clips), motion=0, **how),
    }
    for name, found in films.items():
        for suffix in (".gif", FILM) if can_film() else (".gif",):
            save_film(found, folder / f"{name}{suffix}", bundle.spec.frame_rate)
        save_sheet(found, folder / f"{name}.png")
    return () if can_film() else (NO_FILM,)
