"""What it is worth what sparring settles for TensorFlow on a processor: images a second with and without.

    python benchmarks/settled.py freed_memory --out benchmarks/results/freed_memory.json
    python benchmarks/settled.py onednn --out benchmarks/results/onednn.json

Each recipe trains in two processes, on one core and in turn, one of which leaves TensorFlow and glibc as they are. The
table has the median ratio of the rounds by the clock and by the processor, with least and most, the pages that one
image costs either of them, and the memory they held at most.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

from sparring import environment
from sparring.cli.quiet import quiet_import

from contender import pin
from document import settled as table
from workload import RECIPES, TRANSLATIONS

WARM_SECONDS = 2.0


def give_memory_back() -> None:
    environment.keep_freed_memory = lambda: None
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "0"


def leave_kernels_to_tensorflow() -> None:
    # Set by the import of `environment`, and read by that of TensorFlow, which therefore comes later.
    os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)


UNSETTLE = {"freed_memory": give_memory_back, "onednn": leave_kernels_to_tensorflow}


def train(recipe: str, seconds: float, rounds: int) -> None:
    """Prints images a second by either clock, pages an image, and megabytes held at most, of every round."""
    with quiet_import():
        from keras_contenders import Ours

    contender = Ours(recipe)
    contender.run(WARM_SECONDS)
    for _ in range(rounds):
        sys.stdin.readline()
        pages = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        images, clock, processor = contender.run(seconds)
        about = resource.getrusage(resource.RUSAGE_SELF)
        found = {
            "images_per_second": images / clock,
            "images_per_processor_second": images / processor,
            "pages_per_image": (about.ru_minflt - pages) / images,
            "megabytes": about.ru_maxrss / 1024,
        }
        print(json.dumps(found), flush=True)


def compare(recipe: str, arguments: argparse.Namespace) -> dict[str, list[dict]]:
    """What either process found, round by round."""
    words = [sys.executable, __file__, arguments.what, "--recipes", recipe, "--seconds", str(arguments.seconds)]
    words += ["--rounds", str(arguments.rounds), "--child"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    processes = {way: subprocess.Popen([*words, way], **pipes) for way in ("with", "without")}
    found: dict[str, list[dict]] = {way: [] for way in processes}
    for _ in range(arguments.rounds):
        for way, process in processes.items():
            print(file=process.stdin, flush=True)
            found[way].append(json.loads(process.stdout.readline()))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=UNSETTLE)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES + TRANSLATIONS, default=[*RECIPES, "pix2pix"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each round")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON")
    parser.add_argument("--child", choices=("with", "without"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        pin(1)
        if arguments.child == "without":
            UNSETTLE[arguments.what]()
        train(arguments.recipes[0], arguments.seconds, arguments.rounds)
        return
    os.environ["OMP_NUM_THREADS"] = "1"  # What the record says.
    results = {recipe: compare(recipe, arguments) for recipe in arguments.recipes}
    settings = {"rounds": arguments.rounds, "seconds": arguments.seconds}
    if arguments.out:
        from records import write_record  # Not above: it imports Keras, before which a child unsettles.

        write_record(arguments.out, arguments.what, settings, results)
    print(table({"settings": settings, "results": results}))


if __name__ == "__main__":
    main()
