"""Frechet distance beside clean-fid's route by sqrtm, and precision, recall, density, coverage beside prdc.

Both sides get the same features, in turn, round after round; the figures are the fastest round of each by processor
time, which a busy machine does not stretch, their ratio, and how far their values lie apart.
"""

import argparse
import contextlib
import os
import time
from collections.abc import Callable
from typing import Any

from sparring.metrics.frechet import Moments, frechet_distance, frechet_distance_of_moments
from sparring.metrics.neighbours import precision_recall_density_coverage

import numpy as np
import scipy.linalg

try:
    from prdc import compute_prdc
except ImportError:
    compute_prdc = None


def by_sqrtm(real: Moments, fake: Moments) -> float:
    """The equation as clean-fid computes it: the root of the product as a matrix, then its trace."""
    apart, first, second = real.mean - fake.mean, real.covariance, fake.covariance
    root = scipy.linalg.sqrtm(first @ second).real
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * np.trace(root))


def compare(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    values = {}
    for _ in range(rounds):
        for side, call in (("ours", ours), ("theirs", theirs)):
            start = time.process_time()
            with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
                values[side] = np.array(call())
            seconds[side].append(time.process_time() - start)
    fastest = {side: min(turns) for side, turns in seconds.items()}
    apart = np.max(np.abs(values["ours"] / values["theirs"] - 1))
    ratio = fastest["theirs"] / fastest["ours"]
    print(f"| {name} | {fastest['ours']:.2f} s | {fastest['theirs']:.2f} s | {ratio:.1f} | {apart:.0e} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=2048, help="features of the Frechet distance")
    parser.add_argument("--widths", type=int, nargs="*", default=[64, 2048], help="features of the neighbours")
    parser.add_argument("--few", type=int, default=1000, help="samples of the distance below full rank")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    random = np.random.default_rng(0)

    def features(count: int, width: int, scale: float) -> np.ndarray:
        """Above 0, correlated and of unequal scale, as an extractor's are."""
        mixing = np.random.default_rng(1).normal(size=(width, width)) * np.geomspace(1, 0.01, width) / np.sqrt(width)
        return np.maximum(random.normal(0, scale, (count, width)) @ mixing, 0).astype(np.float32)

    print("| metric | ours | theirs | theirs / ours | apart |\n|---|---|---|---|---|")
    for count in (options.samples, options.few):
        real, fake = (features(count, options.width, scale) for scale in (1, 1.1))
        sides = [Moments.of(real), Moments.of(fake)]
        label = f"FD, d = {options.width}, n = {count}"
        if count > options.width:
            moments = sides  # Both sides start from the moments, which they would compute alike.
            compare(label, lambda: frechet_distance_of_moments(*moments), lambda: by_sqrtm(*moments), options.rounds)  # noqa: B023
        else:
            pair = real, fake
            compare(label, lambda: frechet_distance(*pair), lambda: by_sqrtm(*sides), options.rounds)  # noqa: B023
    if compute_prdc is None:
        print("prdc is not installed: `pip install prdc`")
        return
    for width in options.widths:
        real, fake = (features(options.samples, width, scale) for scale in (1, 1.1))
        compare(
            f"PRDC, d = {width}, {options.samples} x {options.samples}",
            lambda: precision_recall_density_coverage(real, fake),  # noqa: B023
            lambda: list(compute_prdc(real, fake, 5).values()),  # noqa: B023
            options.rounds,
        )


if __name__ == "__main__":
    main()
