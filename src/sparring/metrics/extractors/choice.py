"""The extractor that is asked for."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sparring.errors import UsageError, nearest
from sparring.metrics.extractor import Extractor
from sparring.metrics.extractors.digits import DigitsExtractor
from sparring.metrics.extractors.inception import InceptionExtractor
from sparring.metrics.extractors.inception_weights import find_weights
from sparring.metrics.extractors.own import OwnExtractor
from sparring.metrics.extractors.random_filters import RandomExtractor
from sparring.metrics.recognition import Images

KINDS = ("auto", "digits", "own", "random", "inception")


def cache_folder() -> Path:
    """Where classifiers and weights are kept: SPARRING_CACHE, else `sparring` in XDG_CACHE_HOME or in `~/.cache`."""
    own = os.environ.get("SPARRING_CACHE")
    return Path(own or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "sparring")).expanduser()


def make_extractor(
    kind: str,
    images: Images,
    labels: np.ndarray | None = None,
    *,
    fingerprint: str,
    folder: str | os.PathLike | None = None,
    inception_weights: str | os.PathLike | None = None,
    say: Callable[[str], None] = print,
) -> Extractor:
    """The extractor of a kind for these real images.

    Args:
        kind: "digits" (in the package, for MNIST and its like), "own" (a classifier trained on these images, once),
            "random" (untrained, without labels), "inception" (the one of published figures); "auto" takes "own"
            where there are labels of at least two classes, else "random".
        images: uint8 `(N, H, W, 1, 3 or 4)`, what is compared with; in memory or not.
        labels: Integers `(N,)` from 0, where there are any.
        fingerprint: At least 8 hexadecimal digits that change with images and labels, as `Source.fingerprint`.
        folder: Where classifiers and fetched weights are kept; None for `cache_folder()`.
        inception_weights: File for "inception"; None fetches it once.
        say: Called with a sentence where something takes a while.

    Raises:
        UsageError: An unknown kind, "own" without labels, or images that it cannot use.
        DataError: The weights of Inception cannot be had.
    """
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise UsageError(f"The extractor must be one of {known}. Received: {kind}.{nearest(kind, KINDS)}")
    kept = cache_folder() if folder is None else Path(folder).expanduser()
    if kind == "auto":
        kind = "random" if labels is None or len(np.unique(labels)) < 2 else "own"
    if kind == "digits":
        return DigitsExtractor()
    if kind == "inception":
        return InceptionExtractor(find_weights(inception_weights, kept, say))
    if kind == "random":
        return RandomExtractor(images, fingerprint=fingerprint)
    if labels is None:
        raise UsageError("The extractor `own` takes labels, which these data do not have. Use `random`.")
    return OwnExtractor(images, labels, fingerprint=fingerprint, folder=kept, say=say)
