"""`sparring augment` on the tables and on MNIST, whole or cut to few examples.

    SPARRING_TEST_DATA=FOLDER python benchmarks/augment.py shoppers --count 1000 --set rows=200000
    SPARRING_TEST_DATA=FOLDER python benchmarks/augment.py mnist --count 200 --recipe dcgan --set images=20000

FOLDER holds the tables with `schema.json`, and `mnist.npz`. Prints the table and the verdict, and the seconds by the
clock and by the processor; `--out` keeps the report. `--count` rows are drawn as the classes are, or digits equally.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from tables import FOLDER, TABLES

import sparring
from sparring.recipes.catalog import parse_setting


def table(name: str, count: int | None) -> tuple[pd.DataFrame, str]:
    """The table, or so many of its rows, and its target."""
    schema = json.loads((FOLDER / "schema.json").read_text())[name]
    frame = pd.read_csv(FOLDER / f"{name}.csv")
    if count is not None:
        strata = frame[schema["target"]] if schema["task"] == "clf" else None
        frame, _ = train_test_split(frame, train_size=count, random_state=0, stratify=strata)
    return frame.reset_index(drop=True), schema["target"]


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """So many of MNIST's training images, as many of each digit, and their labels."""
    with np.load(FOLDER / "mnist.npz") as mnist:
        images, labels = mnist["x_train"], mnist["y_train"]
    random = np.random.default_rng(0)
    rows = np.concatenate([random.choice(np.flatnonzero(labels == d), count // 10, replace=False) for d in range(10)])
    return images[rows], labels[rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=(*TABLES, "mnist"))
    parser.add_argument("--count", type=int, default=None, help="examples; all rows, or 200 digits, by default")
    parser.add_argument("--model", nargs="+", default=())
    parser.add_argument("--recipe", default=None)
    parser.add_argument("--set", nargs="+", default=(), metavar="NAME=VALUE")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=pathlib.Path, default=None, help="file for the report")
    arguments = parser.parse_args()
    if arguments.data == "mnist":
        source, target = digits(arguments.count or 200), None
    else:
        source, target = table(arguments.data, arguments.count)
    clock, processor = time.monotonic(), time.process_time()
    found = sparring.augment(
        source,
        target=target,
        model=arguments.model,
        recipe=arguments.recipe,
        options=dict(map(parse_setting, arguments.set)),
        folds=arguments.folds,
        repeats=arguments.repeats,
        seed=arguments.seed,
    )
    print(found)
    print(f"{time.monotonic() - clock:.0f} s, {time.process_time() - processor:.0f} s of processor")
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(found.as_json(), indent=2))


if __name__ == "__main__":
    main()
