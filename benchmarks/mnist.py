"""Recipes on MNIST for the same time: how near to the digits each gets, and how soon.

    python benchmarks/mnist.py --data-dir data --seconds 300 --seeds 0 1 2 --out mnist.json
    python benchmarks/mnist.py --data-dir data --seconds 300 --unconditional --recipes dcgan r3gan torch
    python benchmarks/mnist.py --data-dir data --recipes r3gan r3gan,penalty_every=4 r3gan,finite_differences=true

Speeds are measured in turn, and each recipe is then shown as many images as it makes of the time at its speed, its
schedules run over so many: what else the machine does while one of them trains does not matter. Looks at the generator
are not counted. Figures are the averaged generator's, on the features of `digits-v1`; `torch` is the same dcgan in
PyTorch, unconditional only.

Runs that the file `--out` holds of an earlier call are kept: the same call again, or with more seeds or recipes, does
what is missing. Recipes that are new there are measured in turn with one that is not, and by its seconds.
"""

import argparse
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path

import sparring
from sparring.applications.timing import time_steps
from sparring.data.source import Source, image_source
from sparring.metrics.extractors.digits import DigitsExtractor
from sparring.metrics.frechet import Moments, frechet_distance_of_moments
from sparring.metrics.neighbours import precision_recall_density_coverage
from sparring.metrics.scores import classifier_score
from sparring.ops.color import to_uint8
from sparring.recipes.catalog import parse_setting

import keras
import numpy as np
from document import mnist as table
from keras import ops
from records import earlier_results, write_record

RECIPES = ("article", "dcgan", "wgan_gp", "sngan", "r3gan", "stylegan2")
SAMPLES, AT_ONCE, LOOKS = 10_000, 500, 8
ROUNDS, ROUND_SECONDS = 3, 3.0  # Of measuring speeds.


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
    """Images shown, and the distance, at the end of every tick."""

    def __init__(self, judge: Judge):
        super().__init__()
        self.judge, self.curve = judge, []

    def on_epoch_end(self, epoch, logs=None):
        game = self.model
        images = sample(game.average.copies["generator"], game.draws["latents"][0], self.judge.labels)
        self.curve.append((game.steps_done * game.pace.batch_size, self.judge.quick(images)))


class Ours:
    """A recipe of this library, with `option=value` after commas."""

    def __init__(self, name: str, data: Source):
        recipe_name, *pairs = name.split(",")
        self.recipe, self.options, self.data = sparring.find_recipe(recipe_name), dict(map(parse_setting, pairs)), data

    def to_measure(self) -> Callable[[], float]:
        """What trains for a round, and says how many images it was shown in a second."""
        game = self.recipe.build(self.data.spec, **self.options)
        batches = self.data.batches(game.pace.batch_size)
        return lambda: game.pace.batch_size / time_steps(game, batches, ROUND_SECONDS).step

    def train(self, images: int, seed: int, judge: Judge) -> tuple[list[tuple[int, float]], np.ndarray]:
        """The curve, and samples at the end."""
        keras.utils.set_random_seed(seed)
        game, looks = self.recipe.build(self.data.spec, **self.options, images=images), Looks(judge)
        batches, steps = self.data.batches(game.pace.batch_size, seed), images // game.pace.batch_size
        game.fit(batches, epochs=LOOKS, steps_per_epoch=steps // LOOKS, verbose=0, callbacks=[looks])
        return looks.curve, sample(game.average.copies["generator"], game.draws["latents"][0], judge.labels)


class Torch:
    """The same dcgan in PyTorch, in the layout and with the Adam that are fastest here."""

    def to_measure(self) -> Callable[[], float]:
        """What trains for a round, and says how many images it was shown in a second."""
        trainer = self._trainer()

        def measure() -> float:
            images, seconds, _ = trainer.run(ROUND_SECONDS)
            return images / seconds

        return measure

    def train(self, images: int, seed: int, judge: Judge) -> tuple[list[tuple[int, float]], np.ndarray]:
        """The curve, and samples at the end."""
        import torch

        trainer = self._trainer()
        torch.manual_seed(seed)
        steps, curve = images // trainer.batch_size // LOOKS, []
        for look in range(1, LOOKS + 1):
            for _ in range(steps):
                trainer.step()
            samples = self._samples(trainer)
            curve.append((look * steps * trainer.batch_size, judge.quick(samples)))
        return curve, samples

    @staticmethod
    def _trainer():
        import pytorch_contenders as contenders
        import torch

        return contenders.fastest("dcgan", False, torch.get_num_threads())[0]

    @staticmethod
    def _samples(trainer) -> np.ndarray:
        import torch

        latents = torch.from_numpy(np.random.default_rng(1).standard_normal((SAMPLES, trainer.latent_dim), np.float32))
        with torch.no_grad():
            trainer.average.eval()
            found = [trainer.average(part).permute(0, 2, 3, 1).numpy() for part in latents.split(AT_ONCE)]
        return to_uint8(np.concatenate(found))


def measured_speeds(contenders: Mapping[str, Ours | Torch]) -> dict[str, float]:
    """Images a second of each: the median of rounds in which all of them take turns."""
    measured = {name: contender.to_measure() for name, contender in contenders.items()}
    rounds = [{name: measure() for name, measure in measured.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(found[name] for found in rounds) for name in measured}


def all_speeds(contenders: Mapping[str, Ours | Torch], results: Mapping[str, list[dict]]) -> dict[str, float]:
    """Images a second, of those with earlier runs what it was then; the others by the seconds of one of these."""
    speeds = {name: statistics.fmean(run["images"] / run["seconds"] for run in runs) for name, runs in results.items()}
    missing = [name for name in contenders if name not in speeds]
    if not missing:
        return speeds
    known = next((name for name in contenders if name in speeds), None)
    found = measured_speeds({name: contenders[name] for name in [known, *missing] if name})
    scale = speeds[known] / found[known] if known else 1.0
    return {name: scale * speed for name, speed in found.items()} | speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with mnist.npz")
    parser.add_argument("--recipes", nargs="+", default=RECIPES, help="or torch; with options after commas")
    parser.add_argument("--seconds", type=float, default=300.0, help="for each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--unconditional", action="store_true", help="without labels")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON, after every run")
    arguments = parser.parse_args()
    data = sparring.open_source("mnist", data_dir=arguments.data_dir)
    judge = Judge(data)
    if arguments.unconditional:
        data = image_source("mnist-unlabelled", data.examples["image"])
    settings = {"seconds": arguments.seconds, "seeds": arguments.seeds, "conditional": not arguments.unconditional}
    found = earlier_results(arguments.out, settings) or {"floor": judge.floor, "runs": {}}
    results, record = found["runs"], {"settings": settings, "results": found}
    contenders = {name: Torch() if name == "torch" else Ours(name, data) for name in arguments.recipes}
    speeds = all_speeds(contenders, results)
    for place, seed in enumerate(arguments.seeds):
        for name, contender in contenders.items():
            if place < len(results.get(name, ())):
                continue
            images = int(arguments.seconds * speeds[name])
            curve, samples = contender.train(images, seed, judge)
            curve = [(shown / speeds[name], distance) for shown, distance in curve]
            run = {"images": images, "seconds": arguments.seconds, "curve": curve} | judge.whole(samples)
            results.setdefault(name, []).append(run)
            print(name, seed, {key: value for key, value in run.items() if key != "curve"}, flush=True)
            if arguments.out:
                write_record(arguments.out, "mnist", **record)
    print(table(record))


if __name__ == "__main__":
    main()
