"""Classes that are asked for, by number or by name."""

import difflib
from collections.abc import Sequence

import numpy as np

from sparring.errors import UsageError, few

Labels = int | str | Sequence[int | str] | np.ndarray | None
"""Classes by number or name, repeated in turn; None for all in turn."""


def labels_for(classes: Sequence[str], n: int, labels: Labels = None) -> np.ndarray | None:
    """int32 (n,) labels into `classes`, or None where there are none.

    Args:
        classes: Names of those one can ask for.
        n: Number of labels.
        labels: A class by its number or its name, or several, repeated in turn; None takes all classes in turn.

    Raises:
        UsageError: There is no such class, or none at all.
    """
    if not classes:
        if labels is not None:
            raise UsageError(f"`labels` must be None: this bundle has no classes. Received: labels={labels!r}")
        return None
    if labels is None:
        labels = range(len(classes))
    elif isinstance(labels, int | np.integer | str):
        labels = [labels]
    numbers = [_number(classes, label) for label in labels]
    if not numbers:
        raise UsageError("`labels` must name at least one class. Received: an empty sequence")
    return np.resize(np.array(numbers, np.int32), n)


def as_condition(numbers: np.ndarray | None, count: int) -> list[np.ndarray]:
    """`[condition]`, float32 (n, count), as a network takes it after its other inputs; `[]` where there are none."""
    return [] if numbers is None else [(numbers[:, None] == np.arange(count)).astype(np.float32)]


def _number(classes: Sequence[str], label: int | str) -> int:
    if isinstance(label, str) and label in classes:
        return classes.index(label)
    if not isinstance(label, str) and 0 <= label < len(classes):
        return int(label)
    near = difflib.get_close_matches(str(label), classes, n=3)
    known = few(near or classes, 10)
    expected = f"a number from 0 to {len(classes) - 1} or a name" + (" such as" if near else ":")
    raise UsageError(f"`labels` must be {expected} {known}. Received: {label!r}")
