"""The page of a report: one file to look at, with its pictures inside and nothing to load."""

import html
import string
from collections.abc import Sequence
from pathlib import Path

from sparring.applications.evaluating.evaluated import Evaluated
from sparring.applications.evaluating.markup import cells, figure_of, image_of, table_of
from sparring.applications.evaluating.meanings import meaning_of
from sparring.applications.evaluating.report import Report, notes, table
from sparring.applications.pictures import draw_curves
from sparring.training.callbacks import read_journal

TEMPLATE = string.Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def draw_page(evaluated: Sequence[Evaluated]) -> bytes:
    """The page of one run, or of several that are compared, as HTML in UTF-8."""
    reports = [each.report for each in evaluated]
    first = reports[0]
    several, plural = len(reports) > 1, first.record.spec.plural
    sections = [_figures(reports), *evaluated[0].judge.sections(evaluated), _curves(evaluated), _provenance(reports)]
    title = " and ".join(report.run for report in reports) if several else f"How good is {first.run}?"
    subtitle = (
        f"{' / '.join(dict.fromkeys(report.record.recipe for report in reports))} on {first.record.source}; "
        f"{first.n:,} samples against {first.num_training:,} training {plural}; {first.time}"
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
        lines.append(f"<tr><td>{words}</td>{cells(others)}</tr>")
    said = []
    for note in notes(reports):
        kind = "warn" if note.startswith("Careful") else "quiet"
        said.append(f'<p class="{kind}">{html.escape(note)}</p>')
    return f"<h2>Figures</h2>{table_of(header, lines)}{''.join(said)}"


def _curves(evaluated: Sequence[Evaluated]) -> str:
    found = []
    for each in evaluated:
        lines = read_journal(each.journal) if each.journal.is_file() else []
        if lines:
            found.append(
                figure_of(
                    image_of(draw_curves(lines, each.report.record.spec.plural), "Curves of the training", "curves"),
                    each.report.run,
                )
            )
    return f"<h2>While it trained</h2>{''.join(found)}" if found else ""


def _provenance(reports: Sequence[Report]) -> str:
    first, plural = reports[0], reports[0].record.spec.plural
    rows = [
        ("data", f"{first.record.source}, fingerprint {first.record.fingerprint}"),
        (f"training {plural}", f"{first.num_training:,}"),
        (f"held-out {plural}", f"{first.num_held_out:,}"),
        ("measures", first.extractor),
        ("samples", f"{first.n:,}, seed {first.seed}"),
        ("measured", f"{first.time} (UTC), in {first.seconds:.0f} s"),
        ("by", ", ".join(f"{name} {version}" for name, version in first.versions.items())),
    ]
    for report in reports:
        options = ", ".join(f"{name}={value}" for name, value in report.record.options.items())
        recipe = f"{report.record.recipe} with {options}; seed {report.record.seed}"
        seen = f"trained on {report.images_seen:,} {plural}, repeats counted, by sparring {report.record.version}"
        which = f"; {report.snapshot}" if report.snapshot else ""
        rows.append((report.run, f"{recipe}; {seen}{which}"))
    lines = [f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in rows]
    return (
        "<h2>Protocol</h2>"
        '<p class="quiet">Figures may be compared where all that stands in their brackets is the same.</p>'
        f'<div class="wide"><table>{"".join(lines)}</table></div>'
    )
