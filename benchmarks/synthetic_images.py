"""In what dose synthetic digits harm the network of `augment` least, and how long it must learn to be fair to all ways.

    SPARRING_TEST_DATA=FOLDER python benchmarks/synthetic_images.py --count 400 --seen 6000 24000 60000
    SPARRING_TEST_DATA=FOLDER python benchmarks/synthetic_images.py --count 400 --recipe dcgan --set images=90000

FOLDER holds `mnist.npz`. Of MNIST's training images, without those of any cut that `augment.py` makes with the seeds 0
to 2, 10,000 are judged by and `--count` learnt: so options are chosen here, and neither MNIST's test images nor the
cuts know anything of it. Prints the share of the 10,000 that the network knows, by way and seed: real digits alone,
with shifted copies, and with digits of one generator, those among them too that the network taught by the real ones
recognises.
"""

import argparse

from sparring.applications.augmenting.images import SmallNetwork, shifted
from sparring.applications.fitting import fit_generator
from sparring.applications.looks import judge_for
from sparring.data.source import image_source
from sparring.recipes.catalog import find_recipe, parse_setting

import numpy as np
from augment import equally
from tables import FOLDER

JUDGED, DRAWN, MOST = 10_000, 8, 4  # Images; times as many as real ones are drawn, and added at most.
CUTS, SEEDS = (100, 200, 500, 2_000), range(3)


def parted(labels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn and rows to judge by, none of them in a cut."""
    cuts = [equally(labels, cut, seed) for cut in CUTS for seed in SEEDS]
    free = np.random.default_rng(77).permutation(np.setdiff1d(np.arange(len(labels)), np.concatenate(cuts)))
    judged, rest = free[:JUDGED], free[JUDGED:]
    return rest[equally(labels[rest], count, [count, 0, 5])], judged


class Study:
    """The digits, and what a network knows that learns some of them and more."""

    def __init__(self, count: int):
        with np.load(FOLDER / "mnist.npz") as mnist:
            images, labels = mnist["x_train"][..., None], mnist["y_train"].astype(int)
        learnt, judged = parted(labels, count)
        self.images, self.labels = images[learnt], labels[learnt]
        self.others, self.answers = images[judged], labels[judged]

    def known(self, name: str, more: np.ndarray, labels: np.ndarray, seen: int, seed: int) -> SmallNetwork:
        """The network, after printing the share of the others that it knows."""
        images, labels = np.concatenate([self.images, more]), np.concatenate([self.labels, labels])
        network = SmallNetwork(10, seen, seed).fit(images, labels)
        share = (network.predict(self.others) == self.answers).mean()
        print(f"seed {seed}, {seen:,} images seen, {name}: {share:.4f}", flush=True)
        return network

    def synthetic(self, recipe: str, options: dict) -> tuple[np.ndarray, np.ndarray]:
        """Digits of a generator that learnt those the network learns."""
        source = image_source("mnist", self.images, self.labels, tuple("0123456789"))
        bundle = fit_generator(source, find_recipe(recipe), options, judge=judge_for(source)).bundle
        wanted = np.tile(self.labels, DRAWN)
        return bundle.sample(len(wanted), seed=3, labels=wanted), wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="digits to learn")
    parser.add_argument("--seen", type=int, nargs="+", default=[24_000], help="images that training shows")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the network")
    parser.add_argument("--recipe", help="of the generator; none without it")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    study = Study(arguments.count)
    made = None
    if arguments.recipe:
        made, wanted = study.synthetic(arguments.recipe, dict(map(parse_setting, arguments.set)))
    for seen in arguments.seen:
        for seed in arguments.seeds:
            teacher = study.known("nothing", study.images[:0], study.labels[:0], seen, seed)
            copies = shifted(np.tile(study.images, (MOST, 1, 1, 1)), np.random.default_rng(seed))
            study.known("shifted copies x4", copies, np.tile(study.labels, MOST), seen, seed)
            if made is None:
                continue
            seen_as = teacher.predict(made)
            print(f"recognised: {(seen_as == wanted).mean():.3f}")
            for times in (1, MOST):
                few = slice(times * len(study.labels))
                study.known(f"synthetic x{times}", made[few], wanted[few], seen, seed)
                right = np.flatnonzero(seen_as == wanted)[few]
                study.known(f"synthetic x{times}, recognised", made[right], wanted[right], seen, seed)


if __name__ == "__main__":
    main()
