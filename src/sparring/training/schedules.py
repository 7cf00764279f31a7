"""What changes over a training: from one value to another on a cosine or a straight line."""

from collections.abc import Sequence

import keras
from keras import ops

from sparring import backend


def cosine(first: float, last: float | None, steps: int):
    """`first`, or a schedule of the number of steps that is at `last` after `steps` (arXiv:1608.03983, equation 5)."""
    if last is None or last == first:
        return first
    return keras.optimizers.schedules.CosineDecay(first, max(1, steps), alpha=last / first)


@keras.saving.register_keras_serializable("sparring")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """`rate` for a share of the steps, then on a straight line to 0 (arXiv:1703.10593, section 4: half and half).

    Args:
        rate: At the beginning.
        share: Of the steps, in [0, 1).
        steps: After these it is 0.
    """

    def __init__(self, rate: float, share: float, steps: int):
        self.rate, self.share, self.steps = rate, share, steps

    def __call__(self, step):
        left = 1.0 - ops.cast(step, "float32") / max(1, self.steps)
        return self.rate * ops.clip(left / (1.0 - self.share), 0.0, 1.0)

    def get_config(self):
        return {"rate": self.rate, "share": self.share, "steps": self.steps}


def constant_then_linear(rate: float, share: float, steps: int):
    """`rate`, or the schedule that `ConstantThenLinear` is where `share` is below 1."""
    return rate if share == 1 else ConstantThenLinear(rate, share, steps)


class Adam(backend.Adam):
    """Adam whose beta2 may follow a schedule of the number of updates, and whose variables may learn at their own pace.

    A second moment that forgets fast is right while gradients change fast, at the beginning
    (Huang et al. 2024, arXiv:2501.05441, appendix D).

    Args:
        *rates: As of Keras' Adam.
        shares: For every variable, in their order, its share of the learning rate; empty where all have the whole.
        **options: As of Keras' Adam.
    """

    def __init__(self, *rates, shares: Sequence[float] = (), **options):
        super().__init__(*rates, **options)
        self.shares = tuple(shares)

    def update_step(self, gradient, variable, learning_rate):
        if self.shares:
            learning_rate = learning_rate * self.shares[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate)

    @property
    def beta_2(self):
        if callable(self._beta_2):
            return ops.convert_to_tensor(self._beta_2(self.iterations))
        return self._beta_2

    @beta_2.setter
    def beta_2(self, value):
        self._beta_2 = value
