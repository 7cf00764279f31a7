"""`sparring inspect`: what is in a source of data, before it is trained on."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import Columns, DataDir, Frames, Sources, Stride, Target
from sparring.cli.pairs import parse_pairs
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend
from sparring.recipes.catalog import find_recipe


def inspect(
    source: Sources,
    size: Annotated[
        str | None, typer.Option(metavar="SIDE", help="What it would be trained at: 64, or 48x64 (height x width).")
    ] = None,
    frames: Frames = None,
    stride: Stride = None,
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a contact sheet of up to 100 pictures there.")
    ] = None,
    target: Target = None,
    column: Columns = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What it would be trained by: tried for some seconds to say how long it takes. One of translation "
            "makes domains of sub-folders.",
        ),
    ] = None,
) -> None:
    """Look at SOURCE before it is trained on.

    Says what is there, what `train` would make of it, and what makes training fail: too few images, copies, classes
    out of balance, unreadable files.
    """
    if recipe is not None:
        find_recipe(recipe)  # Now: else a wrong word would be answered after the data is read.
    require_backend()

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sparring.cli.stages import Stages

    with quiet_import():
        from sparring.applications.inspecting.inspect import inspect as inspect_application

    columns, one = parse_pairs("--column", column), source[0] if len(source) == 1 else source
    with Stages(Console(stderr=True)) as stages:
        stages("looking" if recipe is None else f"looking, and trying {recipe}", 0, 1)
        found = inspect_application(
            one,
            size=size,
            frames=frames,
            stride=stride,
            data_dir=data_dir,
            out=out,
            target=target,
            columns=columns,
            recipe=recipe,
        )
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in found.facts().items():
        table.add_row(Text(name), Text(text))
    console.print(Text(found.name))
    console.print(table)
    for heading, sentences in (("", (*found.notes, *found.training)), ("Warnings", found.warnings)):
        if not sentences:
            continue
        console.print(Text(f"\n{heading}" if heading else ""))
        points = Table.grid(padding=(0, 1, 0, 0))
        for sentence in sentences:
            points.add_row(Text("-"), Text(sentence))
        console.print(points)
    if found.sheet:
        console.print(Text(f"\nWrote {found.sheet}"), soft_wrap=True)
