"""What a table takes that does not fit into memory: seconds and memory, to open it, train on it and judge by it.

`python benchmarks/long_table.py --rows 2000000` writes a CSV of so many rows and of 30 columns, half of them numbers
and half levels, opens it, trains the recipe `tabular` for two short ticks, and evaluates 2,000 rows of it. After each
it prints the seconds of processor, the most memory that the process has held, and what of that which it holds is its
own: the rest are pages of files, encoded rows among them, which the system drops where memory is short. `--whole` reads
the table whole.
"""

import argparse
import pathlib
import re
import resource
import tempfile
import time

import sparring
from sparring.data.source import open_source
from sparring.data.tables import streamed

import pandas as pd
from sampling import table

PART = 20_000  # Rows that are written at once.


def write(path: pathlib.Path, rows: int, columns: int):
    for start in range(0, rows, PART):
        part: pd.DataFrame = table(columns, min(PART, rows - start), seed=start)
        part.to_csv(path, index=False, mode="a" if start else "w", header=not start)


def held() -> str:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    own = re.search(r"RssAnon:\s*(\d+)", pathlib.Path("/proc/self/status").read_text())  # Linux has it.
    return f"{most:,.0f} MB at most, {int(own[1]) / 1024 if own else float('nan'):,.0f} MB its own now"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--whole", action="store_true")
    arguments = parser.parse_args()
    if arguments.whole:
        streamed.LIMIT = 2**60
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "long.csv"
        write(path, arguments.rows, arguments.columns)
        options = {"rows": 20_000, "tick_rows": 10_000}
        print(f"{path.stat().st_size / 1e6:,.0f} MB written: {held()}", flush=True)
        began = time.process_time()
        source = open_source(path, target="level 0")
        print(f"opened: {time.process_time() - began:.1f} s of processor, {held()}", flush=True)
        began = time.process_time()
        run = sparring.train(source, run=pathlib.Path(folder) / "run", options=options, say=lambda words: None)
        print(f"trained for 40 steps: {time.process_time() - began:.1f} s of processor, {held()}", flush=True)
        began = time.process_time()
        sparring.evaluate(run.folder, data=path, n=2_000)
        print(f"evaluated: {time.process_time() - began:.1f} s of processor, {held()}")


if __name__ == "__main__":
    main()
