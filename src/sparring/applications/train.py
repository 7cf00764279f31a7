"""From a source of data to a finished run."""

import importlib.util
import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

import sparring
from sparring import backend
from sparring.applications.looks import judge_for
from sparring.applications.pictures import draw_run
from sparring.bundle.loading import read_snapshot
from sparring.bundle.record import Record
from sparring.data.clips.footage import describe_clips
from sparring.data.images.domains import describe_domains, set_aside
from sparring.data.source import Source, open_source
from sparring.data.spec import DomainsSpec, ImageSpec
from sparring.data.tables.constraints import Constraint
from sparring.data.tables.table import TableSource
from sparring.data.tables.table import describe as describe_table
from sparring.errors import Diverged, UsageError
from sparring.recipes.catalog import Recipe, find_recipe
from sparring.recipes.choice import choose_recipe, wants_domains
from sparring.training.callbacks import read_journal
from sparring.training.game import Game
from sparring.training.health import episodes
from sparring.training.run import LENGTHS, Run

Say = Callable[[str], None]


def train(
    source: Any,
    *,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    constraints: Sequence[Constraint | str] = (),
    hold_out: float | None = None,
    recipe: str | None = None,
    run: str | os.PathLike[str] | None = None,
    size: str | int | tuple[int, int] | None = None,
    frames: int | None = None,
    stride: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    seed: int = 0,
    epochs: int | None = None,
    batch_size: int | None = None,
    patience: int | None = None,
    options: Mapping[str, Any] | None = None,
    tensorboard: bool = False,
    skip_unreadable: bool = False,
    devices: int | str | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    say: Say = print,
) -> Run:
    """Trains a recipe on a source of data, or goes on with the run that is in the folder.

    Args:
        source: What `open_source` takes, or a source that is open. A folder is opened as domains where the recipe is
            one of translation.
        target: As in `open_source`.
        columns: As in `open_source`.
        constraints: As in `open_source`.
        hold_out: As in `open_source`.
        recipe: Name of the recipe, or `mine.py:my_recipe`; chosen from the data by default.
        run: Folder of the run; `runs/SOURCE-RECIPE` by default.
        size: As in `open_source`.
        frames: As in `open_source`.
        stride: As in `open_source`.
        data_dir: As in `open_source`.
        seed: Chooses the first weights, the order of the data and the noise.
        epochs: Passes over the data: short for the option `images`, `rows` or `clips`.
        batch_size: Short for the option of that name.
        patience: Ticks without a better snapshot after which training ends; by default it goes on to the end.
        options: Options of the recipe.
        tensorboard: Whether to write events for TensorBoard too, into the folder's `tensorboard/`.
        skip_unreadable: As in `open_source`.
        devices: Number of accelerators of this machine that share every batch, or "all" of them; one by default.
            Several machines are named in the environment, see docs/several-devices.md; then all of theirs do.
        callbacks: Keras callbacks beside the run's own.
        say: Called with each sentence a user should see.

    Returns:
        The run, with its grid, curves and animation drawn; `stopped_by` is set where a signal ended it early.

    Raises:
        SparringError: The data, the words or the folder cannot be used, or training failed; the message says why.
    """
    how: dict[str, Any] = {"size": size, "data_dir": data_dir, "skip_unreadable": skip_unreadable}
    how |= {"target": target, "columns": columns, "constraints": constraints, "hold_out": hold_out}
    how |= {"domains": wants_domains(recipe), "frames": frames, "stride": stride}
    data = source if isinstance(source, Source) else open_source(source, **how)
    _describe(data, say)
    chosen = _recipe_for(data, recipe, say)
    length = next((name for name in LENGTHS if name in chosen.options), LENGTHS[0])
    lengths = {length: epochs and epochs * data.spec.num_examples, "batch_size": batch_size}
    given = dict(options or {}) | {name: value for name, value in lengths.items() if value is not None}
    record = _record(data, chosen, given, seed)
    folder = Path(run) if run is not None else Path("runs") / f"{data.name}-{chosen.name.rpartition(':')[2]}"
    started = Run(folder, record, chosen.defaults())
    with backend.devices_scope(devices), data.naming_failures():
        _play(started, data, chosen, patience, list(callbacks), tensorboard, say)
    return started


