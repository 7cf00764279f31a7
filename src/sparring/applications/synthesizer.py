"""Tables from tables, in scikit-learn's manner."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sparring.applications.fitting import fit_generator
from sparring.applications.looks import judge_for
from sparring.bundle.card import write_card
from sparring.bundle.tables import TableBundle, Where
from sparring.data.tables.constraints import Constraint
from sparring.data.tables.table import table_source
from sparring.recipes.catalog import find_recipe

OWN = ("recipe", "columns", "constraints", "patience", "seed")  # Arguments that are no options of the recipe.


class TableSynthesizer(BaseEstimator):
    """Learns a table and makes rows like its own.

    After every tick gradient boosting tries to tell made rows from real ones; the snapshot that it tells worst is kept.

    Args:
        recipe: Name of a recipe for tables, or `mine.py:my_recipe`.
        columns: Corrections by hand: `number`, `category`, `date` or `identifier` by the name of a column.
        constraints: What must hold in every row: `start <= end`, `0 <= age <= 120`, `fixed: country, city`,
            `one-hot: a, b, c`, or objects of `sparring.data.tables.constraints`. It must hold in the table; rows in
            which it does not are drawn anew.
        patience: Ticks without a better snapshot after which training ends; by default it goes on to the end.
        seed: Chooses the first weights, the order of the rows and the noise.
        **options: Of the recipe, `rows=300_000` say; `sparring recipes tabular` lists them.

    Attributes:
        bundle_: The generator, as `sparring.load` gives one.
        history_: A DataFrame of what the players report and how rows were judged, a line for each tick; which of
            them `bundle_` is, `bundle_.snapshot` says.
        notes_: What was understood of the table, a sentence each.
        feature_names_in_: Names of the columns.
        n_features_in_: Number of columns.

    Example:
        >>> synthesizer = TableSynthesizer(rows=300_000).fit(frame, target="income")
        >>> rows = synthesizer.sample(500, where={"income": ">50K"})
    """

    def __init__(
        self,
        recipe: str = "tabular",
        *,
        columns: Mapping[str, str] | None = None,
        constraints: Sequence[Constraint | str] = (),
        patience: int | None = None,
        seed: int = 0,
        **options: Any,
    ):
        self.recipe, self.columns, self.constraints = recipe, columns, constraints
        self.patience, self.seed, self.options = patience, seed, options

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments, options of the recipe among them, as scikit-learn wants them."""
        return {name: getattr(self, name) for name in OWN} | self.options

    def set_params(self, **params: Any) -> Self:
        """Sets arguments, or options of the recipe."""
        for name, value in params.items():
            if name in OWN:
                setattr(self, name, value)
            else:
                self.options[name] = value
        return self

    def fit(self, frame: pd.DataFrame, y: Any = None, *, target: str | None = None) -> Self:
        """Learns the rows of `frame`.

        Args:
            frame: The table.
            y: Not used; there for scikit-learn's pipelines.
            target: Name of the column that models are to predict: its levels come as often as in the table, or as
                they are asked for.

        Raises:
            DataError: The table cannot be used.
            UsageError: An argument is wrong.
        """
        recipe = find_recipe(self.recipe)
        recipe.check(self.options)  # Before the table is read: it may be long.
        source = table_source("table", frame, target, self.columns, constraints=self.constraints)
        fitted = fit_generator(
            source, recipe, self.options, seed=self.seed, judge=judge_for(source), patience=self.patience
        )
        assert isinstance(fitted.bundle, TableBundle)
        self.bundle_, self.history_ = fitted.bundle, fitted.history
        self.notes_ = (*source.notes, *fitted.notes)
        self.feature_names_in_, self.n_features_in_ = source.spec.names, len(source.spec.names)
        return self

    def sample(self, n: int = 100, *, where: Where = None, seed: int = 0) -> pd.DataFrame:
        """`n` rows with the columns, dtypes and ranges of the table; arguments as in `TableBundle.sample`.

        Raises:
            NotFittedError: `fit` has not been called.
            UsageError: An argument is wrong.
        """
        check_is_fitted(self, "bundle_")
        return self.bundle_.sample(n, seed=seed, where=where)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the bundle, which `sparring.load(folder)` opens: data, never code."""
        check_is_fitted(self, "bundle_")
        self.bundle_.save(folder, write_card(self.bundle_.record, self.bundle_.images_seen, {}, self.bundle_.snapshot))
