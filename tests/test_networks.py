"""Every family of networks over sizes, classes and heads."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from sparring.backend import value_and_grad
from sparring.errors import UsageError
from sparring.networks.dcgan import dcgan_discriminator, dcgan_generator
from sparring.networks.heads import judged
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.networks.residual import residual_discriminator, residual_generator
from sparring.networks.sngan import sngan_discriminator, sngan_generator
from sparring.networks.style import style_discriminator, style_generator

LATENT_DIM = 5
SHAPES = [(8, 8, 1), (11, 9, 3), (16, 8, 4)]  # Square, odd, upright.


def attentive(build, **sizes):
    """With attention where there is a map of 8 pixels to put it on."""
    return lambda shape, *args, **kwargs: build(
        shape, *args, attention=8 if min(shape[:2]) == 8 else None, **sizes, **kwargs
    )


GENERATORS = {
    "mlp": partial(mlp_generator, width=6),
    "dcgan": partial(dcgan_generator, width=2, synchronized=False),
    "residual": partial(residual_generator, width=2, blocks=1, patch=2),
    "sngan": attentive(sngan_generator, width=4, synchronized=False),
    "style": partial(style_generator, width=2, mapping_layers=2),
}
DISCRIMINATORS = {
    "mlp": partial(mlp_discriminator, width=6),
    "dcgan": partial(dcgan_discriminator, width=2, synchronized=False),
    "residual": partial(residual_discriminator, width=2, blocks=1, patch=2),
    "sngan": attentive(sngan_discriminator, width=4),
    "style": partial(style_discriminator, width=2),
}
CASES = [(0, "projection"), (2, "projection"), (2, "classifier")]


def planned(build, *args, **kwargs):
    """The network without its weights, as a bundle counts them before it makes any."""
    with keras.StatelessScope(initialize_variables=False):
        return build(*args, **kwargs)


def rows_for(network, count=4):
    """Random latents or images, and labels that alternate."""
    random = np.random.default_rng(0)
    labels = np.eye(2, dtype=np.float32)[np.arange(count) % 2]
    first = random.normal(size=(count, *network.inputs[0].shape[1:])).astype(np.float32)
    return [first, labels][: len(network.inputs)]


def at_once(fn):
    """`fn()` as arrays; on JAX in one piece, since it compiles for every operation what is called by itself."""
    if keras.config.backend() == "jax":
        import jax

        def stateless():
            with keras.StatelessScope():
                return fn()

        return keras.tree.map_structure(np.asarray, jax.jit(stateless)())
    return keras.tree.map_structure(ops.convert_to_numpy, fn())


def answers(network, rows, training=False):
    return keras.tree.flatten(network(rows, training=training))


def with_random_weights(network):
    """The network with no weight left at a zero or a one that it starts from."""
    random = np.random.default_rng(2)
    for variable in network.trainable_variables:
        variable.assign(ops.convert_to_numpy(variable) + 0.3 * random.normal(size=variable.shape))
    return network


def check_learning(network):
    """A gradient reaches all weights, every input matters to every output, and a copy of the network is one."""
    with_random_weights(network)
    copy, rows = planned(keras.models.clone_model, network), rows_for(network)

    def loss():
        # Of a plain mean, batch normalisation would hand back no gradient.
        return sum(ops.mean(ops.square(y - 0.5)) for y in answers(network, rows, training=True)), {}

    def everything():
        others = [[*rows[:place], x[::-1].copy(), *rows[place + 1 :]] for place, x in enumerate(rows)]
        with keras.StatelessScope([(v, w.value) for v, w in zip(copy.variables, network.variables, strict=True)]):
            copied = answers(copy, rows)
        found = [answers(network, rows), copied, *(answers(network, other) for other in others)]
        return found, value_and_grad(loss, network.trainable_variables, network.variables)[1]

    (before, copied, *changed), gradients = at_once(everything)
    sizes = {v.path: float(np.abs(g).max()) for v, g in zip(network.trainable_variables, gradients, strict=True)}
    assert np.isfinite(list(sizes.values())).all()
    assert not [path for path, size in sizes.items() if size < 1e-6 * max(sizes.values())]
    for place, first in enumerate(before):
        assert np.isfinite(first).all()
        np.testing.assert_allclose(copied[place], first, rtol=1e-4, atol=1e-5)
        assert all(np.abs(first - other[place]).max() > 1e-4 * np.abs(first).max() for other in changed)


@pytest.mark.parametrize("num_classes", [0, 2])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", GENERATORS)
def test_generators_make_images_of_any_shape(family, shape, num_classes):
    network = planned(GENERATORS[family], shape, num_classes, latent_dim=LATENT_DIM)
    assert network.output_shape == (None, *shape)
    assert [tuple(x.shape) for x in network.inputs] == [(None, LATENT_DIM), (None, 2)][: 1 + bool(num_classes)]


@pytest.mark.parametrize(("num_classes", "head"), CASES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("family", DISCRIMINATORS)
def test_discriminators_read_images_of_any_shape(family, shape, num_classes, head):
    network = planned(DISCRIMINATORS[family], shape, num_classes, head=head)
    conditional = num_classes and head == "projection"
    assert [tuple(x.shape) for x in network.inputs] == [(None, *shape), (None, 2)][: 1 + bool(conditional)]
    assert network.output_shape == ([(None, 1), (None, 2)] if head == "classifier" else (None, 1))


@pytest.mark.parametrize("family", GENERATORS)
def test_all_of_a_generator_learns(family):
    check_learning(GENERATORS[family]((8, 9, 3), 2, latent_dim=LATENT_DIM))


@pytest.mark.parametrize("family", DISCRIMINATORS)
def test_all_of_a_discriminator_learns(family):
    check_learning(DISCRIMINATORS[family]((8, 9, 3), 2))


def test_all_of_a_classifier_learns():
    check_learning(mlp_discriminator((8, 9, 3), 2, width=6, head="classifier"))


def test_heads_that_do_not_suit_are_refused():
    with pytest.raises(UsageError, match="needs data with classes"):
        mlp_discriminator((8, 8, 1), 0, width=4, head="classifier")
    with pytest.raises(UsageError, match="Received: head='labels'"):
        mlp_discriminator((8, 8, 1), 2, width=4, head="labels")


def test_a_spectral_head_normalises_both_answers():
    features, labels = keras.Input((6,)), keras.Input((3,))
    for inputs, head in (([features, labels], "projection"), ([features], "classifier")):
        network = keras.Model(inputs, judged(features, inputs, 3, head, spectral=True))
        assert [tuple(v.shape) for v in network.non_trainable_variables] in ([(1, 1), (1, 6)], [(1, 1), (1, 3)])


def test_attention_stands_on_a_map_of_its_size():
    def count(network):
        return [layer.input.shape[1:3] for layer in network.layers if type(layer).__name__ == "SelfAttention"]

    generator = partial(planned, sngan_generator, (16, 24, 1), 0, latent_dim=3, width=4, synchronized=False)
    discriminator = partial(planned, sngan_discriminator, (16, 24, 1), 0, width=4)
    assert count(generator()) == count(discriminator()) == []
    assert count(generator(attention=8)) == count(discriminator(attention=8)) == [(8, 12)]
    assert count(planned(sngan_discriminator, (64, 64, 1), 0, width=4, attention=32)) == [(32, 32)]
    for build in (generator, discriminator):
        with pytest.raises(UsageError, match=r"both networks have: 8\. Received: attention=16"):
            build(attention=16)
    with pytest.raises(UsageError, match="there is none for images of 6x6"):
        sngan_discriminator((6, 6, 1), 0, width=4, attention=6)


def test_sngan_is_the_papers_at_its_size():
    """Output channels and sizes of the layers of the 32x32 networks, from tables 3 and 4."""
    generator = planned(sngan_generator, (32, 32, 3), 0, latent_dim=128, width=256, synchronized=False)
    sums = [layer.output.shape[1:] for layer in generator.layers if type(layer).__name__ == "Add"]
    assert sums == [(8, 8, 256), (16, 16, 256), (32, 32, 256)]
    discriminator = planned(sngan_discriminator, (32, 32, 3), 0, width=128)
    sums = [layer.output.shape[1:] for layer in discriminator.layers if type(layer).__name__ == "Add"]
    assert sums == [(16, 16, 128), (8, 8, 128), (8, 8, 128), (8, 8, 128)]
    large = planned(sngan_discriminator, (128, 128, 3), 0, width=16)
    assert [layer.output.shape[-1] for layer in large.layers if type(layer).__name__ == "Add"] == [
        8,
        16,
        16,
        16,
        16,
        16,
    ]


def test_plain_sngan_has_no_state_beside_its_weights():
    """Neither batch normalisation nor power iteration: each logit depends on its own image alone."""
    assert not planned(sngan_discriminator, (8, 8, 1), 2, width=4, spectral=False).non_trainable_variables
    spectral = planned(sngan_discriminator, (8, 8, 1), 2, width=4)
    assert {v.name for v in spectral.non_trainable_variables} == {"u"}


def test_an_untrained_residual_generator_has_no_checkerboard():
    """What lies at the highest frequency across or upright, and how far pixels spread."""
    keras.utils.set_random_seed(0)
    side = 16
    network = residual_generator((side, side, 3), 0, latent_dim=64, width=32, blocks=1, patch=2)
    images = at_once(lambda: answers(network, rows_for(network, 16)))[0]
    window = np.hanning(side)
    spectrum = np.fft.fft2(
        (images - images.mean((1, 2), keepdims=True)) * np.outer(window, window)[..., None], axes=(1, 2)
    )
    power = np.square(np.abs(spectrum)).mean((0, 3))
    highest = side // 2
    share = (power[highest].sum() + power[:, highest].sum() - power[highest, highest]) / power.sum()
    assert share < 1e-2  # A third and more with independent weights.
    assert 0.3 < images.std() < 1.2


def test_styles_and_images_start_at_a_size_of_one():
    network = style_generator((8, 8, 3), 0, latent_dim=32, width=16, mapping_layers=4)
    assert 0.3 < at_once(lambda: answers(network, rows_for(network, 16)))[0].std() < 4
