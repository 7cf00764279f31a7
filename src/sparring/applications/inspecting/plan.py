"""The recipe that `train` would take for a source, and of one that is asked for how long it takes on this machine."""

from sparring.applications.inspecting.words import duration
from sparring.applications.timing import time_steps
from sparring.data.examples import Source
from sparring.recipes.catalog import Recipe, find_recipe
from sparring.recipes.choice import choose_recipe


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
    game = recipe.build(data.spec)
    pace = game.pace
    with data.naming_failures():
        timed = time_steps(game, data.batches(pace.batch_size))
    steps = pace.num_ticks * pace.steps_per_tick
    return timed.step * steps, steps * pace.batch_size, pace.num_ticks
