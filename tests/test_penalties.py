"""Every penalty against its formula, on discriminators whose slope is known."""

import types

import keras
import numpy as np
import pytest
from keras import layers, ops

from sparring.augmentation.diffaugment import DiffAugment
from sparring.backend import value_and_grad
from sparring.errors import UsageError
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.judged import Judged
from sparring.objectives.losses import hinge
from sparring.objectives.penalties import R1, R2, Consistency, GradientPenalty, LeCam

SHAPE = (4, 3, 2)
SIZE = 24
random = np.random.default_rng(0)
WEIGHTS = random.normal(size=SHAPE).astype(np.float32) / 4
REAL, FAKE = (random.uniform(-1, 1, (6, *SHAPE)).astype(np.float32) for _ in range(2))


def quadratic(images, training=True):
    """A score whose gradient is `WEIGHTS + images`."""
    return ops.sum(images * WEIGHTS + ops.square(images) / 2, axis=(1, 2, 3))[:, None], None


def linear(images, training=True):
    return ops.sum(images * WEIGHTS, axis=(1, 2, 3))[:, None], None


def pair(judge, real=REAL, fake=FAKE):
    return [Judged(ops.convert_to_tensor(images), judge, []) for images in (real, fake)]


def at_step(number):
    return types.SimpleNamespace(steps=ops.convert_to_tensor(np.int32(number)))


def noise(penalty, count=6):
    return {
        name: ops.convert_to_tensor(np.random.default_rng(1).standard_normal((count, *shape), np.float32))
        for name, shape in penalty.draws(SHAPE).items()
    }


def value(penalty, judge, number=1, real=REAL, fake=FAKE):
    return float(penalty.value(at_step(number), *pair(judge, real, fake), noise(penalty, len(real))))


@pytest.mark.parametrize(("kind", "images"), [(R1, REAL), (R2, FAKE)])
def test_r1_and_r2_are_the_squared_gradient_of_their_side(kind, images):
    expected = 3.0 / 2 * np.square(WEIGHTS + images).sum(axis=(1, 2, 3)).mean()
    assert value(kind(3.0), quadratic) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", [R1, R2])
def test_finite_differences_have_the_squared_gradient_as_their_mean(kind):
    many = [np.tile(images, (2000, 1, 1, 1)) for images in (REAL, FAKE)]
    exact = value(kind(1.0), quadratic)
    assert value(kind(1.0, finite=True), quadratic, 1, *many) == pytest.approx(exact, rel=0.05)


def test_the_gradient_penalty_wants_a_norm_of_one():
    norm = np.sqrt(np.square(WEIGHTS).sum())
    assert value(GradientPenalty(10.0), linear) == pytest.approx(10 * (norm - 1) ** 2, rel=1e-4)
    assert value(GradientPenalty(10.0), lambda x, training=True: (linear(x)[0] / norm, None)) == pytest.approx(
        0, abs=1e-6
    )


def test_the_gradient_penalty_looks_between_real_and_fake():
    penalty = GradientPenalty(1.0)
    share = ops.convert_to_numpy(0.5 * (1 + ops.erf(noise(penalty)["between"] * 0.5**0.5)))[:, :, None, None]
    between = share * REAL + (1 - share) * FAKE
    norms = np.sqrt(np.square(WEIGHTS + between).sum(axis=(1, 2, 3)))
    assert value(penalty, quadratic) == pytest.approx(np.square(norms - 1).mean(), rel=1e-4)


def test_by_finite_differences_it_takes_the_slope_from_fake_to_real():
    line = (REAL - FAKE).reshape(6, -1)
    slopes = line @ WEIGHTS.ravel() / np.linalg.norm(line, axis=1)
    found = value(GradientPenalty(1.0, finite=True), linear)
    assert found == pytest.approx(np.square(slopes - 1).mean(), rel=1e-3)


@pytest.mark.parametrize("finite", [False, True])
@pytest.mark.parametrize("kind", [R1, R2, GradientPenalty])
def test_a_lazy_penalty_is_rare_and_as_strong(kind, finite):
    lazy = [value(kind(2.0, every=4, finite=finite), quadratic, number) for number in range(1, 9)]
    assert [found != 0 for found in lazy] == [False, False, False, True] * 2
    assert np.mean(lazy) == pytest.approx(value(kind(2.0, finite=finite), quadratic), rel=1e-4)


def test_a_strength_may_follow_a_schedule():
    decay = keras.optimizers.schedules.PolynomialDecay(4.0, 10, end_learning_rate=0.0)
    first, middle = (value(R1(decay), quadratic, number) for number in (0, 5))
    assert (first, middle) == pytest.approx([value(R1(4.0), quadratic), value(R1(2.0), quadratic)], rel=1e-4)


