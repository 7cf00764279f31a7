"""Runs of tables are judged beside real rows and simple ways to make rows, in figures and on a page."""

import json
import pathlib
import shutil

import numpy as np
import pandas as pd
import pytest

import sparring
from conftest import ONCE, make_frame
from sparring.applications.evaluating.evaluate import compare, evaluate
from sparring.applications.evaluating.table_pictures import draw_columns, draw_pairs
from sparring.applications.evaluating.table_rows import Reader
from sparring.applications.train import train
from sparring.cli import main
from sparring.data.source import open_source
from sparring.errors import DataError, UsageError
from sparring.metrics.tables.baselines import gaussian_copula, shuffled, smote
from sparring.metrics.tables.copies import share_nearer_to_training
from sparring.metrics.tables.learning import Target
from sparring.metrics.tables.likeness import column_pairs, column_shapes
from sparring.metrics.tables.rows import Rows, joined

pytestmark = pytest.mark.xdist_group("evaluate_tables")  # What its tests share is made once.

SMALL = {"width": 16, "latent_dim": 6, "batch_size": 32, "rows": 640, "tick_rows": 640}
FRAME = make_frame(600)
SOURCE = open_source(FRAME, target="paid")
READER = Reader(SOURCE.spec, SOURCE.rows)
ROWS, HELD_OUT = READER(SOURCE.rows), READER(SOURCE.held_out_rows)
WAYS = ["real", "shuffled", "copula", "SMOTE"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    FRAME.to_csv(folder / "people.csv", index=False)
    return train(folder / "people.csv", target="paid", run=folder / "run", options=SMALL, say=str).folder


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    run = pathlib.Path(shutil.copytree(trained, tmp_path_factory.mktemp("copy") / "run"))
    return run, evaluate(run, data=trained.parent / "people.csv", n=300)


def test_a_reader_reads_dates_as_numbers_and_leaves_identifiers_out():
    assert READER.names == ("hours", "gain", "day", "sex", "stars", "paid")
    assert READER.target == (False, 2)
    made = SOURCE.rows.assign(day=SOURCE.rows["day"] + pd.Timedelta(days=1))
    np.testing.assert_array_equal(READER(made).numbers[:, 2] - ROWS.numbers[:, 2], 1)
    as_texts = SOURCE.rows.assign(day=SOURCE.rows["day"].dt.strftime("%Y-%m-%d"))
    spec = open_source(as_texts, target="paid", hold_out=0).spec
    np.testing.assert_array_equal(Reader(spec, as_texts)(as_texts).numbers[:, 2], ROWS.numbers[:, 2])


def test_baselines_are_what_their_names_say():
    one, two, three = shuffled(ROWS), gaussian_copula(ROWS), smote(ROWS, READER.target)
    for rows in (one, two):
        assert column_shapes(ROWS, rows) == pytest.approx(np.ones(6))
    associations = [np.nansum(np.abs(column_pairs(ROWS, rows).fake)) for rows in (ROWS, one, two, three)]
    assert associations[1] < associations[2] < associations[0]
    assert associations[3] > associations[1]
    assert column_shapes(ROWS, three).min() > 0.7
    whole = three.numbers[:, 1][np.isfinite(three.numbers[:, 1])]
    assert (whole % 1 == 0).all()
    np.testing.assert_array_equal(three.levels[:, 2], ROWS.levels[:, 2])  # The target stays.
    near = [share_nearer_to_training(ROWS, HELD_OUT, rows).value for rows in (one, three)]
    assert near[1] > near[0]
    np.testing.assert_array_equal(smote(ROWS, READER.target, 3).numbers, smote(ROWS, READER.target, 3).numbers)
    assert len(smote(joined(ROWS[:1], ROWS[:0]))) == 1  # No neighbour.


@pytest.mark.parametrize("count", [2, 3, 6])
def test_a_level_of_few_rows_has_few_neighbours(count):
    """Fewer than the five that SMOTE looks for, and its own row."""
    rows = Rows(np.arange(20.0)[:, None], np.repeat([0, 1], [20 - count, count]).astype(np.int32)[:, None])
    rare = smote(rows, Target(is_number=False, place=0)).numbers[-count:, 0]
    assert len(rare) == count
    assert (rare >= 20 - count).all()


@ONCE
def test_every_figure_has_an_interval_and_stands_beside_other_ways(evaluated):
    run, report = evaluated
    names = ["shapes", "trends", "detection", "learnt_linear", "learnt_forest", "learnt_boosting", "nearer", "copies"]
    assert [figure.name for figure in report.figures] == names
    assert list(report.beside) == WAYS
    assert report["shapes"].protocol == "shapes[table-v1, n=300, ref=train]"
    for figure in report.figures:
        assert figure.low <= figure.value <= figure.high
    beside = {way: {figure.name: figure for figure in figures} for way, figures in report.beside.items()}
    assert beside["shuffled"]["shapes"].value == pytest.approx(1)
    assert beside["shuffled"]["detection"].value > beside["real"]["detection"].value
    assert beside["real"]["learnt_forest"].value > beside["shuffled"]["learnt_forest"].value
    assert beside["SMOTE"]["nearer"].value > report["nearer"].value
    stored = json.loads((run / "report.json").read_text())
    assert [figure["name"] for figure in stored["beside"]["copula"]] == names
    assert stored["beside"]["real"][6]["value"] is None  # Held-out rows are nearer to themselves.
    assert (stored["num_training"], stored["num_held_out"]) == (480, 120)
    assert "detection[table-v1, n=300, ref=train]" in (run / "bundle" / "card.md").read_text()
    assert "SMOTE" in str(report)


@ONCE
def test_the_page_shows_columns_pairs_and_rows_and_needs_nothing_else(evaluated):
    page = (evaluated[0] / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 3  # Columns, pairs, curves.
    assert "<script" not in page
    assert "http" not in page
    for words in ("480 training rows", "Pairs of columns", "Training rows", "shuffled", "copula", "SMOTE"):
        assert words in page


@ONCE
def test_several_runs_share_what_they_stand_beside(trained, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(trained, tmp_path / name)
    reports = compare([tmp_path / "one", tmp_path / "two"], data=SOURCE, n=120, out=tmp_path)
    assert [report.run for report in reports] == ["one", "two"]
    assert reports[0].beside is reports[1].beside
    assert (tmp_path / "report.html").read_text().count("data:image/png;base64,") == 5
    assert len(json.loads((tmp_path / "report.json").read_text())["runs"]) == 2


@ONCE
def test_without_held_out_rows_or_a_target_there_are_fewer_figures(tmp_path):
    frame = make_frame(100).drop(columns=["paid"])
    run = train(frame, run=tmp_path / "run", options=SMALL | {"rows": 96, "tick_rows": 96}, say=str)
    report = sparring.evaluate(run.folder, data=frame, n=100)
    assert [figure.name for figure in report.figures] == ["shapes", "trends", "detection", "copies"]
    assert report.beside["real"][0].n == 50
    assert "No rows are held out" in str(report)


@ONCE
def test_what_cannot_be_evaluated_is_told_in_a_sentence(trained, capsys):
    with pytest.raises(DataError, match="say where it lies with --data"):
        evaluate(trained)
    with pytest.raises(DataError, match="the rows differ"):
        evaluate(trained, data=FRAME[::-1].reset_index(drop=True))
    with pytest.raises(DataError, match="Missing: gain"):
        evaluate(trained, data=FRAME.drop(columns="gain"))
    with pytest.raises(UsageError, match="`data` must be a table"):
        evaluate(trained, data=np.zeros((3, 4)))
    with pytest.raises(SystemExit) as ended:
        main.run(["evaluate", str(trained), "--data", "people.csv", "--extractor", "random"])
    assert ended.value.code == 2
    assert "`--extractor` is for images" in capsys.readouterr().err


def test_pictures_are_drawn_of_anything():
    frame = pd.DataFrame(
        {"$a$": [1.0, None, 3] * 4, "same": 7, "empty": np.nan, "many": [f"level {i}" for i in range(12)]}
    )
    source = open_source(frame, columns={"same": "number", "many": "category", "$a$": "number"})
    names = list(frame.columns)
    assert draw_columns(source.spec, names, np.ones(4), frame, {"one": frame, "two": frame}).startswith(b"\x89PNG")
    reader = Reader(source.spec, frame)
    pairs = column_pairs(reader(frame), reader(frame))
    assert draw_pairs(reader.names, pairs).startswith(b"\x89PNG")
