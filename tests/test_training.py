"""The step, the averages, the tally, and every recipe for a tick."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops

from conftest import make_stripes
from sparring.data.batches import Batches
from sparring.recipes.catalog import find_recipe, known_recipes
from sparring.training.pace import Pace

SMALL = {
    "article": {"width": 16, "latent_dim": 6},
    "dcgan": {"width": 4, "latent_dim": 6},
    "r3gan": {"width": 4, "latent_dim": 6},
}
AUGMENTED = [name for name, recipe in known_recipes().items() if "augment" in recipe.options]
SHAPES = {"square": (8, 8, 1), "odd and in colour": (11, 9, 3), "upright": (16, 8, 1)}


def build(name, source, **options):
    keras.utils.set_random_seed(0)
    return find_recipe(name).build(source.spec, **{"batch_size": 8, "images": 96, **SMALL[name], **options})


def first_batch(game, source):
    batch = source.batches(8).starting_at(0, game.draws)[0]
    return game.prepare({name: ops.convert_to_tensor(array) for name, array in batch.items()})


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(values(first), values(second), strict=True))


def test_every_recipe_is_tried():
    assert set(SMALL) == set(known_recipes())


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_tick_trains_every_network_of_every_player(name, shape):
    source = make_stripes(*shape)
    game = build(name, source)
    before = [values(network.trainable_variables) for network in game.networks]
    history = game.fit(source.batches(8), epochs=1, steps_per_epoch=3, verbose=0).history
    for network, old in zip(game.networks, before, strict=True):
        moved = [not np.array_equal(a, b) for a, b in zip(old, values(network.trainable_variables), strict=True)]
        # A zero-initialised last layer of a branch holds back those before it for one step, not for three.
        assert all(moved), f"{network.name}: {moved}"
    assert set(history) == {"discriminator_loss", "generator_loss", "real_score", "fake_score"}
    assert all(np.isfinite(value).all() for value in history.values())
    bundle_images = ops.convert_to_numpy(game.average.copies["generator"]([np.zeros((2, 6)), np.eye(2)]))
    assert bundle_images.shape == (2, *shape)


@pytest.mark.parametrize("name", AUGMENTED)
@pytest.mark.parametrize("augment", ["diffaugment", "adaptive"])
def test_a_tick_trains_with_augmentation(name, augment):
    source = make_stripes(16, 17, 3)
    game = build(name, source, augment=augment, augment_policy="color,translation,cutout,flip")
    before = [values(network.trainable_variables) for network in game.networks]
    history = game.fit(source.batches(8), epochs=1, steps_per_epoch=3, verbose=0).history
    for network, old in zip(game.networks, before, strict=True):
        assert all(not np.array_equal(a, b) for a, b in zip(old, values(network.trainable_variables), strict=True))
    extra = {"augment_p"} if augment == "adaptive" else set()
    assert set(history) == {"discriminator_loss", "generator_loss", "real_score", "fake_score"} | extra
    assert all(np.isfinite(value).all() for value in history.values())


@pytest.mark.parametrize("name", SMALL)
def test_recipes_do_without_classes(name, stripes):
    source = make_stripes(8, 8, 1)
    spec = source.spec.model_copy(update={"classes": ()})
    game = find_recipe(name).build(spec, batch_size=8, images=96, **SMALL[name])
    game.fit(Batches({"image": source.examples["image"]}, 8), epochs=1, steps_per_epoch=2, verbose=0)
    assert len(game.networks[0].inputs) == len(game.networks[1].inputs) == 1


def test_the_article_s_networks_to_the_letter():
    spec = make_stripes(28, 28, 1).spec
    game = find_recipe("article").build(spec, conditional=False)
    discriminator, generator = game.networks
    assert [tuple(v.shape) for v in generator.weights] == [(100, 256), (256,), (256, 784), (784,)]
    assert [tuple(v.shape) for v in discriminator.weights] == [(784, 256), (256,), (256, 1), (1,)]  # To a logit.
    activations = [x.activation.__name__ for net in game.networks for x in net.layers if isinstance(x, layers.Dense)]
    assert activations == ["relu", "relu", "tanh"]
    assert (game.pace.batch_size, game.pace.tick_images) == (100, spec.num_examples)


def test_binary_cross_entropy_on_logits_is_the_article_s(stripes):
    game = build("article", stripes)
    batch = first_batch(game, stripes)
    game.compile()
    sides = game.players[0].loss.__self__
    judged = [sides.score(x, batch) for x in (batch["image"], sides.fake(batch))]
    real, fake = (ops.sigmoid(x) for x in judged)
    cross_entropy = keras.losses.BinaryCrossentropy()
    expected = cross_entropy(ops.ones_like(real), real) + cross_entropy(ops.zeros_like(fake), fake)
    assert float(game.players[0].loss(game, batch)[0]) == pytest.approx(float(expected), rel=1e-5)
    assert float(game.players[1].loss(game, batch)[0]) == pytest.approx(
        float(cross_entropy(ops.ones_like(fake), fake)), rel=1e-5
    )


def test_r1_and_r2_are_the_squared_gradient(stripes):
    game = build("r3gan", stripes, gamma=3.0)
    game.fit(stripes.batches(8), epochs=1, steps_per_epoch=2, verbose=0)  # The class weights leave zero.
    sides = game.players[0].loss.__self__
    batch = first_batch(game, stripes)
    with_penalty = float(game.players[0].loss(game, batch)[0])
    sides.gamma = 0.0
    without = float(game.players[0].loss(game, batch)[0])
    expected = 0.0
    for images in (batch["image"], sides.fake(batch)):
        images = np.array(ops.convert_to_numpy(images))
        step, gradient = 1e-2, np.zeros_like(images)
        for place in itertools.product(*map(range, images.shape[1:])):
            shift = np.zeros_like(images)
            shift[(slice(None), *place)] = step
            moved = (ops.convert_to_tensor(images + s) for s in (shift, -shift))
            up, down = (ops.convert_to_numpy(sides.score(x, batch))[:, 0] for x in moved)
            gradient[(slice(None), *place)] = (up - down) / (2 * step)
        expected += 3.0 / 2 * np.square(gradient).sum(axis=(1, 2, 3)).mean()
    assert with_penalty - without == pytest.approx(expected, rel=0.02)


def test_the_average_follows_by_its_half_life(stripes):
    game = build("article", stripes)
    game.fit(stripes.batches(8), epochs=1, steps_per_epoch=5, verbose=0)
    mean, now = values(game.average.copies["generator"].weights), values(game.networks[1].weights)
    game.average.halflife_images = 1e-9  # Nothing of the past is kept.
    game.average.update()
    assert same(game.average.copies["generator"].weights, game.networks[1].weights)
    game.average.ramp, game.average.halflife_images = 1e9, 8.0  # Half of it, at 8 images a step.
    for variable, old in zip(game.average.copies["generator"].weights, mean, strict=True):
        variable.assign(old)
    game.average.update()
    for half, old, new in zip(values(game.average.copies["generator"].weights), mean, now, strict=True):
        np.testing.assert_allclose(half, (old + new) / 2, rtol=1e-5, atol=1e-7)


def test_the_tally_is_the_mean_of_the_tick_and_begins_anew(stripes):
    game = build("article", stripes)
    seen = []

    class Record(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(logs["generator_loss"]))

    game.fit(stripes.batches(8), epochs=2, callbacks=[Record()], verbose=0)
    period = game.pace.steps_per_tick
    assert period == 6
    first = seen[:period]
    # What a step added to the mean is its own value; a new tick begins with the value of its first step alone.
    single = [first[0], *((k + 1) * first[k] - k * first[k - 1] for k in range(1, period))]
    assert np.mean(single) == pytest.approx(first[-1], rel=1e-5)
    assert seen[period] != pytest.approx(first[-1], rel=1e-6)


def test_the_pace():
    pace = Pace.over(num_examples=5000, images=100_000, batch_size=64)
    assert (pace.tick_images, pace.unit, pace.num_ticks) == (5000, "Epoch", 20)
    assert [Pace.over(n, 100_000, 64).tick_images for n in (50, 60_000)] == [2_000, 10_000]
    assert Pace.over(50, 500_000, 64).tick_images == Pace.over(50, 100_000, 64).tick_images
    assert Pace(43_140, 100, 1438, "Epoch").num_ticks == 30


def test_the_line_of_a_tick(stripes):
    game = build("article", stripes)
    line = game.report_line(1, {"discriminator_loss": 1.23451, "generator_loss": 0.98764, "real_score": 0.0})
    assert line == "Epoch 1, Discriminator Loss: 1.2345, Generator Loss: 0.9876"


@pytest.mark.parametrize("name", SMALL)
def test_a_fit_in_pieces_is_a_fit_in_one(name, stripes):
    whole, pieces = build(name, stripes), build(name, stripes)
    whole.fit(stripes.batches(8), epochs=2, steps_per_epoch=4, verbose=0)
    pieces.fit(stripes.batches(8), epochs=1, steps_per_epoch=4, verbose=0)
    pieces.fit(stripes.batches(8), initial_epoch=1, epochs=2, steps_per_epoch=4, verbose=0)
    assert whole.steps_done == pieces.steps_done == 8
    assert same(whole.state, pieces.state)
