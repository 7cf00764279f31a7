"""Writes the tables of `PAGES` from the figures in `results/`; what stands around them is written by hand.

    python benchmarks/document.py

A table stands between `<!-- NAME -->` and `<!-- end -->`, and `results/NAME.json` is what a benchmark wrote.
"""

import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES, RESULTS = [ROOT / "docs" / name for name in ("benchmarks.md", "augment.md")], ROOT / "benchmarks" / "results"
LEVELS = (30, 10)  # Distances to which the seconds are told.
PLACE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """The page with every table as `results/` says."""

    def table(found: re.Match) -> str:
        record = json.loads((RESULTS / f"{found[2]}.json").read_text())
        return f"{found[1]}{TABLES[record['benchmark']](record)}\n\n{origin(record)}\n{found[3]}"

    return PLACE.sub(table, page)


def origin(record: dict) -> str:
    """Where the figures come from, in a sentence."""
    made = record["made"]
    packages = {"tensorflow": ("tensorflow-cpu", "tensorflow"), "jax": ("jax",)}[made["backend"]]
    version = next(made["versions"][name] for name in packages if name in made["versions"])
    threads = {"1": "one thread", "all": "all threads"}.get(made["threads"], f"{made['threads']} threads")
    return (
        f"*{made['day']}, {made['processor']}, {made['cores']} cores of which {threads}, "
        f"Python {made['python']}, Keras {made['versions']['keras']}, {made['backend']} {version}, "
        f"commit {made['commit']}.*"
    )


def markdown(heading: list[str], rows: list[list[str]]) -> str:
    """A table; all but the first column to the right."""
    rule = ["---", *["---:"] * (len(heading) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *rows))


def each(runs: list[dict], figure: str, digits: str, unit: str = "") -> str:
    """The figure of every run, in their order."""
    return ", ".join(format(run[figure], digits).rstrip("%") for run in runs) + unit


def mean(runs: list[dict], figure: str, digits: str) -> str:
    """Mean and standard deviation, or the one value there is."""
    values = [run[figure] for run in runs]
    spread = f" ± {format(statistics.stdev(values), digits)}" if len(values) > 1 else ""
    return format(statistics.mean(values), digits) + spread


def span(ratios: list[float]) -> str:
    """Least, median and most."""
    return " / ".join(f"{f(ratios):.2f}" for f in (min, statistics.median, max))


def mixtures(record: dict) -> str:
    rows = []
    for name, runs in record["results"].items():
        for which in ("averaged", "raw"):
            found = [run[which] for run in runs]
            rows.append(
                [
                    f"{name}, {which}",
                    each(found, "modes", "d"),
                    each(found, "high_quality", ".1%", " %"),
                    each(found, "reverse_kl", ".3f"),
                    each(found, "spread", ".2f"),
                    mean(runs, "seconds", ".0f"),
                ]
            )
    return markdown(["weights", "modes", "high quality", "reverse KL", "spread", "seconds"], rows)


def few_images(record: dict) -> str:
    figures = (("distance", ".2f"), ("coverage", ".3f"), ("copies", ".1%"), ("alike", ".1%"))
    rows = []
    for count, real in record["results"]["real"].items():
        rows.append([f"the {count} images themselves", "", format(real, ".2f"), "", "", ""])
        ways: dict[str, list[dict]] = {}
        for run in record["results"]["runs"]:
            if run["count"] == int(count):
                ways.setdefault(run["augment"], []).append(run)
        for way, runs in ways.items():
            shown = mean(runs, "images", ",.0f")
            rows.append([f"{count}, `augment={way}`", shown, *(mean(runs, name, digits) for name, digits in figures)])
    return markdown(["", "images shown", *(name for name, _ in figures)], rows)


def stacked_mnist(record: dict) -> str:
    rows = []
    for number in range(min(len(lines) for lines in record["results"].values())):
        looks = [lines[number] for lines in record["results"].values()]
        cells = [f"{looks[0]['images'] // record['settings']['batch_size']:,}", mean(looks, "processor_seconds", ".0f")]
        for which in ("averaged", "raw"):
            for place, digits in ((0, ".0f"), (1, ".2f")):
                cells.append(mean([{"value": look[which][place]} for look in looks], "value", digits))
        rows.append(cells)
    heading = ["steps", "seconds", "modes, averaged", "reverse KL, averaged", "modes, raw", "reverse KL, raw"]
    return markdown(heading, rows)


def seconds_to(curve: list[tuple[float, float]], level: float) -> float | None:
    """Processor seconds after which a look first found a distance of `level` or less."""
    return next((spent for spent, distance in curve if distance <= level), None)


def mnist(record: dict) -> str:
    figures = [("fd", ".1f"), ("density", ".3f"), ("coverage", ".3f"), ("classifier score", ".2f")]
    figures += [("digit asked for", ".1%")] if record["settings"]["conditional"] else []
    rows = [["real digits, held out", "", format(record["results"]["floor"], ".1f"), *[""] * (len(figures) + 1)]]
    for name, runs in record["results"]["runs"].items():
        reached = [[seconds_to(run["curve"], level) for run in runs] for level in LEVELS]
        speeds = [{"images/s": run["images"] / run["seconds"]} for run in runs]
        cells = [mean(speeds, "images/s", ",.0f"), *(mean(runs, figure, digits) for figure, digits in figures)]
        for times in reached:
            cells.append("-" if None in times else mean([{"seconds": time} for time in times], "seconds", ".0f"))
        rows.append([f"`{name}`", *cells])
    heading = ["", "images/s", *(figure for figure, _ in figures), *(f"s to fd {level}" for level in LEVELS)]
    return markdown(heading, rows)


