"""What it costs to feed a training: memory, images per second, and the share of a step that is spent on it.

    python benchmarks/feeding.py                                        # 200,000 images of 32x32, from their files
    python benchmarks/feeding.py --limit 4096                           # the same, loaded into memory
    python benchmarks/feeding.py --source mnist --recipe article --batch-size 100 --width 0
    python benchmarks/feeding.py --source mnist --width 64

The folder of images is made of scikit-learn's digits, in colours and with noise, where it is not there yet. A share is
the time of a step that is fed less the time of one that gets the same batch again and again, of the fastest of many
turns: what else the machine does can only add. What feeding alone takes of a processor depends least on that.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import sparring
from sparring.data import lazy
from sparring.data.batches import Batches

import keras
import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

MEGABYTE = 2**20


class SameBatch(Batches):
    """One batch again and again."""

    def starting_at(self, step, draws, chances=None):
        entered = super().starting_at(step, draws, chances)
        entered.batch = Batches.__getitem__(entered, 0)
        return entered

    def __getitem__(self, index):
        return self.batch


class Timer(keras.callbacks.Callback):
    """Seconds of every epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begun)


def make_folder(folder: Path, count: int, side: int):
    """`count` images in ten folders, one for each class."""
    rng = np.random.default_rng(0)
    digits = load_digits()
    grey = [Image.fromarray((image * 15).astype(np.uint8)).resize((side, side)) for image in digits.images]
    for number in range(10):
        (folder / str(number)).mkdir(parents=True)
    for index in range(count):
        choice = index % len(grey)
        colours = rng.integers(64, 256, 3)
        pixels = np.asarray(grey[choice])[..., None] * (colours / 255) + rng.integers(0, 8, (side, side, 1))
        name = folder / str(digits.target[choice]) / f"{index:07}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(name)


def peak() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE:,.0f} MB"


def measure(arguments, source):
    """Opens the source, feeds alone, and trains in turns with fed batches and with the same one."""
    print(f"peak memory before opening: {peak()}")
    begun = time.perf_counter()
    data = sparring.open_source(source, data_dir=arguments.data_dir)
    opened = time.perf_counter()
    fingerprint = data.fingerprint
    now = time.perf_counter()
    print(f"opened in {opened - begun:.1f} s, fingerprint {fingerprint} in {now - opened:.1f} s: {data.spec.shape}")
    for note in data.notes:
        print(f"  {note}")
    print(f"peak memory after opening: {peak()}")

    options = {"batch_size": arguments.batch_size} | ({"width": arguments.width} if arguments.width else {})
    game = sparring.find_recipe(arguments.recipe).build(data.spec, **options)
    batches = game.stream(data.batches(arguments.batch_size))
    batches[0]  # Shuffles the first pass.
    begun, used = time.perf_counter(), time.process_time()
    for index in range(arguments.steps):
        batches[index]
    alone, used = (time.perf_counter() - begun) / arguments.steps, (time.process_time() - used) / arguments.steps
    print(f"feeding alone: {alone * 1000:.2f} ms a batch, {used * 1000:.2f} ms of processors, ", end="")
    print(f"{arguments.batch_size / alone:,.0f} images/s")

    seconds = {Batches: [], SameBatch: []}
    for turn in range(arguments.turns + 1):
        for kind, found in seconds.items():
            timer = Timer()
            stream = kind(data.examples, arguments.batch_size)
            # The first epoch of a fit compiles its step and fills its buffers.
            game.fit(stream, epochs=3, steps_per_epoch=arguments.steps, callbacks=[timer], verbose=0)
            found.extend(timer.seconds[1:] if turn else [])
    fed, same = (1000 * min(found) / arguments.steps for found in seconds.values())
    print(f"a step: {fed:.2f} ms fed, {same:.2f} ms with one batch again and again: {(fed - same) / fed:.1%}")
    print(f"peak memory after {game.steps_done:,} steps: {peak()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help="a known name or a path, instead of a folder that is made")
    parser.add_argument("--data-dir", help="folder of known data sets")
    parser.add_argument("--folder", type=Path, help="where the folder of images is made and kept")
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--limit", type=float, help="megabytes of images that are loaded into memory")
    parser.add_argument("--recipe", default="dcgan")
    parser.add_argument("--width", type=int, default=8, help="of the recipe; 0 for its own")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100, help="in a turn of two; there is a turn more to warm up")
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.limit is not None:
        lazy.MEMORY_LIMIT = int(arguments.limit * MEGABYTE)
    if arguments.source:
        measure(arguments, arguments.source)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary)) / f"{arguments.images}-of-{arguments.side}"
        if not folder.exists():
            make_folder(folder, arguments.images, arguments.side)
        measure(arguments, folder)


if __name__ == "__main__":
    main()
