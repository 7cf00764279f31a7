"""Stacked MNIST: of a thousand modes, how many does a generator find, by the protocols of two papers.

    python benchmarks/stacked_mnist.py --data-dir data --images 640000
    python benchmarks/stacked_mnist.py --data-dir data --images 64000000 --share 0.25 --set packing=4 --seeds 0 1 2
    python benchmarks/stacked_mnist.py --data-dir data --networks dcgan --images 6400000 --seeds 0 1 2

Three digits of MNIST as the channels of one image: 1000 classes that no label tells. Samples are classified channel by
channel; counted are the triples that occur, and the reverse Kullback-Leibler divergence of their histogram from the
uniform one.

`tiny` are the networks of Metz et al. 2017 (Unrolled GANs, arXiv:1611.02163, appendix), whose discriminator has a
quarter or half of the generator's channels: 25,600 samples, and 500,000 steps of 128 images, 64,000,000 in all. `dcgan`
are those that Srivastava et al. 2017 (VEEGAN, arXiv:1705.07761) and Lin et al. 2017 (PacGAN, arXiv:1712.04086) compare
by: 26,000 samples, 128,000 triples, and 100,000 steps of 64 images, 6,400,000 in all. Neither discriminator has batch
normalisation here, which R1 and R2 rule out, and latents are normal. The classifiers are each author's own; here it is
the extractor `digits-v1`, and the digits are those of MNIST's training part.

A seed is a run of its own: stopped and started again it goes on where it was.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import sparring
from sparring.data.source import image_source
from sparring.metrics.extractors.digits import DigitsExtractor
from sparring.ops.color import to_uint8
from sparring.recipes.catalog import parse_setting
from sparring.recipes.parts import image_game
from sparring.training.schedules import Adam, cosine

import keras
import numpy as np
from keras import layers, ops
from records import write_record

AT_ONCE = 1_600  # Samples drawn together.


class Triples:
    """uint8 `(N, 28, 28, 3)` of digits drawn at random; a row is a pure function of its number."""

    dtype = np.dtype(np.uint8)

    def __init__(self, digits: np.ndarray, count: int):
        self.digits, self.shape = digits, (count, *digits.shape[1:3], 3)
        self.choice = np.random.default_rng(0).integers(0, len(digits), (count, 3))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows) -> np.ndarray:
        return np.moveaxis(self.digits[self.choice[rows], :, :, 0], -3, -1)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        """What tells these data from others: their choice and the digits, not three gigabytes of triples."""
        return np.concatenate([self.choice.ravel().view(np.uint8), self.digits.ravel()])


def tiny_generator(shape, num_classes) -> keras.Model:
    """288 thousand parameters: 4 x 4 x 64 by way of 7, 14 and 28 pixels a side to three channels."""
    latents = keras.Input((256,), name="latents")
    x = layers.Reshape((4, 4, 64))(layers.Dense(1024)(latents))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    for channels, extra in ((32, 0), (16, None), (8, None)):
        x = layers.Conv2DTranspose(channels, 3, 2, padding="same", output_padding=extra)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    images = layers.Conv2DTranspose(3, 3, padding="same", activation="tanh", dtype="float32")(x)
    return keras.Model([latents], images, name="generator")


def tiny_discriminator(shape, num_classes, *, share: float) -> keras.Model:
    """Three convolutions of stride 2; at a share of 1/4 they have 2, 4 and 8 channels."""
    images = x = keras.Input(shape, name="image")
    for channels in (8, 16, 32):
        x = layers.Conv2D(int(channels * share), 3, 2, padding="same")(x)
        x = layers.LeakyReLU(0.3)(x)
    return keras.Model([images], layers.Dense(1, dtype="float32")(layers.Flatten()(x)), name="discriminator")


def dcgan_generator(shape, num_classes) -> keras.Model:
    """2 x 2 x 512 by way of 4, 7, 14 and 28 pixels a side to three channels, 5 x 5 kernels."""
    latents = keras.Input((100,), name="latents")
    x = layers.Reshape((2, 2, 512))(layers.Dense(2048)(latents))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    for channels, extra in ((256, None), (128, 0), (64, None)):
        x = layers.Conv2DTranspose(channels, 5, 2, padding="same", output_padding=extra)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    images = layers.Conv2DTranspose(3, 5, 2, padding="same", activation="tanh", dtype="float32")(x)
    return keras.Model([latents], images, name="generator")


def dcgan_discriminator(shape, num_classes) -> keras.Model:
    """Four convolutions of stride 2, 64 to 512 channels."""
    images = x = keras.Input(shape, name="image")
    for channels in (64, 128, 256, 512):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(channels, 5, 2, padding="same")(x))
    return keras.Model([images], layers.Dense(1, dtype="float32")(layers.Flatten()(x)), name="discriminator")


@dataclasses.dataclass(frozen=True)
class Protocol:
    """What a paper's figures belong to.

    Args:
        generator: Makes the generator, of a shape and a number of classes.
        latent_dim: Its latent numbers.
        batch_size: Images in a step.
        triples: Images there are.
        samples: Images looked at.
    """

    generator: Callable[..., keras.Model]
    latent_dim: int
    batch_size: int
    triples: int
    samples: int


PROTOCOLS = {
    "tiny": Protocol(tiny_generator, latent_dim=256, batch_size=128, triples=2**20, samples=25_600),
    "dcgan": Protocol(dcgan_generator, latent_dim=100, batch_size=64, triples=128_000, samples=26_000),
}


def stacked(
    spec: sparring.ImageSpec,
    *,
    networks: Literal["tiny", "dcgan"] = "tiny",
    images: int = 640_000,
    share: float = 0.5,
    loss: str = "relativistic",
    penalties: str = "r1,r2",
    gamma: float | None = None,
    packing: int = 1,
    learning_rate: float = 1e-3,
    final_learning_rate: float = 1e-4,
    ema_halflife_images: float = 50_000,
    looks: int = 4,
) -> sparring.Game:
    """The networks of a protocol under the loss of this library.

    Args:
        networks: Those of which paper.
        images: Images to train on in all.
        share: Channels of the tiny discriminator as a share of the generator's.
        loss: Name of the pair of losses.
        penalties: Names of what holds the discriminator back.
        gamma: Strength of R1 and R2; 0.01 times the mean squared distance of two images by default.
        packing: Images that the discriminator judges at once.
        learning_rate: Of both Adams at the beginning.
        final_learning_rate: And at the end, on a cosine.
        ema_halflife_images: Half-life of the averaged generator.
        looks: Ticks in all, each with a count of modes.
    """
    protocol = PROTOCOLS[networks]
    rate = cosine(learning_rate, final_learning_rate, images // protocol.batch_size)
    return image_game(
        spec,
        protocol.generator,
        partial(tiny_discriminator, share=share) if networks == "tiny" else dcgan_discriminator,
        partial(Adam, rate, 0.0, 0.99),
        images=images,
        batch_size=protocol.batch_size,
        latent_dim=protocol.latent_dim,
        loss=loss,
        penalties=penalties,
        packing=packing,
        head="projection",
        augment="none",
        augment_policy="translation",
        ema_halflife_images=ema_halflife_images,
        tick_images=images // looks,
        precision="float32",
        gamma=gamma,
    )


def count_modes(generator: keras.Model, look: DigitsExtractor, protocol: Protocol) -> tuple[int, float]:
    """Of samples: triples of digits that occur, and the reverse divergence from all equally often, in nats."""
    shape = (protocol.samples, protocol.latent_dim)
    latents = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    shares = np.zeros(1000)
    for start in range(0, len(latents), AT_ONCE):
        images = to_uint8(ops.convert_to_numpy(generator([latents[start : start + AT_ONCE]], training=False)))
        digits = [look(images[..., channel : channel + 1]).probabilities.argmax(axis=1) for channel in range(3)]
        shares += np.bincount(np.dot([100, 10, 1], digits), minlength=1000) / len(latents)
    found = shares[shares > 0]
    return len(found), round(float(np.sum(found * np.log(found * 1000))), 4)


class CountModes(keras.callbacks.Callback):
    """A line in `modes.jsonl` of the run after each tick, of the averaged and of the raw generator.

    Its processor seconds are those of training alone, of all the pieces that the run was made in.
    """

    def __init__(self, folder: Path, protocol: Protocol):
        super().__init__()
        self.path, self.look, self.protocol = folder / "modes.jsonl", DigitsExtractor(), protocol

    def lines(self) -> list[dict]:
        """One for each tick; what a killed run had counted and trained again stands there twice."""
        found = [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        return list({line["images"]: line for line in found}.values())

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        game, taken = self.model, time.process_time() - self.began
        line = {"images": game.steps_done * self.protocol.batch_size}
        before = [one["processor_seconds"] for one in self.lines() if one["images"] < line["images"]]
        line["processor_seconds"] = round(max(before, default=0.0) + taken, 1)
        for name, networks in (("averaged", game.average.copies), ("raw", game.average.networks)):
            line[name] = count_modes(networks["generator"], self.look, self.protocol)
        with self.path.open("a") as file:
            print(json.dumps(line), file=file)
        words = (f"{name} {modes} modes, KL {divergence:.3f}" for name, (modes, divergence) in list(line.items())[2:])
        print(f"{line['images']:,} images: {'; '.join(words)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", help="folder with mnist.npz")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--networks", choices=PROTOCOLS, default="tiny")
    parser.add_argument("--images", type=int, default=640_000)
    parser.add_argument("--share", type=float, default=0.5, help="of the tiny discriminator's channels")
    parser.add_argument("--looks", type=int, default=4, help="ticks, each with a count of modes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="an option of `stacked`")
    parser.add_argument("--out", type=Path, help="where to write all figures as JSON")
    arguments = parser.parse_args()
    digits = sparring.open_source("mnist", data_dir=arguments.data_dir).examples["image"]
    protocol = PROTOCOLS[arguments.networks]
    data = image_source("stacked-mnist", Triples(digits, protocol.triples))
    options = {name: getattr(arguments, name) for name in ("networks", "images", "share", "looks")}
    options |= dict(map(parse_setting, arguments.set))
    found = {}
    for seed in arguments.seeds:
        words = (arguments.networks, arguments.share, arguments.images, *arguments.set, seed)
        folder = arguments.runs / "-".join(("stacked-mnist", *map(str, words)))
        recipe = f"{Path(__file__)}:stacked"
        counting = CountModes(folder, protocol)
        sparring.train(data, recipe=recipe, run=folder, seed=seed, options=options, callbacks=[counting])
        found[seed] = counting.lines()
        if arguments.out:
            write_record(arguments.out, "stacked_mnist", options | {"batch_size": protocol.batch_size}, found)


if __name__ == "__main__":
    main()
