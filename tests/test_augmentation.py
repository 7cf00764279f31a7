"""What the discriminator sees: each change on marked images, gradients through it, and the kind that adapts itself."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import ndtr

from conftest import make_stripes
from sparring.augmentation.adaptive import AdaptiveAugment
from sparring.augmentation.diffaugment import CHANGES, DiffAugment
from sparring.backend import value_and_grad, value_and_input_grad
from sparring.bundle.loading import load_bundle
from sparring.bundle.record import Record
from sparring.errors import UsageError
from sparring.ops.noise import uniform
from sparring.recipes.catalog import find_recipe
from sparring.recipes.rebuild import rebuild_networks
from sparring.training.checkpoint import Checkpoints
from sparring.training.run import Run
from sparring.training.step import learn, show

SIZES = [(32, 32, 3), (17, 26, 1), (16, 16, 3), (7, 9, 2)]
ALL = ",".join(CHANGES)


def normal(count, width, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width), np.float32)


def pictures(count, shape, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype(np.float32)


def changed(augmentation, images, noise):
    return ops.convert_to_numpy(augmentation(ops.convert_to_tensor(images), ops.convert_to_tensor(noise)))


def whole(noise, count):
    return np.minimum(np.floor(ndtr(noise.astype(np.float64)) * count), count - 1).astype(int)


def translated(images, noise):
    """As the paper says it, an image at a time."""
    out = np.zeros_like(images)
    _, height, width, _ = images.shape
    for image, result, (down, right) in zip(images, out, noise, strict=True):
        y, x = (whole(z, 2 * (size // 8) + 1) - size // 8 for z, size in ((down, height), (right, width)))
        for row in range(height):
            for column in range(width):
                if 0 <= row + y < height and 0 <= column + x < width:
                    result[row, column] = image[row + y, column + x]
    return out


def cut(images, noise):
    out = images.copy()
    _, height, width, _ = images.shape
    for result, (down, right) in zip(out, noise, strict=True):
        (top, bottom), (left, end) = (
            (max(0, middle - side // 2), max(0, middle - side // 2 + side))
            for middle, side in (
                (whole(z, size + 1 - size // 2 % 2), size // 2) for z, size in ((down, height), (right, width))
            )
        )
        result[top:bottom, left:end] = 0
    return out


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize(("policy", "reference"), [("translation", translated), ("cutout", cut)])
def test_either_backend_computes_what_numpy_does(policy, reference, shape):
    images, noise = pictures(64, shape), normal(64, 2)
    np.testing.assert_array_equal(changed(DiffAugment(policy), images, noise), reference(images, noise))


def test_color_is_the_paper_s_on_either_backend():
    images, noise = pictures(16, (8, 8, 3)), normal(16, 3)
    brightness, saturation, contrast = np.moveaxis(ndtr(noise), 1, 0)[:, :, None, None, None]
    expected = images + brightness - 0.5
    grey = expected.mean(3, keepdims=True)
    expected = grey + (expected - grey) * 2 * saturation
    mean = expected.mean((1, 2, 3), keepdims=True)
    expected = mean + (expected - mean) * (contrast + 0.5)
    np.testing.assert_allclose(changed(DiffAugment("color"), images, noise), expected, atol=1e-5)


def test_uniforms_are_uniform_and_stay_in_their_range():
    found = ops.convert_to_numpy(uniform(ops.convert_to_tensor(np.append(normal(100_000, 1), [[-40], [40]], axis=0))))
    assert (found.min(), found.max()) == (0, 1)
    assert np.histogram(found, 10, (0, 1))[0] == pytest.approx(10_000, rel=0.05)
    ends = np.array([[-40, 40], [40, -40]], np.float32)
    assert np.isfinite(changed(DiffAugment("translation"), pictures(2, (16, 16, 1)), ends)).all()


def test_translation_moves_by_an_eighth_at_most_each_way_alike():
    images = np.zeros((4000, 16, 24, 1), np.float32)
    images[:, 8, 12] = 1
    places = np.argwhere(changed(DiffAugment("translation"), images, normal(4000, 2))[..., 0])[:, 1:] - (8, 12)
    assert len(places) == 4000
    assert [set(axis) for axis in places.T] == [set(range(-2, 3)), set(range(-3, 4))]
    for axis, kinds in zip(places.T, (5, 7), strict=True):
        assert np.unique_counts(axis).counts == pytest.approx(4000 / kinds, rel=0.15)


def test_cutout_blanks_a_square_of_half_the_side_and_no_pixel_too_often():
    images = np.ones((4000, 16, 16, 1), np.float32)
    hidden = changed(DiffAugment("cutout"), images, normal(4000, 2))[..., 0] == 0
    assert hidden.sum(axis=(1, 2)).max() == 8 * 8
    assert hidden.sum(axis=1).max() == hidden.sum(axis=2).max() == 8
    often = hidden.mean(axis=0)
    assert 0.2 < often[8, 8] < 0.27
    np.testing.assert_allclose(often, often[::-1, ::-1], atol=0.04)


def test_color_keeps_shape_and_mean():
    """What is added and multiplied is 0 and 1 in the mean, so the images can be told from the changed ones."""
    image = pictures(1, (8, 8, 3))
    found = changed(DiffAugment("color"), np.repeat(image, 20_000, axis=0), normal(20_000, 3))
    assert found.shape == (20_000, 8, 8, 3)
    np.testing.assert_allclose(found.mean(axis=0), image[0], atol=0.03)
    assert not np.allclose(found[0], found[1])


def test_grey_images_have_no_saturation_to_change():
    images, noise = pictures(4, (8, 8, 1)), normal(4, 3)
    other = noise + np.array([0, 1, 0], np.float32)
    np.testing.assert_array_equal(
        changed(DiffAugment("color"), images, noise), changed(DiffAugment("color"), images, other)
    )


def test_flip_mirrors_every_second_image():
    images, noise = pictures(400, (5, 4, 2)), normal(400, 1)
    found = changed(DiffAugment("flip"), images, noise)
    mirrored = noise[:, 0] > 0
    np.testing.assert_array_equal(found[mirrored], images[mirrored, :, ::-1])
    np.testing.assert_array_equal(found[~mirrored], images[~mirrored])
    assert 150 < mirrored.sum() < 250


def test_a_policy_is_its_changes_in_order():
    images, noise = pictures(8, (16, 16, 3)), normal(8, 4)
    one_by_one = changed(DiffAugment("cutout"), changed(DiffAugment("translation"), images, noise[:, :2]), noise[:, 2:])
    np.testing.assert_array_equal(changed(DiffAugment(" translation, cutout"), images, noise), one_by_one)
    assert DiffAugment().num_draws == 4


@pytest.mark.parametrize("kind", [DiffAugment, lambda policy: AdaptiveAugment(policy, batch_size=8)])
def test_a_wrong_name_is_told_the_nearest(kind):
    with pytest.raises(UsageError, match=r"no augmentation `traslation`\. Did you mean `translation`\? .*'traslation,"):
        kind("traslation,cutout")


def adaptive(p, policy=ALL):
    augmentation = AdaptiveAugment(policy, batch_size=8)
    augmentation.p.assign(p)
    return augmentation


def test_adaptive_changes_nothing_at_0_and_each_by_itself():
    images = pictures(4000, (8, 8, 3))
    noise = normal(4000, adaptive(0).num_draws)
    noise[0] = -40  # A uniform of exactly 0.
    np.testing.assert_array_equal(changed(adaptive(0.0), images, noise), images)
    augmentation = adaptive(0.3, "color,flip")
    found = changed(augmentation, images, noise[:, : augmentation.num_draws])
    color, flip = ndtr(noise[:, 0]) < 0.3, ndtr(noise[:, 4]) < 0.3
    untouched = (found == images).all(axis=(1, 2, 3))
    assert (untouched[~color & ~flip]).all()
    assert not untouched[color].any()
    assert color.mean() == pytest.approx(0.3, abs=0.03)
    mirrored = (found == images[:, :, ::-1]).all(axis=(1, 2, 3))
    np.testing.assert_array_equal(mirrored, ~color & flip & (noise[:, 5] > 0))


@pytest.mark.parametrize("augmentation", [DiffAugment(ALL), adaptive(0.8)], ids=["steady", "adaptive"])
def test_gradients_of_both_orders(augmentation):
    """Along a line, since the changes are linear in the image up to the square that the penalty would see."""
    shape, count = (16, 16, 3), 4
    images, direction = pictures(count, shape), pictures(count, shape, seed=2)
    noise = ops.convert_to_tensor(normal(count, augmentation.num_draws))
    scale = keras.Variable(1.0)

    def penalty():
        """Of the gradient of a cubic score, so that it depends on the images, which depend on `scale`."""
        x = ops.convert_to_tensor(images) + scale * ops.convert_to_tensor(direction)
        _, gradient = value_and_input_grad(lambda x: (ops.sum(augmentation(x, noise) ** 3), None), x, [])
        return ops.sum(ops.square(gradient)), {}

    state = [scale, *getattr(augmentation, "variables", [])]
    (_, _), (found,) = value_and_grad(penalty, [scale], state)
    ends = []
    for value in (1.01, 0.99):
        scale.assign(value)
        ends.append(float(penalty()[0]))
    assert float(found) == pytest.approx((ends[0] - ends[1]) / 0.02, rel=0.02)
    assert float(found) != 0


def build(name="dcgan", shape=(16, 16, 1), **options):
    keras.utils.set_random_seed(0)
    source = make_stripes(*shape)
    small = {"batch_size": 8, "images": 96, "width": 4, "latent_dim": 6}
    return find_recipe(name).build(source.spec, **small, **options), source


def batch_of(game, source):
    batch = game.stream(source.batches(8))[0]
    return game.prepare({name: ops.convert_to_tensor(array) for name, array in batch.items()})


@pytest.mark.parametrize("name", ["dcgan", "r3gan"])
def test_both_players_see_real_and_fake_changed(name):
    """The same change, with noise of its own for either, which comes with the batch: no two devices share it."""
    game, source = build(name, augment="diffaugment")
    assert game.draws == {"latents": (6,), "augment_real": (4,), "augment_fake": (4,)}
    batch = batch_of(game, source)
    game.compile()
    sides = game.players[0].loss.__self__
    augment, shown = sides.augmentation, []

    class Watch:
        logs = ()

        def __call__(self, images, noise):
            shown.append((ops.convert_to_numpy(images), ops.convert_to_numpy(noise)))
            return augment(images, noise)

        def follow(self, margin):
            return {}

    sides.augmentation, sides.penalties = Watch(), ()  # Without the penalty nothing is traced, on JAX.
    batch |= sides.act(game, batch)
    real, fake = batch["real"], batch["fake"]
    expected = [(real, batch["augment_real"]), (fake, batch["augment_fake"])]
    for player, pairs in zip(game.players, (expected, expected if name == "r3gan" else expected[1:]), strict=True):
        shown.clear()
        player.loss(game, batch)
        for found, pair in zip(shown, pairs, strict=True):
            for a, b in zip(found, pair, strict=True):
                np.testing.assert_allclose(a, ops.convert_to_numpy(b), atol=1e-5)
    assert not np.array_equal(*(ops.convert_to_numpy(batch[key]) for key in ("augment_real", "augment_fake")))


def test_the_generator_learns_through_it():
    """Where nothing of an image is left over, nothing is learnt; else the whole generator moves."""
    game, source = build(augment="diffaugment")
    game.compile()
    batch, generator = batch_of(game, source), game.players[1]
    sides = game.players[0].loss.__self__

    def largest():
        part = dict(batch)
        _, gradients = learn(game, generator, part, show(game, generator, [part]))
        return [float(ops.max(ops.abs(gradient))) for gradient in gradients]

    assert min(largest()[-2:]) > 0
    sides.augmentation = lambda images, noise: images * 0
    assert max(largest()) == 0


def test_p_follows_how_sure_the_discriminator_is():
    augmentation = AdaptiveAugment(batch_size=1000, rise_images=20_000)
    sure, unsure = ops.ones((1000, 1)), ops.reshape(ops.arange(1000.0) - 250, (1000, 1))  # Means of 1 and 0.5.
    path = [float(augmentation.follow(sure)["augment_p"]) for _ in range(30)]
    assert path[:4] == [0, 0, 0, pytest.approx(0.05)]  # 1 - 0.75 ** 4 is the first above 0.6.
    assert path[4:8] == pytest.approx([0.1, 0.15, 0.2, 0.25])
    assert max(path) == path[-1] == pytest.approx(0.8)
    path = [float(augmentation.follow(unsure)["augment_p"]) for _ in range(40)]
    assert path[-1] == 0 == min(path)
    assert path[20] < path[10] < 0.8


def test_p_rises_as_fast_however_often_the_critic_moves():
    """In each move of a step it follows as many images as `batch_size` says."""
    for updates in (1, 2):
        spec = make_stripes(16, 16, 1).spec
        game = find_recipe("sngan").build(spec, batch_size=8, critic_updates=updates, augment="adaptive", width=4)
        assert game.players[0].loss.__self__.augmentation.step == pytest.approx(8 / 500_000)


def test_p_follows_differences_where_only_they_have_a_meaning():
    for name, reads_difference in (("dcgan", False), ("r3gan", True)):
        game, source = build(name, augment="adaptive", **({"gamma": 0.0} if reads_difference else {}))
        game.compile()
        sides, margins = game.players[0].loss.__self__, []
        follow = sides.augmentation.follow
        sides.augmentation.follow = lambda margin, follow=follow, seen=margins: (seen.append(margin), follow(margin))[1]
        batch = batch_of(game, source)
        _, logs = game.players[0].loss(game, batch | sides.act(game, batch))
        expected = logs["real_score"] - logs["fake_score"] * reads_difference
        assert float(ops.mean(margins[0])) == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("name", ["dcgan", "r3gan"])
def test_p_is_part_of_the_state_and_of_the_log(name, tmp_path):
    game, source = build(name, augment="adaptive")
    augmentation = game.players[0].loss.__self__.augmentation
    augmentation.sureness.assign(4.0)  # Above the target whatever the first batch says.
    augmentation.step = 0.25
    history = game.fit(source.batches(8), epochs=1, steps_per_epoch=1, verbose=0).history
    assert history["augment_p"] == [0.25] == [float(augmentation.p)]
    assert {id(v) for v in augmentation.variables} < {id(v) for v in game.state}
    Checkpoints(tmp_path).save(game)
    again, _ = build(name, augment="adaptive")
    again.compile()
    Checkpoints(tmp_path).restore(again)
    assert float(again.players[0].loss.__self__.augmentation.p) == 0.25


def test_auto_augments_few_images_that_are_large_enough():
    def chosen(shape, num_examples):
        spec = make_stripes(*shape).spec.model_copy(update={"num_examples": num_examples})
        game = find_recipe("dcgan").build(spec, width=4)
        return game.players[0].loss.__self__.augmentation, game.notes

    steady, notes = chosen((16, 16, 1), 9_999)
    assert isinstance(steady, DiffAugment)
    assert notes == (
        "The discriminator sees images changed by translation and cutout, or it would learn 9,999 by heart.",
    )
    assert chosen((16, 16, 1), 10_000) == (
        None,
        ("No augmentation: 10,000 images are too many to be learnt by heart.",),
    )
    assert chosen((16, 15, 1), 48) == (None, ("No augmentation: of 16x15 pixels none can be spared.",))


def test_a_wrong_policy_is_told_even_where_none_is_used():
    with pytest.raises(UsageError, match="Did you mean `cutout`"):
        build(augment="none", augment_policy="cutuot")


def test_a_bundle_of_an_augmented_game_opens(tmp_path):
    options = {"batch_size": 8, "images": 48, "width": 4, "latent_dim": 6, "augment": "adaptive", "tick_images": 8}
    game, source = build(augment="adaptive")
    record = Record(
        recipe="dcgan",
        options=options,
        spec=source.spec,
        seed=0,
        source="stripes",
        fingerprint=source.fingerprint,
        version="0",
    )
    bundle = Run(tmp_path / "run", record).snapshot(game)
    bundle.save(tmp_path / "bundle", "A card.")
    opened = load_bundle(tmp_path / "bundle", rebuild_networks)
    np.testing.assert_array_equal(opened.sample(3), bundle.sample(3))
    assert json.loads((tmp_path / "bundle" / "bundle.json").read_text())["record"]["options"]["augment"] == "adaptive"
