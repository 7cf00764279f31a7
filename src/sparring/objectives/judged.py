"""Examples under the eyes of a discriminator."""

from collections.abc import Callable
from typing import Any

from sparring.backend import value_and_input_grad

Tensor = Any  # Of whichever backend.


class Judged:
    """Examples and what a discriminator makes of them; what is asked for is computed once.

    Who wants the gradient asks for it before the scores: both then come from one pass.

    Args:
        examples: `(N, ...)`, images or rows, as they are before any augmentation.
        judge: `judge(examples, training) -> (logits (N, 1), class logits (N, classes) or None)`; a packing
            discriminator has one logit for several neighbours.
        state: Every variable there is.
        training: Whether the discriminator may take note of what passes through it, such as in a power iteration.
    """

    def __init__(self, examples: Tensor, judge: Callable, state: list, training: bool = True):
        self.examples, self._judge, self._state, self.training = examples, judge, state, training
        # Not `functools.cached_property`: up to Python 3.11 that has one lock for all objects, and replicas, which are
        # threads while TensorFlow traces them, would wait for each other inside of it.
        self._found: tuple | None = None
        self._slope: Tensor | None = None

    @property
    def scores(self) -> Tensor:
        """The logits."""
        return self._outputs()[0]

    @property
    def class_logits(self) -> Tensor:
        """The logits of an auxiliary classifier, or None."""
        return self._outputs()[1]

    @property
    def gradient(self) -> Tensor:
        """The gradient of each logit by the examples it judges, of their shape; differentiable in turn."""
        if self._slope is None:
            self._found, self._slope = value_and_input_grad(
                lambda x: self._judge(x, self.training), self.examples, self._state
            )
        return self._slope

    def score(self, examples: Tensor) -> Tensor:
        """The logits on others, under the same condition."""
        return self._judge(examples, self.training)[0]

    def instead(self, examples: Tensor) -> "Judged":
        """Others before the same discriminator, under the same condition."""
        return Judged(examples, self._judge, self._state, self.training)

    def aside(self) -> "Judged":
        """The same once more, without leaving a trace: for a branch of the step that is not always taken."""
        return Judged(self.examples, self._judge, self._state, training=False)

    def _outputs(self) -> tuple:
        if self._found is None:
            self._found = self._judge(self.examples, self.training)
        return self._found
