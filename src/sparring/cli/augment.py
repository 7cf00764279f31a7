"""`sparring augment`: whether synthetic examples help a model, and the data with those that do."""

import time
from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import Columns, DataDir, Size, Target
from sparring.cli.pairs import parse_pairs
from sparring.cli.quiet import quiet_import
from sparring.environment import require_backend
from sparring.recipes.catalog import find_recipe, parse_setting


def augment(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A table (.csv, .parquet), or images with a sub-folder for each class."),
    ],
    target: Target = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What is to be helped: linear, boosting, forest; of images cnn, svm. Repeatable; fewer are told more.",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="Such as roc_auc. [default: chosen from the target]")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Where the data go, added rows marked: a .csv or .parquet; a new folder."),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Add the best synthetic examples even if they do not help.")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="To train all generators in. [default: 10]", show_default=False)
    ] = None,
    folds: Annotated[int, typer.Option(metavar="N", min=2, help="Of the cross-validation.")] = 5,
    repeats: Annotated[int, typer.Option(metavar="N", min=1, help="Of the cross-validation.")] = 2,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the generators. [default: chosen from the data]")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the recipe, such as rows=500000. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of folds, generators and models.")] = 0,
    size: Size = None,
    data_dir: DataDir = None,
    column: Columns = None,
) -> None:
    """Say whether synthetic examples help a model on SOURCE, and write the data with those that do.

    Models are trained with and without them on the same folds, beside simpler ways, and scored on real examples that no
    generator has seen.
    """
    options, columns = dict(map(parse_setting, settings or [])), parse_pairs("--column", column)
    if recipe is not None:
        find_recipe(recipe).check_names(options)
    require_backend()

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from sparring.cli.stages import Stages

    with quiet_import():
        from sparring.applications.augmenting.augment import augment as augment_application
        from sparring.applications.augmenting.report import how_to_use

    console, started = Console(highlight=False), time.monotonic()
    with Stages(console) as stages:
        found = augment_application(
            source,
            target=target,
            columns=columns,
            model=model or (),
            metric=metric,
            recipe=recipe,
            options=options,
            minutes=minutes,
            folds=folds,
            repeats=repeats,
            seed=seed,
            size=size,
            data_dir=data_dir,
            out=out,
            anyway=anyway,
            progress=stages,
        )
    header, *rows = found.table()
    shown = Table(*header, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        shown.add_row(*map(Text, row))
    console.print(shown)
    console.print()
    for note in found.notes():
        console.print(Text(note))
    console.print()
    console.print(Text(found.sentence, style="green" if found.helps else "yellow"))
    if use := how_to_use(found.added):
        console.print(Text(use))
    took = f"It took {time.monotonic() - started:.0f} s."
    if out is not None:
        took += f" Wrote {out}: {found.num_added:,} {found.noun} of it are added ({found.added})."
    console.print(Text(took), soft_wrap=True)
