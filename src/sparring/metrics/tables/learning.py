"""What models learn of made rows, tried on real ones."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sparring.metrics.resampling import half_sample_error
from sparring.metrics.tables.detection import area_under_curve
from sparring.metrics.tables.rows import Rows, spread

LEARNERS = ("linear", "forest", "boosting")
MOST_LEARNT = 50_000  # Rows, evenly spaced.


class Target(NamedTuple):
    """The column that models are to predict.

    Attributes:
        is_number: Whether it is a number, else it is levels.
        place: Among the columns of its kind.
    """

    is_number: bool
    place: int


class Learnt(NamedTuple):
    """How well a model predicts held-out rows, with the 95 % interval over these.

    Attributes:
        value: Of levels the area under the curve, of three and more the mean of each against the others; of a number
            R2.
        low: 95 times of 100 the value of as many other rows of the same table is above this,
        high: and below this.
    """

    value: float
    low: float
    high: float


def learnt(rows: Rows, held_out: Rows, target: Target, learner: str, seed: int = 0) -> Learnt:
    """What `learner` learns of `rows` is worth on held-out real rows: "train on synthetic, test on real".

    Args:
        rows: Made rows, or real ones to compare with.
        held_out: Real rows that neither generator nor learner has seen.
        target: What is predicted from the other columns.
        learner: "linear" (logistic or ridge regression), "forest" (a hundred trees) or "boosting" (gradient boosting,
            two hundred rounds), all with scikit-learn's defaults.
        seed: Of the learner.
    """
    rows = spread(rows, MOST_LEARNT)
    features, wanted = _split(rows, target)
    unseen, truth = _split(held_out, target)
    model = _model(learner, rows, target, seed)
    if target.is_number:
        score, found = _r2, np.column_stack([truth, _numbers(model, features, wanted, unseen)])
    else:
        levels, places = np.unique(truth, return_inverse=True)
        score, found = _area, np.column_stack([places, _probabilities(model, features, wanted, unseen, levels)])
    value = score(found)
    (error,) = half_sample_error(lambda part: [score(part)], found)
    return Learnt(value, value - 1.96 * error, value + 1.96 * error)


def _split(rows: Rows, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """The other columns, numbers first, and the target."""
    columns = rows.numbers if target.is_number else rows.levels
    kept = np.delete(columns, target.place, axis=1)
    others = (kept, rows.levels) if target.is_number else (rows.numbers, kept)
    return np.column_stack(others), columns[:, target.place]


def _model(learner: str, rows: Rows, target: Target, seed: int) -> Any:
    if learner == "boosting":  # Missing numbers are its own business.
        boosting = HistGradientBoostingRegressor if target.is_number else HistGradientBoostingClassifier
        return boosting(max_iter=200, random_state=seed)
    num_numbers, width = rows.numbers.shape[1] - target.is_number, rows.numbers.shape[1] + rows.levels.shape[1] - 1
    numbers, levels = list(range(num_numbers)), list(range(num_numbers, width))
    filled = SimpleImputer(strategy="median", keep_empty_features=True)
    if learner == "forest":
        forest = RandomForestRegressor if target.is_number else RandomForestClassifier
        return Pipeline([("fill", make_column_transformer((filled, numbers), remainder="passthrough")),
                         ("forest", forest(random_state=seed))])  # fmt: skip
    prepared = make_column_transformer(
        (make_pipeline(filled, StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=100), levels),
    )
    return make_pipeline(prepared, Ridge() if target.is_number else LogisticRegression(max_iter=1000))


def _numbers(model: Any, features: np.ndarray, wanted: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    there = np.isfinite(wanted)
    return model.fit(features[there], wanted[there]).predict(unseen) if there.sum() > 1 else np.zeros(len(unseen))


def _probabilities(
    model: Any, features: np.ndarray, wanted: np.ndarray, unseen: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """Of each of the levels, (N, levels); 0 for those that there was nothing to learn of."""
    found, different = np.zeros((len(unseen), len(levels))), np.unique(wanted)
    if len(different) > 1:
        probabilities = model.fit(features, wanted).predict_proba(unseen)
        _, ours, theirs = np.intersect1d(levels, different, return_indices=True)
        found[:, ours] = probabilities[:, theirs]
    return found


def _r2(found: np.ndarray) -> float:
    there = found[np.isfinite(found[:, 0])]
    return float(r2_score(there[:, 0], there[:, 1])) if len(there) > 1 else float("nan")


def _area(found: np.ndarray) -> float:
    """The mean area under the curve of each level against the others; of two levels both are the same."""
    areas = []
    for place, scores in enumerate(found[:, 1:].T):
        is_level = found[:, 0] == place
        if is_level.any() and not is_level.all():
            areas.append(area_under_curve(scores[~is_level], scores[is_level]))
    return float(np.mean(areas)) if areas else float("nan")
