"""Whether a clip goes on showing the same thing."""

import numpy as np
import scipy.linalg

from sparring.errors import UsageError

DIRECTIONS = 16  # Of the features, in which real clips differ most from each other and least in themselves.
RIDGE = 1e-3  # Of the mean variance: what keeps directions finite in which features of a clip never change.


def content_directions(features: np.ndarray, count: int = DIRECTIONS) -> np.ndarray:
    """The directions (d, count) of frames' features in which clips differ from each other more than in themselves.

    Those of Fisher's discriminant (Rao 1948) where every real clip is a class, scaled so that the variance within a
    clip is 1 in each. Where something is changes from frame to frame, and what it is does not: so these directions
    are blind to motion and see content.

    Args:
        features: Of real clips (N, frames, d).
        count: How many at most.

    Raises:
        UsageError: There are fewer than two clips, or two frames of each.
    """
    features = _checked(features)
    within, total = _variances(features)
    ridge = RIDGE * np.trace(total) / len(total) * np.eye(len(total))
    _, vectors = scipy.linalg.eigh(total + ridge, within + ridge)
    return vectors[:, ::-1][:, :count]


def consistency(features: np.ndarray, directions: np.ndarray) -> float:
    """How alike the frames of a clip are, against frames of different clips.

    1 less the variance within clips over that of all frames, of features (N, frames, d) along `content_directions`: 1
    where every clip shows the same all the time, 0 where frames of one clip are as unlike as those of several.

    Raises:
        UsageError: There are fewer than two clips, or two frames of each.
    """
    within, total = (np.trace(part) for part in _variances(_checked(features) @ directions))
    return float(1 - within / total) if total > 0 else 1.0


def _variances(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The covariances (d, d) within clips, and between two frames of different clips."""
    means = features.mean(axis=1)
    apart = (features - means[:, None]).reshape(-1, features.shape[2])
    within = apart.T @ apart / (len(features) * (features.shape[1] - 1))
    between = np.atleast_2d(np.cov(means, rowvar=False))
    return within, between + within * (1 - 1 / features.shape[1])


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    if features.ndim != 3 or min(features.shape[:2]) < 2:
        raise UsageError(
            "Features of clips must have the shape (clips, frames, features), at least 2 of both. "
            f"Received: {features.shape}"
        )
    return features
