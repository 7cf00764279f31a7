"""The judge that suits what runs make."""

import os

import numpy as np
import pandas as pd

from sparring.applications.evaluating.evaluated import Judge, Question
from sparring.applications.evaluating.image_judge import Judge as ImageJudge
from sparring.applications.evaluating.table_judge import TableJudge
from sparring.bundle.bundle import Bundle
from sparring.data.examples import Source
from sparring.data.images.named import DIGITS, NAMES
from sparring.data.source import open_source
from sparring.data.spec import ImageSpec, TableSpec
from sparring.data.tables.table import TableSource, read_table, reopen
from sparring.errors import DataError, UsageError
from sparring.metrics.extractor import Extractor
from sparring.metrics.extractors.choice import make_extractor


def judge_images(bundle: Bundle, question: Question) -> Judge:
    """Whoever judges runs on the images that `bundle` was trained on.

    Raises:
        DataError: These are not what `question` says they are, or are not known.
    """
    source = _images(bundle, question)
    kind = _kind_of(source, question.extractor)
    extractor = _extractor(kind, source, question)
    return ImageJudge(source, extractor, kind == "own", question.every, question.seed, question.progress)


def judge_tables(bundle: Bundle, question: Question) -> Judge:
    """Whoever judges runs on the table that `bundle` was trained on.

    Raises:
        DataError: This is not what `question` says it is, or is not known.
        UsageError: The question is about images.
    """
    for name in ("extractor", "inception_weights", "every"):
        if value := getattr(question, name):
            flag = "all" if name == "every" else name.replace("_", "-")
            raise UsageError(f"`--{flag}` is for images, and the run makes tables. Received: {name}={value}")
    record = bundle.record
    assert isinstance(record.spec, TableSpec)
    source = question.data
    if source is None:
        raise DataError(f"The run was trained on {record.source}, a table: say where it lies with --data.")
    if not isinstance(source, TableSource):
        if isinstance(source, str | os.PathLike):
            source = read_table(source)[0]
        if not isinstance(source, pd.DataFrame):
            raise UsageError(f"`data` must be a table: a path or a DataFrame. Received: {type(source).__name__}")
        source = reopen(record.source, source, record.spec)
    if source.fingerprint != record.fingerprint:
        raise DataError(f"{record.source} is not what the run was trained on: the rows differ.")
    return TableJudge(source, question.seed, question.progress)


JUDGES = {"image": judge_images, "table": judge_tables}


def _kind_of(source: Source, wanted: str | None) -> str:
    """Which extractor judges: the one place where that is decided."""
    if wanted not in (None, "auto"):
        return str(wanted)
    if source.name in ("mnist", "digits") and source.spec.classes == DIGITS:
        return "digits"
    return "own" if source.spec.classes else "random"


def _extractor(kind: str, source: Source, question: Question) -> Extractor:
    examples = source.examples
    return make_extractor(
        kind,
        examples["image"],
        np.asarray(examples["label"]) if "label" in examples else None,
        fingerprint=source.fingerprint,
        inception_weights=question.inception_weights,
        say=lambda sentence: question.progress(sentence, 0, 1),
    )


def _images(bundle: Bundle, question: Question) -> Source[ImageSpec]:
    name, spec = bundle.record.source, bundle.record.spec
    assert isinstance(spec, ImageSpec)
    if question.data is None and name not in NAMES:
        raise DataError(f"The run was trained on {name}, which has no known place: say where it lies with --data.")
    # Whether the run did without unreadable files or there were none: the fingerprint tells if these are its images.
    source = question.data
    if not isinstance(source, Source):
        source = open_source(
            name if source is None else source,
            size=spec.shape[:2],
            data_dir=question.data_dir,
            skip_unreadable=True,
        )
    if source.fingerprint != bundle.record.fingerprint:
        raise DataError(f"{source.name} is not what the run was trained on: the images differ.")
    return source
