"""How many trainings the diagnosis calls right: some that are fine, and some that are made to fail.

    python benchmarks/health.py --seeds 11 12 13 --out runs.json   # trains, on the digits that come with scikit-learn
    python benchmarks/health.py --read runs.json                   # diagnoses again what was trained

Each is small, so that all of them take some minutes on one core. Whether a training failed is judged by what the
diagnosis does not see: the share of samples that a classifier of real digits recognises as the digit asked for, less
than in each fine training of its recipe. Something told of one that failed, and nothing of any other, is right.
"""

import argparse
import contextlib
import json
import tempfile
import time
from pathlib import Path
from unittest import mock

from sparring.cli.quiet import quiet_import

from contender import pin
from rich.console import Console
from rich.table import Table

IMAGES, TICK_IMAGES, FEW = 48_000, 2_000, 40
SAMPLES = 1000
RATE = 2e-3  # Of dcgan and sngan: with a tenth, which is their own for larger images, they would not be done.
LEARNT = f"{FEW} images alone"
FINE = ("dcgan", "r3gan", "sngan")


def cases(gamma: float) -> dict[str, tuple[str, dict, str]]:
    """Recipe, options and what is put in place of a part, by name; `gamma` is the due strength of R1 and R2."""
    return {
        "dcgan": ("dcgan", {"width": 16, "learning_rate": RATE}, ""),
        "r3gan": ("r3gan", {"width": 8}, ""),
        "sngan": ("sngan", {"width": 16, "learning_rate": RATE}, ""),
        "gamma 1e-4 of its due": ("r3gan", {"width": 8, "gamma": 1e-4 * gamma}, ""),
        "learning rate x100, r3gan": ("r3gan", {"width": 8, "learning_rate": 0.1, "final_learning_rate": None}, ""),
        "learning rate x100, dcgan": ("dcgan", {"width": 16, "learning_rate": 100 * RATE}, ""),
        "batch normalisation with R1": ("dcgan", {"width": 16, "learning_rate": RATE, "penalties": "r1"}, "unchecked"),
        "discriminator of 2 filters": ("dcgan", {"width": 16, "learning_rate": RATE}, "weak"),
        LEARNT: ("dcgan", {"width": 16, "learning_rate": RATE}, "few"),
    }


def train(name: str, recipe_name: str, options: dict, change: str, seed: int) -> dict:
    """What a training leaves: the lines of its log, the sentence it ended with if it did, and how good it is."""
    import sparring
    from sparring.applications.looks import judge_for
    from sparring.applications.train import _record
    from sparring.metrics.recognition import fit_classifier, recognised
    from sparring.networks.dcgan import dcgan_discriminator
    from sparring.objectives import adversarial
    from sparring.recipes.images import classic
    from sparring.training.callbacks import read_journal

    import keras
    import numpy as np

    def weak(*arguments, **sizes):
        return dcgan_discriminator(*arguments, **sizes | {"width": 2})

    changes = {
        "unchecked": lambda: mock.patch.object(adversarial, "_check_slopes", return_value=None),
        "weak": lambda: mock.patch.object(classic, "dcgan_discriminator", weak),
    }
    digits = sparring.open_source("digits")
    classifier = fit_classifier(digits.examples["image"], np.asarray(digits.examples["label"]))
    source = digits
    if change == "few":
        source = sparring.open_source(tuple(np.asarray(digits.examples[key])[:FEW] for key in ("image", "label")))
    recipe = sparring.find_recipe(recipe_name)
    record = _record(source, recipe, options | {"images": IMAGES, "tick_images": TICK_IMAGES}, seed)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, changes.get(change, contextlib.nullcontext)():
        keras.utils.clear_session()
        keras.utils.set_random_seed(seed)
        game = recipe.build(source.spec, **record.options)
        run, judge, error = sparring.Run(Path(folder) / "run", record), judge_for(source), ""
        try:
            run.train(game, source.batches(game.pace.batch_size, seed), [], lambda _: None, judge)
        except sparring.SparringError as found:
            error = str(found)
        lines = read_journal(run.journal)
        bundle = run.snapshot(game)
        samples = bundle.sample(SAMPLES, seed=1) if not error else None
    shown = recognised(classifier, samples, bundle.labels_for(SAMPLES)).value if samples is not None else 0.0
    return {
        "case": name,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "floor": judge.floor,
        "figure": judge.name,
        "error": error,
        "recognised": round(shown, 3),
        "lines": lines,
    }


def told(found: dict) -> list[str]:
    """What the diagnosis says of a training, and from which tick on."""
    from sparring.training.health import HEALTH, diagnose, episodes

    lines: list[dict] = []
    for line in found["lines"]:
        lines.append({name: value for name, value in line.items() if name != HEALTH})
        if said := diagnose(lines, found["figure"], found["floor"]):
            lines[-1][HEALTH] = said
    first: dict[str, int] = {}
    for episode in episodes(lines):
        first.setdefault(episode.name, episode.first["tick"])
    ended = ["stopped"] if found["error"] else []
    return [f"{name.replace('_', ' ')} ({tick})" for name, tick in first.items()] + ended


def failed(one: dict, found: list[dict]) -> bool:
    """Whether a training that was made to fail did: worse than all fine ones of its recipe, or of few images."""
    if one["case"] in FINE or one["case"] == LEARNT:
        return one["case"] == LEARNT
    recipe = cases(0.0)[one["case"]][0]
    return bool(one["error"]) or one["recognised"] < min(o["recognised"] for o in found if o["case"] == recipe)


def table_of(found: list[dict], console: Console) -> None:
    table = Table("training", "recognised", "failed", "told (from tick)", "right", box=None, pad_edge=False)
    names, right = list(dict.fromkeys(one["case"] for one in found)), {False: [0, 0], True: [0, 0]}
    for name in names:
        runs = [one for one in found if one["case"] == name]
        words = [told(one) for one in runs]
        bad = [failed(one, found) for one in runs]
        calls = [bool(said) == did for said, did in zip(words, bad, strict=True)]
        for did, call in zip(bad, calls, strict=True):
            right[did][0] += call
            right[did][1] += 1
        shown = " ".join(f"{one['recognised']:.0%}" for one in runs)
        said = "; ".join(", ".join(one) or "nothing" for one in words)
        table.add_row(name, shown, f"{sum(bad)} of {len(runs)}", said, f"{sum(calls)} of {len(runs)}")
    console.print(table)
    for did, (calls, count) in right.items():
        console.print(f"{'failed' if did else 'fine'}: {calls} of {count} called right")
    console.print(f"{sum(one['seconds'] for one in found) / 60:.0f} minutes of training")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--cases", nargs="+", help="train these alone")
    parser.add_argument("--out", type=Path, help="where to write all lines of all logs as JSON")
    parser.add_argument("--read", type=Path, nargs="+", help="diagnose what such files hold instead of training")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    pin(arguments.threads)
    with quiet_import():
        import sparring.applications.train
    found = [one for path in arguments.read or [] for one in json.loads(path.read_text())]
    if not arguments.read:
        import sparring

        gamma = 1e-2 * sparring.open_source("digits").spec.squared_distance
        for seed in arguments.seeds:
            for name, (recipe, options, change) in cases(gamma).items():
                if arguments.cases and name not in arguments.cases:
                    continue
                found.append(train(name, recipe, options, change, seed))
                print(f"{name}, seed {seed}: {found[-1]['seconds']:.0f} s", flush=True)
                if arguments.out:
                    arguments.out.write_text(json.dumps(found))
    table_of(found, Console(width=160))


if __name__ == "__main__":
    main()
