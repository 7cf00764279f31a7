"""The figures of a report about clips: which are measured, and how."""

import warnings
from typing import NamedTuple

import numpy as np

from sparring.applications.evaluating.image_figures import of_share
from sparring.applications.evaluating.meanings import called
from sparring.metrics.clips.content import consistency, content_directions
from sparring.metrics.clips.motion import Motion, are_frozen, are_looping, pace, usual_energy
from sparring.metrics.frechet import frechet_distance
from sparring.metrics.recognition import Share
from sparring.metrics.resampling import Figure, Metric, measure
from sparring.metrics.scores import label_divergence

MOTION = "motion-v1"  # Another number where motion is measured otherwise than it was.


class ClipSide(NamedTuple):
    """What is known of one set of clips, of the real or of the drawn ones.

    Attributes:
        features: Of whole clips, float32 (N, d).
        probabilities: Of the classes, (N, classes), or None.
        frames: Features of some frames of each clip, (N, frames, d').
        motion: How they move.
        labels: int (N,): true or asked for; None where there are none.
        groups: int (N,), equal for real clips that were cut from one.
    """

    features: np.ndarray
    probabilities: np.ndarray | None
    frames: np.ndarray
    motion: Motion
    labels: np.ndarray | None = None
    groups: np.ndarray | None = None


def compare(real: ClipSide, fake: ClipSide, extractor: str, frame_extractor: str, seed: int = 0) -> list[Figure]:
    """The figures of features: `fd` of clips, of classes `label_kl`, `frame_fd` of single frames, and `consistency`.

    Args:
        real: Of the training data.
        fake: Of the samples.
        extractor: The name of what made the features of clips.
        frame_extractor: The name of what made those of frames.
        seed: Of what is taken at random.
    """
    shape = real.frames.shape[1:]

    def consistent(one: np.ndarray, other: np.ndarray) -> float:
        sides = (side.reshape(-1, *shape) for side in (one, other))
        directions = content_directions(next(sides))
        return consistency(next(sides), directions)

    # The figures bear what is warned of, and the table shows it. A class of which a half has no clip is infinitely far.
    with warnings.catch_warnings(action="ignore", category=UserWarning), np.errstate(invalid="ignore"):
        name = called("fd", extractor)
        found = [_measured(name, frechet_distance, real.features, fake.features, real, extractor, seed, 10)]
        if real.labels is not None and real.probabilities is not None and fake.probabilities is not None:
            known = real.probabilities.shape[1]

            def divergence(one: np.ndarray, other: np.ndarray) -> float:
                return label_divergence(one.argmax(axis=1), other.argmax(axis=1), known)

            pair = real.probabilities, fake.probabilities
            found.append(_measured("label_kl", divergence, *pair, real, extractor, seed))
        found += [
            _measured("frame_fd", frechet_distance, _any(real), _any(fake), real, frame_extractor, seed, 10),
            _measured("consistency", consistent, _flat(real), _flat(fake), real, frame_extractor, seed),
        ]
    return found


def of_motion(real: ClipSide, fake: ClipSide, scale: float = 1.0, seed: int = 0) -> list[Figure]:
    """The figures of how clips move: `motion`, `pace`, `frozen` and `looping`.

    Args:
        real: Of the training data.
        fake: Of the samples.
        scale: Pixels of a frame for a pixel of those whose motion was measured.
        seed: Of what is taken at random.
    """

    def energy(one: np.ndarray, other: np.ndarray) -> float:
        return float(other.mean() / one.mean()) if one.any() else float("nan")

    def pixels(_: np.ndarray, other: np.ndarray) -> float:
        return scale * pace(Motion(other[:, :1], other[:, 1:]))

    steps = [np.column_stack([side.motion.energy, side.motion.shifts]) for side in (real, fake)]
    usual = usual_energy(real.motion)
    found = [
        _measured("motion", energy, steps[0][:, :1], steps[1][:, :1], real, MOTION, seed),
        _measured("pace", pixels, steps[0], steps[1], real, MOTION, seed),
    ]
    for name, which in (("frozen", are_frozen), ("looping", are_looping)):
        share, floor = Share.of(which(fake.motion, usual)), float(which(real.motion, usual).mean())
        found.append(of_share(name, share, floor, MOTION))
    return found


def _measured(
    name: str,
    metric: Metric,
    one: np.ndarray,
    other: np.ndarray,
    real: ClipSide,
    extractor: str,
    seed: int,
    needed_for_each: int = 0,
) -> Figure:
    needed = needed_for_each * one.shape[1]
    return measure(name, metric, one, other, extractor=extractor, needed=needed, seed=seed, groups=real.groups)


def _any(side: ClipSide) -> np.ndarray:
    """A frame of each clip: they take turns in which one it is."""
    count, frames = side.frames.shape[:2]
    return side.frames[np.arange(count), np.arange(count) % frames]


def _flat(side: ClipSide) -> np.ndarray:
    return side.frames.reshape(len(side.frames), -1)
