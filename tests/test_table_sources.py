"""Tables opened to be trained on: rows that are held out, and constraints as people write them."""

import numpy as np
import pandas as pd
import pytest

from conftest import ONCE, make_frame
from sparring.cli import main
from sparring.data.source import open_source
from sparring.data.tables.constraints import FixedCombinations, Inequality, OneHot, Range
from sparring.data.tables.statements import read_constraints
from sparring.data.tables.table import reopen, table_source
from sparring.errors import DataError, UsageError

NAMES = ("start", "end", "age", "country", "city, old", "a", "b")
STATED = {
    "start <= end": [Inequality(low="start", high="end")],
    "end>start": [Inequality(low="start", high="end", strict=True)],
    "0 <= age <= 120": [Range(column="age", low=0), Range(column="age", high=120)],
    "age >= -1.5e3": [Range(column="age", low=-1500)],
    "start <= age < end": [Inequality(low="start", high="age"), Inequality(low="age", high="end", strict=True)],
    'fixed: country, "city, old"': [FixedCombinations(columns=("country", "city, old"))],
    "one-hot: a, b": [OneHot(columns=("a", "b"))],
}


@pytest.mark.parametrize("text", STATED)
def test_constraints_are_read_as_they_are_written(text):
    assert read_constraints([text], NAMES) == STATED[text]
    assert read_constraints([*STATED[text]], NAMES) == STATED[text]


WRONG = {
    "start <= stop": "There is no column `stop`. Received",
    "start = end": "A constraint is written `start <= end`",
    "fixed: country": "takes at least two columns",
    "one-hot: a, c": "There is no column `c`",
    "age > 0": "write >=",
    "1 <= 2": "is about a column",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_constraint_is_told_in_a_sentence(text):
    with pytest.raises(UsageError) as caught:
        read_constraints([text], NAMES)
    assert WRONG[text] in str(caught.value)
    assert text in str(caught.value)


def test_rows_are_held_out_with_the_target_as_often():
    frame = make_frame(1003)
    source = open_source(frame, target="paid")
    assert (len(source.rows), len(source.held_out_rows)) == (802, 201)
    assert source.spec.num_examples == 802 == len(source.examples["codes"])
    assert set(source.rows["key"]) | set(source.held_out_rows["key"]) == set(frame["key"])
    assert source.held_out_rows["paid"].mean() == pytest.approx(frame["paid"].mean(), abs=0.004)
    assert source.rows["key"].is_monotonic_increasing
    by_number = open_source(frame, target="hours", hold_out=0.1)
    assert by_number.held_out_rows["hours"].median() == pytest.approx(frame["hours"].median(), abs=0.5)
    assert not len(open_source(frame, hold_out=0).held_out_rows)
    assert not len(open_source(make_frame(499)).held_out_rows)
    assert not len(table_source("all", frame).held_out_rows)
    with pytest.raises(UsageError, match="`hold_out` must be a share"):
        open_source(frame, hold_out=1.0)


def test_a_source_is_opened_again_from_what_it_was_understood_as():
    frame = make_frame(700)
    for options in ({"target": "paid"}, {"target": "hours", "columns": {"stars": "number"}}, {"hold_out": 0.0}):
        source = open_source(frame, **options)
        again = reopen("rows", frame, source.spec)
        assert again.fingerprint == source.fingerprint
        pd.testing.assert_frame_equal(again.held_out_rows, source.held_out_rows)
    assert reopen("rows", frame[::-1].reset_index(drop=True), source.spec).fingerprint != source.fingerprint
    with pytest.raises(DataError, match="at least 700 rows"):
        reopen("rows", frame.head(650), source.spec)
    with pytest.raises(DataError, match="must hold levels that were fitted"):
        reopen("rows", frame.assign(sex="none"), source.spec)


def test_a_target_of_anything_can_be_held_out_by():
    for target in ([1, "a"] * 300, [None, "x", "y"] * 200, [*np.linspace(0, 1, 599), None]):
        frame = make_frame(600).assign(target=target)
        source = open_source(frame, target="target", columns={"target": "category"})
        assert len(source.held_out_rows) == 120


@ONCE
def test_constraints_from_the_command_line_hold_and_belong_to_the_run(tmp_path, capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main.run([str(argument) for argument in arguments])
        return int(ended.value.code or 0), capsys.readouterr()

    random = np.random.default_rng(0)
    low, country = random.integers(0, 60, 600), random.choice(["fr", "de"], 600)
    city = np.where(country == "fr", "Paris", random.choice(["Bonn", "Ulm"], 600))
    frame = pd.DataFrame({"low": low, "high": low + random.integers(0, 60, 600), "country": country, "city": city})
    frame.to_csv(tmp_path / "trips.csv", index=False)
    options = {"rows": 640, "batch_size": 32, "width": 8, "tick_rows": 640}
    settings = ["--hold-out", 0.1, *(word for name, value in options.items() for word in ("--set", f"{name}={value}"))]
    stated = ["--constraint", "low <= high", "--constraint", "fixed: country, city"]
    command = ["train", tmp_path / "trips.csv", "--run", tmp_path / "run", *settings]
    code, said = call(*command, *stated)
    assert code == 0, said
    assert "540 rows" in said.out
    assert "60 more held out" in said.out
    assert call("sample", tmp_path / "run", "-n", 40, "--out", tmp_path / "new.csv")[0] == 0
    rows = pd.read_csv(tmp_path / "new.csv")
    assert (rows["low"] <= rows["high"]).all()
    assert set(zip(rows["country"], rows["city"], strict=True)) <= set(zip(country, city, strict=True))
    code, said = call(*command, "--constraint", "low <= high")
    assert code == 1
    assert "holds another run: constraints=" in said.err
    code, said = call(*command, "--constraint", "high < low")
    assert code == 1
    assert "must hold in the table" in said.err
