"""A synthesizer in scikit-learn's manner, constraints that hold in every row, and tables on the command line."""

import os
import pathlib

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import sparring
from conftest import ONCE, make_frame
from sparring.applications.fitting import fit_generator
from sparring.applications.synthesizer import TableSynthesizer
from sparring.bundle.bundle import Bundle
from sparring.cli import main
from sparring.data.tables.constraints import FixedCombinations, Inequality, OneHot, Range
from sparring.data.tables.table import table_source
from sparring.errors import DataError, UsageError
from sparring.recipes.catalog import find_recipe
from sparring.training.judging import SEED

pytestmark = pytest.mark.xdist_group("synthesizer")  # What its tests share is made once.

SMALL = {"width": 16, "latent_dim": 6, "batch_size": 32, "rows": 192, "tick_rows": 96}
FRAME = make_frame()


@pytest.fixture(scope="module")
def fitted():
    return TableSynthesizer(**SMALL).fit(FRAME, target="paid")


def test_rows_are_of_the_same_kind_and_what_is_asked_for_holds(fitted):
    rows = fitted.sample(200, where={"paid": True, "sex": "male"})
    assert (rows.dtypes == FRAME.dtypes).all()
    assert rows["paid"].all()
    assert (rows["sex"] == "male").all()
    assert list(rows.index) == list(range(200))


