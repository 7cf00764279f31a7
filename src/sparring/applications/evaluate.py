"""How good a run is, in figures."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sparring.applications.sample import load
from sparring.bundle.card import write_card
from sparring.bundle.files import replace_file
from sparring.bundle.images import ImageBundle
from sparring.data.named import NAMES
from sparring.data.source import Source, open_source
from sparring.errors import DataError, UsageError
from sparring.metrics.copies import near_copies
from sparring.metrics.recognition import fit_classifier, recognised


def evaluate(
    run: str | os.PathLike[str],
    *,
    data: str | os.PathLike[str] | None = None,
    n: int = 1000,
    seed: int = 1,
    data_dir: str | os.PathLike[str] | None = None,
    trust: bool = False,
) -> Mapping[str, str]:
    """Measures the samples of a run against its data, and writes the figures into `report.json` and the card.

    Args:
        run: Folder of a run or a bundle.
        data: What it was trained on; known by itself where that has a name.
        n: Samples to draw.
        seed: Of the samples.
        data_dir: As in `open_source`.
        trust: As in `load`.

    Returns:
        Figures as text by name; shares come with their 95 % interval.

    Raises:
        DataError: `data` is not what the run was trained on, or has nothing to measure by.
    """
    bundle = load(run, trust=trust)
    if not isinstance(bundle, ImageBundle):
        raise UsageError(f"`evaluate` measures images. Received: {os.fspath(run)!r}, which makes tables")
    source = _data_of(bundle, data, data_dir)
    figures = measure(bundle, source, n, seed)
    replace_file(Path(run) / "report.json", json.dumps(figures, indent=2).encode() + b"\n")
    folder = Path(run) / "bundle" if (Path(run) / "bundle").is_dir() else Path(run)
    replace_file(folder / "card.md", write_card(bundle.record, bundle.images_seen, figures).encode())
    return figures


def measure(bundle: ImageBundle, source: Source, n: int, seed: int) -> dict[str, str]:
    """The figures of `n` samples: what they show, where there are classes, and whether they are copies."""
    samples, labels = bundle.sample(n, seed=seed), bundle.labels_for(n)
    training, held_out = source.examples, source.held_out
    figures = {}
    if labels is not None:
        classifier = fit_classifier(training["image"], np.asarray(training["label"]))
        figures["recognised as the class asked for"] = str(recognised(classifier, samples, labels))
        if held_out:
            figures["the same, held-out real images"] = str(
                recognised(classifier, held_out["image"], np.asarray(held_out["label"]))
            )
    if held_out:
        copies = near_copies(samples, training["image"], held_out["image"])
        figures["near-copies of training images"] = f"{copies}; 1 % of held-out real images by definition"
    if not figures:
        raise DataError(f"{source.name} has neither classes nor held-out images: there is nothing to measure by yet.")
    return figures


def _data_of(bundle: ImageBundle, data, data_dir) -> Source:
    name = bundle.record.source
    if data is None and name not in NAMES:
        raise DataError(f"The run was trained on {name}, which has no known place: say where it lies with --data.")
    # Whether the run did without unreadable files or there were none: the fingerprint tells if these are its images.
    source = open_source(
        name if data is None else data, size=bundle.spec.shape[:2], data_dir=data_dir, skip_unreadable=True
    )
    if source.fingerprint != bundle.record.fingerprint:
        raise DataError(f"{source.name} is not what the run was trained on: the images differ.")
    return source
