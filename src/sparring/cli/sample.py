"""`sparring sample`: new examples from a run or a bundle."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import RunFolder, Trust
from sparring.cli.pairs import parse_pairs
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend


def sample(
    run: RunFolder,
    n: Annotated[int | None, typer.Option("-n", metavar="N", min=1, help="How many. [default: 64, of clips 8]")] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only of this class. Repeatable.", show_default=False)
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=LEVEL", help="Of a table: only rows of this level. Repeatable.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed draws the same examples.")] = 0,
    truncation: Annotated[
        float | None, typer.Option(metavar="T", help="Below 1: closer to the average, less varied.")
    ] = None,
    interpolate: Annotated[
        int | None, typer.Option(metavar="FRAMES", min=2, help="Walk from example to example in so many frames.")
    ] = None,
    frames: Annotated[
        int | None, typer.Option(metavar="FRAMES", min=1, help="Of clips: how long; by default as trained.")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Of clips: the last frame leads on to the first.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="A grid (.png), a folder, arrays (.npz), an animation (.gif, of clips .mp4 too), a table (.csv).",
        ),
    ] = None,
    trust: Trust = False,
) -> None:
    """Draw new examples from RUN and write them to a file."""
    wanted = parse_pairs("--where", where)
    require_backend()

    with quiet_import():
        from sparring.applications.sample import sample as sample_application

    written = sample_application(
        run,
        n=n,
        labels=label,
        where=wanted and {name: level or None for name, level in wanted.items()},
        seed=seed,
        truncation=truncation,
        interpolate=interpolate,
        frames=frames,
        loop=loop,
        out=out,
        trust=trust,
        say=typer.echo,
    )
    typer.echo(f"Wrote {written}")
