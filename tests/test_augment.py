"""`augment`: no generator sees what it is judged by, what helps is found, what does not is not added."""

import json
import types

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import sparring
from conftest import ONCE, make_frame, make_stripes
from sparring.applications import fitting
from sparring.applications.augmenting import augment as module
from sparring.applications.augmenting import images as augment_images
from sparring.applications.augmenting import tables as augment_tables
from sparring.applications.augmenting.images import SmallNetwork, noisy, shifted
from sparring.applications.augmenting.rivals import between, repeated, shuffled
from sparring.applications.fitting import fit_generator, options_for
from sparring.bundle.images import ImageBundle
from sparring.bundle.tables import TableBundle
from sparring.cli import main
from sparring.data.source import open_source
from sparring.data.tables.table import table_source
from sparring.errors import DataError, UsageError
from sparring.recipes.catalog import find_recipe

TINY = {"width": 8, "latent_dim": 4, "batch_size": 16, "rows": 64, "tick_rows": 32}
SMALL = {"width": 4, "latent_dim": 4, "batch_size": 8, "images": 16, "tick_images": 8}


def line(count=200, seed=0):
    """Two numbers whose sum tells the class, with some noise, and a column that tells the row."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 2))
    positive = x.sum(axis=1) + random.normal(0, 0.7, count) > 0
    return pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "answer": np.where(positive, "yes", "no")})


def wide(count=100, seed=0):
    """Numbers of which five add up to the answer, and 55 say nothing."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 60))
    answer = x[:, :5].sum(axis=1) + random.normal(size=count)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(60)]).assign(answer=answer)


class Stand(TableBundle):
    """In the place of a generator: rows from a function of the number asked for and the seed."""

    def __init__(self, rows):
        self.rows = rows

    def sample(self, n, *, seed=0, where=None):
        frame = self.rows(n, seed)
        return frame.assign(**where) if where else frame


@pytest.fixture
def generators(monkeypatch):
    """Put a function of the training part in the place of a generator; returns the sources that were given to it."""

    def replace(made):
        seen = []

        def fit(source, recipe, options, *, judge, seed=0, callbacks=()):
            seen.append(source)
            return types.SimpleNamespace(bundle=made(source, seed))

        monkeypatch.setattr(module, "fit_generator", fit)
        return seen

    return replace


@ONCE
def test_no_generator_sees_the_rows_it_is_judged_by(generators, monkeypatch):
    """Nor does what chooses its snapshot."""
    frame, events, made = line(), [], []  # Every row is told by `a`.

    def spied_judge(source):
        assert set(source.rows["a"]) == made[-1]
        events.append(("choose", made[-1]))

    monkeypatch.setattr(module, "judge_for", spied_judge)
    generators(lambda source, seed: events.append(("learn", made[-1])) or Stand(lambda n, s: line(n, 1000 + s)))

    def spied_source(name, part, *arguments):
        made.append(set(part["a"]))
        return table_source(name, part, *arguments)

    class Spy(LogisticRegression):
        def predict(self, features):
            events.append(("score", set(features["a"])))
            return super().predict(features)

    monkeypatch.setattr(augment_tables, "table_source", spied_source)
    sparring.augment(frame, target="answer", model=Spy(), metric="accuracy", options=TINY, folds=4, repeats=2)
    learnt, splits, scores, chosen = set(), 0, 0, 0
    for kind, rows in events:
        if kind == "learn":
            learnt, splits = rows, splits + 1
        elif kind == "choose":
            chosen += 1
        else:
            assert not rows & learnt
            assert rows | learnt == set(frame["a"])
            scores += 1
    assert (splits, chosen, scores) == (8, 8, 8 * 5)


class FirstIsBest:
    """A judge who likes every look less than the one before."""

    name, num_samples, labels, floor = "mark", 20, None, 0.0

    def __init__(self):
        self.looks = 0

    def __call__(self, samples):
        self.looks += 1
        return {self.name: float(self.looks)}


@ONCE
def test_the_best_snapshot_of_each_generator_is_taken(monkeypatch):
    bundles = []

    def fit(*arguments, **named):
        bundles.append(fit_generator(*arguments, **named).bundle)
        return types.SimpleNamespace(bundle=bundles[-1])

    monkeypatch.setattr(module, "judge_for", lambda source: FirstIsBest())
    monkeypatch.setattr(module, "fit_generator", fit)
    sparring.augment(line(), target="answer", model="linear", options=TINY, folds=2, repeats=1)
    assert [(bundle.snapshot.kind, bundle.snapshot.tick) for bundle in bundles] == [("best", 1)] * 2
    assert [bundle.images_seen for bundle in bundles] == [32] * 2  # Of the 64 that were trained on.


