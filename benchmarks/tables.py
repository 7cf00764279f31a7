"""Our rows beside real ones, shuffled columns, a Gaussian copula and SMOTE, on real tables, by seconds of processor.

`SPARRING_TEST_DATA=FOLDER python benchmarks/tables.py --tables shoppers adult --seeds 3` prints a line for each table
and way, with the mean over the seeds and half the range. FOLDER holds the tables and `schema.json`, which names their
targets and numbers; a fifth of the rows is held out, the same in every run.
"""

import argparse
import json
import os
import pathlib
import time

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from table_measures import Judge

from sparring import TableSynthesizer
from sparring.metrics.tables.baselines import gaussian_copula, shuffled, smote
from sparring.metrics.tables.rows import Rows

FOLDER = pathlib.Path(os.environ.get("SPARRING_TEST_DATA", "."))
TABLES = ("shoppers", "adult", "magic", "housing")
WAYS = ("real", "shuffled", "copula", "smote", "ours")


def load(name: str) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Rows to learn from, rows held out, and the entry of the schema."""
    schema = json.loads((FOLDER / "schema.json").read_text())[name]
    frame = pd.read_csv(FOLDER / f"{name}.csv", keep_default_na=True)
    strata = frame[schema["target"]] if schema["task"] == "clf" else None
    train, test = train_test_split(frame, test_size=0.2, random_state=0, stratify=strata)
    return train.reset_index(drop=True), test.reset_index(drop=True), schema


def make(way: str, judge: Judge, train: pd.DataFrame, target: str, seed: int, options: dict) -> Rows:
    """Rows made in one of the `WAYS`."""
    if way == "ours":
        return judge.form(
            TableSynthesizer(seed=seed, **options).fit(train, target=target).sample(len(train), seed=seed)
        )
    if way == "smote":
        return smote(judge.train, judge.target, seed)
    return judge.test if way == "real" else {"shuffled": shuffled, "copula": gaussian_copula}[way](judge.train, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=None, help="rows to train on, in place of the recipe's default")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=None, help="ways")
    arguments = parser.parse_args()
    options = {} if arguments.rows is None else {"rows": arguments.rows}
    for name in arguments.tables:
        train, test, schema = load(name)
        judge = Judge(train, test, schema["target"], schema["num"])
        for way in WAYS:
            if arguments.only and way not in arguments.only:
                continue
            seconds, found = [], []
            for seed in range(1 if way == "real" else arguments.seeds):
                began = time.process_time()
                made = make(way, judge, train, schema["target"], seed, options)
                seconds.append(time.process_time() - began)
                found.append(judge.measure(made))
            if way == "real":  # Rows that were held out, as if made; what is learnt is learnt from the training rows.
                found[0]["learnt"] = judge.measure(judge.train)["learnt"]
                del found[0]["nearer to train"]
            print(
                name, way, f"{np.mean(seconds):.1f} s", *(_spread(key, found) for key in found[0]), sep="  ", flush=True
            )


def _spread(key: str, found: list[dict[str, float]]) -> str:
    values = [one[key] for one in found]
    return f"{key} {np.mean(values):.3f} +- {np.ptp(values) / 2:.3f}"


if __name__ == "__main__":
    main()
