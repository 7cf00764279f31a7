"""Tables for `augment`: features that models take, rivals, and rows of a generator."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sparring.applications.augmenting.rivals import between, missing_counts, repeated, shuffled
from sparring.applications.augmenting.subject import NOTHING, OVERSAMPLED, SMOTE, WEIGHTS, Examples, class_ways
from sparring.bundle.bundle import Bundle
from sparring.bundle.tables import TableBundle
from sparring.data.examples import Source
from sparring.data.files import slug
from sparring.data.spec import TableSpec
from sparring.data.tables.columns import Category, Date, Identifier, Number
from sparring.data.tables.encoding import as_numbers, as_numbers_or_nan
from sparring.data.tables.reading import read_table
from sparring.data.tables.table import table_source
from sparring.errors import DataError, UsageError, nearest
from sparring.metrics.verdict import Way

MARK = "synthetic"  # The column that tells which rows are.
MOST_LEVELS = 100  # Of a column that a linear model gets a number for each of; the rarest share one.
SHUFFLED = Way("shuffled columns", "control")
ONCE, TWICE = Way("synthetic x1", "synthetic"), Way("synthetic x2", "synthetic")
HALFWAY, BALANCED = Way("synthetic, half balanced", "synthetic"), Way("synthetic, balanced", "synthetic")
TIMES = {ONCE: 1, TWICE: 2}
SHARES = {HALFWAY: 0.5, BALANCED: 1.0}  # Of what each class lacks to be as many as the largest.
MODELS = ("linear", "boosting", "forest")
METRICS = {  # The first is the default.
    "two classes": ("average_precision", "roc_auc", "balanced_accuracy", "accuracy", "f1"),
    "classes": ("balanced_accuracy", "accuracy", "f1_macro", "roc_auc_ovr"),
    "numbers": ("r2", "neg_mean_absolute_error"),
}


class TableSubject:
    """A table whose target models predict.

    Models get numbers: those of the table, dates as units since 1970, levels by their place, what is missing as NaN;
    identifiers are left out. Of two classes the rarer is the one to be found.

    Args:
        source: A path or a DataFrame.
        target: Name of the column to predict.
        columns: Corrections by hand, as in `open_source`.
        models: Names of `MODELS`, or estimators of scikit-learn.
        metric: One of `METRICS`; by default the first that suits the target.
        seed: Of the models.

    Raises:
        DataError: The table, or its target, cannot be used.
        UsageError: An argument is wrong.
    """

    noun = "rows"

    def __init__(
        self,
        source: str | os.PathLike[str] | pd.DataFrame,
        target: str | None,
        columns: Mapping[str, str] | None,
        models: Sequence[str | BaseEstimator],
        metric: str | None,
        seed: int,
    ):
        if target is None:
            raise UsageError("`augment` needs the name of the column that a model is to predict. Give it as `target`.")
        self.frame = source if isinstance(source, pd.DataFrame) else read_table(source)[0]
        self.frame = self.frame.reset_index(drop=True)
        self.name = "table" if isinstance(source, pd.DataFrame) else slug(Path(source))
        if MARK in self.frame.columns:
            raise DataError(f"A column `{MARK}` is to tell real from synthetic rows, and is there. Rename or drop it.")
        whole = table_source(self.name, self.frame, target, columns)
        self.spec, self.target = whole.spec, target
        task, self.labels = self._target(self.spec.column(target))
        # A part of the table may hold too few different values to be understood alike.
        self.columns = dict(columns or {}) | {target: "number" if task == "numbers" else "category"}
        self.strata = None if task == "numbers" else self.labels
        self.count = len(self.frame)
        known = METRICS[task]
        if metric is not None and metric not in known:
            raise UsageError(f"`metric` must be one of {', '.join(known)} here. Received: {metric!r}")
        self.metric = metric or known[0]
        self.models = dict(self._model(model, task, seed) for model in models or ("linear", "boosting"))
        self.ways = self._ways()
        self.about = {
            "source": self.name,
            "fingerprint": whole.fingerprint,
            "target": target,
            "looked for": self.classes[1] if task == "two classes" else None,
            "notes": list(whole.notes),
        }

    def _target(self, column) -> tuple[str, np.ndarray]:
        values = self.frame[self.target]
        if absent := int(values.isna().sum()):
            raise DataError(f"The target `{self.target}` has no value in {absent:,} rows. Leave them out.")
        if isinstance(column, Number) and not isinstance(column, Date):
            self.classes: tuple = ()
            return "numbers", as_numbers(values, column)
        if not isinstance(column, Category) or column.buckets:
            what = "too many levels" if isinstance(column, Category) else f"a column of {column.type}s"
            raise DataError(f"The target `{self.target}` must hold classes or numbers. Received: {what}")
        if len(column.levels) < 2:
            raise DataError(f"The target `{self.target}` is the same in every row: there is nothing to predict.")
        # By frequency where there are two, so that the rarer is 1: the one that scores are about.
        order = np.argsort(column.counts, kind="stable")[::-1] if len(column.levels) == 2 else range(len(column.levels))
        self.classes = tuple(column.levels[place] for place in order)
        return "two classes" if len(self.classes) == 2 else "classes", self._codes(values)

    def _codes(self, values: pd.Series) -> np.ndarray:
        return pd.Index(self.classes).get_indexer(values.astype(object)).astype(np.int64)

    def _ways(self) -> tuple[Way, ...]:
        if self.strata is None or not class_ways(self.strata):
            return NOTHING, SMOTE, SHUFFLED, ONCE, TWICE
        return NOTHING, WEIGHTS, OVERSAMPLED, SMOTE, SHUFFLED, ONCE, TWICE, HALFWAY, BALANCED

    def source(self, rows: np.ndarray) -> Source[TableSpec]:
        return table_source(self.name, self.frame.iloc[rows].reset_index(drop=True), self.target, self.columns)

    def examples(self, rows: np.ndarray, extra: pd.DataFrame | None = None) -> Examples:
        features, labels = self._features(self.frame.iloc[rows]), self.labels[rows]
        if extra is None:
            return Examples(features, labels)
        column = self.spec.column(self.target)
        added = as_numbers(extra[self.target], column) if self.strata is None else self._codes(extra[self.target])
        return Examples(
            pd.concat([features, self._features(extra)], ignore_index=True), np.concatenate([labels, added])
        )

    def extra(self, way: Way, rows: np.ndarray, bundle: Bundle | None, seed: int) -> pd.DataFrame | None:
        random = np.random.default_rng([seed, 2])
        part = self.frame.iloc[rows].reset_index(drop=True)
        groups = np.zeros(len(rows), int) if self.strata is None else self.strata[rows]
        if way == OVERSAMPLED:
            return part.iloc[repeated(groups, missing_counts(groups), random)]
        if way == SMOTE:
            # Where classes are equal, or there are none, as many rows again.
            counts = missing_counts(groups) if OVERSAMPLED in self.ways else np.bincount(groups)
            return between(part, self.source(rows).spec, groups, counts, random)
        if way == SHUFFLED:
            return shuffled(part, random)
        if way.kind != "synthetic":
            return None
        assert isinstance(bundle, TableBundle)
        if way in SHARES:
            counts = np.rint(SHARES[way] * missing_counts(groups)).astype(int)
            parts = [
                bundle.sample(int(count), seed=seed, where={self.target: level})
                for level, count in zip(self.classes, counts, strict=True)
                if count
            ]
            return pd.concat(parts, ignore_index=True)
        return bundle.sample(TIMES[way] * len(rows), seed=seed)

    def data(self, extra: pd.DataFrame | None) -> pd.DataFrame:
        """The table with a column `synthetic`, rows that were added last."""
        whole = self.frame.assign(**{MARK: False})
        return whole if extra is None else pd.concat([whole, extra.assign(**{MARK: True})], ignore_index=True)

    def _features(self, frame: pd.DataFrame) -> pd.DataFrame:
        found = {}
        for column in self.spec.columns:
            values = frame[column.name]
            if column.name == self.target or isinstance(column, Identifier):
                continue
            if isinstance(column, Category):
                codes = pd.Index(column.levels).get_indexer(values.astype(object))
                found[column.name] = np.where(codes < 0, np.nan, codes)
            else:
                found[column.name] = as_numbers_or_nan(values, column)
        return pd.DataFrame(found)

    def _model(self, model: str | BaseEstimator, task: str, seed: int) -> tuple[str, Any]:
        if isinstance(model, BaseEstimator):
            return type(model).__name__, model
        if model not in MODELS:
            raise UsageError(
                f"`model` must be one of {', '.join(MODELS)}, or an estimator.{nearest(str(model), MODELS)} "
                f"Received: {model!r}"
            )
        numbers = task == "numbers"
        if model == "boosting":
            kind = HistGradientBoostingRegressor if numbers else HistGradientBoostingClassifier
            return model, kind(early_stopping=False, random_state=seed)
        if model == "forest":
            return model, (RandomForestRegressor if numbers else RandomForestClassifier)(random_state=seed)
        used = [c for c in self.spec.columns if c.name != self.target and not isinstance(c, Identifier)]
        scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
        levels = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS)
        inputs = ColumnTransformer(
            [
                ("numbers", scaled, [c.name for c in used if not isinstance(c, Category)]),
                ("levels", levels, [c.name for c in used if isinstance(c, Category)]),
            ]
        )
        return model, make_pipeline(inputs, Ridge() if numbers else LogisticRegression(max_iter=1000))
