"""Layers against the formulas of their papers."""

import keras
import numpy as np
import pytest
from keras import ops

from sparring.backend import value_and_grad
from sparring.layers.attention import SelfAttention
from sparring.layers.classwise import ClasswiseAffine
from sparring.layers.doubling import NearestDoubling
from sparring.layers.initial import BilinearNormal
from sparring.layers.minibatch import MinibatchDeviation
from sparring.layers.modulated import ModulatedConv2D
from sparring.layers.objects import Placed
from sparring.layers.projection import ProjectionHead
from sparring.layers.scaled import ScaledConv2D, ScaledDense
from sparring.layers.spectral import SpectralConv2D, SpectralDense, SpectralNormalised


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def found(tensor):
    return ops.convert_to_numpy(tensor)


def matrix(kernel):
    return found(kernel).reshape(-1, kernel.shape[-1])


@pytest.mark.parametrize("shape", [(7, 4), (3, 3, 2, 5), (6, 1)])
def test_the_spectral_norm_tends_to_one(shape):
    layer, kernel = SpectralNormalised(), ops.convert_to_tensor(3 * normal(*shape))
    for _ in range(60):
        normalised = layer(kernel, training=True)
    assert np.linalg.svd(matrix(normalised), compute_uv=False)[0] == pytest.approx(1, rel=1e-3)
    # Nothing but the scale has changed.
    np.testing.assert_allclose(matrix(normalised) * np.linalg.svd(matrix(kernel))[1][0], matrix(kernel), rtol=1e-2)


