"""Whether a loss or a penalty is what it announces."""

import types
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from sparring.backend import at_once, value_and_grad, value_and_input_grad
from sparring.objectives.judged import Judged
from sparring.objectives.losses import Loss
from sparring.testing.failure import expect, trying
from sparring.testing.trial import arrays, finite, normal, one_hot

COUNT = 6
SHAPE = (8, 9, 2)  # Eight pixels a side can be moved by an eighth.
LARGE = 1000.0  # A logit whose exponential is not finite.


def check_objective(objective: Any):
    """Whether a `Loss` or a penalty can be put into `Adversarial`.

    Of a loss: both sides are finite scalars with finite gradients, also of large logits; the discriminator's falls when
    real scores rise and when fake ones fall, the generator's when fake scores rise; `paired` and `differences` tell the
    truth.
    Of a penalty: a finite scalar, the same from the same noise and state, whose gradient reaches the discriminator; it
    reads all of the noise that `draws` announces, and no other.

    Raises:
        CheckError: At the first thing that does not hold.
    """
    _check_loss(objective) if isinstance(objective, Loss) else _check_penalty(objective)


def _check_loss(loss: Loss):
    low, high = normal(COUNT, 1) / 10 - 0.5, normal(COUNT, 1, seed=1) / 10 + 0.5
    # As a discriminator that is wrong sees it, and as one that is right: there each side must want to move.
    _, (by_real, by_fake) = _side(loss.discriminator, low, high, "The discriminator's side")
    expect(by_real < 0, _direction("discriminator's", "real scores rise", by_real))
    expect(by_fake > 0, _direction("discriminator's", "fake scores fall", by_fake))
    if not loss.paired:
        with trying(
            "The generator's side is handed None for the real logits; if it reads them, say so: Loss(..., paired=True)."
        ):
            loss.generator(None, ops.convert_to_tensor(low))
    _, (by_real, by_fake) = _side(loss.generator, high, low, "The generator's side", loss.paired)
    expect(by_fake < 0, _direction("generator's", "fake scores rise", by_fake))
    expect(by_real or not loss.paired, "The generator's side does not read the real logits. Leave out paired=True.")
    for sign in (1.0, -1.0):
        _side(loss.discriminator, low + sign * LARGE, high - sign * LARGE, "The discriminator's side")
        _side(loss.generator, low + sign * LARGE, high - sign * LARGE, "The generator's side", loss.paired)
    here, there = (float(arrays(loss.discriminator(*_tensors(low + move, high + move)))) for move in (0.0, 3.0))
    unmoved = np.isclose(here, there, rtol=1e-4, atol=1e-5)
    expect(
        unmoved or not loss.differences,
        "With differences=True a constant added to all logits must not change the discriminator's side. "
        f"Received: {here:.4g}, and {there:.4g} with 3 added. Leave out differences=True.",
    )
    expect(
        loss.differences or not unmoved,
        "A constant added to all logits does not change the discriminator's side. Say so: Loss(..., differences=True).",
    )


def _tensors(*values):
    return [ops.convert_to_tensor(x) for x in values]


def _direction(side: str, when: str, slope: float) -> str:
    return (
        f"The {side} side must fall when {when}. Received: a slope of {slope:.3g} by those scores; is a sign wrong, "
        "or are real and fake exchanged?"
    )


def _side(side, real, fake, name: str, paired: bool = True):
    """Value of one side and its slopes when all real, and when all fake logits rise; all finite."""

    def of_both(logits):
        value = side(logits[:COUNT] if paired else None, logits[COUNT:])
        expect(tuple(value.shape) == (), f"{name} must be a scalar: take the mean. Received: shape {value.shape}")
        return value, {}

    with trying(f"{name} must take logits of (N, 1), real and fake."):
        (value, _), slopes = at_once(
            lambda: value_and_input_grad(of_both, ops.convert_to_tensor(np.concatenate([real, fake])), []), []
        )[0]
    value, slopes = arrays([value, slopes])
    expect(
        finite([value, slopes]),
        f"{name} and its gradient must be finite, also of logits near {LARGE:.0f}: use ops.softplus, not logarithms "
        f"and exponentials. Received: {float(value)}, gradients {'finite' if finite(slopes) else 'not finite'}",
    )
    return float(value), (float(slopes[:COUNT].sum()), float(slopes[COUNT:].sum()))


