"""`sparring augment` on the tables and on digits, whole or cut to few examples.

    SPARRING_TEST_DATA=FOLDER python benchmarks/augment.py shoppers --counts 1000 --set rows=200000
    SPARRING_TEST_DATA=FOLDER python benchmarks/augment.py mnist --counts 100 500 --recipe dcgan --set images=20000

FOLDER holds the tables with `schema.json`, and `mnist.npz`; `digits` and `cancer` are scikit-learn's. Every seed draws
a cut of its own: rows as the classes are, or of each digit as many. Prints the table and the verdict, and the seconds
by the clock and by the processor; `--out` keeps all figures after every cut, and those it holds of an earlier call.

Of digits the test images, which no cut holds, tell besides what the recommendation is worth: the share of them that the
network knows after learning the cut alone, and the cut with what is recommended.
"""

import argparse
import pathlib
import time

import sparring
from sparring.applications.augmenting.images import ImageSubject
from sparring.applications.augmenting.report import Augmentation
from sparring.data.source import open_source
from sparring.recipes.catalog import parse_setting

import numpy as np
import pandas as pd
from records import earlier_results, write_record
from tables import FOLDER, TABLES, parted, whole

DIGITS = ("digits", "mnist")
Labelled = tuple[np.ndarray, np.ndarray]


def table(name: str, count: int | None, seed: int) -> tuple[pd.DataFrame, str]:
    """The table, or so many of its rows, and its target."""
    frame, schema = whole(name)
    if count is not None:
        frame, _ = parted(frame, schema, train_size=count, random_state=seed)
    return frame, schema["target"]


def equally(labels: np.ndarray, count: int, seed: int | list[int]) -> np.ndarray:
    """So many places of labels from 0 to 9, of each as many."""
    random = np.random.default_rng(seed)
    return np.concatenate([random.choice(np.flatnonzero(labels == d), count // 10, replace=False) for d in range(10)])


def digits(name: str, count: int | None, seed: int) -> tuple[Labelled, Labelled]:
    """So many of the training images with labels, as many of each digit, or all; and the test images."""
    source = open_source(name, data_dir=FOLDER)
    kept, test = source.examples, source.held_out
    images, labels = np.asarray(kept["image"]), np.asarray(kept["label"])
    if count is not None:
        rows = equally(labels, count, seed)
        images, labels = images[rows], labels[rows]
    return (images, labels), (np.asarray(test["image"]), np.asarray(test["label"]))


def tested(cut: Labelled, found: Augmentation, test: Labelled, seed: int) -> dict[str, float]:
    """Of the test images the share that the network knows, learnt of the cut, and with what is recommended."""
    subject = ImageSubject(open_source(cut), (), None, seed)

    def known(images: np.ndarray, labels: np.ndarray) -> float:
        network = subject.models["cnn"].fit(images, labels)
        return round(float((network.predict(test[0]) == test[1]).mean()), 4)

    real = known(*subject.examples(np.arange(subject.count)))
    changed = len(found.data["image"]) > subject.count
    return {"nothing": real, "recommended": known(found.data["image"], found.data["label"]) if changed else real}


def study(arguments: argparse.Namespace, count: int | None, seed: int) -> dict:
    """One cut: what was found, and what it took."""
    clock, processor = time.monotonic(), time.process_time()
    target, test = None, None
    if arguments.data in DIGITS:
        source, test = digits(arguments.data, count, seed)
    else:
        source, target = table(arguments.data, count, seed)
    found = sparring.augment(
        source,
        target=target,
        model=arguments.model,
        recipe=arguments.recipe,
        options=dict(map(parse_setting, arguments.set)),
        folds=arguments.folds,
        repeats=arguments.repeats,
        seed=seed,
    )
    print(found, flush=True)
    run = {"count": count, "seed": seed} | found.as_json()
    run["processor_seconds"] = round(time.process_time() - processor)
    print(f"{time.monotonic() - clock:.0f} s, {run['processor_seconds']} s of processor")
    if test is not None:
        run["test"] = tested(source, found, test, seed)
        print(f"Of {len(test[1]):,} test images: {run['test']}", flush=True)
    # What stands in the settings, or can be told from them.
    run["protocol"] = {name: run["protocol"][name] for name in ("recipe", "options", "fingerprint")}
    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=(*TABLES, *DIGITS))
    parser.add_argument("--counts", type=int, nargs="+", default=[None], help="examples; all by default")
    parser.add_argument("--model", nargs="+", default=[])
    parser.add_argument("--recipe", default=None)
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=pathlib.Path, default=None, help="where to write all figures as JSON")
    arguments = parser.parse_args()
    settings = {name: value for name, value in vars(arguments).items() if name != "out"}
    runs = earlier_results(arguments.out, settings) or []
    done = [(run["count"], run["seed"]) for run in runs]
    for seed in arguments.seeds:
        for count in arguments.counts:
            if (count, seed) in done:
                continue
            runs.append(study(arguments, count, seed))
            if arguments.out:
                write_record(arguments.out, "augment", settings, runs)


if __name__ == "__main__":
    main()
