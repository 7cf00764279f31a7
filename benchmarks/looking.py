"""What the look at samples after every tick costs, as a share of the tick.

    python benchmarks/looking.py

Trains some steps of each recipe with its defaults on the images of `workload.py`, and looks at samples as a run does:
draws them, takes their features, and compares them with the training images. In processor time on one core.
"""

import argparse
import statistics
import time

from sparring.cli.quiet import quiet_import

from contender import pin
from rich.console import Console
from rich.table import Table
from workload import RECIPES, load_images


def timed(function) -> float:
    began = time.process_time()
    function()
    return time.process_time() - began


def measure(recipe: str, steps: int, looks: int) -> tuple[float, list[float], list[float], float]:
    """Seconds of a tick's training, of drawing samples and of judging them, and of the judge's making."""
    import sparring
    from sparring.applications.looks import judge_for
    from sparring.applications.train import _record
    from sparring.bundle.bundle import Bundle
    from sparring.training.judging import judged_samples

    import keras
    from parts import StepClock

    source, found = sparring.open_source(load_images()), sparring.find_recipe(recipe)
    keras.utils.set_random_seed(0)
    record = _record(source, found, {}, 0)
    game, clock = found.build(source.spec, **record.options), StepClock()
    game.fit(source.batches(game.pace.batch_size), epochs=1, steps_per_epoch=steps, callbacks=[clock], verbose=0)
    step = (clock.ended - clock.began) / (clock.calls * game.steps_per_execution)
    began = time.process_time()
    judge = judge_for(source)
    made = time.process_time() - began
    bundle = Bundle(record, game.average.copies)
    samples = judged_samples(judge, bundle)
    drawn = [timed(lambda: judged_samples(judge, bundle)) for _ in range(looks)]
    judged = [timed(lambda: judge(samples)) for _ in range(looks)]
    return step * game.pace.steps_per_tick, drawn, judged, made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=RECIPES)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--looks", type=int, default=5)
    arguments = parser.parse_args()
    pin(1)
    with quiet_import():
        import sparring.applications.train  # noqa: F401
    table = Table("recipe", "a tick, s", "drawing, s", "judging, s", "share", "once, s", box=None, pad_edge=False)
    for recipe in arguments.recipes:
        tick, drawn, judged, made = measure(recipe, arguments.steps, arguments.looks)
        look = statistics.median(drawn) + statistics.median(judged)
        row = tick, statistics.median(drawn), statistics.median(judged)
        table.add_row(recipe, *(f"{value:.2f}" for value in row), f"{look / tick:.1%}", f"{made:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
