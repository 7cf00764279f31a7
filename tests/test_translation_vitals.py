"""A look at translations after every tick: what it rewards, what it is taken of, and which snapshot is kept for it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from conftest import ONCE, make_domains
from sparring.applications.sample import load
from sparring.applications.train import train
from sparring.data.images.domains import domain_source, set_aside
from sparring.metrics.translation import TranslationVitals, alignment
from sparring.training.callbacks import read_journal
from sparring.training.judging import judged_samples

QUIET = {"say": lambda sentence: None}


def scenes(count=120, seed=0):
    """Squares of a random place and size on grey noise, and the same in negative."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (count, 16, 16, 1), dtype=np.uint8)
    for image, (y, x), side in zip(
        images, random.integers(0, 10, (count, 2)), random.integers(3, 6, count), strict=True
    ):
        image[y : y + side, x : x + side] += 190
    return images, 255 - images


@ONCE
def test_of_pairs_the_truth_is_best_and_blur_is_not_rewarded():
    dark, light = scenes()
    judge = TranslationVitals({"dark": dark, "light": light}, paired=True)

    def merit(images):
        return judge({("dark", "light"): images})[judge.name]

    blurred = gaussian_filter(light.astype(float), (0, 2, 2, 0)).astype(np.uint8)
    mean = np.repeat(light.mean(axis=0, keepdims=True).astype(np.uint8), len(light), axis=0)
    others = np.roll(light, 1, axis=0)
    merits = [merit(images) for images in (light, blurred, mean, dark)]
    assert merits[0] < 1e-6
    assert merits == sorted(merits)
    # Pictures of the domain that show something else are worse than the truth, though as a whole they are the same.
    found = judge({("dark", "light"): others})
    assert found["fd"] < 1e-6 < 0.1 < found[judge.name]
    # The mean is nearer to the truth than another picture is; the spread it lacks counts against it.
    flat = judge({("dark", "light"): mean})
    assert flat["apart"] < found["apart"]
    assert flat["fd"] > 0.5


@ONCE
def test_without_pairs_content_is_to_be_kept():
    (dark, _), (_, light) = scenes(), scenes(seed=1)
    judge = TranslationVitals({"dark": dark, "light": light})

    def figures(images):
        return judge({("dark", "light"): images})

    true, copied, any_of_it = figures(255 - dark), figures(dark), figures(light)
    assert true["kept"] > 0.9
    assert true[judge.name] < copied[judge.name] / 10
    assert any_of_it["fd"] < true["fd"]
    assert any_of_it["kept"] < true["kept"] / 2
    assert "apart" not in true
    # A mean of both ways.
    both = judge({("dark", "light"): dark, ("light", "dark"): light})
    back = judge({("light", "dark"): light})
    assert both["fd"] == pytest.approx((copied["fd"] + back["fd"]) / 2, rel=1e-4)


@ONCE
def test_alignment_is_blind_to_rotation_and_scale():
    random = np.random.default_rng(0)
    features = random.normal(size=(100, 4))
    turned = 3 * features @ np.linalg.qr(random.normal(size=(4, 4)))[0] + 1
    assert alignment(features, turned) == pytest.approx(1)
    assert alignment(features, random.normal(size=(100, 4))) < 0.1
    assert alignment(features, np.ones((100, 4))) == 0


@ONCE
def test_pairs_are_set_aside_where_there_are_many():
    dark, light = scenes(250)
    source = domain_source("x", {"dark": dark, "light": light}, paired=True)
    rest, aside = set_aside(source)
    assert len(aside["0/image"]) == len(aside["1/image"]) == 25
    assert len(rest.examples["0/image"]) == len(rest.examples["1/image"]) == 225
    np.testing.assert_array_equal(aside["1/image"], 255 - aside["0/image"])
    apart = {image.tobytes() for image in aside["0/image"]}
    assert not apart & {image.tobytes() for image in rest.examples["0/image"]}
    assert set_aside(make_domains(8, 8, 1, paired=True))[1] == {}
    assert set_aside(domain_source("x", {"dark": dark, "light": light}))[1] == {}


@ONCE
def test_the_bundle_is_the_best_snapshot(tmp_path):
    source = make_domains(8, 8, 1, paired=True)
    options = {"width": 4, "discriminator_width": 4, "images": 32, "tick_images": 16, "batch_size": 8}
    run = train(source, recipe="pix2pix", run=tmp_path / "run", options=options, **QUIET)
    domains = {name: source.examples[f"{place}/image"] for place, name in enumerate(source.spec.domains)}
    judge = TranslationVitals(domains, paired=source.spec.paired)
    bundle = load(run.folder)
    values = [line[judge.name] for line in read_journal(run.journal)]
    assert (bundle.snapshot.figure, bundle.snapshot.value) == (judge.name, min(values))
    assert judge(judged_samples(judge, bundle))[judge.name] == pytest.approx(bundle.snapshot.value, rel=1e-3)
