"""What a finished run shows: its last grid, its curves, and an animation of the training."""

import io

import matplotlib.axes
import matplotlib.figure
import matplotlib.ticker
from PIL import Image

from sparring.bundle.pictures import save_animation
from sparring.files import replace_file
from sparring.training.callbacks import best_line, read_journal
from sparring.training.health import episodes
from sparring.training.run import Run

FRAMES = 60  # Of the animation: four seconds.


def draw_run(run: Run):
    """Writes `grid.png`, `training.gif` and `curves.png` into the run's folder, as far as it has got."""
    grids = sorted(run.samples.glob("tick-*.png"))
    if grids:
        replace_file(run.folder / "grid.png", grids[-1].read_bytes())
        chosen = grids[:: -(-len(grids) // FRAMES)]
        if chosen[-1] != grids[-1]:
            chosen.append(grids[-1])
        save_animation([Image.open(path).copy() for path in chosen], run.folder / "training.gif", 70)
    lines = read_journal(run.journal)
    if lines:
        replace_file(run.folder / "curves.png", draw_curves(lines, run.record.spec.plural))


def draw_curves(lines: list[dict], plural: str = "images") -> bytes:
    """A PNG of the losses, the discriminator's outputs and the figure of merit over the examples seen."""
    names = list(dict.fromkeys(name for line in lines for name in line))
    panels = {
        "loss": [name for name in names if name.endswith("_loss")],
        "discriminator's output (logit)": [name for name in names if name.endswith("_score")],
        "likeness of columns and pairs, 1 at best": [name for name in names if name in ("shapes", "trends")],
        **{name: [name] for name in names if name.endswith("]")},
    }
    panels = {label: shown for label, shown in panels.items() if shown}
    figure = matplotlib.figure.Figure(figsize=(5.5 * len(panels), 3.6), layout="constrained")
    for axes, (label, shown) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name in shown:
            text = name.removesuffix("_loss").removesuffix("_score").replace("_", " ")
            axes.plot(*_points(lines, name), label="each tick" if name == label else text, marker=".")
        if shown == [label]:
            _mark(axes, lines, label)
        axes.set(xlabel=f"{plural} seen", ylabel=label)
        axes.xaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep=""))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _mark(axes: matplotlib.axes.Axes, lines: list[dict], name: str):
    """What is best by a figure of merit, which falls by orders of magnitude, and where something was wrong."""
    best = best_line(lines, name)
    if best is not None:
        axes.plot(best["images"], best[name], "o", mfc="none", ms=11, color="C1", label="the best")
    found = episodes(lines)
    names = list(dict.fromkeys(episode.name for episode in found))
    for place, name in enumerate(names):  # A band of its own at the top: what goes wrong together would be one colour.
        top, spans = 1 - 0.05 * place, [(one.first["images"], one.last["images"]) for one in found if one.name == name]
        for number, (begin, end) in enumerate(spans):
            label = "" if number else name.replace("_", " ")
            axes.axvspan(begin, end, top - 0.04, top, color=f"C{place + 2}", label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def _points(lines: list[dict], name: str) -> tuple[list[float], list[float]]:
    found = [line for line in lines if name in line]
    return [line["images"] for line in found], [line[name] for line in found]
