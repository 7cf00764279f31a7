"""The way of a user: train, look, sample, evaluate; the examples; and bundles of the real recipes."""

import importlib.util
import json
import pathlib
import runpy
import shutil
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import sparring
from conftest import ONCE
from sparring.applications.evaluating.evaluate import compare
from sparring.applications.evaluating.image_figures import Side
from sparring.applications.evaluating.image_figures import compare as measure_all
from sparring.applications.sample import sample
from sparring.bundle.images import ImageBundle
from sparring.errors import BundleError, DataError, UsageError
from sparring.metrics.copies import nearest_images
from sparring.metrics.neighbours import share_near
from sparring.metrics.recognition import fit_classifier, recognised

pytestmark = pytest.mark.xdist_group("applications")  # What its tests share is made once.

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"
TINY = {"width": 4, "latent_dim": 4, "tick_images": 720}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two ticks on the real digits, and what it said."""
    said = []
    folder = tmp_path_factory.mktemp("runs") / "digits"
    options = {**TINY, "images": 1438, "batch_size": 64}
    run = sparring.train("digits", recipe="dcgan", run=folder, options=options, say=said.append)
    return run, said


@pytest.fixture
def copied(trained, tmp_path):
    return pathlib.Path(shutil.copytree(trained[0].folder, tmp_path / "run"))


def test_a_run_leaves_what_one_looks_for(trained):
    run, said = trained
    left = {path.name for path in run.folder.iterdir()}
    expected = {"recipe.json", "log.jsonl", "samples", "state", "bundle", "grid.png", "curves.png", "training.gif"}
    assert left - {".lock"} == expected
    assert Image.open(run.folder / "training.gif").n_frames == len(list((run.folder / "samples").iterdir())) == 2
    lines = [json.loads(line) for line in (run.folder / "log.jsonl").read_text().splitlines()]
    assert [line["images"] for line in lines] == [704, 1408]
    assert {"discriminator_loss", "generator_loss", "real_score", "fake_score", "images_per_second"} <= set(lines[0])
    assert said[0] == "digits: 1,438 images of 8x8x1, 10 classes, 359 more held out."


@ONCE
def test_the_recipe_is_chosen_with_a_reason(tmp_path, stripes):
    said = []
    options = {"images": 48, "width": 4, "latent_dim": 4}
    run = sparring.train(stripes, run=tmp_path / "run", options=options, say=said.append)
    assert run.record.recipe == "r3gan"
    assert any(line.startswith("Recipe r3gan: ") for line in said)
    assert any(line.startswith("gamma is ") for line in said)


def test_jax_on_a_cpu_advises_tensorflow(trained):
    advised = any("JAX on a CPU" in line for line in trained[1])
    assert advised == (keras.config.backend() == "jax" and not sparring.backend.accelerated())


def test_load_and_sample(trained):
    bundle = sparring.load(trained[0].folder)
    images = bundle.sample(5, seed=3, labels=["7", 2], truncation=0.8)
    assert (images.shape, images.dtype) == ((5, 8, 8, 1), np.uint8)
    again = sparring.load(trained[0].folder / "bundle").sample(5, seed=3, labels=["7", 2], truncation=0.8)
    np.testing.assert_array_equal(images, again)


@pytest.mark.parametrize("recipe", ["article", "dcgan"])
def test_what_is_loaded_is_what_was_trained(recipe, stripes, tmp_path):
    options = {"images": 96, "width": 4, "latent_dim": 4, "batch_size": 8}
    run = sparring.train(stripes, recipe=recipe, run=tmp_path / "run", options=options, say=str)
    record = sparring.load(run.folder).record
    game = sparring.find_recipe(recipe).build(record.spec, **record.options)
    game.compile()
    run.checkpoints.restore(game)
    last = sparring.load(run.last if run.last.exists() else run.folder)
    np.testing.assert_array_equal(run.snapshot(game).sample(4), last.sample(4))


def test_sample_writes_what_is_asked(copied, tmp_path):
    assert sample(copied, n=4) == copied / "samples.png"
    assert sample(copied, n=3, interpolate=6) == copied / "walk.gif"
    assert Image.open(copied / "walk.gif").n_frames == 6
    arrays = np.load(sample(copied, n=5, labels=["1"], out=tmp_path / "some.npz"))
    assert arrays["images"].shape == (5, 8, 8, 1)
    assert arrays["labels"].tolist() == [1] * 5
    folder = sample(copied, n=3, labels=["4", "5"], out=tmp_path / "pictures")
    assert sorted(path.name for path in folder.iterdir()) == ["0_4.png", "1_5.png", "2_4.png"]
    with pytest.raises(UsageError, match=r"must end in \.png"):
        sample(copied, out=tmp_path / "some.jpg")
    with pytest.raises(UsageError, match="do not go together"):
        sample(copied, interpolate=4, truncation=0.5)


@ONCE
def test_evaluate_measures_and_writes(copied):
    report = sparring.evaluate(copied, n=100)
    stored = json.loads((copied / "report.json").read_text())
    assert [figure["name"] for figure in stored["figures"]] == [figure.name for figure in report.figures]
    assert report["fd"].protocol == "fd[digits-v1, n=100, ref=train]"
    assert report["fd"].floor < report["fd"].low < report["fd"].value
    assert report["recognised"].floor > 0.97
    assert [one.name for one in report.classes] == list("0123456789")
    assert "coverage is" in str(report)
    card = (copied / "bundle" / "card.md").read_text()
    assert all(figure.protocol in card for figure in report.figures)
    with pytest.raises(UsageError, match="has no figure 'fid'"):
        report["fid"]


@ONCE
def test_copies_are_looked_for_in_all_classes(copied, monkeypatch):
    monkeypatch.setattr("sparring.applications.evaluating.image_judge.COPIES_LIMIT", 20)
    asked = []
    render = ImageBundle.render

    def noting(bundle, latents, labels=None):
        asked.append(labels)
        return render(bundle, latents, labels)

    monkeypatch.setattr(ImageBundle, "render", noting)
    assert sparring.evaluate(copied, n=100)["memorised"].n == 20
    as_they_come = [labels for labels in asked if len(labels) == 12][-1]
    assert set(as_they_come) == set(range(10))


@ONCE
def test_the_page_holds_all_it_shows(copied):
    sparring.evaluate(copied, n=100)
    page = (copied / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2 + 2 * 2 * 12 + 1
    assert "<script" not in page
    assert "http" not in page
    for heading in ("Figures", "Samples and real images", "Class by class", "Copies?", "While it trained", "Protocol"):
        assert f"<h2>{heading}</h2>" in page


@ONCE
def test_names_on_a_page_are_no_markup(copied, tmp_path):
    folder = copied.rename(tmp_path / "<b>&run")
    sparring.evaluate(folder, n=100)
    page = (folder / "report.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;run" in page


@ONCE
def test_evaluate_without_classes_or_held_out_images(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), np.uint8)
    options = {"images": 48, "width": 4, "latent_dim": 4}
    run = sparring.train(images, recipe="dcgan", run=tmp_path / "run", options=options, say=str)
    report = sparring.evaluate(run.folder, data=images, every=True)
    names = [figure.name for figure in report.figures]
    assert report.n == 100
    assert report.extractor.startswith("random")
    assert not report.classes
    assert {"fd", "kd", "recall", "memorised"} <= set(names)
    assert not {"fid", "recognised", "label_kl", "diversity"} & set(names)
    assert "No real images are held out" in str(report)
    assert "to be trusted" in report["fd"].warning


def test_only_the_network_of_fid_gives_figures_that_name():
    random = np.random.default_rng(0)
    real, fake = (Side(random.normal(size=(200, 4)), random.dirichlet(np.ones(3), 200), None) for _ in range(2))
    published = {"fid", "kid", "mind", "is"}
    for extractor, expected in (("inception-2015", published), ("own-01234567-v1-0000", set())):
        figures = measure_all(real, fake, extractor, 0, True, 0, "train", lambda *_: None)
        assert {figure.name for figure in figures} & published == expected


@ONCE
def test_runs_are_compared_on_the_same_data_only(copied, tmp_path, stripes):
    other = pathlib.Path(shutil.copytree(copied, tmp_path / "other"))
    reports = compare([copied, other], n=100, out=tmp_path / "both")
    assert [report.run for report in reports] == ["run", "other"]
    assert reports[0]["fd"] == reports[1]["fd"]
    assert len(json.loads((tmp_path / "both" / "report.json").read_text())["runs"]) == 2
    assert not (copied / "report.json").exists()
    options = {"images": 48, "width": 4, "latent_dim": 4}
    strange = sparring.train(stripes, recipe="dcgan", run=tmp_path / "strange", options=options, say=str)
    with pytest.raises(DataError, match="only runs on the same data can be compared"):
        compare([copied, strange.folder], out=tmp_path / "both")


def test_what_cannot_be_evaluated_is_refused(copied):
    with pytest.raises(DataError, match="not what the run was trained on"):
        sparring.evaluate(copied, data=np.random.default_rng(0).integers(0, 255, (20, 8, 8, 1), dtype=np.uint8))
    with pytest.raises(UsageError, match="at least 100"):
        sparring.evaluate(copied, n=20)
    with pytest.raises(UsageError, match="Did you mean `random`"):
        sparring.evaluate(copied, n=100, extractor="randon")


def test_copies_are_found():
    data = sparring.open_source("digits")
    training, held_out = data.examples["image"], data.held_out["image"]
    usual = nearest_images(held_out, training).distances
    copies = nearest_images(training[50:100], training)
    np.testing.assert_array_equal(copies.rows, np.arange(50, 100))
    assert share_near(copies.distances, usual).value == 1
    assert share_near(usual, usual).value < 0.02
    others = nearest_images(training[50:100], training, np.arange(50, 100))
    assert (others.rows != np.arange(50, 100)).all()
    assert others.distances.min() > 0


def test_samples_of_real_digits_are_recognised():
    data = sparring.open_source("digits")
    classifier = fit_classifier(data.examples["image"], data.examples["label"])
    images, labels = data.held_out["image"], data.held_out["label"]
    assert recognised(classifier, images, labels).value > 0.97
    assert recognised(classifier, images, (labels + 1) % 10).value < 0.03


def tampered(folder, **options):
    path = folder / "bundle" / "bundle.json"
    sheet = json.loads(path.read_text())
    sheet["record"]["options"] |= options
    path.write_text(json.dumps(sheet))
    return folder


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width": 4096, "latent_dim": 4096}, "more than `max_parameters`"),
        ({"width": 8}, "does not fit its recipe"),
        ({"width": 10**9}, "less than or equal to 4096"),
        ({"width": "wide"}, "must be int"),
        ({"depth": 3}, "has no option `depth`"),
    ],
)
def test_a_bundle_cannot_ask_for_more_than_it_is(copied, options, words):
    with pytest.raises(BundleError, match=words):
        sparring.load(tampered(copied, **options))


def test_a_bundle_cannot_name_somebody_s_code(copied, tmp_path):
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef evil(spec) -> object:\n    pass\n")
    path = copied / "bundle" / "bundle.json"
    sheet = json.loads(path.read_text())
    for name in (f"{tmp_path}/evil.py:evil", "os:system", "sparring.applications.train:train", "no_such_recipe"):
        path.write_text(json.dumps(sheet | {"record": sheet["record"] | {"recipe": name}}))
        with pytest.raises(BundleError):
            sparring.load(copied)
    assert not (tmp_path / "ran").exists()


@ONCE
def test_the_example_of_an_own_recipe(stripes, tmp_path):
    recipe = f"{EXAMPLES / 'own_recipe.py'}:least_squares"
    run = sparring.train(stripes, recipe=recipe, run=tmp_path / "run", options={"images": 2000}, say=str)
    with pytest.raises(BundleError, match="somebody else's code"):
        sparring.load(run.folder)
    assert sparring.load(run.folder, trust=True).sample(3).shape == (3, 8, 8, 1)


def test_the_example_of_the_article(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["article.py", "digits", "2"])
    runpy.run_path(str(EXAMPLES / "article.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[-2:]] == ["Epoch 1, Discriminator Loss", "Epoch 2, Discriminator Loss"]


def test_events_for_tensorboard(stripes, tmp_path):
    pytest.importorskip("tensorboard")
    options = {"images": 96, "width": 4, "latent_dim": 4, "batch_size": 8}
    run = sparring.train(stripes, recipe="article", run=tmp_path / "run", options=options, tensorboard=True, say=str)
    assert list((run.folder / "tensorboard").rglob("events.out.tfevents.*"))


def test_tensorboard_that_is_not_there(stripes, tmp_path, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "tensorboard" else find_spec(name))
    with pytest.raises(UsageError, match=r"pip install 'sparring\[cpu,tensorboard\]'"):
        sparring.train(stripes, recipe="article", run=tmp_path / "run", tensorboard=True, say=str)
