"""Whoever judges runs of one source of clips: these are looked at once, and samples are held against them."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from sparring.applications.evaluating.clip_figures import ClipSide, compare, of_motion
from sparring.applications.evaluating.clip_sections import clip_sections
from sparring.applications.evaluating.evaluated import Progress
from sparring.applications.evaluating.image_figures import Side, diversity_of_classes, of_share
from sparring.applications.evaluating.image_verdict import ClassFigures
from sparring.bundle.video import VideoBundle
from sparring.data.clips.windows import Windows
from sparring.data.lazy import Rows
from sparring.data.source import Source
from sparring.data.spec import VideoSpec
from sparring.metrics.clips.i3d import I3DExtractor
from sparring.metrics.clips.motion import Motion, are_frozen, are_looping, motion_of, usual_energy
from sparring.metrics.clips.own import ClipExtractor
from sparring.metrics.extractor import Extractor
from sparring.metrics.extractors.resizing import reduce
from sparring.metrics.recognition import Share
from sparring.metrics.resampling import Figure

MOST_REAL = 2_000  # Training clips whose features are kept, evenly spaced.
AT_ONCE = 50  # Clips between two signs of progress, and in memory.
FRAMES = 4  # Of a clip, evenly spaced, that are looked at one by one.
LARGEST = 64  # Pixels of the longer side of frames whose motion is measured.
PARTS = 20  # Of the stretches of few long clips, each as good as a clip of its own.
FOUND = 4  # Clips that are shown of those that stand still, and of those that repeat themselves.


class ClipVerdict(NamedTuple):
    """What the judge found of a run.

    Attributes:
        figures: In the order of the table.
        classes: The figures of each class; empty where there are none.
        lags: How far apart two frames 1, 2, ... apart are, on average over samples, (frames - 1,).
        found: uint8 clips (n, frames, H, W, C) that stand still or repeat themselves, by the word for it.
        beside: None: there are no other ways to make clips that its figures stand beside.
    """

    figures: tuple[Figure, ...]
    classes: tuple[ClassFigures, ...]
    lags: np.ndarray
    found: Mapping[str, np.ndarray]
    beside: Mapping[str, tuple[Figure, ...]]


class ClipJudge:
    """Holds samples against the clips of `source`.

    Args:
        source: What the runs were trained on.
        extractor: Of whole clips.
        frame_extractor: Of single frames.
        seed: Of what is taken at random.
        progress: Told how far things are.
    """

    most = 2_000  # Clips are drawn frame by frame.
    sections = staticmethod(clip_sections)

    def __init__(
        self,
        source: Source[VideoSpec],
        extractor: ClipExtractor | I3DExtractor,
        frame_extractor: Extractor,
        seed: int,
        progress: Progress,
    ):
        self.source, self.extractor, self.frame_extractor = source, extractor, frame_extractor
        self.seed, self.progress = seed, progress
        clips = source.examples["clip"]
        rows = spaced(len(clips), MOST_REAL)
        labels = np.asarray(source.examples["label"])[rows] if "label" in source.examples else None
        groups = groups_of(clips)[rows]
        self.real, _ = self._see(lambda some: clips[rows[some]], len(rows), "Looking at training clips", labels, groups)
        self.usual = usual_energy(self.real.motion)

    @property
    def measures(self) -> str:
        """The names of both extractors, with their versions."""
        return f"{self.extractor.name}, {self.frame_extractor.name}"

    @property
    def num_held_out(self) -> int:
        """Clips that were never trained on."""
        return len(self.source.held_out["clip"]) if self.source.held_out else 0

    def judge(self, bundle: VideoBundle, n: int, seed: int, name: str) -> ClipVerdict:
        """The figures of `n` samples of `bundle`.

        Args:
            bundle: Trained on the source.
            n: Number of samples.
            seed: Of the samples.
            name: Of the run, for those who wait.
        """
        contents, labels = bundle.contents(n, seed), bundle.labels_for(n)
        motions = bundle.motions(n, self.source.spec.shape[0], seed)

        def draw(some: slice) -> np.ndarray:
            asked = None if labels is None else labels[some]
            return bundle.render(contents[some], bundle.angles(motions[some], asked), asked)

        drawn, found = self._see(draw, n, f"Drawing samples of {name}", labels)
        count = len(self.source.examples["clip"])
        reference = "train" if count <= MOST_REAL else f"{MOST_REAL} of train"
        self.progress("Measuring", 0, 1)
        figures = compare(self.real, drawn, self.extractor.name, self.frame_extractor.name, self.seed)
        hits = None
        if labels is not None and drawn.probabilities is not None:
            hits = drawn.probabilities.argmax(axis=1) == labels
            recognised = of_share("recognised", Share.of(hits), self._recognised_real, self.extractor.name)
            # Beside the others of its extractor.
            figures.insert(sum(figure.extractor == self.extractor.name for figure in figures), recognised)
        figures += of_motion(self.real, drawn, self._scale, self.seed)
        self.progress("Measuring", 1, 1)
        return ClipVerdict(
            tuple(dataclasses.replace(figure, reference=reference) for figure in figures),
            tuple(self._of_classes(drawn, hits)),
            drawn.motion.lags.mean(axis=0),
            found,
            {},
        )

    @property
    def _scale(self) -> float:
        """Pixels of a frame for a pixel of those whose motion is measured."""
        return max(1.0, max(self.source.spec.shape[1:3]) / LARGEST)

    def _see(
        self,
        clips: Callable[[slice], np.ndarray],
        count: int,
        what: str,
        labels: np.ndarray | None,
        groups: np.ndarray | None = None,
    ) -> tuple[ClipSide, dict[str, np.ndarray]]:
        """What is known of clips that come in parts, and the first that stand still or repeat themselves."""
        parts: list[Any] = []
        found: dict[str, list[np.ndarray]] = {"frozen": [], "looping": []}
        for start in range(0, count, AT_ONCE):
            self.progress(what, start, count)
            part = clips(slice(start, start + AT_ONCE))
            seen, motion = self.extractor(part), motion_of(self._small(part))
            parts.append((seen.features, seen.probabilities, self._frames(part), *motion))
            if groups is None:
                for word, which in (("frozen", are_frozen), ("looping", are_looping)):
                    found[word] += list(part[which(motion, self.usual)])[: FOUND - len(found[word])]
        self.progress(what, count, count)
        features, probabilities, frames, lags, shifts = (
            None if column[0] is None else np.concatenate(column) for column in zip(*parts, strict=True)
        )
        motion = Motion(np.asarray(lags), np.asarray(shifts))
        side = ClipSide(np.asarray(features), probabilities, np.asarray(frames), motion, labels, groups)
        return side, {word: np.stack(chosen) for word, chosen in found.items() if chosen}

    def _frames(self, clips: np.ndarray) -> np.ndarray:
        """Features of some frames of each clip one by one, (N, frames, d)."""
        chosen = clips[:, spaced(clips.shape[1], FRAMES)]
        seen = self.frame_extractor(chosen.reshape(-1, *clips.shape[2:])).features
        return seen.reshape(*chosen.shape[:2], -1)

    def _small(self, clips: np.ndarray) -> np.ndarray:
        if max(clips.shape[2:4]) <= LARGEST:
            return clips
        small = np.rint(reduce(clips.reshape(-1, *clips.shape[2:]), LARGEST)).astype(np.uint8)
        return small.reshape(*clips.shape[:2], *small.shape[1:])

    @cached_property
    def _held_out(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Which of the held-out clips show the class they are of, and that class; None where there are none."""
        held_out = self.source.held_out
        if "label" not in held_out:
            return None
        rows, found = spaced(len(held_out["clip"]), MOST_REAL // 2), list[np.ndarray]()
        for start in range(0, len(rows), AT_ONCE):
            self.progress("Looking at held-out clips", start, len(rows))
            seen = self.extractor(held_out["clip"][rows[start : start + AT_ONCE]])
            assert seen.probabilities is not None
            found.append(seen.probabilities.argmax(axis=1))
        self.progress("Looking at held-out clips", len(rows), len(rows))
        labels = np.asarray(held_out["label"])[rows]
        return np.concatenate(found) == labels, labels

    @property
    def _recognised_real(self) -> float:
        """The share of real clips that are recognised: of those held out, or that the extractor did not learn."""
        assert isinstance(self.extractor, ClipExtractor)
        return self.extractor.accuracy.value if self._held_out is None else float(np.mean(self._held_out[0]))

    def _of_classes(self, drawn: ClipSide, hits: np.ndarray | None) -> list[ClassFigures]:
        if self.real.labels is None or drawn.labels is None or hits is None:
            return []
        names = self.source.spec.classes
        shares = [
            np.bincount(labels, minlength=len(names)) / len(labels) for labels in (self.real.labels, drawn.labels)
        ]
        held_out = np.full(len(names), np.nan)
        if self._held_out is not None:
            held_out = _means(*self._held_out, len(names))
        real, fake = (Side(side.features, None, side.labels) for side in (self.real, drawn))
        diversity = diversity_of_classes(real, fake, len(names))
        columns = (*shares, _means(hits, drawn.labels, len(names)), held_out, diversity)
        return [ClassFigures(name, *map(float, row)) for name, *row in zip(names, *columns, strict=True)]


class Frames:
    """A frame of each clip as images that are read when their rows are asked for.

    Args:
        clips: uint8 (N, frames, H, W, C), perhaps on disk.
        rows: Which of them.
    """

    def __init__(self, clips: Rows, rows: np.ndarray):
        self._clips, self._rows = clips, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, places: Any) -> np.ndarray:
        chosen = np.arange(len(self))[places]
        clips = np.asarray(self._clips[self._rows[chosen]])
        return clips[np.arange(len(clips)), chosen % clips.shape[1]]


def groups_of(clips: Rows) -> np.ndarray:
    """Of every row the clip it was cut from, or of few clips the part of all rows in which it lies; int (N,)."""
    if not isinstance(clips, Windows):
        return np.arange(len(clips))
    if len(clips.clips) >= PARTS:
        return np.repeat(np.arange(len(clips.clips)), clips.counts)
    return np.arange(len(clips)) * PARTS // len(clips)


def spaced(count: int, most: int) -> np.ndarray:
    """Rows of at most `most` out of `count`, evenly spaced."""
    most = min(count, most)
    return np.arange(most) * count // most


def _means(values: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    counts = np.bincount(labels, minlength=classes)
    with np.errstate(invalid="ignore"):
        return np.bincount(labels, values, minlength=classes) / counts
