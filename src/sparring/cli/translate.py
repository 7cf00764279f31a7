"""`sparring translate`: images of one domain, and clips of them, made into images of another."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import RunFolder, Trust
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend


def translate(
    run: RunFolder,
    images: Annotated[
        Path, typer.Argument(metavar="IMAGES", help="An image or a video file, or a folder or zip of them.")
    ],
    to: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="What they become; by default the second domain of the run.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="A folder, or a file for one image or clip; RUN/translated by default."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of the style that a run of styles draws; the same seed, the same style.")
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="IMAGES show pairs side by side: translate the half that is to be.")
    ] = False,
    trust: Trust = False,
) -> None:
    """Translate IMAGES, of any size, by what RUN has learnt; they keep their names.

    Clips are translated frame by frame, at their own rate and without sound: video files become .mp4, moving GIFs
    stay .gif.
    """
    require_backend()

    from rich.console import Console

    from sparring.cli.stages import Stages

    with quiet_import():
        from sparring.applications.translate import translate as translate_application

    with Stages(Console(stderr=True)) as stages:
        written = translate_application(
            run, images, to=to, out=out, seed=seed, pairs=pairs, trust=trust, progress=stages, say=stages.say
        )
    typer.echo(f"Wrote {written}")
