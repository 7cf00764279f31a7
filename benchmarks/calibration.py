"""What metrics say about MNIST's own images, spoiled in known ways: the table by which to read a figure.

Features are those of `digits-v1`, the classifier of digits that comes with the package.
"""

import argparse
import os
import pathlib

from sparring.metrics.extractors.digits import DigitsExtractor
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernels import (
    kernel_inception_distance,
    maximum_mean_discrepancy,
    monge_inception_distance,
    unit_scale,
)
from sparring.metrics.neighbours import coverage_ceiling, duplicated, memorised, precision_recall_density_coverage
from sparring.metrics.resampling import Metric, measure

import numpy as np
from scipy.ndimage import gaussian_filter

WIDTH = 64  # Features.


def spoiled(images: np.ndarray, labels: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """`count` images of each kind, all from the same held-out ones."""
    random = np.random.default_rng(0)
    plain, others = images[:count].astype(np.float32), images[random.permutation(count)].astype(np.float32)
    kept = np.flatnonzero(labels != 3)
    return {
        "real": plain,
        "noise, 2 %": np.clip(plain + random.normal(0, 0.02 * 255, plain.shape), 0, 255),
        "noise, 10 %": np.clip(plain + random.normal(0, 0.1 * 255, plain.shape), 0, 255),
        "blur, 0.7 pixels": gaussian_filter(plain, (0, 0.7, 0.7)),
        "5 % of another image": 0.95 * plain + 0.05 * others,
        "no threes": images[np.resize(kept, count)],
        "100 unique images": images[:100][random.integers(0, 100, count)],
    }


def figures() -> dict[str, tuple[Metric, int]]:
    """Each metric and how many samples it takes."""

    def neighbours(field: str) -> Metric:
        return lambda real, fake: getattr(precision_recall_density_coverage(real, fake), field)

    return {
        "fd": (frechet_distance, 10 * WIDTH),
        "kd x 1000": (lambda *pair: 1000 * kernel_inception_distance(*unit_scale(*pair), subsets=20).value, 1000),
        "mmd x 1000": (lambda *pair: 1000 * maximum_mean_discrepancy(*pair), 0),
        "swd": (lambda *pair: monge_inception_distance(*pair, 200), 0),
        **{field: (neighbours(field), 1000) for field in ("precision", "recall", "density", "coverage")},
        "duplicated": (lambda real, fake: duplicated(fake, real).value, 0),
    }


def seen(extract: DigitsExtractor, images: np.ndarray) -> np.ndarray:
    """Features of images `(N, 28, 28)` of 0 to 255."""
    return extract(np.rint(images).astype(np.uint8)[..., None]).features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=8, help="half samples for each interval")
    options = parser.parse_args()
    with np.load(pathlib.Path(os.environ["SPARRING_TEST_DATA"]) / "mnist.npz") as arrays:
        x_train, x_test, y_test = (arrays[name] for name in ("x_train", "x_test", "y_test"))
    # Neighbouring images share a writer, and the test set has the clearer hands first: unshuffled, parts differ.
    random = np.random.default_rng(0)
    order = random.permutation(len(x_test))
    x_test, y_test = x_test[order], y_test[order]
    reference = x_train[random.permutation(len(x_train))[: options.samples]]
    extract = DigitsExtractor()
    real, held_out = seen(extract, reference), seen(extract, x_test[-options.samples :])
    metrics = figures()
    ceiling = coverage_ceiling(5, len(real), len(real))
    print(f"{extract.name}, n={options.samples}, ref=train; 95 % intervals; coverage is {ceiling:.3f} at best\n")
    print("| images | " + " | ".join([*metrics, "memorised"]) + " |")
    print("|---" * (2 + len(metrics)) + "|")
    floors: dict[str, float] = {}
    for label, images in spoiled(x_test, y_test, options.samples).items():
        fake, cells = seen(extract, images), []
        for name, (metric, needed) in metrics.items():
            figure = measure(
                name, metric, real, fake, extractor=extract.name, needed=needed, resamples=options.resamples
            )
            floors[name] = figure.floor
            cells.append(f"{figure.value:.3g} ± {figure.high - figure.value:.2g}")
        share = memorised(fake, real, held_out)
        cells.append(f"{share.value:.3g} ({share.low:.2g} to {share.high:.2g})")
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)
    print("| floor (real against real) | " + " | ".join(f"{floor:.3g}" for floor in floors.values()) + " | 0.01 |")


if __name__ == "__main__":
    main()
