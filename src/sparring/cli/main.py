"""The command `sparring`: its verbs, and how an error ends it."""

import errno
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from sparring import __version__
from sparring.cli.augment import augment
from sparring.cli.evaluate import evaluate
from sparring.cli.inspect import inspect
from sparring.cli.recipes import recipes
from sparring.cli.sample import sample
from sparring.cli.stylize import stylize
from sparring.cli.train import train
from sparring.cli.translate import translate
from sparring.errors import SparringError, UsageError

app = typer.Typer(
    name="sparring",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Plain text: frames and columns leave too little room for the words at 80 columns.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (inspect, train, sample, translate, stylize, evaluate, augment, recipes):
    app.command()(verb)

_FULL = "is full: free some space, then give the same command again"
_REASONS = {
    errno.ENOSPC: f"the disk {_FULL}",
    errno.EDQUOT: f"your share of the disk {_FULL}",
    errno.EACCES: "permission is denied",
    errno.EROFS: "the disk is read-only",
}


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sparring {__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train, judge and use generative adversarial networks.

    \b
    sparring inspect photos/
    sparring train photos/ --recipe r3gan --run runs/photos
    sparring sample runs/photos -n 16 --out faces.png
    sparring evaluate runs/photos
    sparring train summer/ winter/ --run runs/winter
    sparring translate runs/winter photos/ --out photos-in-winter/
    sparring train faces/ --recipe stargan_v2 --run runs/faces
    sparring stylize runs/faces me.png --style anime/7.png --out new.png
    sparring sample runs/moving -n 8 --frames 48 --out clips/
    sparring train adult.csv --target income --run runs/adult
    sparring sample runs/adult -n 500 --where "income=>50K" --out rows.csv
    sparring augment adult.csv --target income --out augmented.csv
    """


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, 1 for a failed run, 2 for wrong words, 130 on Ctrl-C."""
    try:
        app(arguments, prog_name="sparring")
    except SparringError as error:
        _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{_REASONS[error.errno]}.", 1)
    sys.exit(0)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    run()
