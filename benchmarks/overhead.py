"""What a step of `fit` consists of, and whether memory stays flat over many of them.

    python benchmarks/overhead.py                                   # shares of a step
    python benchmarks/overhead.py --recipes article --steps 10000   # memory every 1,000 steps

A part is the difference of two ways to train that take turns in one process on one core, in processor time, which
other programs on the machine disturb less than the clock on the wall:

- players' updates: the compiled step of all players, on the same batch again and again;
- average and tally: the same with the moving average and the means of the logs;
- the loop of fit: Keras' own loop around that, still with the same batch;
- feeding: a new batch for every step, shuffled and with its noise;
- callbacks: what a run does once a tick (log, sample grid, bundle, checkpoint), as a share of the steps of a tick.
"""

import argparse
import itertools
import json
import statistics
from pathlib import Path

from sparring.cli.quiet import quiet_import

from contender import pin
from rich.console import Console
from rich.table import Table
from workload import RECIPES

EVERY = 1_000  # Steps between two looks at the memory.


def measure(recipe: str, arguments: argparse.Namespace, console: Console) -> dict:
    """Processor milliseconds of a step in each way to train, for every round, and of the callbacks of a tick."""
    from parts import Parts  # Imports Keras, which must find this process pinned.

    with console.status(recipe) as status:
        parts = Parts(recipe)
        per_second = {name: 1 / max(run(3) / 3, 1e-4) for name, run in parts.ways.items()}
        rounds = []
        for number in range(arguments.rounds):
            found = {}
            for name, run in parts.ways.items():
                status.update(f"{recipe}: round {number + 1} of {arguments.rounds}, {name}")
                steps = max(3, round(arguments.seconds * per_second[name]))
                found[name] = run(steps) / steps * 1e3
            rounds.append(found)
        status.update(f"{recipe}: callbacks")
        pace = parts.game.pace
        return {
            "recipe": recipe,
            "rounds": rounds,
            "callbacks_ms_per_tick": parts.looking_seconds() * 1e3,
            "steps_per_tick": pace.steps_per_tick,
        }


def table_of(found: dict) -> Table:
    """Medians over the rounds; the shares are of a whole step, callbacks included."""
    rounds, names = found["rounds"], list(found["rounds"][0])
    parts = {names[0]: [one[names[0]] for one in rounds]}
    for before, name in itertools.pairwise(names):
        parts[name] = [one[name] - one[before] for one in rounds]
    tick, steps = found["callbacks_ms_per_tick"], found["steps_per_tick"]
    parts[f"callbacks ({tick:,.0f} ms each {steps:,} steps)"] = [tick / steps] * len(rounds)
    whole = statistics.median(one[names[-1]] for one in rounds) + tick / steps
    table = Table(title=f"{found['recipe']}: {whole:.2f} ms of processor time a step", title_justify="left")
    for heading in ("part of a step", "ms: min", "median", "max", "share of a step"):
        table.add_column(heading, justify="left" if heading == "part of a step" else "right")
    for name, values in parts.items():
        middle = statistics.median(values)
        table.add_row(name, f"{min(values):.2f}", f"{middle:.2f}", f"{max(values):.2f}", f"{middle / whole:.1%}")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=RECIPES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each way in each round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="watch the memory over so many steps instead")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON")
    arguments = parser.parse_args()
    pin(arguments.threads)
    with quiet_import():
        import parts
    console, results = Console(), []
    for recipe in arguments.recipes:
        if arguments.steps:
            held: dict[int, float] = {}

            def say(steps, mebibytes, recipe=recipe, held=held):
                held[steps] = mebibytes
                console.print(f"{recipe}: {steps:7,} steps, {mebibytes:,.1f} MiB")

            parts.watch_memory(recipe, arguments.steps, EVERY, say)
            results.append({"recipe": recipe, "resident_mebibytes": held})
        else:
            results.append(measure(recipe, arguments, console))
            console.print(table_of(results[-1]))
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
