"""Pieces of a page: tables, and figures with their pictures inside."""

import base64
import html
from collections.abc import Sequence


def table_of(header: Sequence[str], lines: Sequence[str]) -> str:
    """A table: the first column of words, the others of numbers; `lines` are whole rows in HTML."""
    first, *others = header
    heads = f"<th>{html.escape(first)}</th>" + "".join(
        f'<th class="number">{html.escape(name)}</th>' for name in others
    )
    return f'<div class="wide"><table><tr>{heads}</tr>{"".join(lines)}</table></div>'


def cells(values: Sequence[str]) -> str:
    """Cells of numbers."""
    return "".join(f'<td class="number">{html.escape(value)}</td>' for value in values)


def figure_of(inside: str, caption: str) -> str:
    """What is seen, and what is said of it."""
    return f"<figure>{inside}<figcaption>{html.escape(caption)}</figcaption></figure>"


def image_of(png: bytes, alternative: str, kind: str) -> str:
    """A picture that is part of the page; `kind` is its class in `page.html`."""
    data = base64.b64encode(png).decode()
    return f'<img class="{kind}" alt="{html.escape(alternative)}" src="data:image/png;base64,{data}">'