@ONCE
def test_a_generator_that_knows_more_than_the_data_helps(generators):
    """A linear model of 60 columns learns little of 80 rows, and of as many more of the same law much."""
    generators(lambda source, seed: Stand(lambda n, s: wide(n, 1000 + s)))
    found = sparring.augment(wide(), target="answer", model="linear", options=TINY, repeats=4)
    assert found.helps, found
    assert found.sentence.startswith("Synthetic rows help: linear goes from ")
    assert not found.data["synthetic"][:100].any()
    assert found.data["synthetic"][100:].all()
    assert found.num_added == len(found.data) - 100 == 200
    pd.testing.assert_frame_equal(found.data[:100].drop(columns="synthetic"), wide())


def test_what_rows_without_sense_do_too_is_no_help(generators):
    """A tree whose leaves hold 60 rows is helped by any rows."""
    generators(lambda source, seed: Stand(lambda n, s: line(n, 1000 + s)))
    tree = DecisionTreeClassifier(min_samples_leaf=60, random_state=0)
    found = sparring.augment(line(), target="answer", model=tree, metric="roc_auc", options=TINY)
    effects = {effect.way.name: effect for effect in found.verdict.effects}
    assert effects["synthetic x2"].helps
    assert effects["shuffled columns"].helps
    assert not found.helps
    assert "no more than what is simpler" in found.sentence


@ONCE
def test_labels_that_are_noise_hurt_and_are_not_added(generators):
    def wrong(n, seed):
        frame = line(n, 1000 + seed)
        return frame.assign(answer=np.where(frame["a"] + frame["b"] > 0, "no", "yes"))

    generators(lambda source, seed: Stand(wrong))
    found = sparring.augment(line(), target="answer", model="linear", options=TINY)
    assert found.verdict.findings[0].outcome == "hurt"
    assert not found.data["synthetic"].any()
    assert len(found.data) == 200
    anyway = sparring.augment(line(), target="answer", model="linear", options=TINY, anyway=True)
    assert anyway.data["synthetic"].any()
    assert anyway.sentence == found.sentence


def test_rows_that_change_nothing_cannot_be_told_apart(generators):
    generators(lambda source, seed: Stand(lambda n, s: line(n, 1000 + s)))
    found = sparring.augment(line(), target="answer", model=DummyClassifier(), metric="roc_auc", options=TINY)
    (finding,) = found.verdict.findings
    assert (finding.outcome, finding.recommended.name) == ("no change", "nothing")
    assert set(found.scores["DummyClassifier"]["synthetic x1"]) == {0.5}


@ONCE
def test_on_the_command_line_a_table_is_written_with_its_report(tmp_path, capsys, generators):
    generators(lambda source, seed: Stand(lambda n, s: line(n, 1000 + s)))
    line().to_csv(tmp_path / "line.csv", index=False)
    settings = [word for name, value in TINY.items() for word in ("--set", f"{name}={value}")]
    words = ["--target", "answer", "--model", "linear", "--metric", "accuracy", "--anyway"]
    with pytest.raises(SystemExit) as ended:
        main.run(["augment", str(tmp_path / "line.csv"), *words, *settings, "--out", str(tmp_path / "more.csv")])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "synthetic x2" in said
    assert "Synthetic rows" in said
    written = pd.read_csv(tmp_path / "more.csv")
    assert set(written.columns) == {"a", "b", "answer", "synthetic"}
    report = json.loads((tmp_path / "more.report.json").read_text())
    assert len(report["scores"]["linear"]["synthetic x1"]) == 10
    assert report["added"]["rows"] == written["synthetic"].sum() > 0
    assert report["protocol"]["options"]["rows"] == 64
    assert [split["generator_seed"] for split in report["protocol"]["splits"]] == list(range(10))


@ONCE
def test_a_real_generator_goes_all_the_way():
    """Every kind of column, missing values among them."""
    found = sparring.augment(make_frame(120), target="paid", options=TINY, folds=2, repeats=1, anyway=True)
    assert set(found.scores) == {"linear", "boosting"}
    assert list(found.scores["linear"]) == [
        *("nothing", "class weights", "oversampling", "SMOTE", "shuffled columns"),
        *("synthetic x1", "synthetic x2", "synthetic, half balanced", "synthetic, balanced"),
    ]
    assert found.data.dtypes.drop("synthetic").equals(make_frame(120).dtypes)


@ONCE
def test_numbers_are_a_target_too(generators):
    frame = make_frame(120).dropna(subset=["hours"]).reset_index(drop=True)
    generators(lambda source, seed: Stand(lambda n, s: frame.sample(n, replace=True, random_state=s)))
    found = sparring.augment(frame, target="hours", model="boosting", options=TINY, folds=2, repeats=1)
    assert found.metric == "r2"
    assert list(found.scores["boosting"]) == ["nothing", "SMOTE", "shuffled columns", "synthetic x1", "synthetic x2"]


