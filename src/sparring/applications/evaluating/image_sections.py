"""What the page of a report shows of images: samples beside real ones, class by class, and the nearest ones."""

import html
import io
import math
from collections.abc import Sequence

import numpy as np

from sparring.applications.evaluating.evaluated import Evaluated
from sparring.applications.evaluating.image_verdict import Pair
from sparring.applications.evaluating.markup import cells, figure_of, image_of, table_of
from sparring.applications.evaluating.meanings import shown
from sparring.applications.evaluating.report import Report
from sparring.bundle.pictures import grid
from sparring.data.images.pixels import resize_images

MOST_CLASSES, COLUMNS = 20, 10  # Of the grid of a generator that takes classes.
ROWS_WITHOUT_CLASSES = 8
CELL = 96  # Pixels of the longer side of an image on the page at most: a page one can send by mail.


def image_sections(evaluated: Sequence[Evaluated]) -> list[str]:
    """The sections of the page in HTML; one may be empty."""
    neighbours = [_neighbours(each, len(evaluated) > 1) for each in evaluated]
    return [_samples(evaluated), classes_section([each.report for each in evaluated]), *neighbours]


def _samples(evaluated: Sequence[Evaluated]) -> str:
    shown_grids = []
    for each in evaluated:
        name = f"Samples of {each.report.run}" if len(evaluated) > 1 else "Samples"
        shown_grids.append(figure_of(image_of(_grid(_drawn(each)), name, "pixels"), name))
    first = evaluated[0]
    real = figure_of(image_of(_grid(_real(first)), "Real images", "pixels"), "Real images, from the training data")
    names = first.bundle.classes
    rows = ""
    if names:
        listed = ", ".join(names[:MOST_CLASSES]) + (", ..." if len(names) > MOST_CLASSES else "")
        rows = f'<p class="quiet">A row for each class: {html.escape(listed)}. Nothing is chosen by hand.</p>'
    return f'<h2>Samples and real images</h2>{rows}<div class="side">{"".join(shown_grids)}{real}</div>'


def _drawn(each: Evaluated) -> np.ndarray:
    bundle, seed = each.bundle, each.report.seed
    if not bundle.classes:
        return bundle.sample(ROWS_WITHOUT_CLASSES * COLUMNS, seed=seed)
    labels = np.repeat(np.arange(min(len(bundle.classes), MOST_CLASSES)), COLUMNS)
    return bundle.sample(len(labels), seed=seed, labels=labels)


def _real(each: Evaluated) -> np.ndarray:
    images, count = each.judge.source.examples["image"], len(each.judge.source.examples["image"])
    if not each.bundle.classes:
        most = min(count, ROWS_WITHOUT_CLASSES * COLUMNS)
        return images[np.arange(most) * count // most]
    labels = np.asarray(each.judge.source.examples["label"])
    rows = []
    for label in range(min(len(each.bundle.classes), MOST_CLASSES)):
        rows.append(images[np.resize(np.flatnonzero(labels == label)[:COLUMNS], COLUMNS)])
    return np.concatenate(rows)


def classes_section(reports: Sequence[Report]) -> str:
    """A table of the figures of each class; nothing where there are none."""
    lines, plural = [], reports[0].record.spec.plural
    for rows in zip(*(report.classes for report in reports), strict=True):
        first, values = rows[0], []
        for one in rows:
            values += [shown("recognised", one.share), shown("recognised", one.recognised), shown("", one.diversity)]
        real = [shown("recognised", first.real_share), shown("recognised", first.recognised_held_out)]
        lines.append(f"<tr><td>{html.escape(first.name)}</td>{cells([*real, *values])}</tr>")
    if not lines:
        return ""
    header = ["class", f"of real {plural}", "held out, recognised"]
    for report in reports:
        prefix = f"{report.run}: " if len(reports) > 1 else ""
        header += [f"{prefix}of samples", f"{prefix}recognised", f"{prefix}diversity"]
    return (
        f"<h2>Class by class</h2>{table_of(header, lines)}"
        '<p class="quiet">Recognised: the share in which a classifier sees the class asked for. Diversity: how varied '
        f"samples of the class are against its real {plural}, 1 as varied, 0 always the same.</p>"
    )


def _neighbours(each: Evaluated, several: bool) -> str:
    of = f" of {html.escape(each.report.run)}" if several else ""
    return (
        f"<h2>Copies?{of}</h2>"
        '<p class="quiet">A sample above, below it the training image that is nearest by its pixels. The number is '
        "their distance: 1 is the one below which 1 % of other real images lie, less is nearer. Samples that are "
        "copies look like the image below them, with numbers far below 1.</p>"
        f"<h3>The nearest</h3>{_pairs(each.verdict.nearest)}<h3>As they come</h3>{_pairs(each.verdict.usual)}"
    )


def _pairs(pairs: Sequence[Pair]) -> str:
    cells = []
    for pair in pairs:
        images = "".join(
            image_of(png_of(image[None]), alternative, "pixels")
            for image, alternative in ((pair.sample, "sample"), (pair.training, "nearest training image"))
        )
        cells.append(figure_of(images, f"{pair.distance:.2f}"))
    return f'<div class="pairs">{"".join(cells)}</div>'


def _grid(images: np.ndarray) -> bytes:
    return png_of(images, COLUMNS)


def png_of(images: np.ndarray, columns: int = 1) -> bytes:
    """A PNG of uint8 images (n, H, W, C), so many in a row, none larger than a page has room for."""
    height, width = images.shape[1:3]
    if max(height, width) > CELL:
        scale = CELL / max(height, width)
        images = resize_images(images, (math.ceil(height * scale), math.ceil(width * scale)))
    buffer = io.BytesIO()
    grid(images, columns).save(buffer, "PNG")
    return buffer.getvalue()
