"""The page of a report: one file to look at, with its pictures inside and nothing to load."""

import base64
import html
import io
import math
import string
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sparring.applications.figures import meaning_of, shown
from sparring.applications.judge import Pair, Verdict
from sparring.applications.pictures import draw_curves
from sparring.applications.report import Report, notes, table
from sparring.bundle.images import ImageBundle
from sparring.bundle.pictures import grid
from sparring.data.pixels import resize_images
from sparring.data.source import Source
from sparring.training.callbacks import read_journal

TEMPLATE = string.Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
MOST_CLASSES, COLUMNS = 20, 10  # Of the grid of a generator that takes classes.
ROWS_WITHOUT_CLASSES = 8
CELL = 96  # Pixels of the longer side of an image on the page at most: a page one can send by mail.


class Evaluated(NamedTuple):
    """A run as the page shows it.

    Attributes:
        report: Its figures.
        verdict: What the judge found.
        bundle: Draws the grid.
        source: Whose images stand beside it.
        journal: The run's `log.jsonl`, which need not be there.
    """

    report: Report
    verdict: Verdict
    bundle: ImageBundle
    source: Source
    journal: Path


def draw_page(evaluated: Sequence[Evaluated]) -> bytes:
    """The page of one run, or of several that are compared, as HTML in UTF-8."""
    reports = [each.report for each in evaluated]
    first = reports[0]
    several = len(reports) > 1
    sections = [_figures(reports), _samples(evaluated), _classes(reports)]
    sections += [_neighbours(each, several) for each in evaluated]
    sections += [_curves(evaluated), _provenance(reports)]
    title = " and ".join(report.run for report in reports) if several else f"How good is {first.run}?"
    subtitle = (
        f"{' / '.join(dict.fromkeys(report.record.recipe for report in reports))} on {first.record.source}; "
        f"{first.n:,} samples against {first.num_training:,} training images; {first.time}"
    )
    page = TEMPLATE.substitute(
        title=html.escape(title), subtitle=html.escape(subtitle), body="\n".join(filter(None, sections))
    )
    return page.encode()


def _figures(reports: Sequence[Report]) -> str:
    header, *rows = table(reports)
    lines = []
    for figure, row in zip(reports[0].figures, rows, strict=True):
        first, *others = row
        words = (
            f'<code>{html.escape(first)}</code><div class="words">{html.escape(meaning_of(figure.name).words)}</div>'
        )
        lines.append(f"<tr><td>{words}</td>{_cells(others)}</tr>")
    said = []
    for note in notes(reports):
        kind = "warn" if note.startswith("Careful") else "quiet"
        said.append(f'<p class="{kind}">{html.escape(note)}</p>')
    return f"<h2>Figures</h2>{_table(header, lines)}{''.join(said)}"


