"""Recipes on MNIST for the same processor time: how near to the digits each gets, and how soon.

    python benchmarks/mnist.py --data-dir data --seconds 300 --seeds 0 1 2 --out mnist.json
    python benchmarks/mnist.py --data-dir data --seconds 300 --unconditional --recipes dcgan r3gan torch
    python benchmarks/mnist.py --data-dir data --recipes r3gan r3gan,penalty_every=4 r3gan,finite_differences=true

A recipe's schedules run over the images it will be shown, so its speed is measured first, on a few steps, and its
`images` set to what the time allows. Only training counts: looks at the generator are left out. Figures are the
averaged generator's, on the features of `digits-v1`; `torch` is the same dcgan in PyTorch, unconditional only.

Runs that the file `--out` holds of an earlier call are kept: the same call again, or with more seeds or recipes, does
what is missing.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from document import mnist as table
from keras import ops
from records import write_record

import sparring
from sparring.data.source import Source, image_source
from sparring.metrics.extractors.digits import DigitsExtractor
from sparring.metrics.frechet import Moments, frechet_distance_of_moments
from sparring.metrics.neighbours import precision_recall_density_coverage
from sparring.metrics.scores import classifier_score
from sparring.ops.color import to_uint8
from sparring.recipes.catalog import parse_setting

RECIPES = ("article", "dcgan", "wgan_gp", "sngan", "r3gan", "stylegan2")
SAMPLES, AT_ONCE, WARM_STEPS, LOOKS = 10_000, 500, 3, 8


class Judge:
    """Samples against all training images, by the features of `digits-v1`."""

    def __init__(self, data: Source):
        self.look = DigitsExtractor()
        self.features = self.look(data.examples["image"]).features
        self.moments = Moments.of(self.features)
        held_out = self.look(data.held_out["image"])
        self.labels = np.arange(SAMPLES) % 10
        self.floor = frechet_distance_of_moments(self.moments, Moments.of(held_out.features))

    def quick(self, images: np.ndarray) -> float:
        """fd[digits-v1, n=10000, ref=train]."""
        return frechet_distance_of_moments(self.moments, Moments.of(self.look(images).features))

    def whole(self, images: np.ndarray) -> dict[str, float]:
        """Every figure of the table."""
        seen = self.look(images)
        nearby = precision_recall_density_coverage(self.features[:: len(self.features) // SAMPLES], seen.features)
        return {
            "fd": frechet_distance_of_moments(self.moments, Moments.of(seen.features)),
            "density": nearby.density,
            "coverage": nearby.coverage,
            "classifier score": classifier_score(seen.probabilities),
            "digit asked for": float(np.mean(seen.probabilities.argmax(axis=1) == self.labels)),
        }


def sample(generator: keras.Model, latent_dim: int, labels: np.ndarray) -> np.ndarray:
    """Images of seeded latents under one-hot labels, where the generator takes any."""
    latents = np.random.default_rng(1).standard_normal((SAMPLES, latent_dim), dtype=np.float32)
    inputs = [latents, np.eye(10, dtype=np.float32)[labels]][: len(generator.inputs)]
    parts = [[rows[start : start + AT_ONCE] for rows in inputs] for start in range(0, SAMPLES, AT_ONCE)]
    return np.concatenate([to_uint8(ops.convert_to_numpy(generator(part, training=False))) for part in parts])


class Looks(keras.callbacks.Callback):
    """Time spent in steps, and the distance at the end of every tick."""

    def __init__(self, judge: Judge | None = None):
        super().__init__()
        self.judge, self.spent, self.curve = judge, 0.0, []

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.spent += time.process_time() - self.began
        if self.judge:
            game = self.model
            images = sample(game.average.copies["generator"], game.draws["latents"][0], self.judge.labels)
            self.curve.append((self.spent, self.judge.quick(images)))


def train(name: str, data: Source, seconds: float, seed: int, judge: Judge) -> dict:
    """One recipe, with `option=value` after commas, for so many processor seconds."""
    recipe_name, *pairs = name.split(",")
    recipe, options = sparring.find_recipe(recipe_name), dict(map(parse_setting, pairs))
    keras.utils.set_random_seed(seed)
    trial, looks = recipe.build(data.spec, **options), Looks()
    batches = data.batches(trial.pace.batch_size, seed)
    steps = max(WARM_STEPS, 2 * trial.most_at_once)
    trial.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0)  # Compiles.
    trial.fit(batches, epochs=1, steps_per_epoch=steps, verbose=0, callbacks=[looks])
    images = int(seconds * steps * trial.pace.batch_size / looks.spent)
    keras.utils.set_random_seed(seed)
    game, looks = recipe.build(data.spec, **options, images=images), Looks(judge)
    game.fit(
        batches, epochs=LOOKS, steps_per_epoch=images // game.pace.batch_size // LOOKS, verbose=0, callbacks=[looks]
    )
    found = sample(game.average.copies["generator"], game.draws["latents"][0], judge.labels)
    return {"images": images, "seconds": looks.spent, "curve": looks.curve} | judge.whole(found)


def train_torch(data: Source, seconds: float, seed: int, judge: Judge) -> dict:
    """PyTorch's dcgan for so many processor seconds."""
    import pytorch_contenders as contenders
    import torch

    trainer, _ = contenders.fastest("dcgan", False, torch.get_num_threads())
    torch.manual_seed(seed)
    spent, images, curve = 0.0, 0, []
    while spent < seconds:
        shown, _, processor = trainer.run(seconds / LOOKS)
        spent, images = spent + processor, images + shown
        latents = torch.from_numpy(np.random.default_rng(1).standard_normal((SAMPLES, trainer.latent_dim), np.float32))
        with torch.no_grad():
            trainer.average.eval()
            found = [trainer.average(part).permute(0, 2, 3, 1).numpy() for part in latents.split(AT_ONCE)]
        samples = to_uint8(np.concatenate(found))
        curve.append((spent, judge.quick(samples)))
    return {"images": images, "seconds": spent, "curve": curve} | judge.whole(samples)


