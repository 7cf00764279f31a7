"""Arguments and options that several verbs have, with their words of help."""

from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        help="A folder of images or clips, an .npz file, a table (.csv, .parquet), or a known name. Two of them, "
        "not tables, are domains to translate between.",
    ),
]
Size = Annotated[
    str | None, typer.Option(metavar="SIDE", help="Resize images to 64 (a square) or 48x64 (height x width).")
]
Frames = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Of clips: frames to train on at once, 16 by default. Makes clips of folders of frames and of GIFs.",
    ),
]
Stride = Annotated[
    int | None, typer.Option(metavar="N", help="Of clips: from one such frame to the next, 1 by default.")
]
DataDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Where the files of known data sets are.")]
Target = Annotated[str | None, typer.Option(metavar="NAME", help="Of a table: the column to predict.")]
Columns = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=KIND", help="Of a table: it is a number, category, date or identifier. Repeatable."),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", exists=True, help="The folder of a run or of a bundle.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the code of a bundle's own recipe: only if you know whose it is.")
]