@ONCE
def test_the_threshold_is_tuned_where_the_metric_moves_with_it(generators):
    generators(lambda source, seed: Stand(lambda n, s: line(n, 1000 + s)))
    frame = line()
    frame = frame[(frame["answer"] == "no") | (frame["a"] > 1)]
    found = sparring.augment(frame, target="answer", model="linear", metric="f1", options=TINY, repeats=1)
    assert "threshold tuned" in found.scores["linear"]
    found = sparring.augment(frame, target="answer", model="linear", metric="roc_auc", options=TINY, repeats=1)
    assert "threshold tuned" not in found.scores["linear"]


@ONCE
def test_minutes_are_shared_and_give_a_length(generators, monkeypatch):
    generators(lambda source, seed: Stand(lambda n, s: line(n, 1000 + s)))
    options = {name: value for name, value in TINY.items() if name not in ("rows", "tick_rows")}
    source, recipe = table_source("line", line(), "answer"), find_recipe("tabular")
    short, long = (options_for(seconds, source, recipe, options) for seconds in (0.001, 10))
    assert short["rows"] == 16
    assert long["rows"] > 100 * short["rows"]
    assert long["tick_rows"] == long["rows"] // 10
    found = sparring.augment(line(), target="answer", model="linear", options=options, minutes=1e-6, repeats=1)
    assert found.protocol["options"]["rows"] == 16
    monkeypatch.setattr(fitting, "_seconds_of_a_look", lambda judge, snapshot: 100.0)
    assert options_for(10, source, recipe, options, judge=FirstIsBest())["rows"] == 16  # Ten looks leave no time.


@ONCE
def test_images_go_all_the_way_into_a_folder_that_can_be_opened(tmp_path):
    data = make_stripes(8, 8, 1)
    arrays = (data.examples["image"], data.examples["label"])
    found = sparring.augment(
        arrays, model="svm", recipe="dcgan", options=SMALL, folds=2, repeats=1, anyway=True, out=tmp_path / "out"
    )
    assert list(found.scores["svm"]) == [
        *("nothing", "threshold tuned", "shifted copies x4", "noisy copies x4"),
        *("synthetic x1", "synthetic x1, recognised"),
    ]
    opened = open_source(tmp_path / "out")
    assert opened.spec.num_examples == len(found.data["image"])
    table = pd.read_csv(tmp_path / "out" / "labels.csv")
    assert table["synthetic"].sum() == found.num_added
    assert set(table["file"].str.split("/").str[0]) == {"real", "synthetic"}
    with pytest.raises(UsageError, match="new folder"):
        sparring.augment(arrays, recipe="dcgan", options=SMALL, out=tmp_path / "out")


def test_the_small_network_learns():
    data = make_stripes(8, 8, 1, count=96)
    images, labels = data.examples["image"], data.examples["label"]
    network = SmallNetwork(2, images_seen=2_000).fit(images[:64], labels[:64])
    assert (network.predict(images[64:]) == labels[64:]).mean() > 0.9
    assert network.predict_proba(images[:3]).shape == (3, 2)


def test_copies_are_of_the_same_kind():
    images, random = make_stripes(28, 28, 3).examples["image"], np.random.default_rng(0)
    moved = shifted(images, random)
    assert (moved.shape, moved.dtype) == (images.shape, np.uint8)
    assert not (moved == images).all()
    # By two pixels at most: the middle of each comes from the middle of its original.
    windows = [images[0, 2 + i : 26 + i, 2 + j : 26 + j] for i in range(-2, 3) for j in range(-2, 3)]
    assert any((moved[0, 2:26, 2:26] == window).all() for window in windows)
    spread = (noisy(np.full((4, 28, 28, 1), 128, np.uint8), random) - 128.0).std()
    assert spread == pytest.approx(augment_images.NOISE, rel=0.1)


@ONCE
def test_only_images_that_the_training_part_teaches_to_recognise_are_kept():
    """Every third image of the generator is of the other class than it was asked for."""
    data = make_stripes(8, 8, 1, count=96)
    subject = augment_images.ImageSubject(data, (), None, 0)
    images, labels, learnt = subject.images, subject.labels, np.arange(48)

    class Careless(ImageBundle):
        def __init__(self):
            pass

        classes = data.spec.classes

        def sample(self, n, *, seed=0, labels=None):
            self.shown = np.where(np.arange(n) % 3 == 0, 1 - labels, labels)
            return np.stack([images[48:][subject.labels[48:] == label][0] for label in self.shown])

    bundle = Careless()
    with_all, wanted = subject.extra(augment_images.ONCE, learnt, bundle, 0)
    assert len(with_all) == 48
    assert (bundle.shown != wanted).sum() == 16
    kept, wanted = subject.extra(augment_images.RECOGNISED, learnt, bundle, 0)
    assert np.bincount(wanted).tolist() == np.bincount(labels[learnt]).tolist()
    assert len({(label, image.tobytes()) for label, image in zip(wanted, kept, strict=True)}) == 2


