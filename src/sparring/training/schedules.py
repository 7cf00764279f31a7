"""What changes over a training: from one value to another on a cosine."""

import keras
from keras import ops

from sparring import backend


def cosine(first: float, last: float | None, steps: int):
    """`first`, or a schedule of the number of steps that is at `last` after `steps` (arXiv:1608.03983, equation 5)."""
    if last is None or last == first:
        return first
    return keras.optimizers.schedules.CosineDecay(first, max(1, steps), alpha=last / first)


class Adam(backend.Adam):
    """Adam whose beta2 may follow a schedule of the number of updates.

    A second moment that forgets fast is right while gradients change fast, at the beginning
    (Huang et al. 2024, arXiv:2501.05441, appendix D).
    """

    @property
    def beta_2(self):
        if callable(self._beta_2):
            return ops.convert_to_tensor(self._beta_2(self.iterations))
        return self._beta_2

    @beta_2.setter
    def beta_2(self, value):
        self._beta_2 = value
