"""How like a real table a made one is, and how well models learn from it: the measures of `benchmarks/tables.py`."""

from sparring.metrics.tables.copies import share_nearer_to_training
from sparring.metrics.tables.detection import area_under_curve, detection_scores
from sparring.metrics.tables.learning import Target, learnt
from sparring.metrics.tables.likeness import column_pairs, column_shapes, quality
from sparring.metrics.tables.rows import Form, Rows, spread

import pandas as pd

DETECTED = 6_000  # Rows of each side.


class Judge:
    """Measures of tables beside a real one, by `sparring.metrics.tables`.

    Args:
        train: Rows that were learnt from.
        test: Rows that were not.
        target: What is to be predicted.
        numbers: Names of the columns that are numbers; all others are levels, a missing one among them.
    """

    def __init__(self, train: pd.DataFrame, test: pd.DataFrame, target: str, numbers: list[str]):
        self.form = Form(train, numbers)
        self.train, self.test = self.form(train), self.form(test)
        is_number = target in numbers
        self.target = Target(is_number, (self.form.numbers if is_number else self.form.levels).index(target))

    def measure(self, rows: Rows) -> dict[str, float]:
        """Every measure of made rows by its name."""
        shapes, trends = column_shapes(self.train, rows), column_pairs(self.train, rows).trend
        scores = detection_scores(spread(self.train, DETECTED), spread(rows, DETECTED))
        return {
            "shapes": float(shapes.mean()),
            "trends": trends,
            "quality": quality(shapes, trends),
            "detection": area_under_curve(*scores),
            "learnt": learnt(rows, self.test, self.target, "boosting").value,
            "nearer to train": share_nearer_to_training(self.train, self.test, rows).value,
        }