def test_it_keeps_the_manners_of_scikit_learn(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert copy.get_params()["width"] == 16
    assert copy.set_params(seed=3, width=8).get_params()["width"] == 8
    assert fitted.get_params()["width"] == 16
    with pytest.raises(NotFittedError):
        copy.sample(3)
    assert fitted.feature_names_in_ == tuple(FRAME.columns)
    assert fitted.n_features_in_ == FRAME.shape[1]
    assert len(fitted.history_) == 2
    assert any("`key` differs from row to row" in note for note in fitted.notes_)


@ONCE
def test_the_same_seed_gives_the_same_synthesizer(fitted):
    again = clone(fitted).fit(FRAME, target="paid")
    pd.testing.assert_frame_equal(again.sample(20), fitted.sample(20))


class Marks:
    """A judge that gives marks settled beforehand, and keeps what it was shown."""

    name, num_samples, labels, floor = "mark", 20, None, 0.0

    def __init__(self, *marks):
        self.marks, self.shown = list(marks), []

    def __call__(self, samples):
        self.shown.append(samples)
        return {self.name: self.marks[len(self.shown) - 1]}


def fit_judged(judge, patience=None):
    source = table_source("table", FRAME, "paid")
    options = SMALL | {"rows": 96 * len(judge.marks)}
    return fit_generator(source, find_recipe("tabular"), options, judge=judge, patience=patience)


@ONCE
def test_the_best_snapshot_is_kept():
    judge = Marks(0.9, 0.5, 0.7)
    found = fit_judged(judge)
    assert (found.bundle.snapshot.kind, found.bundle.snapshot.tick, found.bundle.snapshot.value) == ("best", 2, 0.5)
    assert found.bundle.images_seen == 2 * 96
    assert list(found.history["mark"]) == [0.9, 0.5, 0.7]
    pd.testing.assert_frame_equal(found.bundle.look(20, seed=SEED), judge.shown[1])
    assert not judge.shown[2].equals(judge.shown[1])


@ONCE
def test_patience_ends_the_training():
    found = fit_judged(Marks(0.9, 0.5, 0.6, 0.7, 0.4), patience=2)
    assert len(found.history) == 4
    assert found.bundle.snapshot.tick == 2


def test_rows_are_judged_while_it_is_fitted(fitted):
    figure = next(name for name in fitted.history_ if name.startswith("detection["))
    assert fitted.bundle_.snapshot.value == fitted.history_[figure].min()


def test_a_saved_one_is_a_bundle(fitted, tmp_path):
    fitted.save(tmp_path)
    bundle = sparring.load(tmp_path)
    assert isinstance(bundle, Bundle)
    pd.testing.assert_frame_equal(bundle.sample(20, seed=2), fitted.sample(20, seed=2))


def test_wrong_arguments_are_told_at_fit():
    with pytest.raises(UsageError, match=r"no option `widht`. Did you mean `width`"):
        TableSynthesizer(widht=3).fit(FRAME)
    with pytest.raises(UsageError, match="no target `payed`"):
        TableSynthesizer(**SMALL).fit(FRAME, target="payed")
    with pytest.raises(DataError, match="at least 2 columns"):
        TableSynthesizer(**SMALL).fit(FRAME[["sex"]])


def constrained() -> pd.DataFrame:
    random = np.random.default_rng(1)
    start, kind = random.integers(0, 50, 300), random.integers(0, 3, 300)
    country = random.choice(["fr", "de"], 300)
    city = np.where(country == "fr", random.choice(["Paris", "Lyon"], 300), random.choice(["Bonn", "Ulm"], 300))
    frame = pd.DataFrame({"start": start, "end": start + random.integers(1, 40, 300), "country": country, "city": city})
    return frame.assign(a=(kind == 0) * 1, b=(kind == 1) * 1, c=(kind == 2) * 1, share=random.random(300))


CONSTRAINTS = {
    "inequality": Inequality(low="start", high="end", strict=True),
    "combinations": FixedCombinations(columns=("country", "city")),
    "range": Range(column="share", low=0.0, high=1.0),
    "one hot": OneHot(columns=("a", "b", "c")),
}


@pytest.fixture(scope="module")
def careful():
    frame = constrained()
    options = SMALL | {"rows": 3200, "tick_rows": 3200}  # Looked at once.
    return TableSynthesizer(constraints=tuple(CONSTRAINTS.values()), **options).fit(frame, target="country")


@ONCE
def test_constraints_hold_in_every_row(careful):
    rows = careful.sample(150, where={"country": "fr"})
    assert len(rows) == 150
    assert (rows["start"] < rows["end"]).all()
    assert set(rows["city"]) <= {"Paris", "Lyon"}
    assert (rows[["a", "b", "c"]].sum(axis=1) == 1).all()
    assert rows["share"].between(0, 1).all()
    free = clone(careful).set_params(constraints=()).fit(constrained(), target="country").sample(150)
    assert not all(constraint.learnt(constrained()).holds(free).all() for constraint in CONSTRAINTS.values())


@ONCE
def test_constraints_travel_with_the_bundle(careful, tmp_path):
    careful.save(tmp_path)
    pd.testing.assert_frame_equal(sparring.load(tmp_path).sample(40), careful.sample(40))


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_sees_the_rows_in_which_it_does_not_hold(name):
    frame = constrained()
    constraint = CONSTRAINTS[name].learnt(frame)
    assert constraint.holds(frame).all()
    changes = {
        "inequality": ("end", -1),
        "combinations": ("city", "Rome"),
        "range": ("share", 1.5),
        "one hot": ("a", 2),
    }
    column, value = changes[name]
    frame.loc[7, column] = value
    assert list(np.flatnonzero(~constraint.holds(frame))) == [7]


def test_a_constraint_that_does_not_hold_in_the_table_is_refused():
    frame = constrained()
    with pytest.raises(DataError, match=r"Inequality of end, start must hold in the table. Received: 300 rows"):
        TableSynthesizer(constraints=[Inequality(low="end", high="start")], **SMALL).fit(frame)
    with pytest.raises(UsageError, match="no column `stop`"):
        TableSynthesizer(constraints=[Inequality(low="start", high="stop")], **SMALL).fit(frame)
    with pytest.raises(DataError, match="Inequality cannot be about start, city"):
        TableSynthesizer(constraints=[Inequality(low="start", high="city")], **SMALL).fit(frame)


@ONCE
def test_constraints_that_hold_too_seldom_are_told_in_a_sentence(careful, monkeypatch):
    monkeypatch.setattr(Range, "holds", lambda self, frame: np.zeros(len(frame), bool))
    with pytest.raises(UsageError, match=r"Constraints held in 0 of [\d,]+ rows that were drawn, and 5 were asked for"):
        careful.sample(5)


# The command line.


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main.run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def table(tmp_path) -> pathlib.Path:
    path = tmp_path / "people.csv"
    FRAME.to_csv(path, index=False)
    return path


@ONCE
def test_train_and_sample(table, tmp_path, capsys):
    settings = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    command = ["train", table, "--target", "paid", "--column", "stars=category", "--run", tmp_path / "run", *settings]
    assert call(*command) == 0
    out = capsys.readouterr().out
    assert "people: 240 rows of 7 columns" in out
    assert "Recipe tabular: " in out
    assert call("sample", tmp_path / "run", "-n", 30, "--where", "paid=true", "--out", tmp_path / "new.csv") == 0
    assert pd.read_csv(tmp_path / "new.csv")["paid"].tolist() == [True] * 30
    assert call("sample", tmp_path / "run", "--where", "paid=maybe") == 2
    assert "`paid` was never 'maybe'" in capsys.readouterr().err
    assert call("sample", tmp_path / "run", "--where", "paid") == 2
    assert call("evaluate", tmp_path / "run") == 1
    assert "say where it lies with --data" in capsys.readouterr().err


def test_inspect(table, capsys):
    assert call("inspect", table, "--target", "paid") == 0
    out = capsys.readouterr().out
    for words in ("240", "category, male", "boolean, False", "identifier, made up anew", "often exactly 0", "tabular"):
        assert words in out
    assert "few" in out
    assert call("inspect", table, "--column", "hours=nmber") == 2


def test_inspect_says_why_train_would_refuse(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert call("inspect", tmp_path / "x.csv") == 0
    assert "train would refuse it: Training needs at least 2 rows" in capsys.readouterr().out
    assert call("train", tmp_path / "x.csv") == 1


DATA = os.environ.get("SPARRING_TEST_DATA")


@pytest.mark.skipif(DATA is None, reason="SPARRING_TEST_DATA is not set")
def test_a_real_table_is_described():
    lines = sparring.inspect(pathlib.Path(DATA) / "adult.csv", target="income").lines()
    assert "  capital-gain: number, whole, 0 to 99,999; often exactly 0" in lines
    assert "  income: category, <=50K (76%), >50K (24%)" in lines
