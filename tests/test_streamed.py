"""Tables that are read in parts: the same rows as of those in memory, and memory that does not grow with them."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

import sparring
from conftest import ONCE, make_frame
from sparring.applications.evaluating.evaluated import Question
from sparring.applications.evaluating.judges import judge_tables
from sparring.applications.inspecting.tables import inspect_table
from sparring.applications.train import train
from sparring.data.source import open_source
from sparring.data.tables import reading, streamed
from sparring.data.tables.reading import read_table
from sparring.data.tables.table import reopen
from sparring.errors import DataError, UsageError

pytestmark = ONCE
TINY = {"width": 8, "latent_dim": 4, "batch_size": 32, "rows": 128, "tick_rows": 64}


@pytest.fixture
def in_parts(monkeypatch):
    """Set how long a table is that is read in parts, their rows, those of the sample, and how many levels are few."""

    def limits(limit=100, part=100, sample=300, levels=40):
        monkeypatch.setattr(streamed, "LIMIT", limit)
        monkeypatch.setattr(reading, "PART", part)
        monkeypatch.setattr(streamed, "SAMPLE", sample)
        monkeypatch.setattr(streamed, "MOST_LEVELS", levels)

    limits()
    return limits


def written(folder, frame):
    frame.to_csv(folder / "rows.csv", index=False)
    return folder / "rows.csv"


def changing(count=1_000):
    """Columns whose parts do not look alike."""
    frame = make_frame(count)
    rows = np.arange(count)
    return frame.assign(
        late=np.where(rows > count - 9, "rare", np.where(rows % 2, "a", "b")),
        becomes_text=np.where(rows < 300, (rows % 5).astype(str), "x"),
        becomes_decimal=np.where(rows < 500, rows % 90, rows + 0.5),
        gap=np.where(rows == 555, np.nan, rows % 70 + 0.25),
        whole_with_gap=pd.Series(rows % 7, dtype="Int64").mask(rows == 800),
        perhaps=pd.Series(rows % 3 == 0, dtype=object).mask(rows % 11 == 4),
        often_empty=pd.Series(np.where(rows < 700, None, "word"), dtype=object),
        largest=np.where(rows == 431, 1e6, rows % 83 / 4),
    )


@pytest.mark.parametrize("target", ["paid", "hours", "late", "perhaps", None])
def test_rows_are_those_of_the_table_in_memory(tmp_path, in_parts, target):
    path = written(tmp_path, changing())
    in_parts(limit=10**9)
    whole = open_source(path, target=target)
    in_parts(sample=10**6)
    parts = open_source(path, target=target)
    assert parts.spec == whole.spec
    assert parts.fingerprint == whole.fingerprint
    pd.testing.assert_frame_equal(parts.rows, whole.rows)
    pd.testing.assert_frame_equal(parts.held_out_rows, whole.held_out_rows)
    for one, other in zip(parts.batches(50, 3)[7].values(), whole.batches(50, 3)[7].values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert parts.notes[-len(whole.notes) :] == whole.notes


def test_parquet_is_read_in_parts_too(tmp_path, in_parts):
    pytest.importorskip("pyarrow", reason="reading Parquet needs pyarrow")
    path = tmp_path / "rows.parquet"
    changing().drop(columns=["whole_with_gap", "perhaps"]).to_parquet(path)
    in_parts(limit=10**9)
    whole = open_source(path, target="late")
    in_parts(sample=10**6)
    parts = open_source(path, target="late")
    assert len(parts.notes) == len(whole.notes) + 1
    assert (parts.spec, parts.fingerprint) == (whole.spec, whole.fingerprint)
    pd.testing.assert_frame_equal(parts.rows, whole.rows)
    pd.testing.assert_frame_equal(parts.held_out_rows, whole.held_out_rows)
    changing().astype({"late": "category"}).to_parquet(path)
    assert not any("read in parts" in note for note in open_source(path).notes)


def test_a_sample_knows_every_level_gap_and_extreme(tmp_path, in_parts):
    path = written(tmp_path, changing())
    in_parts(sample=50)
    source = open_source(path, target="paid")
    spec = source.spec
    assert len(source.rows) < 400
    assert "read in parts" in source.notes[0]
    assert spec.num_examples == 800 == len(source.examples["codes"])
    assert set(spec.column("late").levels) == {"a", "b", "rare"}
    assert spec.column("becomes_text").levels[:1] == ("x",)
    assert spec.column("gap").missing > 0
    assert spec.column("largest").bounds == (0, 1e6)
    assert spec.column("key").start == int(read_table(path)[0].drop(source.held_out_rows.index)["key"].max()) + 1
    assert reopen("rows", read_table(path)[0], spec).fingerprint == source.fingerprint


def test_memory_does_not_grow_with_the_rows(tmp_path, in_parts):
    in_parts(part=200, sample=200)
    peaks = []
    for count in (2_000, 16_000):
        path = written(tmp_path, make_frame(count).drop(columns="key"))
        tracemalloc.start()
        open_source(path, target="paid", hold_out=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0], peaks


def test_constraints_hold_in_every_part(tmp_path, in_parts):
    rows = np.arange(600)
    frame = pd.DataFrame({"low": rows % 50, "high": rows % 50 + rows % 7, "country": np.where(rows < 300, "fr", "de")})
    frame["city"] = np.where(rows < 300, "Paris", np.where(rows % 2, "Bonn", "Ulm"))
    path = written(tmp_path, frame)
    source = open_source(path, constraints=["low <= high", "fixed: country, city"])
    assert set(source.spec.constraints[1].combinations) == {("fr", "Paris"), ("de", "Bonn"), ("de", "Ulm")}
    frame.loc[555, "low"] = 99
    with pytest.raises(DataError, match="first row 555"):
        open_source(written(tmp_path, frame), constraints=["low <= high"])


def test_it_trains_and_goes_on(tmp_path, in_parts):
    path = written(tmp_path, changing())
    said = []
    for rows in (128, 256):
        run = train(path, target="paid", run=tmp_path / "run", options=TINY | {"rows": rows}, say=said.append)
    assert said[0].startswith("rows: 800 rows of 15 columns")
    assert said[0].endswith("200 more held out.")
    assert any(words.startswith("Going on after 2 of 4") for words in said)
    bundle = sparring.load(run.folder)
    assert len(bundle.sample(10)) == 10
    judge = judge_tables(bundle, Question(data=path))
    assert len(judge.training) == len(judge.source.rows) < 800
    assert judge.measures == f"table-v1 by {len(judge.training)} training rows"
    assert judge.num_held_out == 200
    in_parts(limit=10**9)
    assert judge_tables(bundle, Question(data=path)).measures == "table-v1"
    in_parts()
    with pytest.raises(DataError, match=r"at least 800 rows\. Received: 700"):
        judge_tables(bundle, Question(data=written(tmp_path, changing(700))))
    with pytest.raises(DataError, match=r"^The table must have the columns it was fitted on\. Missing: paid"):
        judge_tables(bundle, Question(data=written(tmp_path, changing().drop(columns="paid"))))


def test_inspecting_says_what_it_says_of_the_table_in_memory(tmp_path, in_parts):
    path = written(tmp_path, changing())
    in_parts(limit=10**9)
    whole = inspect_table(path, target="paid")
    in_parts(sample=10**6)
    parts = inspect_table(path, target="paid")
    assert parts.facts() == whole.facts()
    assert parts.warnings == whole.warnings
    assert len(parts.notes) == len(whole.notes) + 1
    odd = written(tmp_path, make_frame(1_000).assign(price=[*range(999), "unknown"]))
    refused = inspect_table(odd, target="paid")
    assert refused.num_rows == 1_000
    assert "train would refuse it: " in refused.training[0]
    assert "`price` mixes numbers and other values" in refused.training[0]


def test_what_is_odd_is_told_wherever_it_stands(tmp_path, in_parts):
    frame = make_frame(1_000).drop(columns="key").assign(price=np.arange(1_000) * 1.25)
    odd = frame.astype({"price": object})
    odd.loc[777, "price"] = "unknown"
    with pytest.raises(DataError, match="`price` mixes numbers and other values, such as 'unknown' in row 777"):
        open_source(written(tmp_path, odd))
    with pytest.raises(DataError, match=r"finite numbers\. Received: inf in row 333"):
        open_source(written(tmp_path, frame.assign(price=np.where(frame.index == 333, np.inf, frame["price"]))))
    in_parts(sample=20)
    days = frame["day"].dt.strftime("%Y-%m-%d").where(frame.index != 901, "never")
    with pytest.raises(DataError, match=r"Rows 900 to 999 of .* are not what the others are"):
        open_source(written(tmp_path, frame.assign(day=days)), hold_out=0)
    with pytest.raises(UsageError, match="There is no target `pay`"):
        open_source(written(tmp_path, frame), target="pay")
