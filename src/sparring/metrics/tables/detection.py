"""How well a model tells made rows from real ones."""

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from sparring.metrics.tables.rows import Rows, joined

FOLDS = 3


def detection_scores(real: Rows, fake: Rows, seed: int = 0, iterations: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """How made each row looks to gradient boosting that has learned of the others (three folds).

    A classifier two-sample test (Lopez-Paz and Oquab 2017, arXiv:1610.06545). Logistic regression, which is often
    used, cannot tell columns that were shuffled from real ones; boosting can.

    A made row and the real one in the same place are in the same fold: of a row that is almost a copy of a real one the
    model would else learn the opposite, and rows that were moved a little would look better than new ones.

    Args:
        real: Real rows.
        fake: Made rows, about as many.
        seed: Of the trees and the folds.
        iterations: Trees.

    Returns:
        The scores of the real and of the made rows: log-odds. `area_under_curve` of the two is the figure, 0.5 where
        the model cannot tell them.
    """
    rows = joined(real, fake)
    features, labels = np.column_stack([rows.numbers, rows.levels]), np.repeat([0, 1], [len(real), len(fake)])
    fold = np.random.default_rng(seed).permutation(max(len(real), len(fake))) % FOLDS
    folds = PredefinedSplit(np.concatenate([fold[: len(real)], fold[: len(fake)]]))
    model = HistGradientBoostingClassifier(random_state=seed, max_iter=iterations)
    scores = cross_val_predict(model, features, labels, cv=folds, method="decision_function")
    return scores[: len(real)], scores[len(real) :]


def area_under_curve(negative: np.ndarray, positive: np.ndarray) -> float:
    """The share of pairs in which the positive one has the higher score, ties by half: the area under the ROC."""
    ranks = rankdata(np.concatenate([negative, positive]))
    above = ranks[len(negative) :].sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(negative) * len(positive)))
