"""What the page of a report shows of tables: columns, pairs, and rows of both."""

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sparring.applications.evaluating.evaluated import Evaluated
from sparring.applications.evaluating.markup import cells, figure_of, image_of, table_of
from sparring.applications.evaluating.table_pictures import draw_columns, draw_pairs

MOST_COLUMNS = 32  # In one picture.
MOST_PAIRED = 40
WORST = 8  # Pairs that are named.
ROWS = 6


def table_sections(evaluated: Sequence[Evaluated]) -> list[str]:
    """The sections of the page in HTML."""
    return [_columns(evaluated), *(_pairs(each, len(evaluated) > 1) for each in evaluated), _rows(evaluated)]


def _columns(evaluated: Sequence[Evaluated]) -> str:
    """The columns that are least like those of the table, first."""
    first = evaluated[0]
    worst = np.argsort(first.verdict.shapes, kind="stable")[:MOST_COLUMNS]
    names = [first.judge.names[place] for place in worst]
    made = {each.report.run: each.verdict.rows for each in evaluated}
    source = first.judge.source
    picture = draw_columns(source.spec, names, first.verdict.shapes[worst], source.rows, made)
    said = "The least alike first; the number is the likeness, 1 at best"
    said += f", of {first.report.run}." if len(evaluated) > 1 else "."
    if len(first.judge.names) > len(names):
        said += f" These are {len(names)} of {len(first.judge.names)} columns."
    return (
        f'<h2>Columns</h2><p class="quiet">{html.escape(said)}</p>'
        f"{figure_of(image_of(picture, 'Distributions of columns', 'curves'), 'Grey: training rows. Lines: samples.')}"
    )


def _pairs(each: Evaluated, several: bool) -> str:
    names, pairs = each.judge.names, each.verdict.pairs
    if len(names) < 2:
        return ""
    shown = np.sort(np.argsort(-np.nansum(np.abs(pairs.real), axis=0), kind="stable")[:MOST_PAIRED])
    part = pairs._replace(**{key: getattr(pairs, key)[np.ix_(shown, shown)] for key in ("real", "fake", "likeness")})
    picture = draw_pairs([names[place] for place in shown], part)
    one, other = np.triu_indices(len(names), 1)
    lines = []
    for place in np.argsort(pairs.likeness[one, other], kind="stable")[:WORST]:
        at = one[place], other[place]
        values = [f"{matrix[at]:.2f}" for matrix in (pairs.real, pairs.fake)] + [f"{pairs.likeness[at]:.3f}"]
        pair = html.escape(f"{names[at[0]]}, {names[at[1]]}")
        lines.append(f"<tr><td>{pair}</td>{cells(values)}</tr>")
    of = f" of {html.escape(each.report.run)}" if several else ""
    return (
        f"<h2>Pairs of columns{of}</h2>"
        '<p class="quiet">What two columns have to do with each other: the correlation of two numbers, or else '
        "Cramer's V.</p>"
        f"{figure_of(image_of(picture, 'Matrices of pairs', 'curves'), 'Training rows, samples, and the difference.')}"
        f"<h3>The least alike</h3>{table_of(['columns', 'real', 'made', 'likeness'], lines)}"
    )


def _rows(evaluated: Sequence[Evaluated]) -> str:
    parts = [f"<h3>{html.escape(each.report.run)}</h3>{_frame(each.verdict.rows.head(ROWS))}" for each in evaluated]
    training = evaluated[0].judge.source.rows
    chosen = training.iloc[np.arange(min(ROWS, len(training))) * len(training) // min(ROWS, len(training))]
    return f"<h2>Rows</h2>{''.join(parts)}<h3>Training rows</h3>{_frame(chosen)}"


def _frame(frame: pd.DataFrame) -> str:
    lines = []
    for row in frame.itertuples(index=False):
        texts = (_text(value) for value in row)
        lines.append("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in texts) + "</tr>")
    heads = "".join(f"<th>{html.escape(str(name))}</th>" for name in frame.columns)
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(lines)}</table></div>'


def _text(value: object) -> str:
    if value is None or value is pd.NA or value != value:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
