"""How well a style is taken over whose truth is known: emoji, drawn by four vendors.

`SPARRING_TEST_DATA=FOLDER python benchmarks/styles.py` trains stargan_v2 on `emoji_styles_128.zip` of that folder,
at 32 pixels and without being told which glyphs are the same, and makes each of the 187 held-out glyphs of every vendor
anew in the style of every other, the reference another glyph among those trained on. It prints

- content: the share of them whose nearest true image, of the held-out glyphs in that style, is the right one;
- style: the share that a classifier names right which was trained on the real images that were trained on;
- distance: the mean absolute difference (of values in [-1, 1]) to the true image, the same glyph in that style;
- change: the mean absolute difference between what two references make of one content;
- domain: the share of held-out images whose domain the bundle itself guesses right;

first of the true images, of the contents as they are, of the references, and of the mean image of the style. With
`--out FOLDER` a picture of contents by references is kept there, and the run itself: the same command goes on with it.
"""

import argparse
import os
import pathlib
import time
from functools import partial

import sparring
from sparring.bundle.pictures import save_grid
from sparring.bundle.styles import StyleBundle, style_matrix
from sparring.data.images.domains import image_key
from sparring.data.source import open_source
from sparring.recipes.catalog import parse_setting

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

DATA = pathlib.Path(os.environ.get("SPARRING_TEST_DATA", "."))
LEARNT = 1000  # Real images of each style that the classifier learns.
SHOWN = (3, 40, 77, 110, 133, 150, 170, 180)  # Glyphs in a picture.


class Styles:
    """The held-out glyphs in every style but their own, with references and the truth."""

    def __init__(self, size: int):
        self.source = open_source(DATA / "emoji_styles_128.zip", size=size, domains=True)
        self.domains = self.source.spec.domains
        keys = [image_key(place) for place in range(len(self.domains))]
        self.trained = [np.asarray(self.source.examples[key]) for key in keys]
        self.held = [np.asarray(self.source.held_out[key]) for key in keys]
        self.ways = [(a, b) for a in range(len(keys)) for b in range(len(keys)) if a != b]
        random = np.random.default_rng(0)
        count = len(self.held[0])
        self.references = [[images[random.permutation(len(images))[:count]] for images in self.trained] for _ in "ab"]
        labels = np.repeat(np.arange(len(keys)), LEARNT)
        learnt = _flat(np.concatenate([images[:LEARNT] for images in self.trained]))
        # That of `SVC(C=10)`, by products of matrices: at 64 pixels libsvm's own sums take minutes.
        kernel = partial(rbf_kernel, gamma=1 / learnt.var() / learnt.shape[1])
        self.judge = SVC(C=10, kernel=kernel).fit(learnt, labels)

    def measure(self, name: str, make) -> None:
        """Prints the figures of `make(content images, target, references of it)`."""
        content, style, distance, change = [], [], [], []
        for source, target in self.ways:
            made, other = (_flat(make(self.held[source], target, refs[target])) for refs in self.references)
            truth = _flat(self.held[target])
            apart = cdist(made, truth, "cityblock") / truth.shape[1]
            content.append((apart.argmin(1) == np.arange(len(truth))).mean())
            style.append((self.judge.predict(made) == target).mean())
            distance.append(2 * np.diagonal(apart).mean())
            change.append(2 * np.abs(made - other).mean())
        print(
            f"{name}: content {np.mean(content):.1%}, style {np.mean(style):.1%}, distance {np.mean(distance):.3f}, "
            f"change {np.mean(change):.3f}",
            flush=True,
        )


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--images", type=int, default=16_000)
    parser.add_argument("--tick-images", type=int, default=2_000)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of the recipe")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("styles"))
    arguments = parser.parse_args()
    task = Styles(arguments.size)
    means = [np.rint(images.mean(0)).astype(np.uint8) for images in task.trained]
    task.measure("the truth", lambda images, target, references: task.held[target])
    task.measure("the content as it is", lambda images, target, references: images)
    task.measure("the reference", lambda images, target, references: references)
    task.measure("the mean image", lambda images, target, references: np.broadcast_to(means[target], images.shape))
    options = {"images": arguments.images, "tick_images": arguments.tick_images, "mirror": False}
    began = time.process_time()
    run = sparring.train(
        DATA / "emoji_styles_128.zip",
        recipe="stargan_v2",
        run=arguments.out / "run",
        size=arguments.size,
        options=options | dict(map(parse_setting, arguments.set)),
    )
    print(f"{time.process_time() - began:.0f} s of processor")
    bundle = sparring.load(run.folder)
    assert isinstance(bundle, StyleBundle)
    named = task.domains
    task.measure("drawn styles", lambda images, target, references: bundle.translate(images, named[target]))
    task.measure(
        "references", lambda images, target, references: bundle.translate(images, named[target], style=references)
    )
    right = [
        np.mean([name == domain for name in bundle.guess(held)]) for domain, held in zip(named, task.held, strict=True)
    ]
    print(f"domain {np.mean(right):.1%}")
    rows = [task.held[place % len(named)][glyph] for place, glyph in enumerate(SHOWN)]
    columns = [task.references[0][place % len(named)][glyph] for place, glyph in enumerate(SHOWN)]
    domains = [named[place % len(named)] for place in range(len(SHOWN))]
    cells = style_matrix(bundle, np.stack(rows), np.stack(columns), domains)
    save_grid(cells, arguments.out / "styles.png", len(columns) + 1)


if __name__ == "__main__":
    main()