def test_of_what_is_recognised_as_many_are_kept_as_there_are_real_ones():
    seen_as, wanted = np.array([0, 1, 1, 0, 0, 2]), np.array([0, 0, 1, 0, 0, 1])
    assert augment_images.recognised(seen_as, wanted, np.array([2, 2, 1])).tolist() == [0, 3, 2]


def test_rows_between_others_keep_classes_kinds_and_ranges():
    frame, random = make_frame(), np.random.default_rng(0)
    groups = frame["paid"].to_numpy().astype(int)
    source = table_source("rows", frame, "paid")
    made = between(frame, source.spec, groups, np.array([0, 100]), random)
    assert len(made) == 100
    assert made["paid"].all()
    assert made.dtypes.equals(frame.dtypes)
    paid = frame[frame["paid"]]
    assert made["hours"].dropna().between(paid["hours"].min() - 0.1, paid["hours"].max() + 0.1).all()
    few = pd.concat([frame[~frame["paid"]], paid[:2]])
    assert len(between(few, source.spec, few["paid"].to_numpy().astype(int), np.array([0, 5]), random)) == 5
    chosen = repeated(groups, np.array([0, 7]), random)
    assert groups[chosen].tolist() == [1] * 7
    mixed = shuffled(frame, random)
    assert mixed.dtypes.equals(frame.dtypes)
    assert sorted(mixed["gain"]) == sorted(frame["gain"])
    assert mixed[["paid", "hours"]].corr().iloc[0, 1] < frame[["paid", "hours"]].corr().iloc[0, 1] - 0.5


@pytest.mark.parametrize(
    ("frame", "arguments", "error", "words"),
    [
        (line(), {}, UsageError, "name of the column that a model is to predict"),
        (line(), {"target": "anser"}, UsageError, "no target `anser`. Did you mean `answer`"),
        (line().assign(answer="yes"), {"target": "answer"}, DataError, "same in every row"),
        (line(30)[:12], {"target": "answer"}, DataError, "at least 10 rows of each class"),
        (line().assign(synthetic=1), {"target": "answer"}, DataError, "column `synthetic`"),
        (line().assign(answer=[None, "yes", "no", "no"] * 50), {"target": "answer"}, DataError, "no value in 50 rows"),
        (line(), {"target": "answer", "model": "bosting"}, UsageError, "Did you mean `boosting`"),
        (line(), {"target": "answer", "metric": "r2"}, UsageError, "one of average_precision"),
        (line(), {"target": "answer", "folds": 1}, UsageError, "`folds` must be >= 2"),
        (line(), {"target": "answer", "minutes": 0}, UsageError, "`minutes` must be > 0"),
        (line(), {"target": "answer", "out": "a.txt"}, UsageError, "end in .csv or .parquet"),
        (line(), {"target": "answer", "options": {"rosw": 1}}, UsageError, "no option `rosw`"),
        (line(), {"target": "answer", "size": 8}, UsageError, "`size` is for images"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_trained(frame, arguments, error, words, generators):
    seen = generators(lambda source, seed: Stand(lambda n, s: line(n, 1000 + s)))
    with pytest.raises(error, match=words):
        sparring.augment(frame, **arguments)
    assert not seen


def test_images_that_cannot_be_used_are_told():
    data = make_stripes(8, 8, 1)
    images, labels = data.examples["image"], data.examples["label"]
    with pytest.raises(DataError, match="needs images with labels"):
        sparring.augment(images)
    with pytest.raises(DataError, match="at least 10 images of each class"):
        sparring.augment((images[:10], labels[:10]))


def test_a_generator_without_labels_is_of_no_use_here():
    class Unlabelled(ImageBundle):
        def __init__(self):
            self.record = types.SimpleNamespace(recipe="mine")

        classes = ()

    subject = augment_images.ImageSubject(make_stripes(8, 8, 1), (), None, 0)
    with pytest.raises(UsageError, match="Recipe mine takes no labels"):
        subject.extra(augment_images.ONCE, np.arange(4), Unlabelled(), 0)


def test_a_run_is_no_data(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.json").write_text("{}")
    with pytest.raises(UsageError, match="takes data, not a run"):
        sparring.augment(tmp_path / "run")
