"""`sparring inspect`: what is in a source of data, before it is trained on."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.pairs import parse_pairs
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend


def inspect(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="A folder of images or clips, an .npz file, a table (.csv, .parquet), or a known name. Two of them, "
            "not tables, are domains to translate between.",
        ),
    ],
    size: Annotated[
        str | None, typer.Option(metavar="SIDE", help="What it would be trained at: 64, or 48x64 (height x width).")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Of clips: frames to train on at once, 16 by default. Makes clips of folders of frames and of GIFs.",
        ),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(metavar="N", help="Of clips: from one such frame to the next, 1 by default.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the files of known data sets are.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a contact sheet of up to 100 pictures there.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="NAME", help="Of a table: the column to predict.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=KIND", help="Of a table: it is a number, category, date or identifier. Repeatable."),
    ] = None,
) -> None:
    """Look at SOURCE before it is trained on.

    Says what is there, what `train` would make of it, and what makes training fail: too few images, copies, classes
    out of balance, unreadable files.
    """
    require_backend()

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    with quiet_import():
        from sparring.applications.inspecting.inspect import inspect as inspect_application

    columns, one = parse_pairs("--column", column), source[0] if len(source) == 1 else source
    of_clips = {"frames": frames, "stride": stride}
    found = inspect_application(one, size=size, data_dir=data_dir, out=out, target=target, columns=columns, **of_clips)
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
