"""One contender in a process of its own: it says what it is, then trains for as long as each line it reads asks."""

import argparse
import json
import os
import sys

from sparring.cli.quiet import quiet_import

WARM_SECONDS = 2.0


def pin(threads: int):
    """Leaves this process so many cores and its libraries so many threads; before any of them is imported."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if threads == 1:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_cpu_multi_thread_eigen=false".strip()


def make(name: str, recipe: str, threads: int):
    """The contender, its introduction, and its way to measure a matrix product."""
    if name.startswith("torch"):
        import pytorch_contenders as contenders

        if name == "torch-tutorial":
            trainer, note = contenders.by_the_tutorial(recipe, threads)
        else:
            trainer, note = contenders.fastest(recipe, name == "torch-compile", threads)
        return trainer, contenders.introduce(trainer, note), contenders.matrix_peak
    with quiet_import():
        import keras_contenders as contenders

    contender = (contenders.Ours if name == "ours" else contenders.KerasLoop)(recipe)
    return contender, contenders.introduce(contender, recipe), contenders.matrix_peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("recipe")
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    pin(arguments.threads)
    # Answers go where standard output went; what the libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    contender, introduction, matrix_peak = make(arguments.name, arguments.recipe, arguments.threads)
    contender.run(WARM_SECONDS)
    print(json.dumps(introduction), file=answers)
    for line in sys.stdin:
        images, seconds, processor_seconds = contender.run(float(line))
        answer = {
            "images_per_second": images / seconds,
            "images_per_processor_second": images / processor_seconds,
            "peak_gflops": matrix_peak(),
        }
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
