"""Our rows beside real ones, shuffled columns, a Gaussian copula, SMOTE, CTGAN and TVAE, by seconds of processor.

`SPARRING_TEST_DATA=FOLDER python benchmarks/tables.py --tables shoppers adult --seeds 3` prints a line for each table,
seed and way, and a table of all with the mean over the seeds and their deviation. FOLDER holds the tables and
`schema.json`, which names their targets and numbers; `cancer`, a small one, is scikit-learn's, 569 rows of 30 numbers
and a diagnosis. A fifth of the rows is held out, the same in every run.

`--only ours ctgan ctgan-as-long tvae` needs `pip install ctgan==0.12.1`, whose own defaults they have: 300 passes, and
`ctgan-as-long` as many as take the time that ours took with the same seed. Seeds that the file `--out` holds of an
earlier call are kept, with the ways it had: the same call with more seeds, or fewer ways, does what is missing.

With `--count 1000` so many of the training rows are learnt from, and the rest of them judges: what is chosen, is by it.
"""

import argparse
import json
import os
import pathlib
import time

from sparring import TableSynthesizer
from sparring.metrics.tables.baselines import gaussian_copula, shuffled, smote
from sparring.metrics.tables.rows import Rows

import pandas as pd
from document import tables as table
from records import earlier_results, write_record
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from table_measures import Judge

FOLDER = pathlib.Path(os.environ.get("SPARRING_TEST_DATA", "."))
SMALL = "cancer"
TABLES = ("shoppers", "adult", "magic", "housing", SMALL)
SIMPLE = ("real", "shuffled", "copula", "smote", "ours")
RIVALS = ("ctgan-as-long", "ctgan", "tvae")


def whole(name: str) -> tuple[pd.DataFrame, dict]:
    """A table, and the entry of the schema: its target, whether that is a class, and its columns of numbers."""
    if name == SMALL:
        found = load_breast_cancer(as_frame=True)
        frame = found.data.assign(diagnosis=found.target_names[found.target])
        return frame, {"target": "diagnosis", "task": "clf", "num": list(found.data.columns)}
    schema = json.loads((FOLDER / "schema.json").read_text())[name]
    return pd.read_csv(FOLDER / f"{name}.csv"), schema


def load(name: str, count: int | None = None) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Rows to learn from, rows held out, and the entry of the schema; with `count` both are of the former."""
    frame, schema = whole(name)
    train, test = parted(frame, schema, test_size=0.2, random_state=0)
    if count is not None:
        train, test = parted(train, schema, train_size=count, random_state=1)
    return train, test, schema


def parted(frame: pd.DataFrame, schema: dict, **how) -> list[pd.DataFrame]:
    """Two parts of a table, with the classes as often in both."""
    strata = frame[schema["target"]] if schema["task"] == "clf" else None
    return [part.reset_index(drop=True) for part in train_test_split(frame, stratify=strata, **how)]


def make(way: str, judge: Judge, train: pd.DataFrame, schema: dict, seed: int, options: dict) -> Rows:
    """Rows made in one of the ways that need nothing but this library."""
    if way == "ours":
        synthesizer = TableSynthesizer(seed=seed, **options).fit(train, target=schema["target"])
        return judge.form(synthesizer.sample(len(train), seed=seed))
    if way == "smote":
        return smote(judge.train, judge.target, seed)
    return judge.test if way == "real" else {"shuffled": shuffled, "copula": gaussian_copula}[way](judge.train, seed)


def compare(name: str, ways: list[str], seed: int, options: dict, epochs: int, count: int | None) -> dict[str, dict]:
    """Measures and seconds of processor by way, for one table and seed."""
    train, test, schema = load(name, count)
    judge, found = Judge(train, test, schema["target"], schema["num"]), {}
    for way in ways:
        about, began = {}, time.process_time()
        if way in RIVALS:
            from table_rivals import draw  # Without CTGAN's package all other ways can be compared.

            allowed = found["ours"]["seconds"] if way == "ctgan-as-long" else None
            frame, about = draw(way.split("-")[0], train, schema["num"], seed, epochs, allowed)
            made = judge.form(frame)
        else:
            made = make(way, judge, train, schema, seed, options)
        about = {"seconds": time.process_time() - began} | about
        found[way] = about | judge.measure(made)
        if way == "real":  # Rows that were held out, as if made; what is learnt is learnt from the training rows.
            found[way]["learnt"] = judge.measure(judge.train)["learnt"]
            del found[way]["nearer to train"]
        print(name, seed, way, *(f"{key} {value:.3f}" for key, value in found[way].items()), sep="  ", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=None, help="rows to train on, in place of the recipe's default")
    parser.add_argument("--count", type=int, default=None, help="rows to learn from, of those for training")
    parser.add_argument("--only", nargs="+", choices=SIMPLE + RIVALS, default=SIMPLE, help="ways")
    parser.add_argument("--epochs", type=int, default=300, help="of CTGAN and TVAE")
    parser.add_argument("--out", type=pathlib.Path, help="where to write all figures as JSON")
    arguments = parser.parse_args()
    ways = [way for way in SIMPLE + RIVALS if way in arguments.only]
    if "ctgan-as-long" in ways and "ours" not in ways:
        parser.error("ctgan-as-long takes its time from ours: add ours to --only")
    options = {} if arguments.rows is None else {"rows": arguments.rows}
    cut = {} if arguments.count is None else {"count": arguments.count}
    settings = {"epochs": arguments.epochs} | options | cut
    results: dict[str, list[dict]] = earlier_results(arguments.out, settings) or {}
    record = {"settings": settings, "results": results}
    for name in arguments.tables:
        for seed in range(len(results.get(name, ())), arguments.seeds):
            found = compare(name, ways, seed, options, arguments.epochs, arguments.count)
            results.setdefault(name, []).append(found)
            if arguments.out:
                write_record(arguments.out, "tables", **record)
    print(table(record))


if __name__ == "__main__":
    main()