def _samples(evaluated: Sequence[Evaluated]) -> str:
    shown_grids = []
    for each in evaluated:
        name = f"Samples of {each.report.run}" if len(evaluated) > 1 else "Samples"
        shown_grids.append(_figure(_image(_grid(_drawn(each)), name, "pixels"), name))
    first = evaluated[0]
    real = _figure(_image(_grid(_real(first)), "Real images", "pixels"), "Real images, from the training data")
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
    images, count = each.source.examples["image"], len(each.source.examples["image"])
    if not each.bundle.classes:
        most = min(count, ROWS_WITHOUT_CLASSES * COLUMNS)
        return images[np.arange(most) * count // most]
    labels = np.asarray(each.source.examples["label"])
    rows = []
    for label in range(min(len(each.bundle.classes), MOST_CLASSES)):
        rows.append(images[np.resize(np.flatnonzero(labels == label)[:COLUMNS], COLUMNS)])
    return np.concatenate(rows)


def _classes(reports: Sequence[Report]) -> str:
    lines = []
    for rows in zip(*(report.classes for report in reports), strict=True):
        first, cells = rows[0], []
        for one in rows:
            cells += [shown("recognised", one.share), shown("recognised", one.recognised), shown("", one.diversity)]
        real = [shown("recognised", first.real_share), shown("recognised", first.recognised_held_out)]
        lines.append(f"<tr><td>{html.escape(first.name)}</td>{_cells([*real, *cells])}</tr>")
    if not lines:
        return ""
    header = ["class", "of real images", "held out, recognised"]
    for report in reports:
        prefix = f"{report.run}: " if len(reports) > 1 else ""
        header += [f"{prefix}of samples", f"{prefix}recognised", f"{prefix}diversity"]
    return (
        f"<h2>Class by class</h2>{_table(header, lines)}"
        '<p class="quiet">Recognised: the share in which a classifier sees the class asked for. Diversity: how varied '
        "samples of the class are against its real images, 1 as varied, 0 always the same.</p>"
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
            _image(_png(image[None]), alternative, "pixels")
            for image, alternative in ((pair.sample, "sample"), (pair.training, "nearest training image"))
        )
        cells.append(_figure(images, f"{pair.distance:.2f}"))
    return f'<div class="pairs">{"".join(cells)}</div>'


def _curves(evaluated: Sequence[Evaluated]) -> str:
    found = []
    for each in evaluated:
        lines = read_journal(each.journal) if each.journal.is_file() else []
        if lines:
            found.append(
                _figure(
                    _image(draw_curves(lines, each.report.record.spec.plural), "Curves of the training", "curves"),
                    each.report.run,
                )
            )
    return f"<h2>While it trained</h2>{''.join(found)}" if found else ""


def _provenance(reports: Sequence[Report]) -> str:
    first = reports[0]
    rows = [
        ("data", f"{first.record.source}, fingerprint {first.record.fingerprint}"),
        ("training images", f"{first.num_training:,}"),
        ("held-out images", f"{first.num_held_out:,}"),
        ("features", first.extractor),
        ("samples", f"{first.n:,}, seed {first.seed}"),
        ("measured", f"{first.time} (UTC), in {first.seconds:.0f} s"),
        ("by", ", ".join(f"{name} {version}" for name, version in first.versions.items())),
    ]
    for report in reports:
        options = ", ".join(f"{name}={value}" for name, value in report.record.options.items())
        recipe = f"{report.record.recipe} with {options}; seed {report.record.seed}"
        seen = f"trained on {report.images_seen:,} images, repeats counted, by sparring {report.record.version}"
        which = f"; {report.snapshot}" if report.snapshot else ""
        rows.append((report.run, f"{recipe}; {seen}{which}"))
    lines = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows]
    return (
        "<h2>Protocol</h2>"
        '<p class="quiet">Figures may be compared where all that stands in their brackets is the same.</p>'
        f'<div class="wide"><table>{"".join(lines)}</table></div>'
    )


def _table(header: Sequence[str], lines: Sequence[str]) -> str:
    first, *others = header
    heads = f"<th>{html.escape(first)}</th>" + "".join(
        f'<th class="number">{html.escape(name)}</th>' for name in others
    )
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(lines)}</table></div>'


def _cells(values: Sequence[str]) -> str:
    return "".join(f'<td class="number">{html.escape(value)}</td>' for value in values)


def _figure(inside: str, caption: str) -> str:
    return f"<figure>{inside}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _image(png: bytes, alternative: str, kind: str) -> str:
    data = base64.b64encode(png).decode()
    return f'<img class="{kind}" alt="{html.escape(alternative)}" src="data:image/png;base64,{data}">'


def _grid(images: np.ndarray) -> bytes:
    return _png(images, COLUMNS)


def _png(images: np.ndarray, columns: int = 1) -> bytes:
    height, width = images.shape[1:3]
    if max(height, width) > CELL:
        scale = CELL / max(height, width)
        images = resize_images(images, (math.ceil(height * scale), math.ceil(width * scale)))
    buffer = io.BytesIO()
    grid(images, columns).save(buffer, "PNG")
    return buffer.getvalue()