def throughput(record: dict) -> str:
    rows = []
    rate = {"wall": "images_per_second", "processor": "images_per_processor_second"}[record["settings"]["by"]]
    for found in record["results"]:
        rounds = found["rounds"]
        operations = found["contenders"]["ours"].get("operations_per_image")
        peaks = [max(answer["peak_gflops"] for answer in one.values()) for one in rounds]
        for name, about in found["contenders"].items():
            speed = statistics.median(one[name][rate] for one in rounds)
            ratios = [one["ours"][rate] / one[name][rate] for one in rounds]
            rates = [one[name]["images_per_processor_second"] for one in rounds]
            shares = (
                [done * operations / 1e9 / peak for done, peak in zip(rates, peaks, strict=True)] if operations else []
            )
            rows.append(
                [
                    f"{found['recipe']}: {about['is']}",
                    format(speed, ",.0f" if speed >= 100 else ".1f"),
                    "" if name == "ours" else span(ratios),
                    format(statistics.median(shares), ".0%") if shares else "",
                    about["note"],
                ]
            )
    return markdown(["", "images/s", "ours / it: min / median / max", "of peak", "how"], rows)


def settled(record: dict) -> str:
    def middle(rounds: list[dict], figure: str) -> str:
        return format(statistics.median(one[figure] for one in rounds), ",.0f")

    rows = []
    for recipe, ways in record["results"].items():
        having, lacking = ways.values()  # What is settled; in this order in every record.
        cells = [f"`{recipe}`"]
        for rate in ("images_per_second", "images_per_processor_second"):
            ratios = [one[rate] / other[rate] for one, other in zip(having, lacking, strict=True)]
            cells.append(span(ratios))
        for figure in ("pages_per_image", "megabytes"):
            cells.append(f"{middle(having, figure)} and {middle(lacking, figure)}")
        rows.append(cells)
    heading = ["", "faster by the clock: min / median / max", "by the processor", "pages an image", "MB at most"]
    return markdown(heading, rows)


def tables(record: dict) -> str:
    figures = ("quality", "detection", "learnt", "nearer to train")
    rows = []
    for name, seeds in record["results"].items():
        for way in seeds[0]:
            runs = [found[way] for found in seeds if way in found]
            known = [mean(runs, figure, ".3f") if figure in runs[0] else "" for figure in figures]
            rows.append([f"{name}: {way}", mean(runs, "seconds", ".0f"), *known])
    return markdown(["", "seconds", *figures], rows)


def actions(record: dict) -> str:
    shares = ("recognised", "frozen")
    first = next(iter(record["results"].values()))[0]
    names = [name for name in first if name != "clips"]
    floors = [said(first[name]["floor"], name in shares) for name in names]
    rows = [["real clips", "", *floors]]
    for judge, runs in record["results"].items():
        cells = [", ".join(said(run[name]["value"], name in shares) for run in runs) for name in names]
        rows.append([f"`{judge}`", ", ".join(f"{run['clips']:,}" for run in runs), *cells])
    return markdown(["", "clips shown", *(name.replace("_", " ") for name in names)], rows)


def said(value: float, is_share: bool) -> str:
    return f"{value:.1%}" if is_share else f"{value:.3g}"


def augment(record: dict) -> str:
    rows = []
    for run in sorted(record["results"], key=lambda run: (run["count"] or 0, run["seed"])):
        count = "all" if run["count"] is None else f"{run['count']:,}"
        examples, options = f"{record['settings']['data']}, {count}", run["protocol"]["options"]
        shown = f"{options.get('rows') or options['images']:,}"
        for finding in run["findings"]:
            effects = [effect for effect in run["effects"] if effect["model"] == finding["model"]]
            nothing = next(effect for effect in effects if effect["kind"] == "nothing")
            cells = [examples, str(run["seed"]), shown, finding["model"], f"{nothing['score']:.3f}"]
            cells += [gained(effects, kind) for kind in ("rival", "synthetic")]
            cells += [finding["outcome"], finding["recommended"]]
            if "test" in run:
                cells += [f"{run['test'][way]:.3f}" for way in ("nothing", "recommended")]
            rows.append(cells)
    heading = ["examples", "seed", "shown", "model", "nothing", "best simpler way", "best synthetic way"]
    heading += ["synthetic: verdict", "recommended"]
    if "test" in record["results"][0]:
        heading += ["test images: nothing", "recommended"]
    return markdown(heading, rows)


def gained(effects: list[dict], kind: str) -> str:
    """The best way of a kind, with its gain and its interval."""
    best = max((effect for effect in effects if effect["kind"] == kind), key=lambda effect: effect["score"])
    return f"{best['way']} {best['difference']:+.3f} ({best['low']:+.3f} to {best['high']:+.3f})"


TABLES: dict[str, Callable[[dict], str]] = {
    "mixtures": mixtures,
    "few_images": few_images,
    "stacked_mnist": stacked_mnist,
    "mnist": mnist,
    "throughput": throughput,
    "freed_memory": settled,
    "onednn": settled,
    "tables": tables,
    "actions": actions,
    "augment": augment,
}


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page.read_text()))
