"""`sparring recipes`: which recipes there are and what can be set, answered without importing Keras."""

import re
import shutil
import textwrap
from collections.abc import Sequence
from typing import Annotated

import typer

from sparring.recipes.catalog import Recipe, find_recipe, known_recipes

INDENT = " " * 6


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Describe this recipe and its options.", show_default=False)
    ] = None,
) -> None:
    """List the recipes, or describe one."""
    if name is None:
        _list()
    else:
        _describe(find_recipe(name))


def _list() -> None:
    _print_table(("name", "kind", "what it is"), [(r.name, r.kind, r.summary) for r in known_recipes().values()])
    typer.echo("\nOptions of one: sparring recipes NAME")


def _describe(recipe: Recipe) -> None:
    typer.echo(f"{recipe.name} ({recipe.kind})\n")
    typer.echo(_fill(_without_arguments(recipe.doc)) + "\n")
    if not recipe.options:
        typer.echo("It has no options.")
        return
    for option in recipe.options.values():
        kind = f": {option.annotation}" if option.annotation else ""
        value = f" = {option.default}" if option.default else " (required)"
        typer.echo(
            textwrap.fill(option.name + kind + value, _width(), initial_indent="  ", subsequent_indent=INDENT * 2)
        )
        if option.description:
            typer.echo(textwrap.fill(option.description, _width(), initial_indent=INDENT, subsequent_indent=INDENT))
    first = next(iter(recipe.options.values()))
    typer.echo(f"\nSet one: sparring train SOURCE --recipe {recipe.name} --set {first.name}={first.default or 'VALUE'}")


def _without_arguments(doc: str) -> str:
    """The docstring less its section `Args:`: the table of the options says the same."""
    before, _, after = doc.partition("\nArgs:\n")
    lines = after.splitlines()
    end = next((i for i, line in enumerate(lines) if line and not line[0].isspace()), len(lines))
    return "\n\n".join(filter(None, (before.strip(), "\n".join(lines[end:]).strip())))


def _fill(text: str) -> str:
    """Fit the paragraphs to the terminal; one that holds an indented line or a list stays as it was written."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        p if re.search(r"^[\s\-*>]", p, re.MULTILINE) else textwrap.fill(p, _width()) for p in paragraphs
    )


def _width() -> int:
    return min(100, shutil.get_terminal_size().columns)


def _print_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, no_wrap=heading != headings[-1])
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
