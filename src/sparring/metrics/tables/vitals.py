"""What a look at made rows during training tells, in a few cheap figures."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sparring.metrics.tables.detection import area_under_curve, detection_scores
from sparring.metrics.tables.likeness import column_pairs, column_shapes
from sparring.metrics.tables.rows import Rows, spread
from sparring.metrics.vitals import rounded

REFERENCE = 20_000  # Training rows, evenly spaced, whose columns and pairs are compared.
SAMPLES = 2_000  # Rows of a look, and training rows that they are to be told from.
ITERATIONS = 30  # Trees that tell them.


class TableVitals:
    """Compares made rows with fixed training rows.

    Args:
        training: The training rows.
        prepare: Makes `Rows` of what `TableBundle.look` gives.
        num_samples: How many rows a look takes; of fewer training rows as many as there are.

    Attributes:
        name: The figure of merit with its protocol, `detection[boosting, n=2000]`; lower is better.
        num_samples: How many rows a look takes.
        labels: None: of a table nothing is asked for.
        floor: The figure of merit of rows that cannot be told from real ones, 0.5.
    """

    labels = None
    floor = 0.5

    def __init__(self, training: Rows, prepare: Callable[[Any], Rows], num_samples: int = SAMPLES):
        self._real, self._prepare = spread(training, REFERENCE), prepare
        self.num_samples = min(num_samples, len(training))
        self._few = spread(training, self.num_samples)
        self.name = f"detection[boosting, n={self.num_samples}]"

    def __call__(self, samples: Any) -> dict[str, float]:
        """Figures of as many made rows as `num_samples` says.

        - The figure of merit, under its name: the area under the curve of a small gradient boosting that tells them
          from training rows, see `detection_scores`. Below 0.5, as of rows that are learnt by heart, it counts as far
          above: the model is surely wrong then.
        - `shapes`: the mean of `column_shapes`, and `trends`: `Pairs.trend`; 1 is best.
        """
        made = self._prepare(samples)
        area = area_under_curve(*detection_scores(self._few, made, iterations=ITERATIONS))
        figures = {
            self.name: self.floor + abs(area - self.floor),
            "shapes": float(column_shapes(self._real, made).mean()),
            "trends": column_pairs(self._real, made).trend,
        }
        return {name: rounded(value) for name, value in figures.items() if np.isfinite(value)}
