"""The step, the averages, the tally, and every recipe for a tick."""

import gc
import itertools
import types
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops

from conftest import ONCE, make_stripes
from sparring.backend import value_and_grad
from sparring.data.batches import Batches
from sparring.objectives.adversarial import FAKE, REAL
from sparring.recipes.catalog import find_recipe, known_recipes
from sparring.training.pace import Pace
from sparring.training.players import Player
from sparring.training.step import adversarial_step, learn, show

SMALL = {
    "article": {"width": 16, "latent_dim": 6},
    "dcgan": {"width": 4, "latent_dim": 6},
    "lsgan": {"width": 4, "latent_dim": 6},
    "sngan": {"width": 4, "latent_dim": 6, "critic_updates": 2},
    "wgan_gp": {"width": 4, "latent_dim": 6, "critic_updates": 2},
    "r3gan": {"width": 4, "latent_dim": 6},
    "stylegan2": {"width": 2, "latent_dim": 6, "mapping_layers": 1},
}
# Both kinds of loss, and a player that moves several times; what adapts itself changes images as what does not.
AUGMENTED = [("dcgan", "diffaugment"), ("dcgan", "adaptive"), ("wgan_gp", "adaptive"), ("r3gan", "adaptive")]
STATEFUL = ["article", "dcgan", "sngan", "r3gan"]  # Each has state of its own kind.
SHAPES = {"square": (8, 8, 1), "odd and in colour": (11, 9, 3), "upright": (16, 8, 1)}

# All in the shape that is hardest, and, where that is quick, the first three, of whose parts all are built, in any.
ALIKE = {"lsgan", "wgan_gp"}  # Which are dcgan and sngan inside.
TRIALS = [pytest.param(name, SHAPES["odd and in colour"], marks=[ONCE] if name in ALIKE else []) for name in SMALL]
OTHER_SHAPES = [shape for name, shape in SHAPES.items() if name != "odd and in colour"]
TRIALS += [pytest.param(*trial, marks=ONCE) for trial in itertools.product(["article", "dcgan", "r3gan"], OTHER_SHAPES)]


def build(name, source, **options):
    keras.utils.set_random_seed(0)
    return find_recipe(name).build(source.spec, **{"batch_size": 8, "images": 96, **SMALL[name], **options})


def first_rows(game, source):
    return game.stream(source.batches(8))[0]


def first_batch(game, source):
    return game.prepare({name: ops.convert_to_tensor(array) for name, array in first_rows(game, source).items()})


def values(variables):
    return [np.array(ops.convert_to_numpy(v)) for v in variables]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(values(first), values(second), strict=True))


def test_every_recipe_is_tried():
    assert set(SMALL) == {name for name, recipe in known_recipes().items() if recipe.kind == "images"}


@pytest.mark.parametrize(("name", "shape"), TRIALS)
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


@ONCE
def test_a_training_that_is_over_leaves_no_graph(stripes):
    import tensorflow as tf

    def graphs():
        return weakref.WeakSet(x for x in gc.get_objects() if isinstance(x, tf.__internal__.FuncGraph))

    others = graphs()
    game = build("article", stripes)
    game.fit(stripes.batches(8), epochs=1, steps_per_epoch=1, verbose=0)
    its_own = graphs() - others
    assert its_own
    del game
    gc.collect()
    assert not its_own


@ONCE
@pytest.mark.parametrize(("name", "augment"), AUGMENTED)
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


@ONCE
@pytest.mark.parametrize("name", sorted(set(SMALL) - ALIKE))
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
    batch |= sides.act(game, batch)
    judged = [sides.judged(game, batch[name], batch, noise).scores for name, noise in (("real", REAL), ("fake", FAKE))]
    real, fake = (ops.sigmoid(x) for x in judged)
    cross_entropy = keras.losses.BinaryCrossentropy()
    expected = cross_entropy(ops.ones_like(real), real) + cross_entropy(ops.zeros_like(fake), fake)
    assert float(game.players[0].loss(game, batch)[0]) == pytest.approx(float(expected), rel=1e-5)
    assert float(game.players[1].loss(game, batch)[0]) == pytest.approx(
        float(cross_entropy(ops.ones_like(fake), fake)), rel=1e-5
    )


