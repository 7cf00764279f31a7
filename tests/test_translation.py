"""Translation from domain to domain: networks, objectives, recipes, bundles and the verb."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from conftest import ONCE
from sparring.applications.sample import load
from sparring.applications.train import train
from sparring.applications.translate import translate
from sparring.augmentation.jitter import Jitter
from sparring.backend import at_once
from sparring.data.images.domains import domain_source
from sparring.errors import DataError, UsageError
from sparring.metrics.similarity import structural_similarity
from sparring.networks.translation import encoder_of, patch_discriminator, resnet_generator, unet_generator
from sparring.objectives.content import patch_loss
from sparring.objectives.history import History
from sparring.objectives.losses import LOSSES
from sparring.objectives.translation import Contrastive
from sparring.recipes.catalog import find_recipe
from sparring.recipes.domain_parts import PreparedDomains
from sparring.testing import check_recipe
from sparring.training.schedules import ConstantThenLinear

pytestmark = pytest.mark.xdist_group("translation")  # What its tests share is made once.

SMALL = {
    "pix2pix": {"width": 4, "discriminator_width": 4},
    "cyclegan": {"width": 2, "discriminator_width": 4, "blocks": 1},
}
# It is fastcut with other options, which test_equal.py has on JAX too, where a check takes long to compile.
SMALL_CUT = {"width": 2, "discriminator_width": 4, "blocks": 1, "num_patches": 4}
QUIET = {"say": lambda text: None}


def random_images(count=8, height=16, width=16, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def without_normalisation(layer):
    if isinstance(layer, keras.layers.GroupNormalization):
        return keras.layers.Identity()
    return type(layer).from_config(layer.get_config())


def answers(network, call):
    """What `call()` makes with `network`, as arrays; compiled in one piece, as JAX would each operation by itself."""
    return [ops.convert_to_numpy(x) for x in at_once(call, network.variables)[0]]


def inverted(count=32, size=8):
    """Pairs: light squares on dark, and the same dark on light."""
    images = np.full((count, size, size, 1), 60, np.uint8)
    random = np.random.default_rng(0)
    for image, top, left in zip(images, *random.integers(0, size - 3, (2, count)), strict=True):
        image[top : top + 4, left : left + 4] = 200
    return domain_source("squares", {"dark": images, "light": 255 - images}, paired=True)


@ONCE
@pytest.mark.parametrize(("height", "width"), [(19, 33), (5, 9)])
@pytest.mark.parametrize("make", [unet_generator, resnet_generator])
def test_generators_keep_any_size(make, height, width):
    more = {"blocks": 1} if make is resnet_generator else {}
    generator = make((16, 16, 3), width=2, **more)
    images = floats(2, height, width, 3)
    made, alone = answers(generator, lambda: (generator([images]), generator([images[1:]], training=True)))
    assert made.shape == images.shape
    assert np.abs(made).max() <= 1
    # Each image by itself: no figure of the batch, in training or not.
    np.testing.assert_allclose(alone[0], made[1], atol=1e-5)


def test_whatever_is_made_of_images_they_can_be_left_as_they_are():
    """Down to single pixels, which a quarter of the size does not hold."""
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype(np.float32)
    generator = resnet_generator((16, 16, 3), width=2, blocks=1)
    last = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    kernel = np.zeros(last.kernel.shape, np.float32)
    kernel[3, 3, -3:] = np.eye(3)
    last.kernel.assign(kernel)
    np.testing.assert_allclose(ops.convert_to_numpy(generator([images])), np.tanh(images), atol=1e-6)


def test_a_unet_halves_by_the_size_it_is_trained_at():
    depth = [
        sum(isinstance(layer, keras.layers.AveragePooling2D) for layer in unet_generator((s, s, 1), width=2).layers)
        for s in (8, 16, 64)
    ]
    assert depth == [0, 1, 3]
    with pytest.raises(UsageError, match=r"at least 8 pixels a side\. Received: 7x9"):
        unet_generator((7, 9, 1), width=2)


@pytest.mark.parametrize(("patch", "side"), [(12, 48), (30, 24), (66, 12)])
def test_a_patch_is_judged_by_itself(patch, side):
    network = patch_discriminator((96, 96, 1), width=2, patch=patch)
    images = floats(1, 96, 96, 1)
    # All but normalisation, which sees all of an image, is local: without it a corner knows nothing of another.
    network = keras.models.clone_model(network, clone_function=without_normalisation)
    changed = images.copy()
    changed[:, 40, 40] += 1
    before, after = answers(network, lambda: (network([images]), network([changed])))
    assert before.shape == (1, side, side, 1)
    moved = np.flatnonzero((before != after).any(axis=(0, 2, 3))) * (96 // side)
    assert np.ptp(moved) < patch
    assert np.ptp(moved) >= patch - 2 * 96 // side


@pytest.mark.parametrize(("side", "patch"), [(8, 12), (32, 12), (64, 30), (128, 66), (256, 66)])
def test_a_patch_is_about_half_of_an_image(side, patch):
    chosen, named = (patch_discriminator((side, side, 1), width=2, patch=size) for size in (None, patch))
    assert chosen.count_params() == named.count_params()


def test_an_encoder_shares_the_weights_of_its_generator():
    generator = resnet_generator((16, 16, 3), width=2, blocks=4)
    encoder = encoder_of(generator)
    images = floats(1, 16, 16, 3)
    shapes = [x.shape for x in answers(encoder, lambda: encoder([images]))]
    assert shapes == [(1, 16, 16, 3), (1, 8, 8, 4), (1, 4, 4, 8), (1, 4, 4, 8), (1, 4, 4, 8)]
    own = {id(variable) for variable in generator.trainable_variables}
    assert {id(variable) for variable in encoder.trainable_variables} < own


def test_a_patch_is_found_again():
    keys = floats(2, 6, 8)
    keys /= np.linalg.norm(keys, axis=-1, keepdims=True)
    right = float(patch_loss(keys, keys, 0.07))
    wrong = float(patch_loss(np.roll(keys, 1, axis=1), keys, 0.07))
    similar = keys @ keys.transpose(0, 2, 1) / 0.07
    expected = -np.mean([np.log(np.exp(s[i, i]) / np.exp(s[i]).sum()) for s in similar for i in range(6)])
    assert right == pytest.approx(expected, rel=1e-3)
    assert right < 0.1 < wrong


def test_structural_similarity():
    """Of constant images only the first quotient counts, which can be told by hand (Wang et al. 2004, equation 6)."""
    images = random_images(2)
    np.testing.assert_allclose(structural_similarity(images, images), 1)
    dark, light = (np.full((1, 16, 16, 1), value, np.uint8) for value in (50, 100))
    low = (0.01 * 255) ** 2
    assert structural_similarity(dark, light)[0] == pytest.approx((2 * 50 * 100 + low) / (50**2 + 100**2 + low))
    found = structural_similarity(images, 255 - images)
    assert (found < -0.8).all()


def test_history_gives_back_what_it_was_given():
    history = History(4, (1, 1, 1))
    seen = []
    for step in range(40):
        images = np.full((2, 1, 1, 1), step, np.float32)
        found = ops.convert_to_numpy(history(images, floats(2, 2, seed=step))).ravel()
        assert set(found) <= {step, *range(max(0, step - 2), step)}
        seen += list(found == step)
    assert 0.3 < np.mean(seen) < 0.7
    assert int(history.count) == 80


def test_jitter_moves_reflects_and_mirrors():
    images = np.arange(10, dtype=np.float32)[None, None, :, None].repeat(400, axis=0).repeat(4, axis=1)
    noise = floats(400, 3)
    still = ops.convert_to_numpy(Jitter(0, mirror=False)(images, noise))
    np.testing.assert_array_equal(still, images)
    moved = ops.convert_to_numpy(Jitter(0.2, mirror=False)(images, noise))[:, 0, :, 0]
    assert {tuple(row[:3].astype(int)) for row in moved} == {(0, 1, 2), (1, 2, 3), (2, 3, 4), (1, 0, 1), (2, 1, 0)}
    both = ops.convert_to_numpy(Jitter(0, mirror=True)(images, noise))[:, 0, :, 0]
    assert 0.4 < (both[:, 0] == 9).mean() < 0.6
    np.testing.assert_array_equal(np.sort(both), np.arange(10)[None].repeat(400, 0))


def test_pairs_are_moved_alike_and_others_are_not():
    for paired in (True, False):
        images = random_images()
        source = domain_source("x", {"a": images, "b": images}, paired=paired)
        prepared = PreparedDomains(source.spec, 0.2, mirror=True)
        rows = source.batches(8).starting_at(0, prepared.draws)[0]
        rows["1/image"] = rows["0/image"]
        batch = prepared({name: ops.convert_to_tensor(array) for name, array in rows.items()})
        alike = np.array_equal(ops.convert_to_numpy(batch["0/real"]), ops.convert_to_numpy(batch["1/real"]))
        assert alike == paired


def test_the_learning_rate_ends_at_zero():
    rate = ConstantThenLinear(0.4, 0.5, 100)
    found = [float(rate(step)) for step in (0, 50, 75, 100, 120)]
    assert found == pytest.approx([0.4, 0.4, 0.2, 0, 0])


@pytest.mark.parametrize(
    ("name", "more"),
    [
        pytest.param("pix2pix", {"augment": "diffaugment", "constant_share": 0.5}, marks=ONCE),
        ("cyclegan", {"history": 8, "identity": 0.0}),
        pytest.param("cut", {"blocks": 1}, marks=ONCE),
    ],
)
def test_recipes_train_resume_and_can_be_shared(name, more):
    check_recipe(name, SMALL.get(name, SMALL_CUT) | more, shapes=((8, 8, 3),))


@ONCE
def test_pairs_become_each_other(tmp_path):
    source = inverted()
    options = {"width": 8, "discriminator_width": 4, "images": 1600, "tick_images": 800, "learning_rate": 4e-3}
    run = train(source, recipe="pix2pix", run=tmp_path / "run", options=options, **QUIET)
    dark, light = (source.examples[f"{place}/image"] for place in (0, 1))
    before = np.abs(dark.astype(int) - light).mean()
    bundle = run_bundle(run)
    assert bundle.ways == {"light": "dark"}
    made = bundle.translate(dark)
    assert np.abs(made.astype(int) - light).mean() < before / 3
    # Any size; what is seen after every tick; the card says what it is.
    assert bundle.translate(random_images(1, 13, 21, 1)).shape == (1, 13, 21, 1)
    with Image.open(run.samples / "tick-00002.png") as picture:
        assert picture.width > 3 * picture.height / 2
    assert "A translator of grayscale images between dark and light" in (run.bundle / "card.md").read_text()
    assert json.loads((run.folder / "recipe.json").read_text())["spec"]["domains"] == ["dark", "light"]


def run_bundle(run):
    return load(run.folder)


@pytest.fixture(scope="module")
def cycle_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycle")
    source = domain_source("x", {"ink": random_images(8, 8, 8, 1), "oil": random_images(6, 8, 8, 1, seed=1)})
    options = SMALL["cyclegan"] | {"images": 16, "tick_images": 8, "batch_size": 4}
    return train(source, recipe="cyclegan", run=folder / "run", options=options, **QUIET)


@ONCE
def test_both_ways(cycle_run):
    bundle = run_bundle(cycle_run)
    assert bundle.ways == {"oil": "ink", "ink": "oil"}
    images = random_images(3, 9, 12, 1)
    there, back = bundle.translate(images, "oil"), bundle.translate(images, "ink")
    np.testing.assert_array_equal(bundle.translate(images), there)
    assert not np.array_equal(there, back)
    np.testing.assert_array_equal(bundle.translate(images[1:2]), there[1:2])
    assert bundle.translate(images[:0]).shape == (0, 9, 12, 1)
    for words, arguments in {
        "no domain `ol`. Did you mean `oil`": (images, "ol"),
        r"uint8 of shape \(n, height, width, 1\). Received: uint8, \(3, 9, 12, 3\)": (images.repeat(3, -1),),
        "Received: float64": (images / 255,),
        "at least 2 pixels a side. Received: 1x12": (images[:, :1],),
    }.items():
        with pytest.raises(UsageError, match=words):
            bundle.translate(*arguments)


@ONCE
def test_files_keep_their_names_and_sizes(cycle_run, tmp_path):
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    for name, size in {"a.png": (10, 12), "b.jpg": (10, 12), "deep/c.gif": (20, 9)}.items():
        Image.fromarray(random_images(1, *size)[0]).save(photos / name)
    done = []
    out = translate(cycle_run.folder, photos, out=tmp_path / "out", progress=lambda *news: done.append(news))
    found = {str(path.relative_to(out)): path for path in out.rglob("*.*")}
    assert sorted(found) == ["a.png", "b.jpg", "deep/c.png"]
    assert Image.open(found["deep/c.png"]).size == (9, 20)
    assert done[-1] == ("translating", 3, 3)
    expected = run_bundle(cycle_run).translate(np.asarray(Image.open(photos / "a.png").convert("L"))[None, ..., None])
    np.testing.assert_array_equal(np.asarray(Image.open(found["a.png"])), expected[0, ..., 0])
    one = translate(cycle_run.folder, photos / "a.png", to="ink", out=tmp_path / "one.webp")
    assert one == tmp_path / "one.webp"
    assert one.exists()
    assert translate(cycle_run.folder, photos / "a.png") == cycle_run.folder / "translated" / "a.png"


@ONCE
def test_of_pairs_side_by_side_one_half_is_translated(cycle_run, tmp_path):
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    images = random_images(4, 8, 16, 1)
    for place, image in enumerate(images):
        Image.fromarray(image[..., 0]).save(pairs / f"{place}.png")
    options = SMALL["pix2pix"] | {"images": 4, "batch_size": 4, "to": "left"}
    run = train(pairs, recipe="pix2pix", run=tmp_path / "run", options=options, **QUIET)
    out = translate(run.folder, pairs, out=tmp_path / "out", pairs=True)
    expected = run_bundle(run).translate(images[:, :, 8:])
    np.testing.assert_array_equal(np.asarray(Image.open(out / "3.png")), expected[3, ..., 0])
    assert Image.open(translate(run.folder, pairs, out=tmp_path / "whole") / "3.png").size == (16, 8)
    with pytest.raises(UsageError, match=r"trained on pairs side by side.* a run of ink and oil"):
        translate(cycle_run.folder, pairs, pairs=True)


@ONCE
def test_what_cannot_be_translated(cycle_run, tmp_path, stripes):
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.png", "c.png"):
        Image.fromarray(random_images(1, 9, 9)[0]).save(photos / name)
    (photos / "b.png").write_bytes(b"nothing")
    Image.fromarray(random_images(1, 1, 9)[0]).save(photos / "d.png")
    with pytest.raises(DataError, match=r"2 of 4 files in .*photos could not be read as images: b.png .*The others, 2"):
        translate(cycle_run.folder, photos, out=tmp_path / "out")
    with pytest.raises(DataError, match=r"d.png could not be read .*: 1x9 pixels, at least 2 a side are needed"):
        translate(cycle_run.folder, photos / "d.png", out=tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]
    for words, arguments in {
        "would overwrite the images": {"out": photos},
        "must be a folder for several images": {"out": tmp_path / "x.png"},
        "no domain `water`": {"to": "water"},
    }.items():
        with pytest.raises(UsageError, match=words):
            translate(cycle_run.folder, photos, **arguments)
    with pytest.raises(UsageError, match="would overwrite"):
        translate(cycle_run.folder, photos / "a.png", out=photos / "a.png")
    with pytest.raises(DataError, match="does not exist"):
        translate(cycle_run.folder, tmp_path / "nowhere")
    run = train(stripes, recipe="article", run=tmp_path / "run", options={"width": 4, "images": 48}, **QUIET)
    with pytest.raises(UsageError, match=r"needs a run of two domains.* of image data"):
        translate(run.folder, photos)


def test_words_that_do_not_fit_the_data(stripes):
    pairs = inverted()
    apart = domain_source("x", {"a": random_images(), "b": random_images(6, seed=1)})
    many = domain_source("x", {name: random_images(seed=ord(name)) for name in "abc"})
    for words, name, spec, options in [
        ("pix2pix learns of pairs, and these images of a and b are none", "pix2pix", apart.spec, {}),
        ("between 2 domains. Received: 3, a, b, c", "fastcut", many.spec, {}),
        ("no domain `drak`. Did you mean `dark`", "fastcut", pairs.spec, {"to": "drak"}),
        ("is for domains data. Received: image data", "cyclegan", stripes.spec, {}),
        ("is for image data. Received: domains data", "r3gan", pairs.spec, {}),
        (
            "`history` must be 0 or at least `batch_size`, 4. Received: history=2",
            "cyclegan",
            apart.spec,
            {"history": 2},
        ),
    ]:
        with pytest.raises(UsageError, match=words):
            find_recipe(name).build(spec, **options)


@ONCE
def test_the_other_way_and_what_is_chosen(tmp_path):
    said = []
    options = {"width": 4, "discriminator_width": 4, "images": 32, "tick_images": 32, "to": "dark"}
    run = train(inverted(), run=tmp_path / "run", options=options, say=said.append)
    assert run.record.recipe == "pix2pix"
    assert run_bundle(run).ways == {"dark": "light"}
    assert "light becomes dark." in said


def test_a_mirrored_image_is_turned_before_and_after():
    """A generator that knows left from right is caught; one that does not is not."""
    generator = resnet_generator((8, 8, 1), width=2, blocks=2)
    encoder = encoder_of(generator)
    aims = Contrastive(
        generator,
        patch_discriminator((8, 8, 1), width=2),
        LOSSES["least_squares"],
        encoder=encoder,
        projector=lambda x: x,
        ends=(0, 1),
        closeness=1.0,
        identity=0.0,
        num_patches=4,
        temperature=0.07,
        equivariant=True,
    )
    images = floats(2, 8, 8, 1)
    noise = np.array([[3.0], [-3.0]], np.float32)
    shown = ops.convert_to_numpy(aims._turned(images, {"turned": noise}))
    np.testing.assert_array_equal(shown[0], images[0, :, ::-1])
    np.testing.assert_array_equal(shown[1], images[1])
    assert aims.draws["turned"] == (1,)
