"""Who looks at what is made after every tick, by the kind of the data."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sparring.applications.evaluating.table_rows import Reader
from sparring.data.images.domains import image_key
from sparring.data.lazy import Examples
from sparring.data.source import Source
from sparring.metrics.clips.vitals import ClipVitals
from sparring.metrics.tables.vitals import TableVitals
from sparring.metrics.translation import TranslationVitals
from sparring.metrics.vitals import Vitals
from sparring.training.judging import Judge


def judge_for(data: Source, aside: Examples | None = None) -> Judge:
    """Who compares with `data` what is made of it, or of translations with what is set `aside` of it."""
    return JUDGES[data.spec.kind](data, aside)


def _of_images(data: Source, _: Examples | None) -> Judge:
    return Vitals(data.examples["image"], _labels(data))


def _of_clips(data: Source, _: Examples | None) -> Judge:
    return ClipVitals(data.examples["clip"], _labels(data))


def _of_tables(data: Any, _: Examples | None) -> Judge:
    reader = Reader(data.spec, data.rows)
    return TableVitals(reader(data.rows), reader)


def _of_translations(data: Source, aside: Examples | None) -> Judge:
    def by_domain(examples: Examples) -> dict[str, Any]:
        return {domain: examples[image_key(place)] for place, domain in enumerate(data.spec.domains)}

    contents = by_domain(aside) if aside else None
    return TranslationVitals(by_domain(data.examples), contents, paired=data.spec.paired)


def _labels(data: Source) -> np.ndarray | None:
    label = data.examples.get("label")
    return None if label is None else np.asarray(label)


JUDGES: Mapping[str, Callable[[Any, Examples | None], Judge]] = {
    "image": _of_images,
    "domains": _of_translations,
    "video": _of_clips,
    "table": _of_tables,
}
