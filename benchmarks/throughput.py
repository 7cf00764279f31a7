"""Images per second of `game.fit` beside the usual Keras loop and PyTorch, measured in turn in one run.

    python benchmarks/throughput.py
    python benchmarks/throughput.py --recipes dcgan --rounds 9 --seconds 10 --out dcgan.json
    python benchmarks/throughput.py --recipes pix2pix cyclegan fastcut

Every contender trains the same networks without labels, with the same loss, Adam, batch size and images, in a process
of its own that sleeps while the others run; a ratio compares two contenders of the same round. With `--by processor`
images are counted for each second of processor time, which other programs on the machine disturb less than the clock
on the wall; with one thread the two are the same on an idle machine.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from document import throughput as table
from records import write_record
from rich.console import Console
from workload import RECIPES, TRANSLATIONS

CONTENDERS = {
    "ours": "game.fit",
    "keras-loop": "Keras loop (predict, train_on_batch)",
    "torch-tutorial": "PyTorch, its tutorial",
    "torch": "PyTorch, best settings",
    "torch-compile": "PyTorch, best settings, torch.compile",
}
NEEDS = {
    "keras-loop": ("tensorflow", "sparring[cpu]"),
    "torch-tutorial": ("torch", "sparring[benchmarks]"),
    "torch": ("torch", "sparring[benchmarks]"),
    "torch-compile": ("torch", "sparring[benchmarks]"),
}

CANNOT = {
    ("r3gan", "keras-loop"): "train_on_batch knows no penalty of a gradient",
    ("r3gan", "torch-tutorial"): "it has no penalty of a gradient",
}
CANNOT |= {
    (recipe, name): "it translates nothing" for recipe in TRANSLATIONS for name in ("keras-loop", "torch-tutorial")
}


class Contender:
    """A process of `contender.py`.

    Raises:
        RuntimeError: It ended without an answer; its last words are on the terminal.
    """

    def __init__(self, name: str, recipe: str, threads: int, backend: str):
        self.name = name
        environment = os.environ | {
            "KERAS_BACKEND": backend if name == "ours" else "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        command = [sys.executable, str(Path(__file__).with_name("contender.py")), name, recipe, str(threads)]
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.introduction = self._answer()

    def run(self, seconds: float) -> dict:
        """Images per second by either clock, and the peak of a matrix product right after."""
        print(seconds, file=self.process.stdin, flush=True)
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)


def contenders_for(recipe: str, asked: list[str], console: Console) -> list[str]:
    """Those of `asked` that can run; says why the others cannot."""
    names = []
    for name in asked:
        package, extra = NEEDS.get(name, (None, None))
        if package and importlib.util.find_spec(package) is None:
            console.print(f"{CONTENDERS[name]} is left out: {package} is not installed. pip install '{extra}'")
        elif (recipe, name) in CANNOT:
            console.print(f"{CONTENDERS[name]} is left out: {CANNOT[recipe, name]}.")
        else:
            names.append(name)
    return names


def measure(recipe: str, arguments: argparse.Namespace, console: Console) -> dict:
    """Rounds of all contenders of a recipe."""
    running: list[Contender] = []
    rounds = []
    with console.status(f"{recipe}") as status:
        try:
            for name in contenders_for(recipe, arguments.contenders, console):
                status.update(f"{recipe}: {CONTENDERS[name]} gets ready")
                running.append(Contender(name, recipe, arguments.threads, arguments.backend))
            introductions = {each.name: each.introduction | {"is": CONTENDERS[each.name]} for each in running}
            check_equal(introductions)
            for number in range(arguments.rounds):
                # Every other round backwards: a machine that slows down all the while favours nobody.
                found = {}
                for contender in running[:: -1 if number % 2 else 1]:
                    status.update(f"{recipe}: round {number + 1} of {arguments.rounds}, {CONTENDERS[contender.name]}")
                    found[contender.name] = contender.run(arguments.seconds)
                rounds.append(found)
        finally:
            for contender in running:
                contender.close()
    return {"recipe": recipe, "contenders": introductions, "rounds": rounds}


def check_equal(introductions: dict):
    """Networks with other numbers of parameters are other networks."""
    parameters = {name: tuple(found["parameters"]) for name, found in introductions.items()}
    if len(set(parameters.values())) > 1:
        raise RuntimeError(f"The contenders' networks differ in their parameters: {parameters}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", choices=(*RECIPES, *TRANSLATIONS), default=RECIPES)
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each contender in each round")
    parser.add_argument("--threads", type=int, default=1, help="cores and threads of each contender; 0 takes all")
    parser.add_argument("--backend", choices=("tensorflow", "jax"), default="tensorflow", help="of game.fit")
    parser.add_argument("--by", choices=("wall", "processor"), default="wall", help="the clock of the table")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON")
    arguments = parser.parse_args()
    arguments.threads = arguments.threads or os.cpu_count()
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    console = Console() if sys.stdout.isatty() else Console(width=150)
    settings = {name: getattr(arguments, name) for name in ("rounds", "seconds", "threads", "backend", "by")}
    results = []
    for recipe in arguments.recipes:
        results.append(measure(recipe, arguments, console))
        print(table({"settings": settings, "results": results[-1:]}), flush=True)
    if arguments.out:
        write_record(arguments.out, "throughput", settings, results)


if __name__ == "__main__":
    main()
