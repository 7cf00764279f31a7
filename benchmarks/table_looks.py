"""Whether the small detection after every tick orders snapshots of a table as a larger one does, and what it costs.

`SPARRING_TEST_DATA=FOLDER python benchmarks/table_looks.py --table shoppers` trains the recipe `tabular`, looks at
2,000 rows after every tick as a run does, and at 4,000 others with a hundred trees; it prints both, the seconds of
processor of a look, and Spearman's correlation of the two over all ticks.
"""

import argparse
import json
import os
import pathlib
import time

import sparring
from sparring.applications.evaluating.table_rows import Reader
from sparring.bundle.record import Record
from sparring.bundle.tables import TableBundle
from sparring.data.source import open_source
from sparring.metrics.tables.detection import area_under_curve, detection_scores
from sparring.metrics.tables.rows import spread
from sparring.metrics.tables.vitals import TableVitals
from sparring.recipes.catalog import find_recipe
from sparring.training.callbacks import TickCallback

import numpy as np
from scipy.stats import spearmanr

FOLDER = pathlib.Path(os.environ.get("SPARRING_TEST_DATA", "."))
MORE = 4_000
SEED = 7  # Of the rows.


class Looks(TickCallback):
    """Prints a line of both figures after every tick."""

    def __init__(self, source, snapshot):
        super().__init__()
        self.snapshot = snapshot
        self.reader = Reader(source.spec, source.rows)
        self.training = self.reader(source.rows)
        self.vitals = TableVitals(self.training, self.reader)
        self.found: list[tuple[float, float, float]] = []

    def on_tick(self, tick, logs):
        rows = self.snapshot().look(self.vitals.num_samples + MORE, seed=SEED)
        began = time.process_time()
        small = self.vitals(rows[: self.vitals.num_samples])[self.vitals.name]
        seconds = time.process_time() - began
        others = self.reader(rows[self.vitals.num_samples :])
        large = area_under_curve(*detection_scores(spread(self.training, MORE), others))
        self.found.append((small, large, seconds))
        print(f"tick {tick}: {small:.4f}, of more rows {large:.4f}; {seconds:.2f} s of processor", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="shoppers")
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    target = json.loads((FOLDER / "schema.json").read_text())[arguments.table]["target"]
    source = open_source(FOLDER / f"{arguments.table}.csv", target=target)
    options = find_recipe("tabular").check({"rows": arguments.rows})
    game = find_recipe("tabular").build(source.spec, **options)
    record = Record(
        recipe="tabular",
        options=options,
        spec=source.spec,
        seed=0,
        source=source.name,
        fingerprint=source.fingerprint,
        version=sparring.__version__,
    )
    looks = Looks(source, lambda: TableBundle(record, game.average.copies))
    game.fit(source.batches(game.pace.batch_size), verbose=0, callbacks=[looks])
    small, large, seconds = np.array(looks.found).T
    print(f"Spearman {spearmanr(small, large).statistic:.2f}, {seconds.mean():.2f} s of processor a look")


if __name__ == "__main__":
    main()
