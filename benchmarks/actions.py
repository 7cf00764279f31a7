"""Whether clips show the action asked for: mocogan on Weizmann's for the same processor time, by what judges motion.

    python benchmarks/actions.py weizmann_64.npz --seconds 400 --out benchmarks/results/actions.json

The file holds clips of nine people's actions, each beside its mirror image. All clips of the last two people are held
out; what recognises actions is trained on those of the others, as the generator is, and its share on clips held out
is the most that could be asked for. Runs stay in `--runs`. Seconds are of the processor, of training alone; what a clip
costs is measured first, so that schedules end with them.
"""

import argparse
import tempfile
from pathlib import Path

import sparring
from sparring.applications.evaluating.evaluate import compare

import numpy as np
from clips import measure
from document import actions as table
from records import write_record

FRAMES, STEPS = 16, 8  # Of a clip; and steps that are timed.
MIRRORED = 2  # Clips of a person's action.
JUDGES = ("triple", "volume")
FIGURES = ("fd", "frame_fd", "consistency", "recognised", "motion", "frozen")


def split(path: Path, folder: Path, people: int) -> Path:
    """The file with an array `held_out` that is true for clips of the last `people`, in the order of the file."""
    with np.load(path) as arrays:
        found = dict(arrays)
    held_out = np.zeros(len(found["label"]), bool)
    for label in np.unique(found["label"]):
        held_out[np.flatnonzero(found["label"] == label)[-MIRRORED * people :]] = True
    target = folder / "actions.npz"
    np.savez(target, frames=found["frames"], lengths=found["lengths"], label=found["label"], held_out=held_out)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--people", type=int, default=2, help="held out")
    parser.add_argument("--seconds", type=float, default=400.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--judges", nargs="+", default=JUDGES)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--runs", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None, help="where to write all figures as JSON, after every seed")
    arguments = parser.parse_args()
    folder = arguments.runs or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    file = split(arguments.clips, folder, arguments.people)
    data = sparring.open_source(file, size=arguments.size, frames=FRAMES)
    kept = ("size", "people", "seconds", "seeds", "samples")
    results: dict[str, list[dict]] = {}
    record = {"settings": {name: getattr(arguments, name) for name in kept}, "results": results}
    for seed in arguments.seeds:
        runs, counts = [], {}
        for judge in arguments.judges:
            milliseconds, _ = measure(data, {"motion_discriminator": judge}, STEPS)
            counts[judge] = int(1000 * arguments.seconds / milliseconds)
            options = {"motion_discriminator": judge, "clips": counts[judge]}
            runs.append(folder / f"{judge}-{seed}")
            sparring.train(data, run=runs[-1], seed=seed, options=options)
        reports = compare(runs, data=data, n=arguments.samples, out=folder)
        for judge, report in zip(arguments.judges, reports, strict=True):
            print(f"{judge}, seed {seed}, {counts[judge]:,} clips\n{report}", flush=True)
            found = {name: {"value": report[name].value, "floor": report[name].floor} for name in FIGURES}
            results.setdefault(judge, []).append({"clips": counts[judge]} | found)
        if arguments.out:
            write_record(arguments.out, "actions", **record)
    print(table(record))


if __name__ == "__main__":
    main()
