"""Rows of a table as its metrics take them, by what is known of its columns."""

import pandas as pd

from sparring.data.spec import TableSpec
from sparring.data.tables.columns import Date, Identifier, Number
from sparring.data.tables.encoding import as_numbers_or_nan
from sparring.metrics.tables.learning import Target
from sparring.metrics.tables.rows import Form, Rows


class Reader:
    """Reads DataFrames into `Rows`: dates as numbers, and identifiers, of which nothing is learned, not at all.

    Args:
        spec: What the columns are.
        frame: The training rows, whose levels are known.

    Attributes:
        form: Of the columns that are read.
        target: Where the target stands; None where there is none, or it is an identifier.
    """

    def __init__(self, spec: TableSpec, frame: pd.DataFrame):
        self._columns = [column for column in spec.columns if not isinstance(column, Identifier)]
        self.form = Form(self._plain(frame), [column.name for column in self._columns if isinstance(column, Number)])
        self.target = None
        for is_number, names in ((True, self.form.numbers), (False, self.form.levels)):
            if spec.target in names:
                self.target = Target(is_number, names.index(spec.target))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that are read: numbers first."""
        return (*self.form.numbers, *self.form.levels)

    def __call__(self, frame: pd.DataFrame) -> Rows:
        """The rows of a table with these columns."""
        return self.form(self._plain(frame))

    def _plain(self, frame: pd.DataFrame) -> pd.DataFrame:
        found = {}
        for column in self._columns:
            series = frame[column.name]
            if isinstance(column, Date):
                series = pd.Series(as_numbers_or_nan(series, column), index=series.index)
            found[column.name] = series
        return pd.DataFrame(found)
