"""`sparring stylize`: the content of one image in the style of another."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import RunFolder, Trust
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend


def stylize(
    run: RunFolder,
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="An image, or a folder or zip of them.")],
    style: Annotated[
        Path, typer.Option(metavar="IMAGE", help="The reference; a folder or zip of them makes a picture of all.")
    ],
    to: Annotated[
        str | None, typer.Option(metavar="DOMAIN", help="What the reference is; by default the name of its folder.")
    ] = None,
    strength: Annotated[
        float, typer.Option(min=0, max=1, help="From 0, the style of the content itself, to 1, the reference's.")
    ] = 1.0,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A folder, or a file for one image; RUN/stylized by default.")
    ] = None,
    trust: Trust = False,
) -> None:
    """Make CONTENT, of any size, anew in the style of a reference; images keep their names.

    With several references one picture is written: contents down the side, references along the top.
    """
    require_backend()

    from rich.console import Console

    from sparring.cli.stages import Stages

    with quiet_import():
        from sparring.applications.stylize import stylize as stylize_application

    with Stages(Console(stderr=True)) as stages:
        written = stylize_application(
            run, content, style, to=to, strength=strength, out=out, trust=trust, progress=stages, say=stages.say
        )
    typer.echo(f"Wrote {written}")
