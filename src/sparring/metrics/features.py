"""What every comparison of features asks of them."""

import numpy as np

from sparring.errors import DataError, UsageError


def as_features(features: np.ndarray, name: str, least: int = 2) -> np.ndarray:
    """`features` as floats of shape `(N, d)`, at least `least` of them and all finite.

    Raises:
        UsageError: not two axes, or fewer than `least` rows.
        DataError: a value is infinite or not a number.
    """
    features = np.asarray(features)
    if features.ndim != 2 or features.shape[1] == 0:
        raise UsageError(
            f"{name} must have the shape (samples, features). Received: {features.shape}. "
            "Flatten every sample to a row."
        )
    if len(features) < least:
        raise UsageError(f"{name} must have at least {least} samples. Received: {len(features)}.")
    if features.dtype not in (np.float32, np.float64):
        features = features.astype(np.float64)
    # A sum is finite where every term is: no array of flags as large as the features. It overflows only by itself.
    if not np.isfinite(features.sum(dtype=np.float64)) and not np.isfinite(features).all():
        bad = int(np.count_nonzero(~np.isfinite(features).all(axis=1)))
        raise DataError(
            f"{name} must be finite. Received: {bad} of {len(features)} samples with an infinite value or NaN. "
            "Look at the images they come from, or at the precision of the extractor."
        )
    return features


def as_pair(real: np.ndarray, fake: np.ndarray, least: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Both as `as_features` gives them, and of the same width.

    Raises:
        UsageError: also where they have different numbers of features.
        DataError: a value is infinite or not a number.
    """
    real, fake = as_features(real, "real", least), as_features(fake, "fake", least)
    if real.shape[1] != fake.shape[1]:
        raise UsageError(
            f"real and fake must have as many features. Received: {real.shape} and {fake.shape}. "
            "Use the same extractor for both."
        )
    return real, fake
