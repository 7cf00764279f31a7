"""Style transfer: networks, references, the bundle and the verb."""

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image, ImageSequence

from conftest import ONCE, store_untrained
from sparring.applications.sample import load
from sparring.applications.stylize import stylize
from sparring.applications.translate import translate
from sparring.bundle.films import writing_film
from sparring.bundle.pictures import picture
from sparring.bundle.styles import StyleBundle
from sparring.data.images.domains import domain_source
from sparring.errors import DataError, UsageError
from sparring.layers.adaptive import StyleAffine
from sparring.networks.styled import domain_discriminator, mapping_network, style_generator
from sparring.objectives.styled import choose
from sparring.recipes.catalog import find_recipe
from sparring.testing import check_recipe
from sparring.training.looks import SampleTranslations
from sparring.training.schedules import Adam

pytestmark = pytest.mark.xdist_group("styles")  # What its tests share is made once.

SMALL = {"width": 2, "most_width": 4, "blocks": 1, "style_dim": 4, "latent_dim": 3, "mapping_width": 8}
DOMAINS = ("ink", "oil", "wax")


def random_images(count=8, height=8, width=8, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def floats(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def test_a_style_moves_the_statistics_of_features():
    layer, x, affine = StyleAffine(), floats(2, 8, 8, 4), floats(2, 8)
    np.testing.assert_allclose(ops.convert_to_numpy(layer([x, np.zeros((2, 8), np.float32)])), x, atol=1e-6)
    made = ops.convert_to_numpy(layer([x, affine]))
    gain, bias = np.split(affine, 2, axis=1)
    np.testing.assert_allclose(made.mean((1, 2)), x.mean((1, 2)) * (1 + gain) + bias, atol=1e-5)


@ONCE
def test_a_generator_keeps_any_size_and_hears_the_style():
    generator = style_generator((16, 16, 3), width=2, most_width=4, blocks=1, style_dim=4, details=True)
    images, styles = floats(1, 9, 21, 3), floats(2, 4)
    made = [ops.convert_to_numpy(generator([images, style[None]])) for style in styles]
    assert made[0].shape == images.shape
    assert np.abs(made[0]).max() <= 1
    assert np.abs(made[0] - made[1]).max() > 1e-3


@ONCE
@pytest.mark.parametrize("details", [True, False])
def test_the_finest_pattern_reaches_what_is_made_by_details_alone(details):
    keras.utils.set_random_seed(0)
    generator = style_generator((16, 16, 3), width=4, most_width=8, blocks=1, style_dim=4, details=details)
    images, styles = floats(1, 16, 16, 3), floats(1, 4)
    board = (-1.0) ** np.indices((16, 16)).sum(0)[None, :, :, None]
    plain, patterned = (ops.convert_to_numpy(generator([x, styles])) for x in (images, images + 0.1 * board))
    change = (patterned - plain).astype(np.float64)
    share = np.abs((change * board).mean((0, 1, 2))).mean() / np.abs(change).mean()
    assert share > 0.3 if details else share < 0.1


def test_every_domain_has_a_head_of_its_own():
    keras.utils.set_random_seed(0)  # In networks as narrow as these all may be silent.
    judge = domain_discriminator((8, 8, 1), 3, width=8, most_width=8)
    mapping = mapping_network(3, latent_dim=2, style_dim=4, width=16)
    labels = np.eye(3, dtype=np.float32)
    scores = ops.convert_to_numpy(judge([np.repeat(floats(1, 8, 8, 1), 3, axis=0), labels]))
    styles = ops.convert_to_numpy(mapping([np.repeat(floats(1, 2), 3, axis=0), labels]))
    assert scores.shape == (3, 1)
    assert len(np.unique(scores)) == 3
    assert len(np.unique(styles, axis=0)) == 3


def test_references_are_of_the_target_and_never_the_content():
    count, domains = 64, 3
    stack = np.arange(count * domains, dtype=np.float32).reshape(count, domains, 1, 1, 1)
    found = choose(ops.convert_to_tensor(stack), {"from": floats(count, 1), "to": floats(count, 1, seed=1)})
    found = {name: ops.convert_to_numpy(value) for name, value in found.items()}
    rows = {name: found[name].ravel() // domains for name in ("real", "reference", "other_reference")}
    np.testing.assert_array_equal(rows["real"], np.arange(count))
    np.testing.assert_array_equal(found["real"].ravel() % domains, found["condition"].argmax(1))
    for name in ("reference", "other_reference"):
        np.testing.assert_array_equal(found[name].ravel() % domains, found["target"].argmax(1))
        assert (rows[name] != rows["real"]).all()
        np.testing.assert_array_equal(rows[name] // 4, rows["real"] // 4)
    assert (rows["reference"] != rows["other_reference"]).all()
    assert set(found["target"].argmax(1)) == set(found["condition"].argmax(1)) == {0, 1, 2}


def test_variables_may_learn_at_their_own_pace():
    variables = [keras.Variable(np.ones(3, np.float32)) for _ in range(2)]
    optimizer = Adam(0.1, shares=(1.0, 0.01))
    optimizer.build(variables)
    optimizer.apply([ops.ones(3), ops.ones(3)], variables)
    fast, slow = (1 - ops.convert_to_numpy(variable) for variable in variables)
    np.testing.assert_allclose(slow, fast / 100, rtol=1e-3)


@ONCE
def test_the_recipe_trains_resumes_and_can_be_shared():
    check_recipe("stargan_v2", SMALL, shapes=((8, 8, 3),))


def store(recipe, options, names, folder):
    """A bundle of a recipe as it is before any training, stored in `folder`; returns the folder and the data."""
    source = domain_source("x", {name: random_images(8 + k, seed=k) for k, name in enumerate(names)})
    return store_untrained(recipe, options, source, folder), source


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return store("stargan_v2", SMALL, DOMAINS, tmp_path_factory.mktemp("styles"))


@pytest.fixture(scope="module")
def folder(stored):
    return stored[0]


@pytest.fixture
def files(tmp_path):
    for name, count, seed in (("contents", 2, 5), ("references", 3, 6)):
        (tmp_path / name).mkdir()
        for place, image in enumerate(random_images(count, 10, 14, seed=seed)):
            Image.fromarray(image).save(tmp_path / name / f"{place}.png")
    return tmp_path


@ONCE
def test_a_look_gives_every_image_a_style_of_its_own(folder):
    bundle = load(folder)
    images = random_images(3)
    found = bundle.look(2, seed=1, labels=dict.fromkeys(bundle.spec.domains, images))
    assert {target: source for source, target in found} == bundle.ways
    for (_, target), made in found.items():
        expected = bundle.translate(images[:2], target, style=bundle.drawn(2, target, seed=1))
        np.testing.assert_array_equal(made, expected)


@ONCE
def test_a_bundle_takes_a_reference_or_draws_a_style(folder):
    bundle = load(folder)
    assert isinstance(bundle, StyleBundle)
    images, references = random_images(3, 9, 13), random_images(3, seed=7)
    drawn = bundle.translate(images, "wax", seed=1)
    assert drawn.shape == images.shape
    np.testing.assert_array_equal(drawn, bundle.translate(images, "wax", seed=1))
    assert not np.array_equal(drawn, bundle.translate(images, "wax", seed=2))
    assert bundle.target() == "oil"
    each = bundle.translate(images, "ink", style=references)
    np.testing.assert_array_equal(each[1:2], bundle.translate(images[1:2], "ink", style=references[1]))
    assert bundle.translate(images[:0], "ink", style=references[0]).shape == (0, 9, 13, 3)
    assert set(bundle.guess(references)) <= set(DOMAINS)


@ONCE
def test_strength_leads_from_the_own_style_to_the_references(folder):
    bundle = load(folder)
    images, reference = random_images(2), random_images(1, seed=7)[0]
    own = bundle.translate(images, style=bundle.styles(images))
    np.testing.assert_array_equal(bundle.translate(images, "wax", style=reference, strength=0), own)
    whole, half = (bundle.translate(images, "wax", style=reference, strength=s) for s in (1, 0.5))
    assert not np.array_equal(whole, own)
    assert not np.array_equal(half, own)
    assert not np.array_equal(half, whole)


@ONCE
def test_what_a_style_cannot_be(folder):
    bundle = load(folder)
    images = random_images(2)
    for words, options in {
        "no domain `oyl`. Did you mean `oil`": {"to": "oyl"},
        r"`strength` must be from 0 to 1. Received: strength=2": {"strength": 2},
        r"uint8 of shape \(n, 8, 8, 3\). Received: uint8, \(1, 9, 9, 3\)": {"style": random_images(1, 9, 9)[0]},
        "one reference, or one for each of the 2 images. Received: 3": {"style": random_images(3), "to": "ink"},
    }.items():
        with pytest.raises(UsageError, match=words):
            bundle.translate(images, **options)
    spec = domain_source("x", {name: random_images(seed=k) for k, name in enumerate("ab")}).spec
    with pytest.raises(UsageError, match="`batch_size` must be a multiple of 4 on each device"):
        find_recipe("stargan_v2").build(spec, batch_size=6)


@ONCE
def test_files_in_a_style(folder, files):
    one = stylize(folder, files / "contents/0.png", files / "references/1.png", to="wax", out=files / "n.png")
    content, reference = (np.asarray(Image.open(files / name)) for name in ("contents/0.png", "references/1.png"))
    made = np.asarray(Image.open(one))
    assert made.shape == content.shape == reference.shape
    assert not np.array_equal(made, content)
    many = stylize(folder, files / "contents", files / "references/1.png", to="wax", out=files / "many")
    assert sorted(path.name for path in many.iterdir()) == ["0.png", "1.png"]
    (files / "references").rename(files / "wax")  # A folder's name says what lies in it.
    matrix = stylize(folder, files / "contents", files / "wax", out=files / "matrix.png")
    side = 48 + 2  # A cell of 8 pixels is enlarged to 48, with a gap.
    assert Image.open(matrix).size == (4 * side - 2, 3 * side - 2)
    assert np.asarray(Image.open(matrix))[:40, :40].min() == 255
    assert translate(folder, files / "contents/0.png", to="ink", seed=3, out=files / "t.png").exists()


@ONCE
def test_a_clip_has_one_style(folder, tmp_path):
    frame = picture(random_images(1, 10, 14, seed=5)[0])
    with writing_film(tmp_path / "a.gif", 10) as write:
        for _ in range(18):  # More than are translated together.
            write(frame)
    path = translate(folder, tmp_path / "a.gif", to="ink", seed=1, out=tmp_path / "b.gif")
    shown = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(Image.open(path))]
    assert len(shown) == 18
    for other in shown:
        np.testing.assert_array_equal(other, shown[0])


@ONCE
def test_words_that_end_a_style_in_one_sentence(folder, files, tmp_path):
    (files / "text.png").write_bytes(b"nothing")
    good = files / "references/1.png"
    with pytest.raises(UsageError, match=r"no domain `waxx`. Did you mean `wax`"):
        stylize(folder, files / "contents", good, to="waxx")
    with pytest.raises(DataError, match=r"could not be read as an image: text.png"):
        stylize(folder, files / "contents", files / "text.png")
    with pytest.raises(UsageError, match="several references make one picture"):
        stylize(folder, files / "contents", files / "references", to="wax", out=files / "folder")
    with pytest.raises(UsageError, match=r"`to` must say which domain.* Received: 'references'"):
        stylize(folder, files / "contents", good)
    options = {"width": 2, "discriminator_width": 2, "blocks": 1, "num_patches": 4}
    other, _ = store("fastcut", options, "ab", tmp_path / "cut")
    with pytest.raises(
        UsageError, match="is of fastcut, which is trained without references; use `sparring translate`"
    ):
        stylize(other, files / "contents", good)
    with pytest.raises(UsageError, match="fastcut draws no styles: leave out `seed`"):
        translate(other, files / "contents", seed=1)


@ONCE
def test_what_is_kept_after_every_tick(stored, tmp_path):
    folder, source = stored
    SampleTranslations(tmp_path, None, 0, source.examples).keep(load(folder), tmp_path / "tick-00001")
    with Image.open(tmp_path / "tick-00001.png") as picture:
        side = 48 + 2
        assert picture.size == (7 * side - 2, 7 * side - 2)  # Two of each of three domains, and the margin.
        assert np.asarray(picture)[:40, :40].min() == 255
