"""Running means of what a step reports."""

from collections.abc import Sequence

import keras
from keras import ops


class Tally(keras.layers.Layer):
    """Means since the beginning of the tick.

    They begin anew by themselves when a tick does, so they are part of the state: a run that is stopped inside a tick
    and goes on reports the same means as one that never stopped.

    Args:
        names: What will be reported, all of it: JAX fixes the state when it traces the first step.
        period: Steps in a tick.
    """

    def __init__(self, names: Sequence[str], period: int):
        super().__init__(name="tally", trainable=False)
        self.period = period
        self.means = {
            name: self.add_weight(name=name, shape=(), initializer="zeros", trainable=False, aggregation="mean")
            for name in names
        }
        self.built = True

    def update(self, steps, values):
        """Takes in the values of the step that made `steps` steps; returns the means."""
        if values.keys() != self.means.keys():
            raise ValueError(f"The players announced the logs {sorted(self.means)}. Received: {sorted(values)}")
        place = ops.cast((steps - 1) % self.period, "float32")
        for name, value in values.items():
            mean = ops.where(place > 0, ops.convert_to_tensor(self.means[name]), 0.0)
            self.means[name].assign(mean + (ops.cast(value, "float32") - mean) / (place + 1.0))
        return {name: ops.convert_to_tensor(mean) for name, mean in self.means.items()}
