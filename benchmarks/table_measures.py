"""How like a real table a made one is, and how well models learn from it: the measures of `benchmarks/tables.py`."""

import itertools

import numpy as np
import pandas as pd
from scipy.stats.contingency import association
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors

CORRELATED, ASSOCIATED = 0.5, 0.3  # What two columns have to do with each other, at least, to count as a trend.
BINS = 10  # Of a number, where it is paired with a category.
DETECTED, NEAREST = 6_000, 2_000  # Rows of each side.


class Judge:
    """Measures of tables beside a real one.

    Args:
        train: Rows that were learnt from.
        test: Rows that were not.
        target: What is to be predicted.
        numbers: Names of the columns that are numbers; all others are categories, a missing one among them.
    """

    def __init__(self, train: pd.DataFrame, test: pd.DataFrame, target: str, numbers: list[str]):
        self.numbers, self.target = numbers, target
        self.categories = [name for name in train.columns if name not in numbers]
        self.medians = train[numbers].median()
        self.train, self.test = self._plain(train), self._plain(test)

    def measure(self, made: pd.DataFrame) -> dict[str, float]:
        """Every measure by its name."""
        made = self._plain(made)
        shapes, trends = self._shapes(made), self._trends(made)
        return {
            "shapes": shapes,
            "trends": trends,
            "quality": (shapes + trends) / 2,
            "detection": self._detection(made),
            "learnt": self._learnt(made),
            "nearer to train": self._nearer(made),
        }

    def _plain(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Numbers without gaps, and categories as texts."""
        numbers = frame[self.numbers].astype(float).fillna(self.medians)
        texts = frame[self.categories].astype(object)
        return pd.concat([numbers, texts.where(texts.notna(), "missing").astype(str)], axis=1)

    def _shapes(self, made) -> float:
        """Mean over columns of 1 less the Kolmogorov-Smirnov or the total variation distance."""
        found = []
        for name in self.numbers:
            real, other = np.sort(self.train[name]), np.sort(made[name])
            places = np.concatenate([real, other])
            shares = [np.searchsorted(side, places, "right") / len(side) for side in (real, other)]
            found.append(1 - np.abs(shares[0] - shares[1]).max())
        for name in self.categories:
            shares = [side[name].value_counts(normalize=True) for side in (self.train, made)]
            found.append(1 - shares[0].subtract(shares[1], fill_value=0).abs().sum() / 2)
        return float(np.mean(found))

    def _trends(self, made) -> float:
        """Mean over pairs of 1 less half the difference of correlations, or the distance of contingency tables.

        Of pairs that have to do with each other in the real table, as in the QualityReport of SDMetrics 0.32: with the
        others, which any shuffled column gets right, the mean would say little.
        """
        found = []
        for first, second in itertools.combinations(self.train.columns, 2):
            if first in self.numbers and second in self.numbers:
                real, other = (side[first].corr(side[second]) for side in (self.train, made))
                if abs(real) > CORRELATED:
                    found.append(1 - abs(real - np.nan_to_num(other)) / 2)
            else:
                real, other = (self._together(side, first, second) for side in (self.train, made))
                if association(np.rint(real.unstack(fill_value=0) * len(self.train)).to_numpy(int)) > ASSOCIATED:
                    found.append(1 - real.subtract(other, fill_value=0).abs().sum() / 2)
        return float(np.mean(found))

    def _together(self, frame, *names) -> pd.Series:
        parts = []
        for name in names:
            if name in self.numbers:
                edges = np.histogram_bin_edges(self.train[name], BINS)[1:-1]
                parts.append(np.digitize(frame[name], edges))
            else:
                parts.append(frame[name].to_numpy())
        return pd.DataFrame(dict(enumerate(parts))).value_counts(normalize=True)

    def _detection(self, made) -> float:
        """Area under the curve of a gradient boosting that tells real from made rows; 0.5 is ideal."""
        sides = [side.sample(min(DETECTED, len(side)), random_state=0) for side in (self.train, made)]
        rows, labels = self._numeric(pd.concat(sides)), np.repeat([0, 1], [len(side) for side in sides])
        model = HistGradientBoostingClassifier(random_state=0)
        return float(roc_auc_score(labels, cross_val_predict(model, rows, labels, cv=3, method="predict_proba")[:, 1]))

    def _learnt(self, made) -> float:
        """What gradient boosting learns from `made` is worth on real rows: the area under the curve, or R2."""
        rows, held_out = (self._numeric(side.drop(columns=self.target)) for side in (made, self.test))
        if self.target in self.numbers:
            model = HistGradientBoostingRegressor(max_iter=200, random_state=0).fit(rows, made[self.target])
            return float(r2_score(self.test[self.target], model.predict(held_out)))
        positive = min(self.train[self.target].unique(), key=self.train[self.target].value_counts().get)
        if made[self.target].nunique() < 2:
            return 0.5
        model = HistGradientBoostingClassifier(max_iter=200, random_state=0).fit(rows, made[self.target] == positive)
        return float(roc_auc_score(self.test[self.target] == positive, model.predict_proba(held_out)[:, 1]))

    def _numeric(self, frame) -> np.ndarray:
        """Categories as numbers, in the order of how the target comes with them in the real table."""
        found = frame[[name for name in self.numbers if name in frame]].copy()
        for name in self.categories:
            if name in frame:
                found[name] = pd.Categorical(frame[name], categories=sorted(self.train[name].unique())).codes
        return found.to_numpy(float)

    def _nearer(self, made) -> float:
        """Share of made rows whose nearest real one is of those learnt from; of as many held out 0.5 is ideal."""
        count = min(len(self.test), 2 * NEAREST)
        learnt, held_out = (side.sample(count, random_state=0) for side in (self.train, self.test))
        rows = self._scaled(made.sample(min(NEAREST, len(made)), random_state=0))
        first, second = (
            NearestNeighbors(n_neighbors=1, metric="manhattan", algorithm="brute").fit(self._scaled(side))
            for side in (learnt, held_out)
        )
        to_learnt, to_held_out = first.kneighbors(rows)[0], second.kneighbors(rows)[0]
        return float(((to_learnt < to_held_out) + 0.5 * (to_learnt == to_held_out)).mean())

    def _scaled(self, frame) -> np.ndarray:
        """Numbers as ranks in [0, 1], categories one-hot at half weight: L1 counts a difference in one as 1."""
        ranks = [np.searchsorted(np.sort(self.train[name]), frame[name]) / len(self.train) for name in self.numbers]
        hots = [
            (frame[name].to_numpy()[:, None] == sorted(self.train[name].unique())) * 0.5 for name in self.categories
        ]
        return np.concatenate([*(rank[:, None] for rank in ranks), *hots], axis=1)
