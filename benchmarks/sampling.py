"""How long rows take to draw and to write, and how much memory.

`python benchmarks/sampling.py --rows 1000000 --columns 30` makes a table of 20,000 rows, half of its columns numbers
and half levels, trains the recipe `tabular` for one step, draws so many rows into a file, and prints the seconds of
processor and the most memory that the process held before and while it drew.
"""

import argparse
import pathlib
import resource
import tempfile
import time

from sparring import TableSynthesizer
from sparring.bundle.tables import save_table

import numpy as np
import pandas as pd


def table(columns: int, rows: int = 20_000, seed: int = 0) -> pd.DataFrame:
    """Numbers, half of them with a spike, and levels, from 2 to 100 of them."""
    random = np.random.default_rng(seed)
    found = {}
    for place in range(columns // 2):
        values = random.normal(size=rows)
        found[f"number {place}"] = np.where(random.random(rows) < 0.3 * (place % 2), 0.0, np.round(values, 4))
    for place in range(columns - columns // 2):
        found[f"level {place}"] = np.char.add("level ", random.integers(0, 2 + 7 * place, rows).astype(str))
    return pd.DataFrame(found)


def held() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=30)
    arguments = parser.parse_args()
    bundle = TableSynthesizer(rows=500, tick_rows=500).fit(table(arguments.columns), target="level 0").bundle_
    bundle.sample(1000)
    print(f"before: {held()}", flush=True)
    began = time.process_time()
    for part in bundle.parts(arguments.rows):
        del part
    print(f"drawn: {time.process_time() - began:.1f} s of processor, {held()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        began, path = time.process_time(), pathlib.Path(folder) / "rows.csv"
        save_table(bundle.parts(arguments.rows), path)
        size = path.stat().st_size / 1e6
    print(f"drawn and written, {size:,.0f} MB: {time.process_time() - began:.1f} s of processor, {held()}")


if __name__ == "__main__":
    main()
