"""How good translations are whose truth is known, by seconds of processor.

`SPARRING_TEST_DATA=FOLDER python benchmarks/translation.py facades --images 16000` trains pix2pix on label maps and
photographs of facades at 64 pixels, and prints after every tick the mean absolute difference (of values in [-1, 1]) and
the SSIM on the 106 test images; first the same of the mean training image.

`SPARRING_TEST_DATA=FOLDER python benchmarks/translation.py digits --recipe fastcut --images 15000` trains without pairs
from MNIST to USPS at 32 pixels, and prints how many of 3,000 translated test digits of MNIST are named right by a
support vector machine that has learnt the training digits of USPS; first of untranslated ones, and of the test digits
of USPS. MNIST's digits lie in the middle 20x20 of 28x28 pixels, and those of USPS fill all: `--crop 4` is for that.
One in six digits of USPS is a 0, and of MNIST one in ten: `--as-frequent` trains with so many of USPS that each digit
is as frequent in both. To draw them takes their labels; the machine that judges learns all of them in any case.

With `--choose` all of that is of other images, `val` of the facades and the 2,000 test digits behind those 3,000:
options are chosen on them. With `--out FOLDER` a picture of the first test images is kept after every tick.
"""

import argparse
import dataclasses
import os
import pathlib
import time

from sparring.bundle.kinds import make_bundle
from sparring.bundle.pictures import save_grid
from sparring.bundle.record import Record
from sparring.data.images.arrays import from_arrays, read_arrays
from sparring.data.images.domains import join_domains
from sparring.data.source import open_source
from sparring.metrics.similarity import absolute_difference, structural_similarity
from sparring.recipes.catalog import find_recipe, parse_setting

import keras
import numpy as np
from sklearn.svm import SVC

DATA = pathlib.Path(os.environ.get("SPARRING_TEST_DATA", "."))
FACADES = {False: slice(106), True: slice(106, None)}  # Of those held out; True: to choose options by.
DIGITS = {False: slice(3000), True: slice(3000, 5000)}
SHOWN, COLUMNS = 12, 4  # Examples in a picture, and beside each other.


class Facades:
    """Label maps made into photographs."""

    recipe, options = "pix2pix", {"to": "left"}

    def __init__(self, choose: bool):
        self.source = open_source(DATA / "facades.zip", size=64, domains=True)
        # Those of the folder `test` stand before those of `val`.
        self.truth, self.given = (self.source.held_out[f"{place}/image"][FACADES[choose]] for place in (0, 1))
        mean = np.rint(self.source.examples["0/image"].mean(axis=0)).astype(np.uint8)
        print("mean image:", self.measure(np.broadcast_to(mean, self.truth.shape)))

    def measure(self, made: np.ndarray) -> str:
        distance = absolute_difference(made, self.truth).mean()
        return f"L1 {distance:.4f}, SSIM {structural_similarity(made, self.truth).mean():.4f}"


class Digits:
    """MNIST's digits made into those of USPS."""

    recipe, options = "fastcut", {"to": "usps", "mirror": False}
    truth = None

    def __init__(self, crop: int, as_frequent: bool, choose: bool):
        found = {name: read_arrays(DATA / f"{name}.npz") for name in ("mnist", "usps")}
        middle = slice(crop, 28 - crop)
        for part in ("x_train", "x_test"):
            found["mnist"][part] = found["mnist"][part][:, middle, middle]
        mnist, usps = (from_arrays(arrays, (32, 32)) for arrays in found.values())
        self.given, self.labels = mnist.held_out["image"][DIGITS[choose]], mnist.held_out["label"][DIGITS[choose]]
        self.judge = SVC(C=10).fit(_flat(usps.images), usps.labels)
        known = self.judge.score(_flat(usps.held_out["image"]), usps.held_out["label"])
        print(f"USPS test digits: {known:.1%} right")
        if as_frequent:
            usps = dataclasses.replace(usps, images=usps.images[_as_frequent(usps.labels, mnist.labels)])
        self.source = join_domains("digits", {"mnist": mnist, "usps": usps})
        print("untranslated:", self.measure(self.given))

    def measure(self, made: np.ndarray) -> str:
        return f"{self.judge.score(_flat(made), self.labels):.1%} right"


def _as_frequent(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """As many places of `labels` as there can be with each label as frequent among them as among `others`."""
    shares = np.bincount(others) / len(others)
    counts = np.floor(np.min(np.bincount(labels) / shares) * shares).astype(int)
    return np.concatenate([np.flatnonzero(labels == label)[:count] for label, count in enumerate(counts)])


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("facades", "digits"))
    parser.add_argument("--recipe", default=None)
    parser.add_argument("--images", type=int, default=None, help="in place of the recipe's own number")
    parser.add_argument("--tick-images", type=int, default=2000)
    parser.add_argument("--crop", type=int, default=0, help="pixels cut off each border of MNIST's digits")
    parser.add_argument("--as-frequent", action="store_true", help="each digit as frequent in USPS as in MNIST")
    parser.add_argument("--choose", action="store_true", help="measure on images that are there to choose options by")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the recipe")
    parser.add_argument("--out", type=pathlib.Path, default=None)
    arguments = parser.parse_args()
    if arguments.task == "facades":
        task = Facades(arguments.choose)
    else:
        task = Digits(arguments.crop, arguments.as_frequent, arguments.choose)
    recipe = find_recipe(arguments.recipe or task.recipe)
    options = {name: value for name, value in task.options.items() if name in recipe.options}
    options |= {"tick_images": arguments.tick_images} | dict(map(parse_setting, arguments.set))
    options |= {"images": arguments.images} if arguments.images else {}
    keras.utils.set_random_seed(0)
    source = task.source
    game = recipe.build(source.spec, **options)
    record = Record(
        recipe=recipe.name,
        options=recipe.check(options),
        spec=source.spec,
        seed=0,
        source=source.name,
        fingerprint=source.fingerprint,
        version="0",
    )
    seconds = 0.0
    for tick in range(game.pace.num_ticks):
        began = time.process_time()
        game.fit(source.batches(game.pace.batch_size), initial_epoch=tick, epochs=tick + 1, verbose=0)
        seconds += time.process_time() - began
        made = make_bundle(record, game.average.copies).translate(task.given, task.options["to"])
        images = game.steps_done * game.pace.batch_size
        print(f"{images:,} images, {seconds:.0f} s of processor: {task.measure(made)}", flush=True)
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
            parts = [task.given, made] if task.truth is None else [task.given, made, task.truth]
            cells = np.stack([part[:SHOWN] for part in parts], axis=1).reshape(-1, *made.shape[1:])
            save_grid(cells, arguments.out / f"{tick + 1:03d}.png", COLUMNS * len(parts))


if __name__ == "__main__":
    main()
