"""What `evaluate` says of runs that translate: figures against known translations, the page, and bad questions."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from conftest import ONCE
from sparring.applications.evaluating import judges
from sparring.applications.evaluating.domain_figures import Eyes
from sparring.applications.evaluating.domain_judge import DomainJudge
from sparring.applications.evaluating.evaluate import compare, evaluate
from sparring.bundle.kinds import make_bundle
from sparring.bundle.pictures import save_folder
from sparring.bundle.record import Record
from sparring.bundle.styles import StyleBundle
from sparring.data.images.domains import domain_source
from sparring.errors import DataError, UsageError
from sparring.metrics.extractors import own
from sparring.metrics.extractors.own import OwnExtractor
from sparring.metrics.extractors.random_filters import RandomExtractor
from sparring.recipes.catalog import find_recipe

pytestmark = [pytest.mark.xdist_group("evaluate_domains"), ONCE]  # What its tests share is made once.

QUIET = {"say": lambda sentence: None}
SMALL = {
    "cut": {"width": 4, "blocks": 1, "images": 8, "batch_size": 4},
    "cyclegan": {"width": 4, "blocks": 1, "images": 8, "batch_size": 4},
}


def scenes(count, seed):
    """Squares of a random place and size on grey noise."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (count, 16, 16, 1), dtype=np.uint8)
    for image, (y, x), side in zip(
        images, random.integers(0, 10, (count, 2)), random.integers(3, 6, count), strict=True
    ):
        image[y : y + side, x : x + side] += 190
    return images