def _play(run: Run, data: Source, recipe: Recipe, patience: int | None, callbacks: list, tensorboard: bool, say: Say):
    """Builds the game of the run's record, trains it, and draws what came of it."""
    keras.utils.set_random_seed(run.record.seed)
    game = recipe.build(data.spec, **run.record.options)
    _explain(game, say)
    if tensorboard and game.is_chief:
        callbacks.append(_tensorboard(run.folder))
    trained, aside = set_aside(data) if isinstance(data.spec, DomainsSpec) else (data, {})
    if aside:
        say(f"{len(next(iter(aside.values()))):,} of the pairs are set aside to judge every tick by.")
    judge = judge_for(trained, aside) if game.is_chief else None
    batches, shown = trained.batches(game.pace.batch_size, run.record.seed), data.held_out or data.examples
    try:
        run.train(game, batches, callbacks, say, judge, patience, shown)
    except Diverged:
        _conclude(run, game, say)  # What led there is worth a look.
        raise
    _conclude(run, game, say)
    if run.stopped_by:
        say(f"Stopped after {game.steps_done:,} steps; the state is saved. Give the same command again to go on.")


def _record(data: Source, recipe: Recipe, given: Mapping[str, Any], seed: int) -> Record:
    return Record(
        recipe=recipe.name,
        options=recipe.check(given),
        spec=data.spec,
        seed=seed,
        source=data.name,
        fingerprint=data.fingerprint,
        version=sparring.__version__,
    )


def _conclude(run: Run, game: Game, say: Say):
    """Draws the run; says what went wrong on the way, and which snapshots are kept."""
    if not game.is_chief:
        return
    with run.writing():
        draw_run(run)
    lines, unit = read_journal(run.journal), game.pace.unit.lower()
    for episode in episodes(lines):
        name, first, last = episode.name.replace("_", " ").capitalize(), episode.first["tick"], episode.last["tick"]
        end = "to the end" if episode.last is lines[-1] else f"to {unit} {last}"
        say(f"{name} from {unit} {first} {end}: {episode.words}")
    snapshots = ((path, read_snapshot(path)) for path in (run.bundle, run.last))
    kept = [f"{path.name}/ is {which}" for path, which in snapshots if which and which.figure]
    if kept:
        say(f"In {run.folder}, {'; '.join(kept)}.")


def _describe(data: Source, say: Say):
    if isinstance(data, TableSource):
        found = describe_table(data.spec)
        found += f"; {len(data.held_out_rows):,} more held out" if len(data.held_out_rows) else ""
    else:
        found = DESCRIPTIONS[data.spec.kind](data)
    say(f"{data.name}: {found}.")
    for note in data.notes:
        say(note)


def _describe_images(data: Source[ImageSpec]) -> str:
    height, width, channels = data.spec.shape
    classes = f", {data.spec.num_classes} classes" if data.spec.num_classes else ""
    kept = f", {len(data.held_out['image']):,} more held out" if data.held_out else ""
    return f"{data.spec.num_examples:,} images of {height}x{width}x{channels}{classes}{kept}"


DESCRIPTIONS: dict[str, Callable[[Source], str]] = {
    "image": _describe_images,
    "domains": describe_domains,
    "video": describe_clips,
}


def _recipe_for(data: Source, name: str | None, say: Say) -> Recipe:
    if name is None:
        name, reason = choose_recipe(data.spec)
        say(f"Recipe {name}: {reason}.")
    return find_recipe(name)


def _explain(game: Game, say: Say):
    for note in game.notes:
        say(note)
    if backend.num_devices() > 1:
        where = f" of {game.num_processes} processes" if game.num_processes > 1 else ""
        elsewhere = "" if game.is_chief else " Another process keeps the run."
        say(f"{backend.num_devices()} devices{where} share every batch of {game.pace.batch_size}.{elsewhere}")
    if backend.name == "jax" and not backend.accelerated() and game.convolves:
        say(
            "JAX on a CPU runs convolutions many times slower than TensorFlow does. "
            f"Better: KERAS_BACKEND=tensorflow, after pip install {shlex.quote('sparring[cpu]')}."
        )


def _tensorboard(folder: Path) -> keras.callbacks.Callback:
    # The events are TensorFlow's, whichever backend trains.
    if missing := [name for name in ("tensorflow", "tensorboard") if importlib.util.find_spec(name) is None]:
        raise UsageError(
            f"`tensorboard` needs {' and '.join(missing)}. Install it with: pip install 'sparring[cpu,tensorboard]'"
        )
    return keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False)
