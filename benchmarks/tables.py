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
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from table_measures import Judge

from sparring import TableSynthesizer
from sparring.data.encoding import decode, encode
from sparring.data.layout import Layout
from sparring.data.tables import table_source

FOLDER = pathlib.Path(os.environ.get("SPARRING_TEST_DATA", "."))
TABLES = ("shoppers", "adult", "magic", "housing")


def load(name: str) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Rows to learn from, rows held out, and the entry of the schema."""
    schema = json.loads((FOLDER / "schema.json").read_text())[name]
    frame = pd.read_csv(FOLDER / f"{name}.csv", keep_default_na=True)
    strata = frame[schema["target"]] if schema["task"] == "clf" else None
    train, test = train_test_split(frame, test_size=0.2, random_state=0, stratify=strata)
    return train.reset_index(drop=True), test.reset_index(drop=True), schema


def shuffled(train: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
    """Every column shuffled by itself."""
    random = np.random.default_rng(seed)
    return train.apply(lambda column: column.to_numpy()[random.permutation(len(column))])


def copula(train: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
    """The ranks of all columns as one normal distribution."""
    random = np.random.default_rng(seed)
    ranks = train.rank(method="first", na_option="bottom").to_numpy()
    normal = norm.ppf((ranks - 0.5) / len(train))
    drawn = random.multivariate_normal(np.zeros(train.shape[1]), np.corrcoef(normal.T), len(train))
    places = np.argsort(np.argsort(drawn, axis=0), axis=0)
    return pd.DataFrame({name: train[name].sort_values().to_numpy()[places[:, i]] for i, name in enumerate(train)})


def smote(train: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
    """Each row moved part of the way to one of five neighbours; levels are taken of either."""
    random = np.random.default_rng(seed)
    source = table_source("table", train, target)
    encoded, layout = encode(train, source.spec.columns), Layout(source.spec)
    places = (encoded["low"] + encoded["high"]) / 2
    slots = (encoded["codes"][:, layout.segment_of] == layout.slot_in_segment) * 0.5
    # Neighbours are of the same class, where there are classes.
    same = [100.0 if layout.segments[place].name == target else 1.0 for place in layout.segment_of]
    rows = np.concatenate([slots * same, places], axis=1).astype(np.float32)
    near = NearestNeighbors(n_neighbors=6).fit(rows).kneighbors(rows, return_distance=False)
    other = near[np.arange(len(rows)), random.integers(1, 6, len(rows))]
    share = random.random((len(rows), 1))
    codes = np.where(random.random(encoded["codes"].shape) < share, encoded["codes"][other], encoded["codes"])
    return decode(source.spec, codes, places + share * (places[other] - places), seed)


def ours(options: dict) -> Callable:
    """Rows of a synthesizer with these options."""

    def make(train: pd.DataFrame, target: str, seed: int) -> pd.DataFrame:
        return TableSynthesizer(seed=seed, **options).fit(train, target=target).sample(len(train), seed=seed)

    return make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=None, help="rows to train on, in place of the recipe's default")
    parser.add_argument("--only", nargs="+", default=None, help="ways, of real, shuffled, copula, smote and ours")
    arguments = parser.parse_args()
    options = {} if arguments.rows is None else {"rows": arguments.rows}
    ways = {"shuffled": shuffled, "copula": copula, "smote": smote, "ours": ours(options)}
    for name in arguments.tables:
        train, test, schema = load(name)
        judge = Judge(train, test, schema["target"], schema["num"])
        for way in ["real", *ways]:
            if arguments.only and way not in arguments.only:
                continue
            seconds, found = [], []
            for seed in range(1 if way == "real" else arguments.seeds):
                began = time.process_time()
                made = test if way == "real" else ways[way](train, schema["target"], seed)
                seconds.append(time.process_time() - began)
                found.append(judge.measure(made))
            if way == "real":  # Rows that were held out, as if made; what is learnt is learnt from the training rows.
                found[0]["learnt"] = judge.measure(train)["learnt"]
                del found[0]["nearer to train"]
            print(
                name, way, f"{np.mean(seconds):.1f} s", *(_spread(key, found) for key in found[0]), sep="  ", flush=True
            )


def _spread(key: str, found: list[dict[str, float]]) -> str:
    values = [one[key] for one in found]
    return f"{key} {np.mean(values):.3f} +- {np.ptp(values) / 2:.3f}"


if __name__ == "__main__":
    main()