def make_source(paired, held_out=100):
    dark, test = scenes(120, 0), scenes(held_out, 1)
    light, light_test = (dark, test) if paired else (scenes(120, 2), scenes(held_out, 3))
    apart = {"dark": test, "light": 255 - light_test} if held_out else {}
    return domain_source("scenes", {"dark": dark, "light": 255 - light}, apart, paired=paired)


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """A classifier of few steps, kept for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(own, "LEAST_SEEN", 1_500)
        patch.setattr(own, "MOST_PASSES", 1)
        yield


@pytest.fixture(scope="module")
def judge_of(tmp_path_factory):
    """A judge of a source, with the classifier that its domains take."""
    folder = tmp_path_factory.mktemp("own")

    def make(source):
        images = np.concatenate([source.examples["0/image"], source.examples["1/image"]])
        labels = np.repeat([0, 1], 120)
        classifier = OwnExtractor(images, labels, fingerprint=source.fingerprint, folder=folder, **QUIET)
        extractor = RandomExtractor(images, fingerprint=source.fingerprint)
        return DomainJudge(source, Eyes(extractor, classifier), 0, lambda what, done, total: None)

    return make


def figures_of(judge, translate, n=100):
    """Values by name, those of what stands beside them, and the whole verdict, of a made-up translator."""
    bundle = SimpleNamespace(ways={"light": "dark"}, translate=lambda images, to: translate(images))
    verdict = judge.judge(bundle, n, 1, "made up")
    values = {figure.name.removesuffix(" to light"): figure for figure in verdict.figures}
    beside = {
        way: {figure.name.removesuffix(" to light"): figure.value for figure in figures}
        for way, figures in verdict.beside.items()
    }
    return values, beside, verdict


def test_the_truth_is_best_and_nothing_done_is_worth_nothing(judge_of):
    judge = judge_of(make_source(paired=True))
    best, beside, _ = figures_of(judge, lambda images: 255 - images)
    nothing, _, _ = figures_of(judge, lambda images: images)
    assert list(best) == ["fd", "recognised", "kept", "ssim", "mae", "apart"]
    assert best["fd"].value < best["fd"].floor < 0.1 * nothing["fd"].value
    assert best["recognised"].value > 0.95 > 0.05 > nothing["recognised"].value
    assert nothing["kept"].value == pytest.approx(1)
    assert best["ssim"].value == pytest.approx(1)
    assert best["mae"].value == best["apart"].value == 0
    for name, figure in nothing.items():
        assert figure.value == pytest.approx(beside["untranslated"][name])
    assert beside["real"]["mae"] == 0 < beside["mean image"]["mae"] < beside["untranslated"]["mae"]
    assert beside["mean image"]["kept"] < 0.01


def test_without_pairs_another_picture_of_the_domain_keeps_nothing(judge_of):
    source = make_source(paired=False)
    judge = judge_of(source)
    kept, beside, verdict = figures_of(judge, lambda images: 255 - images)
    others, _, _ = figures_of(judge, lambda images: 255 - scenes(len(images), 9))
    assert "ssim" not in kept
    assert others["recognised"].value > 0.9
    assert others["kept"].value < kept["kept"].low
    assert others["kept"].value == pytest.approx(beside["real"]["kept"], abs=0.15)
    assert kept["fd"].protocol == f"fd to light[random-{source.fingerprint[:8]}-v1, n=100, ref=test]"
    assert "takes 640 samples" in kept["fd"].warning
    assert list(verdict.shown[0].rows) == ["inputs", "translations", "nearest real images"]


def test_training_images_stand_in_where_none_are_held_out(judge_of):
    judge = judge_of(make_source(paired=True, held_out=0))
    values, _, _ = figures_of(judge, lambda images: 255 - images)
    assert values["fd"].protocol.endswith("n=100, ref=train]")
    assert judge.num_held_out == 0
    with pytest.raises(UsageError, match="at most 120"):
        figures_of(judge, lambda images: images, n=121)


def test_pairs_that_lack_a_part_are_refused(judge_of):
    dark = scenes(120, 0)
    apart = {"dark": dark[:10], "light": 255 - dark[:9]}
    with pytest.raises(DataError, match=r"as many test images of every domain. Received: \[10, 9\]"):
        judge_of(domain_source("scenes", {"dark": dark, "light": 255 - dark}, apart, paired=True))


class Tints(StyleBundle):
    """A translator whose styles are how far a negative is darkened."""

    ways = {"light": "dark"}

    def __init__(self, most):
        self._most = most

    def drawn(self, n, domain, seed=0):
        return np.random.default_rng(seed).integers(0, self._most, (n, 1))

    def translate(self, images, to=None, *, style=None, strength=1.0, seed=0):
        return (255 - images - np.minimum(style[:, :, None, None], 255 - images)).astype(np.uint8)


def test_styles_that_change_more_are_more_diverse(judge_of):
    judge = judge_of(make_source(paired=False))
    never, little, much = (judge.judge(Tints(most), 100, 1, "tints") for most in (1, 20, 100))
    values = [verdict.figures[-1].value for verdict in (never, little, much)]
    assert never.figures[-1].name == "style_diversity to light"
    assert values[0] == 0 < values[1] < values[2]
    assert never.figures[-1].floor == pytest.approx(1, abs=0.25)
    assert list(much.shown[0].rows) == ["inputs", "translations", "in other styles", "nearest real images"]


@pytest.fixture(scope="module")
def unpaired():
    return make_source(paired=False)


@pytest.fixture(scope="module")
def bundle_of(unpaired, tmp_path_factory):
    """The folder of a translator of unpaired scenes that has learnt nothing, by its recipe."""
    folder = tmp_path_factory.mktemp("evaluated")

    def make(recipe):
        if not (folder / recipe).exists():
            found = find_recipe(recipe)
            record = Record(
                recipe=recipe,
                options=found.check(SMALL[recipe]),
                spec=unpaired.spec,
                seed=0,
                source=unpaired.name,
                fingerprint=unpaired.fingerprint,
                version="0",
            )
            keras.utils.set_random_seed(0)
            make_bundle(record, found.build(unpaired.spec, **SMALL[recipe]).average.copies).save(folder / recipe, "")
        return folder / recipe

    return make


def test_a_run_is_measured_with_report_page_and_card(bundle_of, unpaired):
    run = bundle_of("cyclegan")
    report = evaluate(run, data=unpaired, n=100)
    names = ["fd", "recognised", "kept"]
    assert [figure.name for figure in report.figures] == [f"{n} to {d}" for d in ("light", "dark") for n in names]
    written = json.loads((run / "report.json").read_text())
    assert list(written["beside"]) == ["untranslated", "mean image", "real"]
    page = (run / "report.html").read_text()
    assert "<h2>To light</h2>" in page
    assert "inputs, translations, nearest real images" in page
    assert page.count("data:image/png") >= 2
    assert "; untranslated " in (run / "card.md").read_text()
    assert "untranslated: the inputs as they are" in str(report)


def test_runs_are_compared_in_what_they_have_in_common(bundle_of, unpaired, tmp_path):
    folders = [bundle_of("cyclegan"), bundle_of("cut")]
    both, one = compare(folders, data=unpaired, n=100, out=tmp_path)
    assert [figure.name for figure in both.figures] == ["fd to light", "recognised to light", "kept to light"]
    assert [figure.protocol for figure in both.figures] == [figure.protocol for figure in one.figures]
    page = (tmp_path / "report.html").read_text()
    assert "Translations by cyclegan" in page
    assert "Translations by cut" in page


def test_other_data_than_the_run_learned_end_in_a_sentence(bundle_of, unpaired, tmp_path):
    folder = bundle_of("cut")
    with pytest.raises(DataError, match="of the domains dark, light: say where they lie with --data"):
        evaluate(folder, n=100)
    for name, images in (("dark", scenes(10, 5)), ("other", scenes(10, 6))):
        save_folder(images, tmp_path / name)
    with pytest.raises(DataError, match=r"\(dark, other\) is not what the run was trained on \(dark, light\)"):
        evaluate(folder, data=[tmp_path / "dark", tmp_path / "other"], n=100)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        evaluate(folder, data=[tmp_path / "dark", tmp_path / "empty"], n=100)
    with pytest.raises(UsageError, match="`--all` is for images"):
        evaluate(folder, data=unpaired, n=100, every=True)


def test_too_few_images_to_tell_domains_apart_are_refused(bundle_of, unpaired, monkeypatch):
    monkeypatch.setattr(judges, "LEAST_LEARNT", unpaired.spec.num_examples * 3)
    with pytest.raises(DataError, match=r"a classifier learns the domains, from at least \d+ training images in all"):
        evaluate(bundle_of("cut"), data=unpaired, n=100)
