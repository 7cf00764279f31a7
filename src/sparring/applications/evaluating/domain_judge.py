"""Whoever judges runs that translate between domains: translations are held against real images of their domain."""

import types
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from sparring.applications.evaluating.domain_figures import Eyes, Images, compare, named, style_diversity
from sparring.applications.evaluating.domain_sections import domain_sections
from sparring.applications.evaluating.evaluated import Progress
from sparring.bundle.styles import StyleBundle
from sparring.bundle.translation import TranslationBundle
from sparring.data.images.domains import image_key
from sparring.data.source import Source
from sparring.data.spec import DomainsSpec
from sparring.errors import DataError, UsageError
from sparring.metrics.resampling import Figure
from sparring.metrics.vitals import evenly

MOST = 2_000  # Images of a domain that are translated by default, and that translations are compared with.
LEAST = 4  # Images that figures and their intervals take.
SHOWN = 8  # Translations in a picture.


class Shown(NamedTuple):
    """Translations to one domain as the page shows them.

    Attributes:
        target: The domain.
        rows: uint8 images (n, H, W, C) by what they are, in the order from top to bottom.
    """

    target: str
    rows: Mapping[str, np.ndarray]


class DomainVerdict(NamedTuple):
    """What the judge found of a run.

    Attributes:
        figures: Of one domain after the other.
        beside: The same of untranslated images, of the mean training image of the domain, and of real ones.
        shown: What the page shows, domain by domain.
        classes: None: domains stand in the names of the figures.
    """

    figures: tuple[Figure, ...]
    beside: Mapping[str, tuple[Figure, ...]]
    shown: tuple[Shown, ...]
    classes: tuple = ()


class DomainJudge:
    """Holds translations against the images of `source`: those held out where there are any, else those trained on.

    Args:
        source: What the runs were trained on.
        eyes: What looks at images.
        seed: Of what is taken at random.
        progress: Told how far things are.

    Raises:
        DataError: There are too few images, or held-out pairs lack a part.
    """

    sections = staticmethod(domain_sections)

    def __init__(self, source: Source[DomainsSpec], eyes: Eyes, seed: int, progress: Progress):
        self.source, self.eyes, self.seed, self.progress = source, eyes, seed, progress
        domains = range(len(source.spec.domains))
        keys = [image_key(place) for place in domains]
        whole = all(key in source.held_out for key in keys)
        held = {key: rows for key, rows in source.held_out.items() if whole or not source.spec.paired}
        self._rows = [held.get(key, source.examples[key]) for key in keys]
        self._names = ["test" if key in held else "train" for key in keys]
        counts = [len(rows) for rows in self._rows]
        if source.spec.paired and len(set(counts)) > 1:
            raise DataError(f"Pairs need as many test images of every domain. Received: {counts}")
        if min(counts) < LEAST:
            raise DataError(f"To judge translations takes at least {LEAST} images of every domain. Received: {counts}")
        self._known: dict[str, tuple[Images, np.ndarray]] = {}

    @property
    def most(self) -> int:
        """Images of a domain that are translated by default."""
        return min(MOST, max(map(len, self._rows)))

    @property
    def measures(self) -> str:
        """The names of what makes features and of what names domains, with their versions."""
        return f"{self.eyes.extractor.name}, {self.eyes.classifier.name}"

    @property
    def num_held_out(self) -> int:
        """Images of the largest domain that were never trained on."""
        return max((len(rows) for rows, name in zip(self._rows, self._names, strict=True) if name == "test"), default=0)

    def judge(self, bundle: TranslationBundle, n: int, seed: int, name: str) -> DomainVerdict:
        """The figures of every domain that `bundle` translates to.

        Args:
            bundle: Trained on the source.
            n: Images translated to a domain, at most.
            seed: Of the styles, where they are drawn.
            name: Of the run, for those who wait.

        Raises:
            UsageError: There are not so many images.
        """
        if n > max(map(len, self._rows)):
            raise UsageError(
                f"`n` must be at most {max(map(len, self._rows))}, the images there are to translate. Received: n={n}"
            )
        figures: list[Figure] = []
        beside: dict[str, list[Figure]] = {}
        shown = []
        for done, (target, source) in enumerate(bundle.ways.items()):
            self.progress(f"Translating with {name}", done, len(bundle.ways))
            found, others, picture = self._judge_way(bundle, source, target, n, seed)
            figures += found
            for way, values in others.items():
                beside.setdefault(way, []).extend(values)
            shown.append(picture)
        self.progress(f"Translating with {name}", len(bundle.ways), len(bundle.ways))
        together = types.MappingProxyType({way: tuple(values) for way, values in beside.items()})
        return DomainVerdict(tuple(figures), together, tuple(shown))

    def _judge_way(self, bundle: TranslationBundle, source: str, target: str, n: int, seed: int):
        place, domains = self.source.spec.place(target), self.source.spec.domains
        styled = isinstance(bundle, StyleBundle)
        # What takes the style of a domain takes images of any other.
        sources = [domains.index(source)] if not styled else [at for at in range(len(domains)) if at != place]
        chosen = [evenly(len(self._rows[at]), max(LEAST, n // len(sources))) for at in sources]
        pixels = np.concatenate([self._rows[at][rows] for at, rows in zip(sources, chosen, strict=True)])
        made = _translated(bundle, pixels, target, seed)
        real, mean = self._real(target)
        truth = None
        if self.source.spec.paired:
            truth = self.eyes(np.concatenate([self._rows[place][rows] for rows in chosen]), place)
        seen = self.eyes(made, place)
        flat = self.eyes(mean[None], place)
        means = Images(*(part.repeat(len(pixels), axis=0) for part in flat))
        reference = self._names[place]
        figures, beside = compare(seen, self.eyes(pixels, place), means, real, truth, self.eyes, reference, self.seed)
        at = evenly(len(pixels), SHOWN)
        rows = {"inputs": pixels[at], "translations": made[at]}
        if isinstance(bundle, StyleBundle):
            other = _translated(bundle, pixels, target, seed + 1)
            features = self.eyes.extractor(other).features
            figure = style_diversity(
                seen.features, features, real.features, self.eyes.extractor.name, reference, self.seed
            )
            figures.append(figure)
            for way, value in {"untranslated": 0.0, "mean image": 0.0, "real": figure.floor}.items():
                beside[way].append(value)
            rows["in other styles"] = other[at]
        if truth is not None:
            rows["true images"] = truth.pixels[at]
        else:
            apart = np.square(seen.features[at][:, None] - real.features[None]).sum(axis=-1)
            rows["nearest real images"] = real.pixels[apart.argmin(axis=1)]
        return *named(figures, beside, target), Shown(target, rows)

    def _real(self, target: str) -> tuple[Images, np.ndarray]:
        """Real images of a domain, and the mean of those trained on."""
        if target not in self._known:
            place = self.source.spec.place(target)
            rows, trained = self._rows[place], self.source.examples[image_key(place)]
            mean = np.asarray(trained[evenly(len(trained), MOST)]).mean(axis=0)
            real = self.eyes(np.asarray(rows[evenly(len(rows), MOST)]), place)
            self._known[target] = real, np.rint(mean).astype(np.uint8)
        return self._known[target]


def _translated(bundle: TranslationBundle, images: np.ndarray, target: str, seed: int) -> np.ndarray:
    """Each image in a style of its own, where there are styles."""
    if isinstance(bundle, StyleBundle):
        return bundle.translate(images, target, style=bundle.drawn(len(images), target, seed))
    return bundle.translate(images, target)