@pytest.mark.parametrize("layer", [SpectralDense(4), SpectralConv2D(4, 3), ProjectionHead(spectral=True)])
def test_only_u_moves_and_only_in_training(layer):
    x = ops.convert_to_tensor(normal(2, 5, 5, 3) if isinstance(layer, SpectralConv2D) else normal(2, 3))
    inputs = [x, np.eye(2, dtype=np.float32)] if isinstance(layer, ProjectionHead) else x
    layer(inputs)
    weights, u = [v.numpy() for v in layer.trainable_variables], [v.numpy() for v in layer.non_trainable_variables]
    assert all(np.linalg.norm(vector) == pytest.approx(1, rel=1e-5) for vector in u)
    layer(inputs, training=False)
    np.testing.assert_array_equal(layer.non_trainable_variables[-1], u[-1])
    layer(inputs, training=True)
    assert np.abs(layer.non_trainable_variables[-1].numpy() - u[-1]).max() > 1e-3
    for variable, value in zip(layer.trainable_variables, weights, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_the_gradient_through_the_norm():
    """That of `sum(C * W) / (u' W v)` for fixed u and v: `(C - v u' sum(C * W) / sigma) / sigma`."""
    layer, cotangent = SpectralDense(4, use_bias=False), normal(6, 4, seed=1)
    layer.build((None, 6))
    kernel, u = layer.kernel.numpy(), layer.non_trainable_variables[0].numpy()[0]
    v = kernel @ u / np.linalg.norm(kernel @ u)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    sigma = v @ kernel @ u

    def loss():
        # On the unit vectors the layer answers with its kernel.
        return ops.sum(layer(ops.eye(6), training=True) * cotangent), {}

    (value, _), (gradient,) = value_and_grad(loss, layer.trainable_variables, layer.variables)
    total = np.sum(cotangent * kernel)
    assert float(value) == pytest.approx(total / sigma, rel=1e-4)
    np.testing.assert_allclose(gradient, (cotangent - np.outer(v, u) * total / sigma) / sigma, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(layer.non_trainable_variables[0][0], u, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("demodulate", [True, False])
def test_one_kernel_does_what_a_kernel_for_each_example_would(demodulate):
    layer, x, style = ModulatedConv2D(4, 3, demodulate=demodulate, gain=1.5), normal(3, 6, 5, 2), normal(3, 2, seed=1)
    result = found(layer([x, style]))
    layer.bias.assign(normal(4, seed=2))
    biased = found(layer([x, style]))
    for image, scales, outcome in zip(x, style, result, strict=True):
        kernel = layer.kernel.numpy() / 18**0.5 * scales[:, None]  # Equation 1.
        if demodulate:
            kernel = kernel / np.sqrt(np.square(kernel).sum((0, 1, 2)) + 1e-8)  # Equation 3.
        expected = found(ops.conv(image[None], kernel, padding="same")[0])
        np.testing.assert_allclose(outcome, 1.5 * expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(biased - result, np.broadcast_to(normal(4, seed=2), result.shape), atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (3, 4)])
def test_attention_is_the_formula(height, width):
    layer, x = SelfAttention(spectral=False), normal(2, height, width, 16)
    np.testing.assert_array_equal(layer(x), x)  # `gamma` is 0.
    layer.gamma.assign(0.7)
    queries, keys, values = (x @ y.kernel.numpy()[0, 0] for y in (layer.queries, layer.keys, layer.values))
    assert (queries.shape[-1], keys.shape[-1], values.shape[-1]) == (2, 2, 8)
    if height % 2 == 0:
        keys, values = (y.reshape(2, height // 2, 2, width // 2, 2, -1).max((2, 4)) for y in (keys, values))
    scores = np.exp(np.einsum("nijc,nklc->nijkl", queries, keys))
    weights = scores / scores.sum((3, 4), keepdims=True)
    expected = np.einsum("nijkl,nklc->nijc", weights, values) @ layer.result.kernel.numpy()[0, 0]
    np.testing.assert_allclose(layer(x), x + 0.7 * expected, rtol=1e-4, atol=1e-5)


def test_the_norms_of_attention_follow_training():
    layer, x = SelfAttention(), normal(2, 4, 4, 16)
    layer(x)
    before = [v.numpy() for v in layer.non_trainable_variables]
    assert len(before) == 4
    layer(x, training=True)
    assert all(np.abs(v.numpy() - u).max() > 1e-4 for v, u in zip(layer.non_trainable_variables, before, strict=True))


def test_the_deviation_of_groups():
    layer, x = MinibatchDeviation(group_size=4), normal(7, 2, 3, 5)
    result = found(layer(x))
    np.testing.assert_array_equal(result[..., :5], x)
    for group in (slice(0, 4), slice(4, 7)):
        np.testing.assert_allclose(result[group, ..., 5], x[group].std(0).mean(), rtol=1e-4)
    # Devices that share the batch in multiples of a group find the same.
    np.testing.assert_allclose(layer(x[:4]), result[:4], rtol=1e-5)
    assert found(layer(x[:1]))[..., 5].max() < 1e-3


def test_every_class_has_its_own_gain_and_bias():
    layer, x = ClasswiseAffine(), normal(3, 2, 2, 4)
    labels = np.eye(2, dtype=np.float32)[[0, 1, 0]]
    np.testing.assert_array_equal(layer([x, labels]), x)
    gain, bias = normal(2, 4, seed=1), normal(2, 4, seed=2)
    layer.gain.assign(gain)
    layer.bias.assign(bias)
    expected = x * gain[[0, 1, 0], None, None] + bias[[0, 1, 0], None, None]
    np.testing.assert_allclose(layer([x, labels]), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_scaled_layers_start_at_their_gain(rate):
    dense, convolution = ScaledDense(256, gain=2.0, rate=rate), ScaledConv2D(64, 3, gain=2.0)
    assert found(dense(normal(64, 128))).std() == pytest.approx(2, rel=0.1)
    assert found(convolution(normal(4, 12, 12, 16))).std() == pytest.approx(2, rel=0.1)
    assert dense.kernel.numpy().std() == pytest.approx(1 / rate, rel=0.1)


def test_a_bilinear_start_doubles_as_keras_does():
    x = normal(1, 5, 4, 1)
    doubling = keras.layers.Conv2DTranspose(
        1, 4, strides=2, padding="same", kernel_initializer=BilinearNormal(stddev=1.0)
    )
    result = found(doubling(x))[:, 1:-1, 1:-1]
    expected = found(keras.layers.UpSampling2D(2, interpolation="bilinear")(x))[:, 1:-1, 1:-1]
    share = np.vdot(result, expected) / np.vdot(expected, expected)
    assert abs(share) > 1e-3
    np.testing.assert_allclose(result, share * expected, atol=1e-5)


def test_doubling_repeats_as_keras_does():
    images = normal(2, 3, 4, 5)
    np.testing.assert_array_equal(found(NearestDoubling()(images)), found(keras.layers.UpSampling2D(2)(images)))


def test_objects_are_placed_as_they_are():
    """A picture of 2x4 in a frame of 6x8, moved by whole pixels down and by half a pixel to the left."""
    background, objects = np.full((1, 6, 8, 1), 0.25, np.float32), normal(1, 1, 2, 4, 2)
    objects[..., -1] = 1
    frame = found(Placed()([background, objects, np.float32([[[2 / 3, 0.0]]])]))[0, ..., 0]
    expected = np.full((6, 8), 0.25, np.float32)
    expected[4:, 2:6] = objects[0, 0, ..., 0]
    np.testing.assert_allclose(frame, expected, atol=1e-6)
    moved = found(Placed()([background, objects, np.float32([[[2 / 3, -0.125]]])]))[0, ..., 0]
    np.testing.assert_allclose(moved[:, 1:6], (expected[:, 1:6] + expected[:, 2:7]) / 2, atol=1e-6)


def test_what_is_clear_shows_what_is_behind():
    """The second object covers half of the first; beyond the border both are cut off."""
    background, objects = np.zeros((1, 4, 4, 1), np.float32), np.ones((1, 2, 2, 2, 2), np.float32)
    objects[0, 0, ..., 0], objects[0, 1, ..., 1] = -1, 0
    frame = found(Placed()([background, objects, np.float32([[[0, 0], [0, 1]]])]))[0, ..., 0]
    np.testing.assert_allclose(frame[1], [0, -1, -1, 0.5], atol=1e-6)
    frame = found(Placed()([background, objects, np.float32([[[0, 0], [0, 0.5]]])]))[0, ..., 0]
    np.testing.assert_allclose(frame[1], [0, -1, 0, 0.5], atol=1e-6)


def test_finer_objects_are_averaged():
    """Away from its border a picture of one colour keeps it, wherever it lies."""
    background, objects = np.zeros((3, 9, 9, 1), np.float32), np.ones((3, 1, 10, 10, 2), np.float32)
    places = np.float32([[[0, 0]], [[0.1, 0.1]], [[-0.05, 0.07]]])
    frames = found(Placed(2)([background, objects, places]))
    np.testing.assert_allclose(frames[:, 3:6, 3:6], 1, atol=1e-6)
    np.testing.assert_allclose(frames.sum((1, 2)), 25, atol=1e-4)
