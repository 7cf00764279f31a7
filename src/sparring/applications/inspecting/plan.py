"""The recipe that `train` would take for a source, and of one that is asked for how long it takes on this machine."""

from time import monotonic

import keras

from sparring.applications.inspecting.words import duration
from sparring.data.examples import Source
from sparring.recipes.catalog import Recipe, find_recipe
from sparring.recipes.choice import choose_recipe

TRIED_SECONDS = 5.0  # Of training, after the step that compiles the others.


def wants_domains(recipe: str | None) -> bool:
    """Whether a folder is to be opened as domains, for that is what the recipe learns of."""
    return recipe is not None and find_recipe(recipe).data_kind() == "domains"


def plan_recipe(data: Source, recipe: str | None) -> str:
    """`the recipe NAME: ...`, with the reason it is chosen for, or of one that is named how long it takes.

    Args:
        data: What would be trained on.
        recipe: Name of the recipe; by default it is chosen from the data, and nothing is measured.

    Raises:
        UsageError: The recipe is for another kind of data, or there is none of that name.
    """
    if recipe is None:
        chosen, reason = choose_recipe(data.spec)
        return f"the recipe {chosen}: {reason}"
    seconds, count, ticks = _try_out(data, find_recipe(recipe))
    return (
        f"the recipe {recipe}: its {count:,} {data.spec.plural} take about {duration(seconds)}, by steps just tried on "
        "this machine, as busy as it is now; the look after "
        f"{'its one tick' if ticks == 1 else f'each of its {ticks:,} ticks'} comes on top"
    )


def _try_out(data: Source, recipe: Recipe) -> tuple[float, int, int]:
    """Trains for a few seconds; how many a whole training takes, how many examples it sees, and its ticks."""
    game, watch = recipe.build(data.spec), _Watch()
    pace = game.pace
    with data.naming_failures():
        game.fit(data.batches(pace.batch_size), callbacks=[watch], verbose=0)
    steps = pace.num_ticks * pace.steps_per_tick
    return watch.seconds_per_step * steps, steps * pace.batch_size, pace.num_ticks


class _Watch(keras.callbacks.Callback):
    """Ends a training after some seconds.

    Attributes:
        seconds_per_step: Without the first call, which compiles; with it, where there is no other.
    """

    def __init__(self):
        super().__init__()
        self._marks: list[tuple[float, int]] = []

    @property
    def seconds_per_step(self) -> float:
        (begin, before), (end, after) = self._marks[1 if len(self._marks) > 2 else 0], self._marks[-1]
        return (end - begin) / (after - before)

    def on_train_begin(self, logs=None):
        self._mark()

    def on_train_batch_end(self, batch, logs=None):
        self._mark()
        if len(self._marks) > 2 and self._marks[-1][0] - self._marks[1][0] >= TRIED_SECONDS:
            self.model.stop_training = True

    def _mark(self):
        done = self.model.steps_done  # Waits for the device.
        self._marks.append((monotonic(), done))
