"""The whole table: any loss with any penalty on any recipe runs, or is refused with the reason."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from conftest import ONCE, make_stripes
from sparring.errors import UsageError
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import LOSSES
from sparring.recipes.catalog import find_recipe, known_recipes
from sparring.recipes.parts import SLOPES, read_penalties
from test_training import SMALL, first_batch, values

PENALTIES = ["none", "r1", "r2", "wgan_gp", "consistency", "lecam", "r1,r2,consistency,lecam"]
OPTIONS = {name: known_recipes()[name].options for name in SMALL}
SWAPPED = {name: options for name, options in OPTIONS.items() if "penalties" in options}
NORMALISED = {"dcgan"}  # A discriminator with batch normalisation.
SHAPE = (8, 8, 3)
TWO_DOUBLINGS = (16, 16, 1)  # Where dcgan's discriminator has a batch normalisation.


def build(name, shape=SHAPE, **options):
    keras.utils.set_random_seed(0)
    small = {"batch_size": 8, "images": 96} | SMALL[name]
    return find_recipe(name).build(make_stripes(*shape).spec, **(small | options))


def losses(game, sides):
    """What each player wants on a first batch, without a step: a step of every pair would be minutes of compiling."""
    game.draws = {"latents": game.draws["latents"], **sides.draws}
    batch = first_batch(game, make_stripes(*game.spec.shape))
    batch |= sides.act(game, batch)
    return [float(loss(game, batch)[0]) for loss in (sides.discriminator_loss, sides.generator_loss)]


# The networks of stylegan2 take longest to trace.
@pytest.mark.parametrize("name", [pytest.param(name, marks=[ONCE] if name == "stylegan2" else []) for name in SWAPPED])
def test_any_loss_with_any_penalty_on_any_recipe(name):
    """On JAX, which traces each pair anew, every loss and every penalty, but not every pair of them."""
    game = build(name, TWO_DOUBLINGS if name in NORMALISED else SHAPE)
    game.compile()
    discriminator, generator = game.networks
    pairs = list(itertools.product(LOSSES, PENALTIES))
    if keras.config.backend() == "jax":
        pairs = [*zip(LOSSES, PENALTIES, strict=False), ("hinge", PENALTIES[-1])]
    for loss, penalties in pairs:
        parts = (generator, discriminator, LOSSES[loss], read_penalties(penalties, 2.0))
        if name in NORMALISED and set(penalties.split(",")) & set(SLOPES):
            with pytest.raises(UsageError, match="batch normalisation"):
                Adversarial(*parts)
        else:
            assert np.isfinite(losses(game, Adversarial(*parts))).all(), (loss, penalties)


def takes_steps(game, steps=2):
    source = make_stripes(*game.spec.shape)
    before = values(game.trainable_variables)
    history = game.fit(source.batches(game.pace.batch_size), epochs=1, steps_per_epoch=steps, verbose=0).history
    assert all(np.isfinite(value).all() for value in history.values())
    moved = [not np.array_equal(a, b) for a, b in zip(before, values(game.trainable_variables), strict=True)]
    assert np.mean(moved) > 0.8
    return history


ONE_OF_EACH = {
    "a lazy penalty": ("r3gan", {"penalty_every": 2}),
    "finite differences": ("r3gan", {"finite_differences": True}),
    "both": ("wgan_gp", {"penalty_every": 2, "finite_differences": True}),
    "packing": ("r3gan", {"packing": 2}),
    "packing without a slope": ("dcgan", {"packing": 4, "penalties": "lecam,consistency"}),
    "a classifier": ("sngan", {"head": "classifier", "critic_updates": 1}),
    "attention": ("sngan", {"attention": 8, "critic_updates": 1}),
    "accumulation": ("r3gan", {"accumulate": 2}),
    "schedules": ("r3gan", {"final_gamma": 0.1, "beta2": 0.9, "final_beta2": 0.99}),
    "bfloat16": ("r3gan", {"precision": "bfloat16"}),
}


# What changes the step itself; all else changes a network or a number.
OF_THE_STEP = {"a lazy penalty", "finite differences", "accumulation", "bfloat16"}


@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(*how, marks=[] if part in OF_THE_STEP else [ONCE], id=part) for part, how in ONE_OF_EACH.items()],
)
def test_a_step_with_one_of_each(name, options):
    history = takes_steps(build(name, **options), steps=4)
    assert ("class_loss" in history) == (options.get("head") == "classifier")


@ONCE
def test_four_channels():
    for name in SMALL:
        game = build(name, shape=(8, 9, 4))
        images = game.average.copies["generator"]([np.zeros((2, 6)), np.eye(2)])
        assert images.shape == (2, 8, 9, 4)


@ONCE
def test_a_discriminator_may_be_narrower_than_the_generator():
    same, narrow = build("r3gan", width=8), build("r3gan", width=8, discriminator_width=4)
    sizes = [[player.networks[0].count_params() for player in game.players] for game in (same, narrow)]
    assert sizes[0][0] > 2 * sizes[1][0]
    assert sizes[0][1] == sizes[1][1]


@pytest.mark.skipif(keras.config.backend() == "jax", reason="the optimizers are Keras' own: one backend shows it")
def test_accumulated_gradients_are_those_of_a_large_batch():
    """Two batches of eight, whose gradients make one update, against one of sixteen."""
    source = make_stripes(*SHAPE)
    options = {"penalties": "none", "final_learning_rate": None}
    small, large = build("r3gan", accumulate=2, **options), build("r3gan", batch_size=16, **options)
    start = values(small.trainable_variables)
    for variable, value in zip(large.trainable_variables, start, strict=True):
        variable.assign(value)
    for game in (small, large):
        game.compile()
    discriminators = [game.players[0].variables for game in (small, large)]
    rows = small.stream(source.batches(8))
    pieces = [rows[0], rows[1]]
    both = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    for game, batches in ((small, pieces), (large, [both])):
        for batch in batches:
            game.move({name: ops.convert_to_tensor(rows) for name, rows in batch.items()})
    for one, other in zip(*map(values, discriminators), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    assert not all(np.array_equal(a, b) for a, b in zip(values(discriminators[0]), start, strict=False))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_gamma_is_at_its_end_after_all_steps(accumulate):
    """It follows steps, of which an update may need several."""
    game = build("r3gan", images=96, gamma=2.0, final_gamma=0.2, accumulate=accumulate)
    gamma = game.players[0].loss.__self__.penalties[0].strength
    assert [float(gamma(step)) for step in (0, 6, 12)] == pytest.approx([2.0, 1.1, 0.2])


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("r3gan", {"penalties": "r3"}, r"no penalty `r3`.*Expected some of r1, r2, wgan_gp"),
        ("r3gan", {"penalties": "r1:much"}, r"must be a number from 0 on. Received: penalties='r1:much'"),
        ("r3gan", {"penalties": "r1:-1"}, r"must be a number from 0 on"),
        ("r3gan", {"penalties": "r1,,r2"}, r"no penalty ``"),
        ("r3gan", {"packing": 3}, r"`batch_size` must be a multiple of `packing`.*batch_size=8, packing=3"),
        ("dcgan", {"packing": 2, "head": "classifier"}, r"several images have no one class"),
        ("sngan", {"attention": 5}, r"`attention` must be None or"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(name, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        build(name, **options)


def test_a_classifier_needs_classes():
    spec = make_stripes(*SHAPE).spec.model_copy(update={"classes": ()})
    with pytest.raises(UsageError, match="needs data with classes"):
        find_recipe("sngan").build(spec, head="classifier")


def test_a_penalty_takes_the_strength_it_is_given():
    r1, gradient, lecam = read_penalties("r1, wgan_gp:5,lecam:0.3", 7.0, every=4, finite=True)
    assert (r1.strength, gradient.strength, lecam.strength) == (7.0, 5.0, 0.3)
    assert (r1.every, gradient.every, r1.finite, gradient.finite) == (4, 4, True, True)
    assert read_penalties("none", 7.0) == read_penalties("r1:0", 7.0) == []


def test_an_auxiliary_classifier_is_wanted_right_by_both():
    game = build("r3gan", head="classifier", penalties="none")
    game.compile()
    batch = first_batch(game, make_stripes(*SHAPE))
    batch |= game.players[1].act(game, batch)
    sides = game.players[0].loss.__self__
    expected = []
    for name in ("real", "fake"):
        _, class_logits = game.networks[0]([batch[name]])
        cross_entropy = keras.losses.CategoricalCrossentropy(from_logits=True)
        expected.append(2.0 * float(cross_entropy(batch["condition"], class_logits)))
    before = [float(player.loss(game, batch)[0]) for player in game.players]
    sides.class_strength = 3.0
    after = [float(player.loss(game, batch)[0]) for player in game.players]
    assert np.subtract(after, before) == pytest.approx(expected, rel=1e-3)


def test_beta2_follows_its_schedule():
    game = build("r3gan", images=800, beta2=0.9, final_beta2=0.99)  # 100 updates.
    game.compile()
    optimizer = game.players[0].optimizer
    seen = []
    for number in (0, 50, 100):
        optimizer._iterations.assign(number)
        seen.append(float(optimizer.beta_2))
    assert seen == pytest.approx([0.9, 0.945, 0.99], rel=1e-4)
