"""`sparring evaluate`: how good a run is, in figures."""

from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", exists=True, help="The folder of a run or of a bundle.")],
    data: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="What RUN was trained on, where that has no name of its own.")
    ] = None,
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Examples to draw and compare.")] = 1000,
    data_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the files of known data sets are.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run the code of a bundle's own recipe: only if you know whose it is.")
    ] = False,
) -> None:
    """Print in figures how good RUN is.

    Examples drawn from it are compared with the data it was trained on.
    """
    require_backend()

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    with quiet_import():
        from sparring.applications.evaluate import evaluate as evaluate_application

    figures = evaluate_application(run, data=data, n=n, data_dir=data_dir, trust=trust)
    table = Table("figure", "value", box=None, pad_edge=False)
    for name, value in figures.items():
        table.add_row(Text(name), Text(value))
    Console().print(table)