def _check_penalty(penalty: Any):
    name = type(penalty).__name__
    for attribute in ("value", "draws", "slopes"):
        expect(
            hasattr(penalty, attribute),
            f"A penalty has `value(game, real, fake, batch)`, `draws(shape)` and `slopes`; a loss is a `Loss`. "
            f"Received: {name} without `{attribute}`",
        )
    draws = penalty.draws(SHAPE)
    trial = _Trial(penalty)
    batch = {key: normal(COUNT, *shape, seed=place) for place, (key, shape) in enumerate(draws.items())}
    value, gradients = trial(batch)
    expect(finite([value, gradients]), f"{name} and its gradient must be finite. Received: {float(value)}")
    expect(
        any(x.any() for x in gradients),
        f"The gradient of {name} must reach the discriminator, and is zero at all of its weights: take the scores "
        "from `real` and `fake`, without stop_gradient.",
    )
    expect(
        np.isclose(value, trial(batch)[0], rtol=1e-4, atol=1e-6),
        f"{name} must be the same twice from the same noise and state. Received: {float(value):.6g}, then another "
        "value; take all noise from `draws`, and keep nothing in attributes.",
    )
    for key in draws:
        changed, _ = trial(batch | {key: -normal(COUNT, *draws[key], seed=99)})
        expect(changed != value, f"{name} announces the noise `{key}` and does not read it. Leave it out of `draws`.")


class _Trial:
    """A small discriminator, images for it, and the value of a penalty with its gradients by the discriminator."""

    def __init__(self, penalty: Any):
        inputs = keras.Input(SHAPE)
        x = layers.Flatten()(layers.Conv2D(4, 3, activation="tanh")(inputs))
        self.penalty, self.network = penalty, keras.Model(inputs, layers.Dense(1)(x))
        own = penalty.variables if isinstance(penalty, keras.layers.Layer) else []
        self.state = [*self.network.variables, *own]

    def __call__(self, noise) -> tuple[np.ndarray, list[np.ndarray]]:
        images = {"real": np.tanh(normal(COUNT, *SHAPE)), "fake": np.tanh(normal(COUNT, *SHAPE, seed=1))}
        rows = noise | images | {"latents": normal(COUNT, 3), "condition": one_hot(COUNT, 2)}
        batch = {key: ops.convert_to_tensor(x) for key, x in rows.items()}
        game = types.SimpleNamespace(steps=ops.convert_to_tensor(np.int32(0)))  # In step 0 no penalty is left out.
        name = type(self.penalty).__name__

        def judge(images, training):
            return self.network(images, training=training), None

        def loss():
            real, fake = (Judged(batch[key], judge, self.state) for key in ("real", "fake"))
            with keras.StatelessScope([(v, v.value) for v in self.state]) as scope:
                value = self.penalty.value(game, real, fake, batch)
            expect(
                not scope.state_mapping.keys() - {id(v) for v in self.state},
                f"What {name} remembers must be its weights: make it a keras.layers.Layer, and the variable with "
                "`add_weight`. Received: an assignment to a variable that a checkpoint would not hold",
            )
            shape = getattr(value, "shape", None)
            expect(shape is not None and tuple(shape) == (), f"{name}.value must be a scalar. Received: shape {shape}")
            return value, {}

        with trying(f"{name}.value must work with `draws` as its only noise, {sorted(noise) or 'none'}."):
            (value, _), gradients = at_once(
                lambda: value_and_grad(loss, self.network.trainable_variables, self.state), self.state
            )[0]
        return arrays(value), arrays(gradients)
