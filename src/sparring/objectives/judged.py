"""Images under the eyes of a discriminator."""

from collections.abc import Callable
from typing import Any

from sparring.backend import value_and_input_grad

Tensor = Any  # Of whichever backend.


class Judged:
    """Images and what a discriminator makes of them; what is asked for is computed once.

    Who wants the gradient asks for it before the scores: both then come from one pass.

    Args:
        images: `(N, H, W, C)` in [-1, 1], as they are before any augmentation.
        judge: `judge(images, training) -> (logits (N, 1), class logits (N, classes) or None)`; a packing discriminator
            has one logit for several neighbouring images.
        state: Every variable there is.
        training: Whether the discriminator may take note of what passes through it, such as in a power iteration.
    """

    def __init__(self, images: Tensor, judge: Callable, state: list, training: bool = True):
        self.images, self._judge, self._state, self.training = images, judge, state, training
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
        """The gradient of each logit by the images it judges, of the shape of `images`; differentiable in turn."""
        if self._slope is None:
            self._found, self._slope = value_and_input_grad(
                lambda x: self._judge(x, self.training), self.images, self._state
            )
        return self._slope

    def score(self, images: Tensor) -> Tensor:
        """The logits on other images, under the same labels."""
        return self._judge(images, self.training)[0]

    def instead(self, images: Tensor) -> "Judged":
        """Other images before the same discriminator, under the same labels."""
        return Judged(images, self._judge, self._state, self.training)

    def aside(self) -> "Judged":
        """The same once more, without leaving a trace: for a branch of the step that is not always taken."""
        return Judged(self.images, self._judge, self._state, training=False)

    def _outputs(self) -> tuple:
        if self._found is None:
            self._found = self._judge(self.images, self.training)
        return self._found