def test_neighbours_that_share_a_score_share_its_slope():
    """A packing discriminator: two images, one score; the norm is that of both together."""

    def packing(images, training=True):
        return ops.sum(ops.reshape(quadratic(images)[0], (-1, 2)), axis=-1, keepdims=True), None

    expected = np.square(WEIGHTS + REAL).reshape(3, -1).sum(axis=-1).mean() / 2
    assert value(R1(1.0), packing) == pytest.approx(expected, rel=1e-5)
    norm = np.sqrt(2 * np.square(WEIGHTS).sum())
    both = lambda x, training=True: (ops.sum(ops.reshape(linear(x)[0], (-1, 2)), axis=-1, keepdims=True), None)  # noqa: E731
    assert value(GradientPenalty(1.0), both) == pytest.approx((norm - 1) ** 2, rel=1e-4)


def test_consistency_is_the_squared_change_of_a_score():
    penalty = Consistency(10.0, DiffAugment("translation"))
    batch = noise(penalty)
    expected = 0.0
    for images, name in ((REAL, "consistent_real"), (FAKE, "consistent_fake")):
        moved = penalty.change(ops.convert_to_tensor(images), batch[name])
        expected += 10 * np.square(ops.convert_to_numpy(quadratic(moved)[0] - quadratic(images)[0])).mean()
    assert value(penalty, quadratic) == pytest.approx(expected, rel=1e-5)


def test_lecam_pulls_towards_what_the_other_side_has_scored():
    penalty = LeCam(0.5, decay=0.9)
    real, fake = (ops.convert_to_numpy(quadratic(images)[0]) for images in (REAL, FAKE))
    of_real = of_fake = 0.0
    for _ in range(2):
        of_real, of_fake = 0.9 * of_real + 0.1 * real.mean(), 0.9 * of_fake + 0.1 * fake.mean()
        expected = 0.5 * (np.square(real - of_fake).mean() + np.square(fake - of_real).mean())
        assert value(penalty, quadratic) == pytest.approx(expected, rel=1e-4)


ALL = {
    "r1": R1(2.0),
    "r1 lazy": R1(2.0, every=2),
    "r1 finite": R1(2.0, finite=True),
    "r2 lazy and finite": R2(2.0, every=2, finite=True),
    "gradient": GradientPenalty(2.0),
    "gradient lazy": GradientPenalty(2.0, every=2),
    "gradient finite": GradientPenalty(2.0, finite=True),
    "consistency": Consistency(2.0, DiffAugment("translation,color")),
    "lecam": LeCam(2.0),
}


@pytest.mark.parametrize("penalty", ALL.values(), ids=ALL)
def test_what_the_discriminator_learns_from_it_is_its_gradient(penalty):
    """Second derivatives included: a difference of two values says how the penalty moves with a weight."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(5, 3, padding="same")(inputs)
    network = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(ops.tanh(x))))
    kernel, batch = network.trainable_variables[0], noise(penalty)
    state = [*network.variables, *getattr(penalty, "variables", [])]
    before = [ops.convert_to_numpy(v).copy() for v in state]

    def loss():
        for variable, start in zip(state[len(network.variables) :], before[len(network.variables) :], strict=True):
            variable.assign(start)
        sides = (Judged(ops.convert_to_tensor(images), judge, state) for images in (REAL, FAKE))
        return penalty.value(at_step(2), *sides, batch), {}

    def judge(images, training):
        return network(images, training=training), None

    _, (found,) = value_and_grad(loss, [kernel], state)
    direction = np.sign(ops.convert_to_numpy(found))
    ends = []
    for sign in (1, -1):
        kernel.assign(before[0] + sign * 2e-3 * direction)
        ends.append(float(loss()[0]))
    assert np.abs(ops.convert_to_numpy(found)).sum() == pytest.approx((ends[0] - ends[1]) / 4e-3, rel=0.03)
    assert ends[0] > ends[1]


@pytest.mark.parametrize("penalty", [R1(1.0), R2(1.0, finite=True), GradientPenalty(1.0)])
def test_slopes_are_refused_where_a_batch_is_normalised(penalty):
    inputs = keras.Input(SHAPE)
    x = layers.BatchNormalization()(layers.Conv2D(2, 3)(inputs))
    network = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(x)))
    with pytest.raises(UsageError, match="batch normalisation"):
        Adversarial(network, network, hinge, [penalty])
    Adversarial(network, network, hinge, [LeCam(1.0), Consistency(1.0, DiffAugment("translation"))])
