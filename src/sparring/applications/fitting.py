"""A generator fitted in memory, without the folder of a run."""

import dataclasses
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import pandas as pd

import sparring
from sparring.applications.timing import TRIED_SECONDS, time_steps
from sparring.bundle.bundle import Bundle, Snapshot
from sparring.bundle.kinds import make_bundle
from sparring.bundle.record import Record
from sparring.data.examples import Source
from sparring.errors import UsageError
from sparring.recipes.catalog import Recipe
from sparring.training.failing import StopOnNonFinite
from sparring.training.game import Game
from sparring.training.judging import Judge, Look, judged_samples
from sparring.training.run import LENGTHS

TRIED_SHARE = 0.1  # Of the time that a training may take, to find out what a step takes.
TICKS = 10  # Of a training whose length is chosen by its time.


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A generator and how it came to be.

    Attributes:
        history: What the players report, a line for each tick, and how samples were judged.
        notes: What the recipe says of its choices.
    """

    bundle: Bundle
    history: pd.DataFrame
    notes: tuple[str, ...]


def fit_generator(
    source: Source,
    recipe: Recipe,
    options: Mapping[str, Any],
    *,
    seed: int = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    judge: Judge | None = None,
    patience: int | None = None,
) -> Fitted:
    """Trains a recipe on a source to its end.

    Args:
        source: What to learn.
        recipe: The recipe.
        options: Of the recipe.
        seed: Chooses the first weights, the order and the noise.
        callbacks: Of Keras.
        judge: Looks at samples after every tick: what is given is the best snapshot then, not the last.
        patience: Ticks without a better one after which training ends; by default it goes on.

    Raises:
        UsageError: An option is wrong, or the recipe is for other data.
        Diverged: A number was not finite any more.
    """
    options = recipe.check(options)
    keras.utils.set_random_seed(seed)
    game = recipe.build(source.spec, **options)
    batches = source.batches(game.pace.batch_size, seed)
    snapshot = _snapshots(source, recipe, options, seed, game)
    looks = _keeping_the_best(judge, snapshot, patience) if judge else []
    found = game.fit(batches, verbose=0, callbacks=[StopOnNonFinite(), *looks, *callbacks])
    history = pd.DataFrame(found.history)
    return Fitted(snapshot(_best(history, judge) if judge else None), history, game.notes)


def _snapshots(source: Source, recipe: Recipe, options: dict[str, Any], seed: int, game: Game):
    """A function that gives the averaged generator of `game` as it is."""
    record = Record(
        recipe=recipe.name,
        options=options,
        spec=source.spec,
        seed=seed,
        source=source.name,
        fingerprint=source.fingerprint,
        version=sparring.__version__,
    )

    def snapshot(which: Snapshot | None = None) -> Bundle:
        return make_bundle(record, game.average.copies, game.steps_done * game.pace.batch_size, which)

    return snapshot


def _keeping_the_best(
    judge: Judge, snapshot: Callable[[], Bundle], patience: int | None
) -> list[keras.callbacks.Callback]:
    """What looks at samples after every tick, and at the end sets every weight to what it was after the best."""
    patient = patience or sys.maxsize
    best = keras.callbacks.EarlyStopping(judge.name, mode="min", patience=patient, restore_best_weights=True)
    return [Look(judge, snapshot), best]


def _best(history: pd.DataFrame, judge: Judge) -> Snapshot:
    values = history[judge.name]
    return Snapshot(kind="best", tick=int(values.argmin()) + 1, figure=judge.name, value=float(values.min()))


def options_for(
    seconds: float,
    source: Source,
    recipe: Recipe,
    options: Mapping[str, Any],
    *,
    seed: int = 0,
    judge: Judge | None = None,
) -> dict[str, Any]:
    """`options` with a length that trains for about so many seconds here, building, compiling and looks counted in.

    Some of it is trained to find out what a step takes. A schedule then ends where training does, as it would
    not if training was cut off by the clock.

    Raises:
        UsageError: The recipe has no option for its length.
    """
    length = next((name for name in LENGTHS if name in recipe.options), None)
    if length is None:
        raise UsageError(
            f"Recipe {recipe.name} has no option {' or '.join(LENGTHS)} that a time could be made of: leave out "
            "`minutes`."
        )
    started = time.monotonic()
    keras.utils.set_random_seed(seed)
    checked = recipe.check(options)
    game = recipe.build(source.spec, **checked)
    built = time.monotonic() - started
    batches = source.batches(game.pace.batch_size, seed)
    timed = time_steps(game, batches, min(TRIED_SECONDS, TRIED_SHARE * seconds))
    look = _seconds_of_a_look(judge, _snapshots(source, recipe, checked, seed, game)) if judge else 0.0
    count = max(1, int((seconds - built - timed.start - TICKS * look) / timed.step)) * game.pace.batch_size
    found = dict(options) | {length: count}
    if (tick := f"tick_{length}") in recipe.options:
        # Else the length would be rounded to whole ticks of the recipe's own.
        found[tick] = max(game.pace.batch_size, count // TICKS)
    return found


def _seconds_of_a_look(judge: Judge, snapshot: Callable[[], Bundle]) -> float:
    judge(judged_samples(judge, snapshot()))  # The first may compile.
    started = time.monotonic()
    judge(judged_samples(judge, snapshot()))
    return time.monotonic() - started
