"""Mixtures of Gaussians in the plane by PacGAN's protocol: how many modes, how near to them, and how evenly.

    KERAS_BACKEND=jax python benchmarks/mixtures.py --out mixtures.json  # One minute of processor for each run.
    python benchmarks/mixtures.py --mixtures ring --seeds 7 --set loss=non_saturating penalties=none
    python benchmarks/mixtures.py --full --seeds 0 1 2                      # PacGAN's networks, 400,000 steps.

Data and evaluation are those of Lin et al. 2017 (PacGAN, arXiv:1712.04086, section 4.1) and of the code they published:
100,000 points; of 2,500 samples those less than three standard deviations from the nearest centre are of high quality,
a mode is found where there is one of these, and the reverse Kullback-Leibler divergence, in nats, is that of their
counts from all modes equally often. Of real points 98.9 % are of high quality, and a mode is found by a single sample,
so that the spread stands beside: the deviation of these samples from their centre over that of the mixture. It is 0.97
for real points, and less for a generator that has learnt the middle of each mode only.

Without convolutions JAX is faster than TensorFlow. The options were chosen on the seeds 100 to 102, which are not
reported.
"""

import argparse
import dataclasses
import math
import time
from functools import partial
from pathlib import Path
from typing import Literal

import sparring
from sparring.data.batches import Batches
from sparring.data.spec import DataSpec
from sparring.layers.minibatch import MinibatchDeviation
from sparring.layers.packing import Pack
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import LOSSES
from sparring.recipes.catalog import parse_setting
from sparring.recipes.parts import gamma_from, read_penalties, two_players
from sparring.training.pace import Pace
from sparring.training.schedules import Adam, cosine

import keras
import numpy as np
from keras import layers, ops
from records import write_record

POINTS, SAMPLES, NEAR = 100_000, 2_500, 3.0
FULL = {"networks": "pacgan", "steps": 400_000}


@dataclasses.dataclass(frozen=True, eq=False)
class Mixture:
    """Gaussians of one deviation, all as frequent, around `centres` (modes, 2)."""

    centres: np.ndarray
    deviation: float

    def points(self, count: int, seed: int) -> np.ndarray:
        """So many points, (count, 2)."""
        random = np.random.default_rng(seed)
        centres = self.centres[random.integers(0, len(self.centres), count)]
        return centres + self.deviation * random.standard_normal((count, 2))

    def judge(self, points: np.ndarray) -> dict[str, float | None]:
        """Modes found, share of high quality, reverse divergence and spread of points `(N, 2)`; None of no such."""
        apart = np.linalg.norm(points[:, None] - self.centres, axis=2) / self.deviation
        nearest, apart = apart.argmin(axis=1), apart.min(axis=1)
        high = apart < NEAR
        if not high.any():
            return {"modes": 0, "high_quality": 0.0, "reverse_kl": None, "spread": None}
        counts = np.bincount(nearest[high], minlength=len(self.centres))
        shares = counts[counts > 0] / counts.sum()
        return {
            "modes": len(shares),
            "high_quality": round(float(high.mean()), 4),
            "reverse_kl": round(float(np.sum(shares * np.log(shares * len(counts)))), 4),
            # Of one coordinate.
            "spread": round(float(np.sqrt(np.mean(np.square(apart[high])) / 2)), 3),
        }


ANGLES = 2 * math.pi * np.arange(8) / 8  # Not `linspace(0, 2 * pi, 8)`, whose last is the first again: seven modes.
PLACES = np.arange(-4.0, 5, 2)
MIXTURES = {
    "ring": Mixture(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1), 0.01),
    "grid": Mixture(np.stack(np.meshgrid(PLACES, PLACES), axis=-1).reshape(-1, 2), 0.05),
}


def small_generator(latent_dim: int) -> keras.Model:
    """Two layers of 128."""
    latents = x = keras.Input((latent_dim,), name="latents")
    for _ in range(2):
        x = layers.Dense(128, activation="relu")(x)
    return keras.Model([latents], layers.Dense(2)(x), name="generator")


def small_discriminator(packing: int, group_size: int) -> keras.Model:
    """Two layers of 128."""
    points = keras.Input((2,), name="points")
    x = Pack(packing)(points)
    for _ in range(2):
        x = layers.Dense(128, activation="relu")(x)
    x = MinibatchDeviation(group_size)(x) if group_size > 1 else x
    return keras.Model([points], layers.Dense(1)(x), name="discriminator")


def pacgan_generator(latent_dim: int) -> keras.Model:
    """Four layers of 400 with batch normalisation, whose statistics move by a twentieth, as PacGAN's."""
    latents = x = keras.Input((latent_dim,), name="latents")
    for _ in range(4):
        x = layers.Dense(400, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.95, epsilon=1e-5)(x))
    x = layers.Dense(2, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))(x)
    return keras.Model([latents], x, name="generator")


def pacgan_discriminator(packing: int, group_size: int) -> keras.Model:
    """Three layers of 200, each the largest of five pieces, as PacGAN's."""
    points = keras.Input((2,), name="points")
    x = Pack(packing)(points)
    for _ in range(3):
        x = layers.Dense(200 * 5, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))(x)
        x = ops.max(layers.Reshape((200, 5))(x), axis=-1)
    x = MinibatchDeviation(group_size)(x) if group_size > 1 else x
    x = layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.02))(x)
    return keras.Model([points], x, name="discriminator")


