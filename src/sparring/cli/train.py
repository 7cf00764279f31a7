"""`sparring train`: from a source of data to a run."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from sparring.cli.arguments import Columns, DataDir, Frames, Size, Sources, Stride, Target
from sparring.cli.pairs import parse_pairs
from sparring.cli.quiet import quiet_import
from sparring.environment import parse_devices, require_backend
from sparring.errors import UsageError, nearest
from sparring.recipes.catalog import find_recipe, known_recipes, parse_setting


def train(
    source: Sources,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to train; `sparring recipes` lists them. Or path/to/mine.py:function."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the run is kept; an interrupted run there goes on."),
    ] = None,
    size: Size = None,
    frames: Frames = None,
    stride: Stride = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Passes over the data.")] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", min=1, help="Examples in one step.")] = None,
    patience: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Stop when no tick of the last N made better samples.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Chooses order, noise and first weights.")] = 0,
    data_dir: DataDir = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the recipe, such as width=128. Repeatable."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write the log for TensorBoard into the run.")
    ] = False,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Do without image files that cannot be read.")
    ] = False,
    target: Target = None,
    column: Columns = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Of a table: what holds in every row: 'start <= end', '0 <= age <= 120', 'fixed: country, city', "
            "'one-hot: a, b, c'. Repeatable.",
        ),
    ] = None,
    hold_out: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Of a table: rows to judge by and never train on. [default: a fifth, of fewer than 500 rows none]",
        ),
    ] = None,
    devices: Annotated[
        str | None, typer.Option(metavar="N", help="Accelerators that share every batch, or all; one by default.")
    ] = None,
) -> None:
    """Train a recipe on SOURCE.

    The run's folder keeps the log, samples, the state to go on from and the finished bundle. To go on after an
    interruption, give the same command again.
    """
    options = dict(map(parse_setting, settings or []))
    columns = parse_pairs("--column", column)
    if batch_size is not None and "batch_size" in options:
        raise UsageError("The batch size is given twice. Leave out --batch-size or --set batch_size=...")
    if epochs is not None and (length := {"images", "rows", "clips"} & set(options)):
        raise UsageError(f"The length is given twice. Leave out --epochs or --set {length.pop()}=...")
    _check_names(recipe, options)
    parse_devices(devices)  # Now: else a wrong word would be answered after the data is read.
    require_backend()

    with quiet_import():
        from sparring.applications.train import train as train_application
        from sparring.cli.progress import Progress

    with Progress() as progress:
        finished = train_application(
            source[0] if len(source) == 1 else source,
            target=target,
            columns=columns,
            constraints=constraint or (),
            hold_out=hold_out,
            recipe=recipe,
            run=run,
            size=size,
            frames=frames,
            stride=stride,
            data_dir=data_dir,
            seed=seed,
            epochs=epochs,
            batch_size=batch_size,
            patience=patience,
            options=options,
            tensorboard=tensorboard,
            skip_unreadable=skip_unreadable,
            devices=devices,
            callbacks=[progress],
            say=typer.echo,
        )
    if finished.stopped_by:
        raise typer.Exit(128 + finished.stopped_by)  # The application has said how to go on.
    folder = shlex.quote(str(finished.folder))
    use = (
        f"Translate with: sparring translate {folder} IMAGES"
        if finished.record.spec.kind == "domains"
        else f"Draw from it with: sparring sample {folder}"
    )
    typer.echo(f"The run is in {folder}. {use}")


def _check_names(recipe: str | None, options: Iterable[str]) -> None:
    """Refuse a wrong name now: Keras takes seconds to import, and the data may take longer."""
    if recipe is not None:
        find_recipe(recipe).check_names(options)
        return
    known = {name for found in known_recipes().values() for name in found.options}  # The data chooses among these.
    for name in set(options) - known:
        raise UsageError(
            f"No recipe has an option `{name}`.{nearest(name, known)} `sparring recipes NAME` lists those of a recipe."
        )
