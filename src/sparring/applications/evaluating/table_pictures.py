"""Pictures of tables: the columns of real and made rows, and what each two columns have to do with each other."""

import io
import math
from collections.abc import Mapping, Sequence

import matplotlib.axes
import matplotlib.figure
import numpy as np
import pandas as pd

from sparring.data.spec import TableSpec
from sparring.data.tables.columns import Category
from sparring.metrics.tables.likeness import Pairs

ACROSS = 4  # Columns of the table side by side.
BINS = 30
BARS = 10  # Levels that have a bar; the rarer ones share one.
NAMED = 16  # Letters of a name on an axis.
REAL = "0.75"


def draw_columns(
    spec: TableSpec, names: Sequence[str], shapes: Sequence[float], real: pd.DataFrame, made: Mapping[str, pd.DataFrame]
) -> bytes:
    """A PNG of the distribution of each column: of real rows filled, of made ones as lines, in shares.

    Args:
        spec: What the columns are.
        names: Which are drawn.
        shapes: The likeness of each.
        real: The training rows.
        made: Rows by the name of what made them.
    """
    rows = math.ceil(len(names) / ACROSS)
    figure = matplotlib.figure.Figure(figsize=(3.1 * ACROSS, 2.2 * rows), layout="constrained")
    panels = figure.subplots(rows, ACROSS, squeeze=False).ravel()
    for axes, name, shape in zip(panels, names, shapes, strict=False):
        sides = [frame[name] for frame in (real, *made.values())]
        if isinstance(spec.column(name), Category):
            _draw_levels(axes, sides)
        else:
            _draw_numbers(axes, sides)
        axes.set_title(f"{_short(name, 2 * NAMED)}  {shape:.3f}", fontsize=8)
        axes.tick_params(labelsize=6)
        axes.set_yticks([])
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    handles, _ = panels[0].get_legend_handles_labels()
    figure.legend(handles, ["real", *made], loc="outside upper right", ncols=1 + len(made), fontsize=8, frameon=False)
    return _png(figure)


def draw_pairs(names: Sequence[str], pairs: Pairs) -> bytes:
    """A PNG of what columns have to do with each other: in real rows, in made ones, and the difference."""
    side = min(9.0, 2.4 + 0.16 * len(names))
    figure = matplotlib.figure.Figure(figsize=(3 * side, side + 0.4), layout="constrained")
    matrices = {"real": pairs.real, "made": pairs.fake, "made less real": pairs.fake - pairs.real}
    for axes, (title, matrix) in zip(figure.subplots(1, 3), matrices.items(), strict=True):
        is_difference = title not in ("real", "made")
        limit = 0.5 if is_difference else 1.0
        shown = axes.imshow(matrix, cmap="PuOr" if is_difference else "RdBu", vmin=-limit, vmax=limit)
        axes.set_title(title, fontsize=9)
        axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=90, fontsize=6)
        axes.set_yticks(range(len(names)), [_short(name) for name in names] if title == "real" else [], fontsize=6)
        bar = figure.colorbar(shown, ax=axes, shrink=0.7, extend="both" if is_difference else "neither")
        bar.ax.tick_params(labelsize=6)
    return _png(figure)


def _draw_numbers(axes: matplotlib.axes.Axes, sides: Sequence[pd.Series]):
    """Histograms over the range of all but 1 % of the real values at either end."""
    values = [_as_numbers(side.dropna()) for side in sides]
    ends = np.quantile(values[0], [0.01, 0.99]) if len(values[0]) else np.array([0.0, 1.0])
    edges = np.linspace(ends[0], ends[1] if ends[1] > ends[0] else ends[0] + 1, BINS + 1)
    for place, one in enumerate(values):
        shares = np.histogram(np.clip(one, edges[0], edges[-1]), edges)[0] / max(1, len(sides[place]))
        if place:
            axes.stairs(shares, edges, color=f"C{place - 1}", lw=1.2, label=str(place))
        else:
            axes.stairs(shares, edges, fill=True, color=REAL, label="real")
    if pd.api.types.is_datetime64_any_dtype(sides[0].dtype):
        ticks = edges[[0, BINS // 2, BINS]]
        axes.set_xticks(ticks, [str(pd.Timestamp(int(tick)).date()) for tick in ticks])


def _draw_levels(axes: matplotlib.axes.Axes, sides: Sequence[pd.Series]):
    """Bars of the most frequent levels of the real rows in their order; the others, and what is missing, are one."""
    texts = [side.astype(object).where(side.notna(), "missing").astype(str) for side in sides]
    common = list(texts[0].value_counts().index[:BARS])
    if len({*texts[0]}) > BARS:
        common = [*common[:-1], "others"]
    places = np.arange(len(common))
    for number, text in enumerate(texts):
        shares = text.where(text.isin(common), "others").value_counts(normalize=True).reindex(common, fill_value=0)
        if number:
            edges = np.arange(len(common) + 1) - 0.5
            axes.stairs(shares.to_numpy(), edges, color=f"C{number - 1}", lw=1.2, label=str(number))
        else:
            axes.bar(places, shares.to_numpy(), 0.8, color=REAL, label="real")
    axes.set_xticks(places, [_short(level, 9) for level in common], rotation=45 if len(common) > 4 else 0)


def _as_numbers(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(np.float64)
    return pd.to_datetime(values).to_numpy("datetime64[ns]").astype(np.float64)


def _short(name: object, most: int = NAMED) -> str:
    text = str(name).replace("$", r"\$")
    return text if len(text) <= most else text[: most - 2] + ".."


def _png(figure: matplotlib.figure.Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
