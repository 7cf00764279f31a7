"""What each extractor of features costs, and what it sees of MNIST's images spoiled in known ways.

Costs are processor time. A figure under what was done to images is how many standard deviations their Frechet distance
lies above that of images that nobody touched: below 2 is not seen.
"""

import argparse
import os
import pathlib
import tempfile
import time

from sparring.data.source import open_source
from sparring.metrics.extractors.choice import make_extractor
from sparring.metrics.frechet import Moments, frechet_distance_of_moments

import numpy as np
from scipy.ndimage import gaussian_filter

REFERENCE, SAMPLES, DRAWS = 10_000, 2000, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", default=os.environ.get("SPARRING_TEST_DATA"), help="folder with mnist.npz")
    parser.add_argument("--extractors", default="digits,own,random", help="kinds, with commas")
    options = parser.parse_args()
    data = open_source("mnist", data_dir=options.data_dir)
    images, labels = data.examples["image"], np.asarray(data.examples["label"])
    others, classes = np.asarray(data.held_out["image"]), np.asarray(data.held_out["label"])
    random = np.random.default_rng(0)
    draws = [random.permutation(len(others))[:SAMPLES] for _ in range(DRAWS)]
    spoiled = spoil(others, classes, draws[0], random)
    print("| extractor | features | parameters | ready in CPU s | images/CPU s | floor | " + " | ".join(spoiled) + " |")
    print("|" + "---|" * (len(spoiled) + 6))
    for kind in options.extractors.split(","):
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            extractor = make_extractor(kind, images, labels, fingerprint=data.fingerprint, folder=pathlib.Path(folder))
            ready = time.process_time() - start
        start = time.process_time()
        reference = Moments.of(extractor(images[:REFERENCE]).features)
        speed = REFERENCE / (time.process_time() - start)
        seen = extractor(others).features

        def away(features: np.ndarray, reference: Moments = reference) -> float:
            return frechet_distance_of_moments(reference, Moments.of(features))

        untouched = [away(seen[draw]) for draw in draws]
        middle, spread = np.mean(untouched), np.std(untouched, ddof=1)
        far = [(away(extractor(found).features) - middle) / spread for found in spoiled.values()]
        costs = f"{len(reference.mean)} | {getattr(extractor, 'num_parameters', 0):,} | {ready:.0f} | {speed:,.0f}"
        print(
            f"| {extractor.name} | {costs} | {middle:.3g} | " + " | ".join(f"{z:.0f}" for z in far) + " |", flush=True
        )


def spoil(images: np.ndarray, labels: np.ndarray, rows: np.ndarray, random: np.random.Generator) -> dict:
    """Images by what was done to them."""
    whole = images[rows].astype(np.float64)
    partners = whole[random.permutation(len(whole))]
    blended = np.where((random.random(len(whole)) < 0.1)[:, None, None, None], (whole + partners) / 2, whole)
    checker = 255 * 0.1 * (np.indices(whole.shape[1:3]).sum(axis=0) % 2)[..., None]
    without = {label: images[np.flatnonzero(labels != label)] for label in (1, 4)}  # 4 looks like 9, 1 like none.
    return {
        "noise 10 %": as_uint8(whole + random.normal(0, 25.5, whole.shape)),
        "blur 0.7": as_uint8(gaussian_filter(whole, (0, 0.7, 0.7, 0))),
        "checker 10 %": as_uint8(whole + checker),
        "10 % blended": as_uint8(blended),
        **{f"no {label}": left[random.permutation(len(left))[:SAMPLES]] for label, left in without.items()},
        "300 unique": images[rows[:300]][np.arange(SAMPLES) % 300],
    }


def as_uint8(images: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
