"""The judge that suits what runs make."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sparring.applications.evaluating.clip_judge import MOST_REAL, ClipJudge, Frames, groups_of, spaced
from sparring.applications.evaluating.domain_figures import Eyes
from sparring.applications.evaluating.domain_judge import DomainJudge
from sparring.applications.evaluating.evaluated import Judge, Question
from sparring.applications.evaluating.image_judge import Judge as ImageJudge
from sparring.applications.evaluating.table_judge import TableJudge
from sparring.bundle.bundle import Bundle
from sparring.data.clips.footage import FRAMES
from sparring.data.clips.moving_mnist import NAME as MOVING_MNIST
from sparring.data.clips.opening import are_clips
from sparring.data.clips.windows import Windows, span
from sparring.data.examples import Source
from sparring.data.images.domains import image_key
from sparring.data.images.named import DIGITS, NAMES
from sparring.data.lazy import Rows
from sparring.data.source import is_several, open_source
from sparring.data.spec import DomainsSpec, ImageSpec, TableSpec, VideoSpec
from sparring.data.tables.reading import read_table, table_path
from sparring.data.tables.streamed import open_long, reopen_streamed
from sparring.data.tables.table import TableSource, reopen
from sparring.errors import DataError, UsageError
from sparring.metrics.clips.i3d import I3DExtractor
from sparring.metrics.clips.own import ClipExtractor
from sparring.metrics.extractor import Extractor
from sparring.metrics.extractors.choice import cache_folder, make_extractor
from sparring.metrics.extractors.learning import LEAST_LEARNT
from sparring.metrics.extractors.own import OwnExtractor
from sparring.metrics.vitals import evenly

MOST_LEARNT = 5_000  # Training images of each domain that extractors are made of.
STRIDES = 8  # That are tried of clips without end.


def judge_images(bundle: Bundle, question: Question) -> Judge:
    """Whoever judges runs on the images that `bundle` was trained on.

    Raises:
        DataError: These are not what `question` says they are, or are not known.
    """
    source = _images(bundle, question)
    kind = _kind_of(source, question.extractor)
    extractor = _extractor(kind, source, question)
    return ImageJudge(source, extractor, kind == "own", question.every, question.seed, question.progress)


def judge_clips(bundle: Bundle, question: Question) -> Judge:
    """Whoever judges runs on the clips that `bundle` was trained on.

    Raises:
        DataError: These are not what `question` says they are, or are not known.
        UsageError: There are too few, or the question is about images.
    """
    if question.every:
        raise UsageError(f"`--all` is for images, and the run makes clips. Received: every={question.every}")
    source = _clips(bundle, question)
    clips, examples = source.examples["clip"], source.examples
    labels = np.asarray(examples["label"]) if "label" in examples else None

    def say(sentence: str) -> None:
        question.progress(sentence, 0, 1)

    extractor: ClipExtractor | I3DExtractor
    if question.i3d_weights is not None:
        extractor = I3DExtractor(question.i3d_weights)
    else:
        extractor = ClipExtractor(
            clips, labels, groups=groups_of(clips), fingerprint=source.fingerprint, folder=cache_folder(), say=say
        )
    rows = spaced(len(clips), MOST_REAL)
    frame_extractor = make_extractor(
        question.extractor or "random",
        Frames(clips, rows),
        None if labels is None else labels[rows],
        fingerprint=source.fingerprint,
        inception_weights=question.inception_weights,
        say=say,
    )
    return ClipJudge(source, extractor, frame_extractor, question.seed, question.progress)


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
        source = _table(record.source, source, record.spec)
    if source.fingerprint != record.fingerprint:
        raise DataError(f"{record.source} is not what the run was trained on: the rows differ.")
    return TableJudge(source, question.seed, question.progress)


def _table(name: str, data: Any, spec: TableSpec) -> TableSource:
    """The table that a run of `spec` is said to be trained on."""
    if isinstance(data, str | os.PathLike):
        path = table_path(data)
        if (long := open_long(path)) is not None:
            return reopen_streamed(name, long, spec)
        data = read_table(path)[0]
    if not isinstance(data, pd.DataFrame):
        raise UsageError(f"`data` must be a table: a path or a DataFrame. Received: {type(data).__name__}")
    return reopen(name, data, spec)


def judge_domains(bundle: Bundle, question: Question) -> Judge:
    """Whoever judges runs on the domains that `bundle` was trained on.

    Raises:
        DataError: These are not what `question` says they are, or are not known, or are too small.
        UsageError: The question is about images without domains.
    """
    if question.every:
        raise UsageError(f"`--all` is for images, and the run translates. Received: every={question.every}")
    source = _domains(bundle, question)
    parts = []
    for place in range(len(source.spec.domains)):
        rows = source.examples[image_key(place)]
        parts.append(np.asarray(rows[evenly(len(rows), MOST_LEARNT)]))
    images, labels = np.concatenate(parts), np.repeat(np.arange(len(parts)), list(map(len, parts)))
    if len(images) < LEAST_LEARNT:
        raise DataError(
            f"To judge translations a classifier learns the domains, from at least {LEAST_LEARNT} training images in "
            f"all. Received: {len(images)} in {source.name}"
        )

    def say(sentence: str) -> None:
        question.progress(sentence, 0, 1)

    classifier = OwnExtractor(images, labels, fingerprint=source.fingerprint, folder=cache_folder(), say=say)
    extractor = make_extractor(
        question.extractor or "random",
        images,
        labels,
        fingerprint=source.fingerprint,
        inception_weights=question.inception_weights,
        say=say,
    )
    return DomainJudge(source, Eyes(extractor, classifier), question.seed, question.progress)


JUDGES = {"domains": judge_domains, "image": judge_images, "video": judge_clips, "table": judge_tables}


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


def _domains(bundle: Bundle, question: Question) -> Source[DomainsSpec]:
    record, source = bundle.record, question.data
    spec = record.spec
    assert isinstance(spec, DomainsSpec)
    known = ", ".join(spec.domains)
    if source is None:
        raise DataError(
            f"The run was trained on {record.source}, of the domains {known}: say where they lie with --data, once for "
            "each source."
        )
    if not isinstance(source, Source):
        source = open_source(
            source,
            size=spec.shape[:2],
            data_dir=question.data_dir,
            skip_unreadable=True,
            domains=not is_several(source),
        )
    if source.fingerprint != record.fingerprint:
        found = ", ".join(source.spec.domains) if isinstance(source.spec, DomainsSpec) else "no domains"
        raise DataError(
            f"{source.name} ({found}) is not what the run was trained on ({known}): the images or their order differ."
        )
    return source


def _clips(bundle: Bundle, question: Question) -> Source[VideoSpec]:
    name = bundle.record.source
    if question.data is None and name != MOVING_MNIST:
        raise DataError(f"The run was trained on {name}, which has no known place: say where it lies with --data.")
    for source in _openings(name if question.data is None else question.data, bundle, question):
        if source.fingerprint == bundle.record.fingerprint:
            return source
    raise DataError(f"{name} is not what the run was trained on: the clips differ.")


def _openings(data: Any, bundle: Bundle, question: Question) -> Iterator[Source]:
    """The ways in which `train` may have opened these data."""
    if isinstance(data, Source):
        yield data
        return
    spec = bundle.record.spec
    assert isinstance(spec, VideoSpec)
    frames, height, width, _ = spec.shape
    how: dict[str, Any] = {"size": (height, width), "data_dir": question.data_dir, "skip_unreadable": True}
    # Folders of frames are clips only where frames are asked for.
    for asked in (None, frames) if frames == FRAMES and are_clips(data) else (frames,):
        source = open_source(data, frames=asked, **how)
        yield source
        for stride in _strides(source.examples["clip"], spec):
            yield open_source(data, frames=asked, stride=stride, **how)


def _strides(clips: Rows, spec: VideoSpec) -> list[int]:
    """The strides, which are not recorded, that make as many stretches as the run has seen of these of stride 1."""
    if not isinstance(clips, Windows):
        return list(range(2, STRIDES + 1))
    lengths = clips.store.lengths[clips.clips]
    most = (int(lengths.max()) - 1) // (spec.shape[0] - 1)
    counts = (np.maximum(0, lengths - span(spec.shape[0], stride) + 1).sum() for stride in range(2, most + 1))
    return [stride for stride, count in enumerate(counts, start=2) if count == spec.num_examples]
