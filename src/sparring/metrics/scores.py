"""What the predictions of a classifier tell: the classifier score, the labels' histogram, diversity within classes."""

import numpy as np
from scipy.special import rel_entr

from sparring.errors import DataError, UsageError
from sparring.metrics.features import as_features


def classifier_score(probabilities: np.ndarray, splits: int = 1) -> float:
    """`exp(E KL(p(y|x) || p(y)))` of a classifier's probabilities `(N, classes)`: 1 to the number of classes.

    High where each sample is of one class and all classes come up; 1 where every sample looks alike to the classifier
    (the Inception score of Salimans et al. 2016, arXiv:1606.03498, section 4). It sees neither the real data nor
    variety within a class. Papers take the mean over 10 `splits` of consecutive samples; one split is less biased.

    Raises:
        UsageError: another shape, or more splits than samples.
        DataError: not finite, or rows that are no probabilities.
    """
    probabilities = as_features(probabilities, "probabilities", least=max(splits, 1)).astype(np.float64)
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):
        raise DataError("Every row of probabilities must be at least 0 and sum to 1. Are these logits? Take softmax.")
    parts = np.array_split(probabilities, splits)
    return float(np.mean([np.exp(rel_entr(part, part.mean(axis=0)).sum(axis=1).mean()) for part in parts]))


def label_divergence(real: np.ndarray, fake: np.ndarray, classes: int) -> float:
    """The divergence of the histogram of fake labels from that of real ones, `KL(fake || real)` in nats.

    0 where classes come up equally often, `log(classes)` where only one of equally frequent classes does, infinite
    where a class comes up that real data do not have. Labels are integers `(N,)` and `(M,)`, from 0.

    Raises:
        UsageError: another shape. DataError: labels that are no integers from 0 up to `classes - 1`.
    """
    shares = [_counts(labels, name, classes) / len(labels) for labels, name in ((real, "real"), (fake, "fake"))]
    return float(rel_entr(shares[1], shares[0]).sum())


def intra_class_diversity(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The root mean squared distance between two samples of a class, for every class: `(classes,)`.

    Of features `(N, d)` with labels `(N,)`. Divide that of fakes by that of real samples: 1 where a class is as varied
    as the data, 0 where it is always the same sample. NaN where a class has fewer than two samples.

    Raises:
        UsageError: shapes that do not fit. DataError: not finite, or labels outside the classes.
    """
    features = as_features(features, "features")
    labels = np.asarray(labels)
    if len(features) != len(labels):
        raise UsageError(f"Expected a label for each of {len(features)} samples. Received: {len(labels)}.")
    counts = _counts(labels, "labels", classes)
    diversity = np.full(classes, np.nan)
    for label in np.flatnonzero(counts >= 2):
        # The mean squared distance of two samples is twice the trace of the covariance.
        variances = features[labels == label].var(axis=0, ddof=1, dtype=np.float64)
        diversity[label] = np.sqrt(2 * variances.sum())
    return diversity


def _counts(labels: np.ndarray, name: str, classes: int) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0:
        raise UsageError(f"{name} must be labels of shape (N,), at least one. Received: {labels.shape}.")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        raise DataError(f"{name} must be integers from 0 to {classes - 1}. Received: {labels.dtype}, {labels[:5]}...")
    return np.bincount(labels, minlength=classes)
