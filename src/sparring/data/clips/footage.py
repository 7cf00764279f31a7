"""What was found of clips, and what is made of it: a source whose rows are all the stretches that can be cut."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np
import pydantic

from sparring.data.clips.windows import Store, Windows, span
from sparring.data.examples import Source
from sparring.data.lazy import Rows
from sparring.data.spec import VideoSpec, squared_distance
from sparring.errors import DataError, few

FRAMES = 16  # Of a stretch where nothing else is asked for, as in MoCoGAN (arXiv:1707.04993).
FRAME_RATE = 10.0  # Where no file tells.
LOOKED_AT = 1_000  # Stretches that tell how far apart two are.


@dataclasses.dataclass(frozen=True, eq=False)
class Footage:
    """Clips as they were found.

    Attributes:
        store: Their frames.
        names: What each is called.
        labels: int32 (clips,), or None where there are no classes.
        classes: Names of the classes in the order of their labels.
        held_out: Whether each is never trained on.
        rates: Frames per second of each; None where that is not known.
        notes: What was done to the data.
    """

    store: Store
    names: Sequence[str]
    labels: np.ndarray | None
    classes: tuple[str, ...]
    held_out: np.ndarray
    rates: Sequence[float | None]
    notes: tuple[str, ...] = ()


def clip_source(name: str, found: Footage, frames: int = FRAMES, stride: int = 1) -> Source[VideoSpec]:
    """A source of every stretch of `frames` frames, one of `stride`, of the clips that are long enough.

    Raises:
        DataError: None is, there are fewer than two stretches, all are identical, or they are larger than a VideoSpec
            allows.
    """
    long_enough, reach = found.store.lengths >= span(frames, stride), span(frames, stride)
    short = [found.names[clip] for clip in np.flatnonzero(~long_enough).tolist()]
    demanded = f"{reach} frames ({frames} frames, stride {stride})" if stride > 1 else f"{frames} frames"
    chosen = [np.flatnonzero(long_enough & part) for part in (~found.held_out, found.held_out)]
    if not len(chosen[0]):
        raise DataError(
            f"No clip of {name} to train on has {demanded}; the longest has {found.store.lengths.max()}. Pass a "
            "smaller `--frames` or `--stride`."
        )
    notes = list(found.notes)
    if short:
        notes.append(f"Left out as shorter than {demanded}, {len(short):,} of {len(found.names):,}: {few(short)}")
    rate, rate_notes = _frame_rate([found.rates[clip] for clip in np.concatenate(chosen)], stride)
    examples, held_out = (_cut(found, clips, frames, stride) for clips in chosen)
    return make_source(name, examples, held_out, found.classes, rate, (*notes, *rate_notes))


def make_source(
    name: str,
    examples: dict[str, Rows],
    held_out: dict[str, Rows],
    classes: tuple[str, ...],
    frame_rate: float,
    notes: tuple[str, ...],
) -> Source[VideoSpec]:
    """A source of "clip" and perhaps "label"; errors as of `clip_source`."""
    clips = examples["clip"]
    if len(clips) < 2:
        raise DataError(f"Training needs at least 2 stretches of frames. Received: {len(clips)} in {name}")
    distance = squared_distance(clips, LOOKED_AT)
    if distance == 0:
        raise DataError(f"Training needs clips that differ. Received: frames all alike in {name}")
    _, frames, height, width, channels = clips.shape
    try:
        spec = VideoSpec(
            shape=(frames, height, width, channels),
            classes=classes,
            frame_rate=frame_rate,
            num_examples=len(clips),
            squared_distance=distance,
        )
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = first["loc"][0] if first["loc"] else "data"
        raise DataError(
            f"{name} cannot be used: {field}: {first['msg']}. Received: clips of {clips.shape[1:]}"
        ) from error
    return Source(name, spec, examples, held_out, notes)


def describe_clips(source: Source[VideoSpec]) -> str:
    """`4,210 stretches of 16 frames of 64x64x3, 4 classes (900 more held out)`."""
    frames, *shape = source.spec.shape
    classes = f", {source.spec.num_classes} classes" if source.spec.num_classes else ""
    clips = source.examples["clip"]
    made, of = "clips", ""
    if isinstance(clips, Windows):
        made, of = "stretches", f" from {len(clips.clips):,} clips"
    kept = f" ({len(source.held_out['clip']):,} more held out)" if source.held_out else ""
    size = "x".join(map(str, shape))
    return f"{len(clips):,} {made} of {frames} frames of {size}{of}{classes}{kept}"


def _cut(found: Footage, clips: np.ndarray, frames: int, stride: int) -> dict[str, Rows]:
    """The stretches of these clips with their labels; nothing of none."""
    if not len(clips):
        return {}
    windows = Windows(found.store, clips, frames, stride)
    if found.labels is None:
        return {"clip": windows}
    return {"clip": windows, "label": np.repeat(found.labels[clips], windows.counts)}


def _frame_rate(rates: Sequence[float | None], stride: int) -> tuple[float, list[str]]:
    """Frames per second of a stretch, and a note where clips differ in it."""
    known = collections.Counter(round(rate, 2) for rate in rates if rate)
    if not known:
        return FRAME_RATE, []
    rate = known.most_common(1)[0][0]
    notes = []
    if len(known) > 1:
        listed = few([f"{other:g} ({count:,})" for other, count in known.most_common()])
        notes.append(f"The clips have {len(known)} frame rates, {listed}: motion differs in pace. Shown at {rate:g}.")
    return min(1_000.0, max(0.01, rate / stride)), notes
