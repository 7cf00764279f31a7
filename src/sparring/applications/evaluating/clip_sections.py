"""What the page of a report shows of clips: their frames beside those of real ones, and how they move."""

import html
import io
from collections.abc import Sequence

import matplotlib.figure
import numpy as np

from sparring.applications.evaluating.evaluated import Evaluated
from sparring.applications.evaluating.image_sections import classes_section
from sparring.applications.evaluating.markup import figure_of, image_of
from sparring.bundle.films import SHEET_COLUMNS
from sparring.bundle.pictures import grid
from sparring.data.images.pixels import resize_images

ROWS = 8  # Clips of a sheet.
CELL = 64  # Pixels of the longer side of a frame on the page at most: a page one can send by mail.
WORDS = {
    "frozen": "Samples that stand still",
    "looping": "Samples that repeat themselves",
}


def clip_sections(evaluated: Sequence[Evaluated]) -> list[str]:
    """The sections of the page in HTML; one may be empty."""
    return [_sheets(evaluated), classes_section([each.report for each in evaluated]), _motion(evaluated)]


def _sheets(evaluated: Sequence[Evaluated]) -> str:
    several, first = len(evaluated) > 1, evaluated[0]
    shown = []
    for each in evaluated:
        name = f"Samples of {each.report.run}" if several else "Samples"
        clips = each.bundle.sample(ROWS, seed=each.report.seed)
        shown.append(_sheet(clips, name))
    rows, said = _real_rows(first), "A row for each clip, its frames from left to right. Nothing is chosen by hand."
    if first.bundle.classes:
        names = [first.bundle.classes[label] for label in first.bundle.labels_for(ROWS)]
        said += f" From top to bottom: {', '.join(names)}."
    real = _sheet(np.asarray(first.judge.source.examples["clip"][rows]), "Real clips, from the training data")
    return f'<h2>Samples and real clips</h2><p class="quiet">{html.escape(said)}</p>{"".join(shown)}{real}'


def _real_rows(each: Evaluated) -> np.ndarray:
    """Of the classes of the samples beside them, or evenly spaced."""
    examples, count = each.judge.source.examples, len(each.judge.source.examples["clip"])
    if not each.bundle.classes:
        return np.arange(min(ROWS, count)) * count // min(ROWS, count)
    asked, labels, rows = each.bundle.labels_for(ROWS), np.asarray(examples["label"]), []
    for place, label in enumerate(asked):
        of_class = np.flatnonzero(labels == label)
        # Not the next stretch of the same clip.
        rows.append(of_class[place * len(of_class) // ROWS])
    return np.array(rows)


def _motion(evaluated: Sequence[Evaluated]) -> str:
    parts = [_curves(evaluated)]
    for each in evaluated:
        of = f" of {each.report.run}" if len(evaluated) > 1 else ""
        parts += [_sheet(clips, f"{WORDS[word]}{of}, the first") for word, clips in each.verdict.found.items()]
    return f"<h2>Motion</h2>{''.join(parts)}"


def _curves(evaluated: Sequence[Evaluated]) -> str:
    """How far apart two frames are by the time between them."""
    figure = matplotlib.figure.Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.subplots()
    real = evaluated[0].judge.real.motion.lags.mean(axis=0)
    times = np.arange(1, len(real) + 1)
    axes.plot(times, real, color="0.6", lw=4, label="real")
    for place, each in enumerate(evaluated):
        axes.plot(times, each.verdict.lags, color=f"C{place}", marker=".", label=each.report.run)
    axes.set(xlabel="frames between the two", ylabel="mean squared difference")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    caption = "How unlike two frames of a clip are: at 0 where nothing moves, down again where all comes back."
    return figure_of(image_of(buffer.getvalue(), "Difference of frames by time", "curves"), caption)


def _sheet(clips: np.ndarray, caption: str) -> str:
    frames = clips.shape[1]
    across = min(frames, SHEET_COLUMNS)
    shown = clips[:, np.arange(across) * frames // across].reshape(-1, *clips.shape[2:])
    height, width = shown.shape[1:3]
    if max(height, width) > CELL:
        scale = CELL / max(height, width)
        shown = resize_images(shown, (max(1, round(height * scale)), max(1, round(width * scale))))
    buffer = io.BytesIO()
    grid(shown, across).save(buffer, "PNG")
    return figure_of(image_of(buffer.getvalue(), caption, "pixels"), caption)
