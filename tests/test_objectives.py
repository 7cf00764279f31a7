"""Losses against their papers' formulas, and against the direction each side should move."""

import numpy as np
import pytest
from keras import ops

from sparring.objectives.losses import LOSSES

REAL, FAKE = np.array([[2.0], [-0.5], [0.3]], np.float32), np.array([[-1.5], [0.4], [1.2]], np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


EXPECTED = {
    "minimax": (
        -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean(),
        np.log(1 - sigmoid(FAKE)).mean(),
    ),
    "non_saturating": (
        -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean(),
        -np.log(sigmoid(FAKE)).mean(),
    ),
    "least_squares": (((REAL - 1) ** 2).mean() / 2 + (FAKE**2).mean() / 2, ((FAKE - 1) ** 2).mean() / 2),
    "hinge": (np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean(), -FAKE.mean()),
    "wasserstein": (FAKE.mean() - REAL.mean(), -FAKE.mean()),
    "relativistic": (-np.log(sigmoid(REAL - FAKE)).mean(), -np.log(sigmoid(FAKE - REAL)).mean()),
}


def test_every_loss_is_tried():
    assert set(EXPECTED) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_the_formula_of_the_paper(name):
    loss = LOSSES[name]
    real, fake = ops.convert_to_tensor(REAL), ops.convert_to_tensor(FAKE)
    discriminator, generator = EXPECTED[name]
    assert float(loss.discriminator(real, fake)) == pytest.approx(float(discriminator), rel=1e-5)
    assert float(loss.generator(real if loss.paired else None, fake)) == pytest.approx(float(generator), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_each_side_pulls_its_way(name):
    loss = LOSSES[name]
    real, fake = ops.convert_to_tensor(REAL), ops.convert_to_tensor(FAKE)
    step = 0.01
    start = float(loss.discriminator(real, fake))
    assert float(loss.discriminator(real + step, fake)) < start
    assert float(loss.discriminator(real, fake - step)) < start
    passed = real if loss.paired else None
    assert float(loss.generator(passed, fake + step)) < float(loss.generator(passed, fake))


def test_logits_of_any_size_stay_finite():
    huge = ops.convert_to_tensor(np.array([[1e4], [-1e4]], np.float32))
    for name in ("minimax", "non_saturating", "relativistic"):
        loss = LOSSES[name]
        assert np.isfinite(float(loss.discriminator(huge, -huge)))
        assert np.isfinite(float(loss.generator(huge, -huge)))
