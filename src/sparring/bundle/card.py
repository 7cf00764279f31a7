"""The card of a bundle: what it makes, where it comes from, how good it is, in Markdown."""

from collections.abc import Mapping

from sparring.bundle.record import Record
from sparring.data.spec import AnySpec, DomainsSpec, TableSpec, VideoSpec
from sparring.data.tables.table import describe
from sparring.errors import few

USE = {
    "image": "images = bundle.sample(16, seed=0)  # uint8, (16, height, width, channels)",
    "domains": "images = bundle.translate(images)  # uint8, (n, height, width, channels), of any size",
    "video": "clips = bundle.sample(8, frames=48, seed=0)  # uint8, (8, 48, height, width, channels)",
    "table": "frame = bundle.sample(1000, seed=0)  # a pandas.DataFrame",
}
MAX_CLASSES = 20  # Named on the card; a longer list is in bundle.json.


def write_card(record: Record, images_seen: int, figures: Mapping[str, str], snapshot: object | None = None) -> str:
    """The card as Markdown.

    Args:
        record: Recipe, options and data.
        images_seen: Number of training images, repeats counted, the generator's weights come from.
        figures: Measured figures, name to value with unit; empty if nothing has been measured.
        snapshot: Which of its run's snapshots it is, in words, where that is known.
    """
    spec = record.spec
    made = "images" if isinstance(spec, DomainsSpec) else spec.plural
    options = ", ".join(f"`{name}={value}`" for name, value in record.options.items()) or "the defaults"
    lines = [
        f"# {record.recipe} on {record.source}",
        "",
        _what(spec),
        "",
        f"- Recipe: `{record.recipe}` of sparring {record.version}, seed {record.seed}, with {options}",
        f"- Data: {record.source}, {spec.num_examples:,} examples, fingerprint `{record.fingerprint}`",
        f"- Trained on {images_seen:,} {made}, repeats counted" + (f": {snapshot}" if snapshot else ""),
        "",
        "## Measured",
        "",
        *_table(figures, spec),
        "",
        "## Use",
        "",
        "```python",
        "import sparring",
        'bundle = sparring.load("path/to/this/folder")',
        USE[spec.kind],
        "```",
        "",
        "## Limits",
        "",
        f"These {made} are made by a generative adversarial network: nothing in them is evidence of anything real.",
        "They share the gaps and the bias of the training data, and some may resemble single training examples.",
        "",
    ]
    return "\n".join(lines)


def _what(spec: AnySpec) -> str:
    if isinstance(spec, TableSpec):
        return f"A generator of tables like one of {describe(spec)}."
    height, width, channels = spec.shape[-3:]
    kind = {1: "grayscale", 3: "color"}.get(channels, f"{channels}-channel")
    if isinstance(spec, DomainsSpec):
        return f"A translator of {kind} images between {' and '.join(spec.domains)}, learnt at {height} x {width}."
    size = f"{height} x {width}{_classes(spec.classes)}"
    if isinstance(spec, VideoSpec):
        return f"A generator of {kind} clips of {spec.shape[0]} frames, {size}."
    return f"A generator of {kind} images, {size}."


def _classes(classes: tuple[str, ...]) -> str:
    if not classes:
        return ""
    return f", of {len(classes)} classes: {few(classes, MAX_CLASSES)}"


def _table(figures: Mapping[str, str], spec: AnySpec) -> list[str]:
    if not figures and isinstance(spec, DomainsSpec | VideoSpec):
        return ["Not measured."]
    if not figures:
        return ["Not measured yet: `sparring evaluate RUN`."]
    rows = [f"| {name.replace('|', '/')} | {value.replace('|', '/')} |" for name, value in figures.items()]
    return ["| figure | value |", "|---|---|", *rows]
