"""What a look at translations during training tells, in a few cheap figures."""

from collections.abc import Mapping

import numpy as np

from sparring.metrics.frechet import frechet_distance
from sparring.metrics.recognition import Images
from sparring.metrics.sketch import Sketch
from sparring.metrics.vitals import evenly, rounded

REFERENCE = 1000  # Training images of a domain, evenly spaced, that translations are compared with.
SAMPLES, LEAST = 200, 32  # Images of a domain that a look translates: the most, and as few as large ones become.
PIXELS = 2**22  # Of all of them together: a translator works at full size, where pixels take the time.
WORST_KEPT = 0.01  # What is kept is divided by, and may be nothing.


class TranslationVitals:
    """Compares translations with fixed images of their domain, and with what they were made of.

    Args:
        domains: uint8 (N, H, W, C), training images by the name of their domain.
        contents: uint8 (n, H, W, C), images to translate, by domain; evenly spaced ones of `domains` by default.
        paired: Whether image k of all contents shows the same.

    Attributes:
        name: The figure of merit with its protocol, `translation[sketch-v1, n=200]`, or `pairs[sketch-v1, n=40]` of
            pairs; lower is better.
        num_samples: How many images of a domain a look translates.
        labels: These images, uint8 (n, H, W, C), by the name of their domain.
        floor: The Frechet distance between two halves of the images of a domain, a mean over domains.
    """

    def __init__(
        self, domains: Mapping[str, Images], contents: Mapping[str, Images] | None = None, *, paired: bool = False
    ):
        self._paired = paired
        contents = contents or domains
        _, height, width, _ = np.shape(next(iter(domains.values()))[:1])
        most = min(SAMPLES, max(LEAST, PIXELS // (height * width)))
        self.labels = {domain: _spaced(images, most) for domain, images in contents.items()}
        self.num_samples = max(map(len, self.labels.values()))
        self.name = f"{'pairs' if paired else 'translation'}[{Sketch.name}, n={self.num_samples}]"
        references = {domain: _spaced(images, REFERENCE) for domain, images in domains.items()}
        self._extract = {domain: Sketch(images) for domain, images in references.items()}
        self._real = {domain: self._extract[domain](images).features for domain, images in references.items()}
        self._given = {domain: self._extract[domain](images).features for domain, images in self.labels.items()}
        halves = [frechet_distance(real[::2], real[1::2]) for real in self._real.values() if len(real) > 3]
        self.floor = rounded(float(np.mean(halves))) if halves else 0.0

    def __call__(self, samples: Mapping[tuple[str, str], np.ndarray]) -> dict[str, float]:
        """Figures of translations of `labels`, uint8, by the names of their domain and of that they become; means.

        - `fd`: the Frechet distance of their features to those of images of the domain that they become.
        - `kept`: how much of what tells the images apart tells their translations apart, see `alignment`; 1 is all.
        - `apart`: of pairs, the mean squared distance between the features of a translation and of its truth.
        - The figure of merit, under its name. Of pairs, `fd + apart`: `apart` alone is least for a blurred mean of all
          that may be true, whose spread is too small for `fd`. Without pairs `fd / kept`: pictures that are of the
          domain whatever they were made of are no translations.
        """
        found = [self._figures(source, target, images) for (source, target), images in samples.items()]
        return {name: rounded(float(np.mean([figures[name] for figures in found]))) for name in found[0]}

    def _figures(self, source: str, target: str, images: np.ndarray) -> dict[str, float]:
        made = self._extract[target](images).features
        figures = {
            "fd": max(0.0, frechet_distance(self._real[target], made)),
            "kept": alignment(self._given[source], made),
        }
        if not self._paired:
            return {self.name: figures["fd"] / max(figures["kept"], WORST_KEPT)} | figures
        difference = made.astype(np.float64) - self._given[target]
        figures["apart"] = float((difference**2).sum(axis=1).mean())
        return {self.name: figures["fd"] + figures["apart"]} | figures


def alignment(features: np.ndarray, others: np.ndarray) -> float:
    """Linear centred kernel alignment of two features of the same things (arXiv:1905.00414, section 3, table 1).

    From 0 to 1, where one is a rotation of the other at any scale. Neither a negative nor another palette changes it
    much. Of `n` unrelated things with `d` features it is some `d / n`, not 0: compare it at one `n` alone.

    Args:
        features: `(n, d)`.
        others: `(n, e)`, of the same things in the same order.
    """
    first, second = (
        part - part.mean(axis=0) for part in (np.asarray(features, np.float64), np.asarray(others, np.float64))
    )
    scale = np.linalg.norm(first.T @ first) * np.linalg.norm(second.T @ second)
    return float(np.linalg.norm(second.T @ first) ** 2 / scale) if scale > 0 else 0.0


def _spaced(images: Images, most: int) -> np.ndarray:
    """At most so many of the images."""
    return np.asarray(images[evenly(len(images), most)])