NETWORKS = {"small": (small_generator, small_discriminator), "pacgan": (pacgan_generator, pacgan_discriminator)}


def points(
    spec: DataSpec,
    *,
    networks: Literal["small", "pacgan"] = "small",
    steps: int = 40_000,
    batch_size: int = 100,
    latent_dim: int = 2,
    loss: str = "relativistic",
    penalties: str = "r1,r2",
    gamma: float | None = 0.2,
    final_gamma: float | None = 0.02,
    finite_differences: bool = False,
    packing: int = 1,
    group_size: int = 1,
    learning_rate: float = 1e-3,
    final_learning_rate: float | None = 1e-4,
    beta1: float = 0.5,
    beta2: float = 0.99,
    ema_halflife_points: float = 70_000,
    looks: int = 5,
) -> sparring.Game:
    """Dense networks for points in the plane.

    Args:
        networks: Two layers of 128 on either side, or PacGAN's.
        steps: In all; schedules reach their end there.
        batch_size: Points in one step.
        latent_dim: Size of the noise vector.
        loss: Name of the pair of losses.
        penalties: Names of what holds the discriminator back.
        gamma: Strength of R1 and R2 at the beginning; None is 0.01 times the mean squared distance of two points.
        final_gamma: And at the end, on a cosine.
        finite_differences: Whether slopes are finite differences.
        packing: Points that the discriminator judges at once.
        group_size: Points whose deviation the discriminator sees; 1 for none.
        learning_rate: Of both Adams at the beginning.
        final_learning_rate: And at the end, on a cosine.
        beta1: Of both Adams.
        beta2: Of both Adams.
        ema_halflife_points: Half-life of the averaged generator.
        looks: Ticks in all.
    """
    make_generator, make_discriminator = NETWORKS[networks]
    gamma, notes = gamma_from(spec, gamma, penalties)
    held_back = read_penalties(penalties, cosine(gamma, final_gamma, steps), finite=finite_differences)
    return two_players(
        spec,
        Adversarial(make_generator(latent_dim), make_discriminator(packing, group_size), LOSSES[loss], held_back),
        partial(Adam, cosine(learning_rate, final_learning_rate, steps), beta1, beta2),
        pace=Pace(steps * batch_size, batch_size, steps * batch_size // looks),
        latent_dim=latent_dim,
        halflife_images=ema_halflife_points,
        prepare=lambda batch: batch | {"real": batch["points"]},
        notes=notes,
    )


def train(mixture: Mixture, seed: int, options: dict) -> dict:
    """Figures of the averaged and of the raw generator after each tick, and processor seconds of training alone."""
    real = mixture.points(POINTS, seed)
    scale = real.std()  # What networks see has a deviation of 1, whatever the mixture's.
    data = (real / scale).astype(np.float32)
    spec = DataSpec(kind="points", num_examples=POINTS, squared_distance=2 * float(data.var(axis=0).sum()))
    keras.utils.set_random_seed(seed)
    game = sparring.find_recipe(f"{Path(__file__)}:points").build(spec, **options)
    batches = Batches({"points": data}, game.pace.batch_size, seed)
    latents = np.random.default_rng(seed).standard_normal((SAMPLES, *game.draws["latents"]), dtype=np.float32)
    seconds, curve = 0.0, []
    for tick in range(game.pace.num_ticks):
        began = time.process_time()
        game.fit(batches, initial_epoch=tick, epochs=tick + 1, verbose=0)
        seconds += time.process_time() - began
        found: dict = {"steps": game.steps_done, "seconds": round(seconds, 1)}
        for name, kept in (("averaged", game.average.copies), ("raw", game.average.networks)):
            samples = ops.convert_to_numpy(kept["generator"]([latents], training=False))
            found[name] = mixture.judge(samples * scale)
        curve.append(found)
    return {"seed": seed, **curve[-1], "curve": curve[:-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixtures", nargs="+", choices=MIXTURES, default=list(MIXTURES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="options of `points`")
    parser.add_argument("--full", action="store_true", help=f"the same as --set {FULL}")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON, after every run")
    arguments = parser.parse_args()
    options = (FULL if arguments.full else {}) | dict(map(parse_setting, arguments.set))
    settings = sparring.find_recipe(f"{Path(__file__)}:points").check(options)
    results: dict[str, list[dict]] = {}
    for seed in arguments.seeds:
        for name in arguments.mixtures:
            results.setdefault(name, []).append(train(MIXTURES[name], seed, options))
            for which in ("averaged", "raw"):
                figures = ", ".join(f"{value} {key}" for key, value in results[name][-1][which].items())
                seconds = results[name][-1]["seconds"]
                print(f"{name}, seed {seed}, {seconds:.0f} s, {which}: {figures}", flush=True)
            if arguments.out:
                write_record(arguments.out, "mixtures", settings, results)


if __name__ == "__main__":
    main()
