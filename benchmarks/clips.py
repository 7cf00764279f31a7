"""What a clip costs in training, by what judges motion.

`OMP_NUM_THREADS=1 python benchmarks/clips.py` trains mocogan on random clips of 16 frames of 64x64 pixels in colour, at
a width of 32, for some steps with each motion discriminator, and prints milliseconds of processor for a clip: both
players' moves, the data and the averages, without what is compiled in the first steps. `--set` changes options.
"""

import argparse
import time

from sparring.data.examples import Source
from sparring.data.spec import VideoSpec, squared_distance
from sparring.recipes.catalog import find_recipe, parse_setting

import keras
import numpy as np

COUNT = 64  # Clips.
JUDGES = ("pair", "triple", "volume")


def random_source(shape: tuple[int, ...]) -> Source:
    """Clips of noise: what they show costs nothing more or less."""
    clips = np.random.default_rng(0).integers(0, 256, (COUNT, *shape), dtype=np.uint8)
    spec = VideoSpec(shape=shape, num_examples=COUNT, squared_distance=squared_distance(clips))
    return Source("noise", spec, {"clip": clips}, {})


def measure(source: Source, options: dict, steps: int) -> tuple[float, int]:
    """Milliseconds of processor for a clip, and the parameters of all networks."""
    keras.utils.set_random_seed(0)
    game = find_recipe("mocogan").build(source.spec, **options)
    batches = source.batches(game.pace.batch_size)
    game.fit(batches, epochs=1, steps_per_epoch=2, verbose=0)
    began = time.process_time()
    game.fit(batches, initial_epoch=1, epochs=2, steps_per_epoch=steps, verbose=0)
    seconds = time.process_time() - began
    return 1000 * seconds / (steps * game.pace.batch_size), sum(network.count_params() for network in game.networks)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=4, default=(16, 64, 64, 3), metavar="N")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--judges", nargs="+", choices=JUDGES, default=JUDGES)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    source = random_source(tuple(arguments.shape))
    for judge in arguments.judges:
        options = {"motion_discriminator": judge, "batch_size": 16, **dict(map(parse_setting, arguments.set))}
        milliseconds, parameters = measure(source, options, arguments.steps)
        print(f"{judge:8} {milliseconds:7.1f} ms of processor a clip, {parameters:,} parameters", flush=True)


if __name__ == "__main__":
    main()
