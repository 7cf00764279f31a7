"""What `augment` must know of data of one kind: the ways to add examples, the models, and the examples."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.base import BaseEstimator

from sparring.bundle.bundle import Bundle
from sparring.data.examples import Source
from sparring.metrics.verdict import Way

NOTHING = Way("nothing", "nothing")
TUNED, WEIGHTS = Way("threshold tuned", "rival"), Way("class weights", "rival")  # Of the same rows.
OVERSAMPLED, SMOTE = Way("oversampling", "rival"), Way("SMOTE", "rival")
UNBALANCED = 1.2  # The largest class has so many times the examples of the smallest, and balancing means something.


class Examples(NamedTuple):
    """What a model is trained on.

    Attributes:
        features: As `Subject.models` take them.
        labels: Whole numbers for classes, else numbers.
    """

    features: Any
    labels: np.ndarray


class Subject(Protocol):
    """Labelled data that a model learns, and what can be added to them.

    Attributes:
        noun: What an example is called, in the plural.
        strata: The class of each example, from 0; None where numbers are predicted.
        count: Number of examples.
        ways: All but those that change no examples.
        models: Estimators of scikit-learn by name.
        metric: Name of one of scikit-learn's scorers.
        about: What stands in the report.
    """

    noun: str
    strata: np.ndarray | None
    count: int
    ways: tuple[Way, ...]
    models: dict[str, BaseEstimator]
    metric: str
    about: dict[str, Any]

    def source(self, rows: np.ndarray) -> Source:
        """These examples alone, for a generator to learn."""

    def examples(self, rows: np.ndarray, extra: Any = None) -> Examples:
        """These examples for a model, and what `extra` gave."""

    def extra(self, way: Way, rows: np.ndarray, bundle: Bundle | None, seed: int) -> Any:
        """What `way` adds to these examples; None for nothing."""

    def data(self, extra: Any) -> Any:
        """All examples and what was added, marked."""


def class_ways(strata: np.ndarray) -> bool:
    """Whether classes are so unequal that balancing them is a way."""
    counts = np.bincount(strata)
    return bool(counts.max() > UNBALANCED * counts.min())
