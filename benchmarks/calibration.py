"""What metrics say about MNIST's own images, spoiled in known ways: the table by which to read a figure.

Features need no download: the responses of random 5 x 5 filters, of which each image's mean and greatest are taken over
every quarter of the image, and the principal components of those over the reference. They are good enough to compare
rows of this table, not to compare with anything else.
"""

import argparse
import os
import pathlib

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA

from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernels import (
    kernel_inception_distance,
    maximum_mean_discrepancy,
    monge_inception_distance,
    unit_scale,
)
from sparring.metrics.neighbours import coverage_ceiling, duplicated, memorised, precision_recall_density_coverage
from sparring.metrics.resampling import Metric, measure

FILTERS, SIDE, WIDTH = 48, 5, 64


class RandomFilters:
    """Images `(N, 28, 28)` of 0 to 255 to features `(N, 64)`, by filters drawn from a seed."""

    name = "random-filters-v1"

    def __init__(self, reference: np.ndarray, seed: int = 0):
        filters = np.random.default_rng(seed).normal(size=(SIDE * SIDE, FILTERS))
        self.filters = ((filters - filters.mean(axis=0)) / SIDE).astype(np.float32)
        self.components = PCA(WIDTH, random_state=0).fit(self._responses(reference))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self.components.transform(self._responses(images))

    def _responses(self, images: np.ndarray) -> np.ndarray:
        return np.concatenate([self._some(images[start : start + 500]) for start in range(0, len(images), 500)])

    def _some(self, images: np.ndarray) -> np.ndarray:
        windows = sliding_window_view(images.astype(np.float32) / 255, (SIDE, SIDE), axis=(1, 2))
        responses = np.maximum(windows.reshape(*windows.shape[:3], -1) @ self.filters, 0)
        quarters = responses.reshape(len(images), 2, 12, 2, 12, FILTERS)
        pooled = np.stack([quarters.mean(axis=(2, 4)), quarters.max(axis=(2, 4))])
        return np.moveaxis(pooled, 0, 1).reshape(len(images), -1)


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
        "kid x 1000": (lambda *pair: 1000 * kernel_inception_distance(*unit_scale(*pair), subsets=20).value, 1000),
        "mmd x 1000": (lambda *pair: 1000 * maximum_mean_discrepancy(*pair), 0),
        "mind": (lambda *pair: monge_inception_distance(*pair, 200), 0),
        **{field: (neighbours(field), 1000) for field in ("precision", "recall", "density", "coverage")},
        "duplicated": (lambda real, fake: duplicated(fake, real).value, 0),
    }


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
    extract = RandomFilters(reference)
    real, held_out = extract(reference), extract(x_test[-options.samples :])
    metrics = figures()
    ceiling = coverage_ceiling(5, len(real), len(real))
    print(f"{extract.name}, n={options.samples}, ref=train; 95 % intervals; coverage is {ceiling:.3f} at best\n")
    print("| images | " + " | ".join([*metrics, "memorised"]) + " |")
    print("|---" * (2 + len(metrics)) + "|")
    floors: dict[str, float] = {}
    for label, images in spoiled(x_test, y_test, options.samples).items():
        fake, cells = extract(images), []
        for name, (metric, needed) in metrics.items():
            figure = measure(
                name, metric, real, fake, extractor=extract.name, needed=needed, resamples=options.resamples
            )
            floors[name] = figure.floor
            cells.append(f"{figure.value:.3g} ± {figure.high - figure.value:.2g}")
        share = memorised(fake, real, held_out)
        cells.append(f"{share.value:.3g} ({share.low:.2g} to {share.high:.2g})")
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)
    print(
        "| floor (halves of the reference) | " + " | ".join(f"{floor:.3g}" for floor in floors.values()) + " | 0.01 |"
    )


if __name__ == "__main__":
    main()