def earlier_runs(out: Path | None, settings: dict) -> dict[str, list[dict]]:
    """What the file at `out` holds of each recipe: runs as long, of the first of these seeds."""
    if out is None or not out.exists():
        return {}
    record = json.loads(out.read_text())
    seeds = settings["seeds"][: len(record["settings"]["seeds"])]
    if record["settings"] != settings | {"seeds": seeds}:
        raise SystemExit(f"{out} holds runs with {record['settings']}, not {settings}. Give another file as --out.")
    return record["results"]["runs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with mnist.npz")
    parser.add_argument("--recipes", nargs="+", default=RECIPES, help="or torch; with options after commas")
    parser.add_argument("--seconds", type=float, default=300.0, help="processor seconds for each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--unconditional", action="store_true", help="without labels")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON, after every run")
    arguments = parser.parse_args()
    data = sparring.open_source("mnist", data_dir=arguments.data_dir)
    judge = Judge(data)
    if arguments.unconditional:
        data = image_source("mnist-unlabelled", data.examples["image"])
    settings = {"seconds": arguments.seconds, "seeds": arguments.seeds, "conditional": not arguments.unconditional}
    results = earlier_runs(arguments.out, settings)
    record = {"settings": settings, "results": {"floor": judge.floor, "runs": results}}
    for place, seed in enumerate(arguments.seeds):
        for name in arguments.recipes:
            if place < len(results.get(name, ())):
                continue
            if name == "torch":
                found = train_torch(data, arguments.seconds, seed, judge)
            else:
                found = train(name, data, arguments.seconds, seed, judge)
            results.setdefault(name, []).append(found)
            print(name, seed, {key: value for key, value in found.items() if key != "curve"}, flush=True)
            if arguments.out:
                write_record(arguments.out, "mnist", **record)
    print(table(record))


if __name__ == "__main__":
    main()
