"""What keeps a discriminator from being too steep, too sure or too fickle."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from sparring.objectives.judged import Judged, Tensor
from sparring.ops.noise import uniform

# Standard deviation of the noise of a finite difference, on images in [-1, 1] (Lin et al. 2025, arXiv:2501.08316,
# section 3.3): long enough for float32, short beside what images differ by.
STEP = 0.01

Strength = float | Callable[[Tensor], Tensor]  # A number, or a schedule of the number of steps.


@dataclasses.dataclass
class SlopePenalty:
    """A penalty of the discriminator's slope; what its subclasses share.

    Attributes:
        strength: Its weight.
        every: Taken in every so many steps, as many times as strong (Karras et al. 2020, arXiv:1912.04958,
            section 3.1).
        finite: Whether the slope is a finite difference in one direction, which needs no second derivatives.
        slopes: That it reads slopes: batch normalisation, where a score depends on other images, leaves none to read.
    """

    strength: Strength
    every: int = 1
    finite: bool = False
    slopes = True

    def draws(self, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
        """Name and shape of the noise for each example of `shape`."""
        raise NotImplementedError

    def slope(self, real: Judged, fake: Judged, batch) -> Tensor:
        """The penalty before its strength."""
        raise NotImplementedError

    def value(self, game, real: Judged, fake: Judged, batch) -> Tensor:
        """Scalar for a batch of judged examples and the noise of `draws`."""
        strength = self.strength(game.steps) if callable(self.strength) else self.strength
        if self.every == 1:
            return strength * self.slope(real, fake, batch)
        taken = ops.equal(ops.convert_to_tensor(game.steps) % self.every, 0)
        slope = ops.cond(taken, lambda: self.slope(real.aside(), fake.aside(), batch), lambda: ops.zeros(()))
        return self.every * strength * slope


class R1(SlopePenalty):
    """gamma / 2 times the squared gradient on real images (Mescheder et al. 2018, arXiv:1801.04406, equation 9).

    By finite differences the squared difference of the scores of an image and of the same with a little noise, whose
    mean over the noise is the squared gradient (Lin et al. 2025, arXiv:2501.08316, section 3.3).
    """

    noise = "direction_real"

    def draws(self, shape):
        return {self.noise: shape} if self.finite else {}

    def slope(self, real, fake, batch):
        return self._squared(real, batch) / 2

    def _squared(self, judged: Judged, batch):
        if not self.finite:
            return ops.mean(_squared_norms(judged.gradient, judged.scores))
        moved = judged.score(judged.examples + STEP * batch[self.noise])
        return ops.mean(ops.square((moved - judged.scores) / STEP))


class R2(R1):
    """The same on generated images (equation 10 there)."""

    noise = "direction_fake"

    def slope(self, real, fake, batch):
        return self._squared(fake, batch) / 2


class GradientPenalty(SlopePenalty):
    """lambda times (norm of the gradient - 1)^2 between real and fake (Gulrajani et al. 2017, arXiv:1704.00028).

    Equation 3 there, at a random place on the line from a fake image to the real one beside it. By finite differences
    the slope is that along the line, which for an optimal critic is 1 (proposition 1 there).
    """

    def draws(self, shape):
        return {"between": (1,)}

    def slope(self, real, fake, batch):
        share = uniform(batch["between"])
        line = real.examples - fake.examples
        middle = real.instead(fake.examples + ops.reshape(share, (-1,) + (1,) * (len(line.shape) - 1)) * line)
        if not self.finite:
            gradient = middle.gradient
            # The root has no slope at 0, and an untrained critic may well be flat.
            return ops.mean(ops.square(ops.sqrt(_squared_norms(gradient, middle.scores) + 1e-12) - 1.0))
        flat = ops.reshape(line, (ops.shape(middle.scores)[0], -1))
        # As far as standard normal noise of that step goes.
        reach = STEP * ops.sqrt(ops.cast(ops.shape(flat)[-1], "float32"))
        unit = flat / ops.sqrt(ops.sum(ops.square(flat), axis=-1, keepdims=True) + 1e-12)
        moved = real.score(middle.examples + reach * ops.reshape(unit, ops.shape(line)))
        return ops.mean(ops.square((moved - middle.scores) / reach - 1.0))


class Consistency:
    """lambda times the squared change of a score when its image is changed a little.

    On real and on generated images (balanced consistency, Zhao et al. 2020, arXiv:2002.04724, section 3.1).

    Args:
        strength: lambda, 10 in the paper.
        change: An augmentation, `change(images, noise)` with `num_draws` standard normal numbers for each image.
    """

    slopes = False

    def __init__(self, strength: float, change: Any):
        self.strength, self.change = strength, change

    def draws(self, shape):
        return dict.fromkeys(("consistent_real", "consistent_fake"), (self.change.num_draws,))

    def value(self, game, real: Judged, fake: Judged, batch):
        pairs = ((real, batch["consistent_real"]), (fake, batch["consistent_fake"]))
        moves = [judged.score(self.change(judged.examples, noise)) - judged.scores for judged, noise in pairs]
        return self.strength * sum(ops.mean(ops.square(move)) for move in moves)


class LeCam(keras.layers.Layer):
    """lambda times the squared distance of the scores from what the other side has scored of late.

    Real against the running mean of the generated, generated against that of the real (Tseng et al. 2021,
    arXiv:2104.03310, equation 4).

    Args:
        strength: lambda.
        decay: Of the running means (section 4 there).
    """

    slopes = False

    def __init__(self, strength: float, decay: float = 0.99):
        super().__init__(name="lecam", trainable=False)
        self.strength, self.decay = strength, decay
        self.of_real, self.of_fake = (
            self.add_weight(name=name, shape=(), initializer="zeros", trainable=False, aggregation="mean")
            for name in ("of_real", "of_fake")
        )
        self.built = True

    def draws(self, shape):
        return {}

    def value(self, game, real: Judged, fake: Judged, batch):
        anchors = []
        for anchor, judged in ((self.of_real, real), (self.of_fake, fake)):
            mean = ops.stop_gradient(ops.mean(judged.scores))
            anchor.assign(anchor * self.decay + mean * (1.0 - self.decay))
            anchors.append(ops.convert_to_tensor(anchor))
        of_real, of_fake = anchors
        apart = ops.mean(ops.square(real.scores - of_fake)) + ops.mean(ops.square(fake.scores - of_real))
        return self.strength * apart


def _squared_norms(gradient, scores):
    """Squared Euclidean norm of `gradient` `(N, ...)` for each score; neighbours may share one."""
    return ops.sum(ops.square(ops.reshape(gradient, (ops.shape(scores)[0], -1))), axis=-1)