@pytest.mark.parametrize("name", STATEFUL)
def test_one_pass_of_the_generator_serves_both_players(name, stripes):
    """Its gradient through the images shown before anyone moved is that of a pass of its own."""
    game = build(name, stripes)
    game.compile()
    batch, generator = first_batch(game, stripes), game.players[1]
    part, before = dict(batch), values(game.state)
    found, gradients = learn(game, generator, part, show(game, generator, [part]))
    for variable, value in zip(game.state, before, strict=True):  # Statistics have moved, and power iterations.
        variable.assign(value)
    loss = lambda: generator.loss(game, batch | generator.act(game, batch))  # noqa: E731
    (expected, _), straight = value_and_grad(loss, generator.variables, game.state)
    assert float(found["generator_loss"]) == pytest.approx(float(expected), rel=1e-5)
    for one, other in zip(values(gradients), values(straight), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
        assert np.abs(one).max() > 0 or name == "r3gan"  # Its blocks end in zeros, which hold the first steps back.


@ONCE
def test_the_generator_shows_its_images_once_a_step(stripes):
    game, calls = build("dcgan", stripes), []
    act = game.players[1].act
    game.players[1].act = lambda game, batch: (calls.append(1), act(game, batch))[1]
    game.compile()
    game.run_eagerly = True
    game.move({name: ops.convert_to_tensor(array) for name, array in first_rows(game, stripes).items()})
    assert len(calls) == 1


def test_steps_that_keras_makes_at_once_are_the_same_steps(stripes):
    """Dense networks alone: where a step takes longer, Ctrl-C would wait for all of them."""
    games = []
    for most in (1, 32):
        games.append(build("article", stripes))
        games[-1].most_at_once = most
        history = games[-1].fit(stripes.batches(8), epochs=2, steps_per_epoch=6, verbose=0).history
        games[-1].history_of_losses = history["generator_loss"]
    assert [game.steps_per_execution for game in games] == [1, 6]
    assert games[0].history_of_losses == games[1].history_of_losses
    assert same(games[0].state, games[1].state)
    convolutional = build("dcgan", stripes)
    convolutional.fit(stripes.batches(8), epochs=1, steps_per_epoch=2, verbose=0)
    assert convolutional.steps_per_execution == 1


def test_who_moves_several_times_has_a_part_of_the_batch_for_each():
    weight, seen = keras.Variable(np.zeros((1,), np.float32)), {"critic": [], "generator": []}

    def loss_of(name):
        def loss(game, batch):
            seen[name].append(list(ops.convert_to_numpy(batch["row"])))
            return ops.sum(ops.convert_to_tensor(weight) * ops.mean(batch["row"])), {}

        return loss

    moves = {"critic": 3, "generator": 1}
    players = [
        types.SimpleNamespace(
            name=name,
            repeats=repeats,
            act=None,
            loss=loss_of(name),
            variables=[weight],
            optimizer=keras.optimizers.SGD(1.0),
        )
        for name, repeats in moves.items()
    ]
    average = types.SimpleNamespace(update=lambda: None)
    state = [weight, *(v for player in players for v in player.optimizer.variables)]
    game = types.SimpleNamespace(players=players, turns=3, average=average, state=state)
    adversarial_step(game, {"row": ops.convert_to_tensor(np.arange(6, dtype=np.float32))})
    assert seen == {"critic": [[0, 3], [1, 4], [2, 5]], "generator": [[2, 5]]}
    assert float(ops.convert_to_numpy(weight)[0]) == -(1.5 + 2.5 + 3.5) - 3.5


def test_who_acts_moves_once():
    with pytest.raises(ValueError, match=r"once in a step. Received: repeats=2"):
        Player("generator", [], keras.optimizers.SGD, len, repeats=2, act=len)


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

    game.most_at_once = 1  # Else Keras reports several steps at once.
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


@pytest.mark.parametrize("name", STATEFUL)
def test_a_fit_in_pieces_is_a_fit_in_one(name, stripes):
    whole, pieces = build(name, stripes), build(name, stripes)
    whole.fit(stripes.batches(8), epochs=2, steps_per_epoch=4, verbose=0)
    pieces.fit(stripes.batches(8), epochs=1, steps_per_epoch=4, verbose=0)
    pieces.fit(stripes.batches(8), initial_epoch=1, epochs=2, steps_per_epoch=4, verbose=0)
    assert whole.steps_done == pieces.steps_done == 8
    assert same(whole.state, pieces.state)
