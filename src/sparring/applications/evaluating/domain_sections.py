"""What the page of a report shows of translations: inputs, what became of them, and true or nearest real images."""

import html
from collections.abc import Sequence

import numpy as np

from sparring.applications.evaluating.evaluated import Evaluated
from sparring.applications.evaluating.image_sections import png_of
from sparring.applications.evaluating.markup import figure_of, image_of


def domain_sections(evaluated: Sequence[Evaluated]) -> list[str]:
    """The sections of the page in HTML: one for each domain that the first run translates to."""
    return [_section(evaluated, shown.target) for shown in evaluated[0].verdict.shown]


def _section(evaluated: Sequence[Evaluated], target: str) -> str:
    pictures, said = [], ""
    for each in evaluated:
        for shown in each.verdict.shown:
            if shown.target != target:
                continue
            said = ", ".join(shown.rows)
            name = f"Translations by {each.report.run}" if len(evaluated) > 1 else "Translations"
            count = len(next(iter(shown.rows.values())))
            cells = png_of(np.concatenate(list(shown.rows.values())), count)
            pictures.append(figure_of(image_of(cells, name, "pixels"), name))
    words = f"From top to bottom: {said}. Nothing is chosen by hand."
    return f'<h2>To {html.escape(target)}</h2><p class="quiet">{words}</p><div class="side">{"".join(pictures)}</div>'
