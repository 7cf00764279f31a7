"""Few images: with how many, and with what the discriminator sees changed, a generator learns and does not copy.

    python benchmarks/few_images.py --source pokemon_128.zip --images 400000 --seeds 0 1 2
    python benchmarks/few_images.py --source pokemon_128.zip --images 40000 --set width=16 learning_rate=0.001

Of the images of one source some are trained on, without labels, in three ways: as they are, changed by DiffAugment, and
changed by as much as keeps the discriminator from being sure (adaptive). Every training is shown as many images. The
same call again, or with more seeds, does what the file `--out` does not hold yet.

Figures are of 2,000 samples of the averaged generator, by the features of `random`, whose components are those of all
images. Distance and coverage are to all images, trained on or not, as in Zhao et al. 2020 (DiffAugment,
arXiv:2006.10738): who learns its own by heart is far from the others. `copies` is the share of samples nearer to an
image that was trained on than all but 5 % of the other images are, or, where all were trained on, than all but 5 % of
them are to each other: 5 % is due. `alike` is the share nearer to another sample than all but 1 % of the images are to
another. The distance of the images trained on, themselves, is what a generator would have that copied them all.
"""

import argparse
import itertools
import time
from pathlib import Path

import sparring
from sparring.data.source import Source, image_source
from sparring.metrics.extractors.classifier import some_rows
from sparring.metrics.extractors.random_filters import RandomExtractor
from sparring.metrics.frechet import Moments, frechet_distance_of_moments
from sparring.metrics.neighbours import (
    duplicated,
    nearest_distances,
    neighbour_distances,
    precision_recall_density_coverage,
    share_near,
)
from sparring.ops.color import to_uint8
from sparring.recipes.catalog import Recipe, parse_setting

import keras
import numpy as np
from keras import ops
from PIL import Image
from records import earlier_results, write_record

COUNTS, WAYS = (100, 400, 819), ("none", "diffaugment", "adaptive")
SAMPLES, AT_ONCE, LOOKS, NEAR = 2_000, 200, 4, 0.05
SHOWN = 16  # Samples of a training on the sheet.


class Judge:
    """Samples against all images of a source, and against those that were trained on."""

    def __init__(self, source: Source):
        self.images = np.asarray(source.examples["image"])
        self.look = RandomExtractor(self.images, fingerprint=source.fingerprint)
        self.features = self.look(self.images).features
        self.moments = Moments.of(self.features)

    def distance(self, features: np.ndarray) -> float:
        """To all images."""
        return frechet_distance_of_moments(self.moments, Moments.of(features))

    def figures(self, features: np.ndarray, trained: np.ndarray) -> dict[str, float]:
        """Of samples' features, with the rows of the images that were trained on."""
        others, known = np.delete(self.features, trained, axis=0), self.features[trained]
        usual = nearest_distances(others, known) if len(others) else neighbour_distances(known)
        found = {
            "distance": self.distance(features),
            "coverage": precision_recall_density_coverage(self.features, features).coverage,
            "copies": share_near(nearest_distances(features, known), usual, NEAR).value,
            "alike": duplicated(features, self.features).value,
        }
        return {name: round(value, 4) for name, value in found.items()}


def sample(game: sparring.Game, seed: int = 1) -> np.ndarray:
    """uint8 images of seeded latents."""
    latents = np.random.default_rng(seed).standard_normal((SAMPLES, *game.draws["latents"]), dtype=np.float32)
    generator = game.average.copies["generator"]
    parts = [generator([latents[i : i + AT_ONCE]], training=False) for i in range(0, SAMPLES, AT_ONCE)]
    return np.concatenate([to_uint8(ops.convert_to_numpy(part)) for part in parts])


def train(recipe: Recipe, options: dict, data: Source, images: int, seed: int, judge: Judge) -> tuple[dict, np.ndarray]:
    """Images shown, processor seconds and the distance on the way; and samples."""
    keras.utils.set_random_seed(seed)
    game, spent, curve = recipe.build(data.spec, **options, images=images), 0.0, []
    batches, steps = data.batches(game.pace.batch_size, seed), images // game.pace.batch_size
    for tick in range(LOOKS):
        began = time.process_time()
        game.fit(batches, initial_epoch=tick, epochs=tick + 1, steps_per_epoch=steps // LOOKS, verbose=0)
        spent += time.process_time() - began
        samples = sample(game)
        shown = game.steps_done * game.pace.batch_size
        curve.append([shown, round(spent, 1), round(judge.distance(judge.look(samples).features), 4)])
    return {"images": shown, "seconds": round(spent, 1), "curve": curve}, samples


def save_sheet(path: Path, rows: list[np.ndarray]) -> None:
    """One row of images for each training, twice as large."""
    sheet = np.concatenate([np.concatenate(list(row), axis=1) for row in rows])
    Image.fromarray(sheet).resize((2 * sheet.shape[1], 2 * sheet.shape[0]), Image.Resampling.NEAREST).save(path)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, help="images without labels: a folder or zip")
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="images to train on")
    parser.add_argument("--augment", nargs="+", default=WAYS, choices=WAYS)
    parser.add_argument("--recipe", default="dcgan")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="options of the recipe")
    parser.add_argument("--images", type=int, default=400_000, help="shown in each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--sheet", type=Path, help="where to put a picture of real images and of each training's")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON, after every training")
    return parser.parse_args()


def main():
    arguments = parsed()
    source = sparring.open_source(arguments.source, size=arguments.size)
    judge, recipe = Judge(source), sparring.find_recipe(arguments.recipe)
    options = dict(map(parse_setting, arguments.set))
    settings = {"source": source.name, "size": arguments.size, "recipe": arguments.recipe, "options": options}
    settings |= {"images": arguments.images, "seeds": arguments.seeds, "extractor": judge.look.name}
    parts = {count: some_rows(len(judge.images), count) for count in arguments.counts}
    real = {str(count): round(judge.distance(judge.features[rows]), 4) for count, rows in parts.items()}
    runs = (earlier_results(arguments.out, settings) or {"runs": []})["runs"]
    done, sheet = {(run["seed"], run["count"], run["augment"]) for run in runs}, []
    for seed, count, way in itertools.product(arguments.seeds, arguments.counts, arguments.augment):
        if (seed, count, way) in done:
            continue
        rows = parts[count]
        data = image_source(f"{source.name}-{count}", judge.images[rows])
        found, samples = train(recipe, options | {"augment": way}, data, arguments.images, seed, judge)
        found = {"count": count, "augment": way, "seed": seed, **found}
        runs.append(found | judge.figures(judge.look(samples).features, rows))
        print({name: value for name, value in runs[-1].items() if name != "curve"}, flush=True)
        sheet += [judge.images[rows[:SHOWN]], samples[:SHOWN]]
        if arguments.sheet:
            save_sheet(arguments.sheet, sheet)
        if arguments.out:
            write_record(arguments.out, "few_images", settings, {"real": real, "runs": runs})


if __name__ == "__main__":
    main()
