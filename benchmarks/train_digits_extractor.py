"""Trains the classifier that is shipped as the extractor `digits-v1` anew, from MNIST alone.

Seeded, but not to the last digit: another machine, backend or version of a library ends at other weights of about the
same accuracy, and figures of one are not comparable with those of another. The file in the package is therefore frozen:
`--out` writes elsewhere, and what replaces the shipped one needs another name than `digits-v1`.
"""

import argparse
import pathlib
import time

from sparring.data.source import open_source
from sparring.metrics.extractors.digits import DigitsExtractor
from sparring.metrics.extractors.kept import digest_of, write_weights
from sparring.metrics.extractors.learning import Layer, learn

import numpy as np

LAYERS = (Layer(16, 5), Layer(32, 5), Layer(64, 3))
EPOCHS, SEED = 12, 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with mnist.npz; else SPARRING_DATA, else Keras' own copy")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("digits.safetensors"))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--check", type=pathlib.Path, help="measure this file instead of training")
    options = parser.parse_args()
    data = open_source("mnist", data_dir=options.data_dir)
    if options.check is None:
        images, labels = data.examples["image"], np.asarray(data.examples["label"])
        start = time.perf_counter()
        learned = learn(images, labels, 10, LAYERS, options.epochs * len(images), SEED)
        print(
            f"trained for {time.perf_counter() - start:.0f} s; held-out part of the training images {learned.accuracy}"
        )
        # Half the bytes in the wheel; NumPy computes with them in float32.
        weights = {name: array.astype(np.float16) for name, array in learned.weights.items()}
        write_weights(options.out, weights, {"classes": "10", "data": "mnist", "seed": str(SEED)})
        print(f"{options.out}: {options.out.stat().st_size:,} bytes, sha256 of the weights {digest_of(weights)}")
    extractor = DigitsExtractor(options.check or options.out)
    images, labels = data.held_out["image"], np.asarray(data.held_out["label"])
    start = time.perf_counter()
    seen = extractor(images)
    taken = time.perf_counter() - start
    right = int(np.sum(seen.probabilities.argmax(axis=1) == labels))
    print(
        f"{extractor.num_parameters:,} parameters, {seen.features.shape[1]} features; test accuracy "
        f"{right / len(labels):.2%} of {len(labels):,}; {taken:.1f} s for them, {len(labels) / taken:,.0f} images/s"
    )


if __name__ == "__main__":
    main()
