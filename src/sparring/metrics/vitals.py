"""What a look at samples during training tells, in a few cheap figures."""

import warnings

import numpy as np
from scipy.cluster.vq import kmeans2, vq

from sparring.metrics.extractor import Extractor
from sparring.metrics.frechet import Moments, frechet_distance, frechet_distance_of_moments
from sparring.metrics.neighbours import nearest_distances, neighbour_distances
from sparring.metrics.recognition import Images
from sparring.metrics.sketch import Sketch

REFERENCE = 5000  # Training images, evenly spaced, that samples are compared with.
SAMPLES = 500  # Of a look. Drawn of the same latents every time, so few order ticks as well as twice as many.
MODES = 20  # Clusters of the real images.
MODE = 0.01  # A cluster of a smaller share of the real images is not looked for: too few samples would be due.
DUE = 0.1  # A mode is lost where so small a part of its due share of samples is left, or less.
TWIN = 0.01  # This share of real images lies nearer to another than what is called a twin,
COPY = 0.05  # and this share than what is called a copy: of 40 images 1 % is none.
DIGITS = 5  # Significant ones of a figure; a machine repeats itself in these whatever its threads do.


class Vitals:
    """Compares samples with fixed training images.

    Args:
        images: uint8 (N, H, W, C), the training images.
        labels: int (N,) where there are classes.
        num_samples: How many samples a look takes.
        extractor: What makes features; `Sketch` of the images by default.

    Attributes:
        name: The figure of merit with its protocol, as `fd[sketch-v1, n=500]`; lower is better.
        num_samples: How many samples a look takes.
        labels: int (num_samples,), classes of samples as often as they are among the training images, or None.
        floor: The figure of merit between two halves of the training images that samples are compared with.
    """

    most = REFERENCE

    def __init__(
        self,
        images: Images,
        labels: np.ndarray | None = None,
        num_samples: int = SAMPLES,
        extractor: Extractor | None = None,
    ):
        chosen = evenly(len(images), self.most)
        reference = np.asarray(images[chosen])
        self._extract = extractor or self._sketch_of(reference)
        self.num_samples = num_samples
        self.name = f"fd[{self._extract.name}, n={num_samples}]"
        self.labels = None if labels is None else np.asarray(labels)[evenly(len(labels), num_samples)]
        self._real = self._extract(reference).features
        self._moments = Moments.of(self._real)
        self.floor = rounded(frechet_distance(self._real[::2], self._real[1::2])) if len(self._real) > 3 else 0.0
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # Of clusters that are left empty.
            self._modes, _ = kmeans2(self._real, min(MODES, len(self._real)), minit="++", seed=0)
        self._shares = self._found(self._real)
        # The nearest of more samples is nearer: as many of each.
        self._count = min(len(self._real), num_samples)
        few = self._real[evenly(len(self._real), self._count)]
        self._usual = np.quantile(neighbour_distances(few), TWIN)
        self._near = None
        if len(chosen) == len(images):
            # Of training images that are none of the samples' models the nearest is so far: no held-out ones needed.
            self._near = np.quantile(neighbour_distances(self._real), COPY)

    def __call__(self, samples: np.ndarray) -> dict[str, float]:
        """Figures of uint8 samples `(num_samples, H, W, C)`.

        - The figure of merit, under its name: the Frechet distance of the features.
        - `diversity`: how far samples lie from their mean, over the same of training images; 1 where as far.
        - `twins`: the share of samples nearer to another than all but 1 % of as many training images are; 0.01 is due.
        - `lost_modes`: the share of training images in clusters in which there are almost no samples; 0 is due.
        - `copies`: of few training images only, the share of samples nearer to one of them than all but 5 % of them
          are to each other; 0.05 is due.
        """
        fake = self._extract(samples).features
        moments = Moments.of(fake)
        figures = {
            self.name: frechet_distance_of_moments(self._moments, moments),
            "diversity": float(np.sqrt(np.trace(moments.covariance) / np.trace(self._moments.covariance))),
            "twins": self._twins(fake),
            "lost_modes": self._lost(fake),
        }
        if self._near is not None:
            figures["copies"] = float(np.mean(nearest_distances(fake, self._real) < self._near))
        return {name: rounded(value) for name, value in figures.items()}

    def _sketch_of(self, reference: np.ndarray) -> Extractor:
        return Sketch(reference)

    def _twins(self, fake: np.ndarray) -> float:
        return float(np.mean(neighbour_distances(fake[evenly(len(fake), self._count)]) < self._usual))

    def _lost(self, fake: np.ndarray) -> float:
        return float(self._shares[(self._shares >= MODE) & (self._found(fake) <= DUE * self._shares)].sum())

    def _found(self, features: np.ndarray) -> np.ndarray:
        """The share of samples in each cluster."""
        nearest, _ = vq(features, self._modes)
        return np.bincount(nearest, minlength=len(self._modes)) / len(features)


def rounded(value: float) -> float:
    """Five significant digits of it."""
    return float(f"{value:.{DIGITS}g}")


def evenly(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` rows, evenly spaced."""
    chosen = min(count, most)
    return np.arange(chosen) * count // chosen
