"""Tables: what players see of rows, the recipe, its runs and bundles, and what is asked for."""

import itertools
import json
import os
import pathlib

import keras
import numpy as np
import pandas as pd
import pytest
from keras import ops

from conftest import ONCE, make_frame, make_rows, make_stripes
from sparring.applications.evaluating.table_rows import Reader
from sparring.applications.sample import load, sample
from sparring.applications.train import train
from sparring.bundle.kinds import make_bundle
from sparring.bundle.marginals import evened, place_grid
from sparring.bundle.record import Record
from sparring.data.source import open_source
from sparring.data.tables.columns import Category
from sparring.data.tables.encoding import as_numbers_or_nan, decode
from sparring.data.tables.layout import Layout
from sparring.data.tables.rows import MASK, TIES, MaskedRows
from sparring.data.tables.table import table_source
from sparring.errors import BundleError, RunError, UsageError
from sparring.layers.rows import SoftRow
from sparring.metrics.tables.detection import area_under_curve, detection_scores
from sparring.metrics.tables.vitals import TableVitals
from sparring.recipes.catalog import find_recipe
from sparring.recipes.choice import choose_recipe
from sparring.training.callbacks import read_journal
from sparring.training.checkpoint import Checkpoints, arrays
from sparring.training.judging import judged_samples

pytestmark = pytest.mark.xdist_group("tables")  # What its tests share is made once.

SMALL = {"width": 16, "latent_dim": 6, "batch_size": 32, "rows": 192, "tick_rows": 96, "penalty_every": 2}
SOURCE = make_rows()
LAYOUT = Layout(SOURCE.spec)


def build(source=SOURCE, seed=0, **options):
    keras.utils.set_random_seed(seed)
    return find_recipe("tabular").build(source.spec, **(SMALL | options))


def bundle_of(source, game):
    """What the averaged generator is worth keeping as."""
    fixed = {"recipe": "tabular", "options": {}, "seed": 0, "source": "rows", "fingerprint": "", "version": "0"}
    return make_bundle(Record(spec=source.spec, **fixed), game.average.copies)


def batch_of(masked, count=200, start=0):
    rows = SOURCE.batches(count).starting_at(start, masked.draws)[0]
    found = masked({name: ops.convert_to_tensor(array) for name, array in rows.items()})
    return rows, {name: ops.convert_to_numpy(value) for name, value in found.items()}


def decoded(spec, rows):
    """The table of encoded rows."""
    layout = Layout(spec)
    ends = np.cumsum([0, *layout.widths])
    codes = [rows[:, a:b].argmax(axis=1) for a, b in itertools.pairwise(ends)]
    return decode(spec, np.stack(codes, axis=1), (rows[:, layout.num_slots :] + 1.0) / 2)


# What players see.


def test_rows_are_the_encoded_table():
    rows, batch = batch_of(MaskedRows(LAYOUT, 0.5))
    assert batch["real"].shape == (200, LAYOUT.width)
    slots = batch["real"][:, : LAYOUT.num_slots]
    np.testing.assert_array_equal(np.add.reduceat(slots, np.cumsum([0, *LAYOUT.widths[:-1]]), axis=1), 1)
    order, _ = SOURCE.batches(200)._rows(0, 0, SOURCE.spec.num_examples)
    expected = make_frame().iloc[order].reset_index(drop=True).drop(columns="key")
    found = decoded(SOURCE.spec, batch["real"].astype(np.float64)).drop(columns="key")
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-4)
    assert rows[TIES].shape == (200, len(LAYOUT.numbers))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_what_is_told_is_true_and_the_target_alone_or_any_columns(share):
    _, batch = batch_of(MaskedRows(LAYOUT, share), 200)
    names = [column.name for column in SOURCE.spec.conditions]
    assert names == ["sex", "stars", "paid"]
    known, told = batch["condition"][:, :-3], batch["condition"][:, -3:]
    assert set(np.unique(told)) <= {0.0, 1.0}
    true = batch["real"][:, LAYOUT.condition_slots]
    np.testing.assert_array_equal(known, true * told[:, LAYOUT.condition_of])
    target_alone = (told == [0, 0, 1]).all(axis=1).mean()
    # Of three coins with odds that are uniform, eight outcomes: these come up once in twelve.
    assert target_alone == pytest.approx(1 - share + share / 12, abs=0.08)
    if share == 1.0:
        assert told.mean() == pytest.approx(0.5, abs=0.1)


def test_rare_levels_of_the_target_are_shown_again_and_told_alone():
    masked = MaskedRows(LAYOUT, 1.0)
    rows = SOURCE.batches(4000).starting_at(0, masked.draws, masked.chances)[0]
    batch = masked({name: ops.convert_to_tensor(array) for name, array in rows.items()})
    told, again = ops.convert_to_numpy(batch["condition"])[:, -3:], rows["again"] == 1
    assert again.mean() == pytest.approx(0.5, abs=0.03)
    assert (told[again] == [0, 0, 1]).all()
    assert not (told[~again] == [0, 0, 1]).all(axis=1).all()

    target = [column.name for column in LAYOUT.segments].index("paid")
    frequency = np.bincount(SOURCE.examples["codes"][:, target]) / SOURCE.spec.num_examples
    found = np.bincount(rows["codes"][again, target]) / again.sum()
    np.testing.assert_allclose(found, np.sqrt(frequency) / np.sqrt(frequency).sum(), atol=0.03)
    assert np.abs(np.bincount(rows["codes"][~again, target]) / (~again).sum() - frequency).max() < 0.01


def test_no_row_is_shown_again_where_the_target_has_no_levels():
    assert MaskedRows(Layout(table_source("rows", make_frame(), "day").spec), 0.5).chances is None


def test_a_place_among_ties_is_drawn_anew():
    masked = MaskedRows(LAYOUT, 0.5)
    rows = SOURCE.batches(50).starting_at(0, masked.draws)[0]
    gain = LAYOUT.num_slots + [column.name for column in LAYOUT.numbers].index("day")
    first, second = (
        ops.convert_to_numpy(masked(rows | {TIES: rows[TIES] * sign, MASK: rows[MASK]})["real"])[:, gain]
        for sign in (1, -1)
    )
    tied = (rows["high"] > rows["low"])[:, gain - LAYOUT.num_slots]
    assert tied.any()
    assert (first != second)[tied].all()
    np.testing.assert_array_equal(first[~tied], second[~tied])


# The last layer.


def test_slots_are_drawn_by_the_softmax():
    logits = np.tile(np.float32([2.0, 0.0, 1.0, -1.0, 0.5]), (20_000, 1))
    noise = np.random.default_rng(0).standard_normal((20_000, 5), np.float32)
    rows = ops.convert_to_numpy(SoftRow([3, 2], [], [], 0.3)([logits, noise]))
    np.testing.assert_allclose(rows[:, :3].sum(axis=1), 1, rtol=1e-5)
    for part in (slice(0, 3), slice(3, 5)):
        expected = np.exp(logits[0, part]) / np.exp(logits[0, part]).sum()
        shares = np.bincount(rows[:, part].argmax(axis=1)) / len(rows)
        np.testing.assert_allclose(shares, expected, atol=0.01)


def test_what_is_told_is_taken_and_positions_go_with_their_slot():
    numbers = np.random.default_rng(0).standard_normal((64, 7)).astype(np.float32) * 5
    noise = np.random.default_rng(1).standard_normal((64, 5), np.float32)
    condition = np.zeros((64, 3), np.float32)
    condition[::2] = [0, 1, 1]  # Of the second segment the second slot, told in every other row.
    rows = ops.convert_to_numpy(SoftRow([3, 2], [1], [2, -1], 0.3)([numbers, noise, condition]))
    np.testing.assert_array_equal(rows[::2, 3:5], np.tile([0, 1], (32, 1)))
    assert rows[1::2, 3].max() > 0.5
    positions = np.tanh(numbers[:, 5:])
    np.testing.assert_allclose(rows[:, 5], positions[:, 0] * rows[:, 2], rtol=1e-5)
    np.testing.assert_allclose(rows[:, 6], positions[:, 1], rtol=1e-5)


# The recipe.


def only(*names):
    """A source of some columns, without a target."""
    return table_source("some", make_frame()[list(names)])


NORMAL = np.random.default_rng(0).normal(size=(90, 3))
CASES = {
    "all": lambda: SOURCE,
    "numbers alone": lambda: table_source(
        "numbers", pd.DataFrame(np.random.default_rng(0).normal(size=(90, 3))).add_prefix("x")
    ),
    "levels alone": lambda: only("sex", "stars", "paid"),
    "no target": lambda: only("sex", "hours", "gain"),
    "a constant and an identifier": lambda: table_source(
        "odd", make_frame()[["key", "hours"]].assign(same=1, none=None)
    ),
}


@pytest.mark.parametrize("case", [x if x == "all" else pytest.param(x, marks=ONCE) for x in CASES])
def test_it_trains_and_gives_tables_of_the_same_kind(case):
    source = CASES[case]()
    game = build(source, group_size=4)
    before = [np.array(v) for network in game.networks for v in network.trainable_variables]
    history = game.fit(source.batches(32), epochs=1, steps_per_epoch=3, verbose=0).history
    after = [np.array(v) for network in game.networks for v in network.trainable_variables]
    still = [a.shape for a, b in zip(before, after, strict=True) if np.array_equal(a, b)]
    assert not still
    assert all(np.isfinite(values).all() for values in history.values())
    rows = bundle_of(source, game).sample(50)
    frame = {"all": make_frame()}.get(case)
    assert len(rows) == 50
    assert tuple(rows.columns) == source.spec.names
    assert [str(dtype) for dtype in rows.dtypes] == [column.dtype for column in source.spec.columns]
    if frame is not None:
        assert set(rows["stars"]) <= set(frame["stars"])
        assert rows["hours"].max() <= frame["hours"].max()
        assert rows["gain"].min() >= 0
        assert not set(rows["key"]) & set(frame["key"])


def test_stopping_and_going_on_is_never_having_stopped(tmp_path):
    straight = build()
    straight.fit(SOURCE.batches(32), epochs=2, verbose=0)
    first, second = build(), build(seed=1)
    first.fit(SOURCE.batches(32), epochs=1, verbose=0)
    Checkpoints(tmp_path).save(first)
    second.compile()
    Checkpoints(tmp_path).restore(second)
    second.fit(SOURCE.batches(32), initial_epoch=1, epochs=2, verbose=0)
    for (name, expected), (_, found) in zip(arrays(straight), arrays(second), strict=True):
        np.testing.assert_array_equal(expected, found, err_msg=name)


def test_a_recipe_refuses_data_of_another_kind(stripes):
    with pytest.raises(UsageError, match=r"recipe r3gan is for image data. Received: table data"):
        find_recipe("r3gan").build(SOURCE.spec)
    with pytest.raises(UsageError, match=r"recipe tabular is for table data. Received: image data"):
        find_recipe("tabular").build(make_stripes(8, 8, 1).spec)
    with pytest.raises(UsageError, match="`consistency` is for images"):
        build(penalties="consistency")
    assert choose_recipe(SOURCE.spec)[0] == "tabular"
    assert choose_recipe(stripes.spec)[0] == "r3gan"


# A run and its bundle.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "rows"
    said = []
    finished = train(SOURCE, run=folder, options=SMALL | {"rows": 288}, say=said.append)
    assert said[0] == "rows: 240 rows of 7 columns (3 categories, 2 numbers, 1 date, 1 identifier), target paid."
    return finished


def test_a_run_keeps_rows_to_look_at_and_goes_on(run):
    kept = sorted(path.name for path in run.samples.iterdir())
    assert kept == ["tick-00001.csv", "tick-00002.csv", "tick-00003.csv"]
    assert list(pd.read_csv(run.samples / kept[0]).columns) == list(SOURCE.spec.names)
    assert (run.folder / "curves.png").exists()
    said = []
    train(SOURCE, run=run.folder, options=SMALL | {"rows": 288}, say=said.append)
    assert any("is finished" in sentence for sentence in said)
    with pytest.raises(RunError, match="width=16 there, width=8 here"):
        train(SOURCE, run=run.folder, options=SMALL | {"rows": 288, "width": 8}, say=said.append)


def test_the_bundle_says_what_it_is_and_draws_the_same_rows(run, tmp_path):
    bundle = load(run.folder)
    pd.testing.assert_frame_equal(bundle.sample(30, seed=3), load(run.folder).sample(30, seed=3))
    assert not bundle.sample(30, seed=3).equals(bundle.sample(30, seed=4))
    card = (run.folder / "bundle" / "card.md").read_text()
    assert "A generator of tables like one of 240 rows of 7 columns" in card
    assert bundle.images_seen == SMALL["tick_rows"] * bundle.snapshot.tick
    assert f"Trained on {bundle.images_seen} rows, repeats counted" in card
    bundle.save(tmp_path / "copy", "")
    assert sorted(path.suffix for path in (tmp_path / "copy").iterdir()) == [".json", ".md", ".safetensors"]


def test_a_strangers_description_is_refused_before_anything_is_built(run, tmp_path):
    load(run.folder).save(tmp_path, "")
    text = (tmp_path / "bundle.json").read_text()
    for change, words in [({"levels": ["x"] * 9999}, "at most 5000"), ({"counts": [0, 1]}, "greater than 0")]:
        sheet = json.loads(text)
        next(column for column in sheet["record"]["spec"]["columns"] if column["type"] == "category").update(change)
        (tmp_path / "bundle.json").write_text(json.dumps(sheet))
        with pytest.raises(BundleError, match=words):
            load(tmp_path)


WHERE = [{"paid": True}, {"sex": "male"}, {"stars": 4, "sex": "female"}, {"stars": 1, "sex": "male", "paid": False}]


@pytest.mark.parametrize("where", WHERE)
def test_what_is_asked_for_holds_in_every_row(run, where):
    rows = load(run.folder).sample(300, where=where)
    assert len(rows) == 300
    for name, level in where.items():
        assert (rows[name] == level).all()
    assert rows["hours"].nunique() > 20


def test_numbers_are_distributed_as_in_the_table_whatever_the_network_gives(run):
    """The run has hardly trained, and its network gives every number nearly the same place."""
    bundle = load(run.folder)
    made, real = bundle.sample(4_000, seed=3), SOURCE.spec
    assert len(LAYOUT.numbers) > 1
    for column in LAYOUT.numbers:
        values, atoms = as_numbers_or_nan(made[column.name], real.column(column.name)), column.atoms
        values = values[~np.isnan(values) & ~np.isin(values, atoms)]
        shares = np.interp(
            np.quantile(column.quantiles, [0.1, 0.5, 0.9]), np.sort(values), np.linspace(0, 1, len(values))
        )
        np.testing.assert_allclose(shares, [0.1, 0.5, 0.9], atol=0.05, err_msg=column.name)


def test_evened_places_keep_their_order():
    places = np.random.default_rng(0).beta(5, 2, (5_000, 1))
    places[:500] = 1.0  # As a tanh that is at its end.
    found = evened(places, [place_grid(places[:, 0])])
    assert np.all(np.diff(found[np.argsort(places[:, 0]), 0]) >= 0)
    np.testing.assert_allclose(np.quantile(found[500:], [0, 0.5, 1]), [0, 0.45, 0.9], atol=0.01)
    np.testing.assert_allclose(found[:500], 0.95, atol=0.01)
    few, same = np.array([[0.2], [0.7]]), np.full((500, 1), 0.3)
    np.testing.assert_array_equal(evened(few, [place_grid(few[:, 0])]), few)
    np.testing.assert_allclose(evened(same, [place_grid(same[:, 0])]), same)


def test_the_target_is_as_frequent_as_in_the_table(run):
    paid = load(run.folder).sample(1000)["paid"].mean()
    assert paid == pytest.approx(make_frame()["paid"].mean(), abs=0.001)


@ONCE
def test_a_missing_value_or_a_rare_level_can_be_asked_for():
    random = np.random.default_rng(0)
    towns = np.array([f"town {number}" for number in range(400)])
    frame = pd.DataFrame(
        {"town": random.choice(towns, 900), "x": random.random(900), "mood": ["good", None, "bad"] * 300}
    )
    source = table_source("towns", frame)
    bundle = bundle_of(source, build(source))
    town: Category = source.spec.column("town")
    rows = bundle.sample(40, where={"town": town.levels[-1], "mood": None})
    assert (rows["town"] == town.levels[-1]).all()
    assert rows["mood"].isna().all()
    assert bundle.sample(200)["town"].nunique() > 20


@ONCE
def test_the_target_comes_as_often_as_it_goes_with_what_is_asked_for(run):
    bundle = load(run.folder)
    codes, places = bundle._known
    segments = [column.name for column in LAYOUT.segments]
    sex, paid = (SOURCE.spec.column(name) for name in ("sex", "paid"))
    codes[:, segments.index("sex")] = np.arange(len(codes)) % 2
    with_sex = np.where(np.arange(len(codes)) % 20 < 10, paid.slot_of(True), paid.slot_of(False))
    codes[:, segments.index("paid")] = np.where(np.arange(len(codes)) % 2 == 1, with_sex, paid.slot_of(False))
    bundle._known = codes, places
    for slot, share in ((0, 0.0), (1, 0.5)):
        level = next(level for level in sex.levels if sex.slot_of(level) == slot)
        rows = bundle.sample(400, where={"sex": level})
        assert (rows["sex"] == level).all()
        assert rows["paid"].mean() == pytest.approx(share, abs=0.01)
    codes[:, segments.index("sex")] = 0  # The network never makes the other: then what is known of the table counts.
    level = next(level for level in sex.levels if sex.slot_of(level) == 1)
    assert bundle.sample(400, where={"sex": level})["paid"].mean() == pytest.approx(
        make_frame()["paid"].mean(), abs=0.01
    )


@ONCE
def test_rows_drawn_in_parts_are_those_drawn_at_once(run, monkeypatch):
    monkeypatch.setattr("sparring.bundle.tables.KNOWN", 70)  # Else thousands of parts, for the places of numbers.
    whole = load(run.folder).sample(50, seed=2)
    monkeypatch.setattr("sparring.bundle.tables.AT_ONCE", 7)
    pd.testing.assert_frame_equal(load(run.folder).sample(50, seed=2), whole, rtol=1e-4)


@ONCE
def test_many_rows_come_in_parts_whose_identifiers_go_on(run, tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.bundle.tables.PART", 20)
    bundle = load(run.folder)
    parts = list(bundle.parts(50, seed=2))
    assert list(map(len, parts)) == [20, 20, 10]
    whole = bundle.sample(50, seed=2)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)
    assert whole["key"].tolist() == list(range(240, 290))
    assert not parts[0]["hours"].equals(parts[1]["hours"])
    sample(run.folder, n=50, seed=2, out=tmp_path / "rows.csv")
    assert pd.read_csv(tmp_path / "rows.csv")["key"].tolist() == whole["key"].tolist()


WRONG = {
    "column": ({"paidd": True}, "There is no column `paidd`. Did you mean `paid`"),
    "level": ({"sex": "mle"}, "`sex` was never 'mle'. Did you mean `male`"),
    "number": ({"hours": 40}, "takes columns of levels: sex, stars, paid"),
    "missing": ({"sex": None}, "`sex` is never missing"),
}


@pytest.mark.parametrize(("where", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_asked_for_is_told_in_a_sentence(run, where, sentence):
    with pytest.raises(UsageError) as caught:
        load(run.folder).sample(10, where=where)
    assert sentence in str(caught.value)
    with pytest.raises(UsageError, match="`n` must be >= 1"):
        load(run.folder).sample(0)


@ONCE
def test_samples_are_written_as_tables(run, tmp_path):
    assert sample(run.folder, n=20) == run.folder / "samples.csv"
    written = open_source(sample(run.folder, n=25, where={"sex": "male"}, out=tmp_path / "x.csv"))
    assert written.spec.num_examples == 25
    with pytest.raises(UsageError, match="`labels` is for images"):
        sample(run.folder, labels=["male"])
    with pytest.raises(UsageError, match=r"must end in .csv or .parquet"):
        sample(run.folder, out=tmp_path / "x.png")


DATA = os.environ.get("SPARRING_TEST_DATA")


@ONCE
@pytest.mark.skipif(DATA is None, reason="SPARRING_TEST_DATA is not set")
def test_a_file_trains_in_one_call(tmp_path):
    path = pathlib.Path(DATA) / "shoppers.csv"
    run = train(path, target="Revenue", run=tmp_path / "run", options=SMALL, say=lambda line: None)
    rows = load(run.folder).sample(100, where={"Revenue": True, "Month": "Nov"})
    frame = pd.read_csv(path)
    assert rows["Revenue"].all()
    assert (rows["Month"] == "Nov").all()
    assert (rows.dtypes == frame.dtypes).all()


def test_every_tick_is_judged_and_the_best_snapshot_kept(run):
    lines = read_journal(run.journal)
    name = "detection[boosting, n=240]"
    assert all({name, "shapes", "trends"} <= line.keys() for line in lines)
    bundle = load(run.folder)
    assert bundle.snapshot.figure == name
    assert bundle.snapshot.value == min(line[name] for line in lines)
    reader = Reader(SOURCE.spec, SOURCE.rows)
    judge = TableVitals(reader(SOURCE.rows), reader)
    assert judge(judged_samples(judge, bundle))[name] == bundle.snapshot.value
    assert judge(SOURCE.rows)["shapes"] == 1


def test_rows_a_model_is_surely_wrong_about_count_as_told():
    reader = Reader(SOURCE.spec, SOURCE.rows)
    judge = TableVitals(reader(SOURCE.rows), reader)
    copies = SOURCE.rows.iloc[::-1].reset_index(drop=True)
    area = area_under_curve(*detection_scores(judge._few, reader(copies), iterations=30))
    assert area < 0.4  # What is known of one of two equal rows is the wrong answer for the other.
    assert judge(copies)[judge.name] == pytest.approx(1 - area, abs=1e-4)


@ONCE
def test_training_ends_when_nothing_becomes_better_and_stays_ended(tmp_path, monkeypatch):
    figures = iter([0.9, 0.8, 0.8, 0.85, 0.7])
    monkeypatch.setattr(TableVitals, "__call__", lambda self, rows: {self.name: next(figures)})
    said, options = [], SMALL | {"rows": 960}
    stopped = train(SOURCE, run=tmp_path / "run", options=options, patience=2, say=said.append)
    assert [line["tick"] for line in read_journal(stopped.journal)] == [1, 2, 3, 4]
    assert stopped.stopped_by is None
    assert any("Nothing better for 2 ticks than after tick 2" in sentence for sentence in said)
    assert load(tmp_path / "run").snapshot.tick == 2
    train(SOURCE, run=tmp_path / "run", options=options, patience=2, say=said.append)
    assert len(read_journal(stopped.journal)) == 4
    train(SOURCE, run=tmp_path / "run", options=options | {"rows": 480}, say=said.append)
    assert len(read_journal(stopped.journal)) == 5
    assert load(tmp_path / "run").snapshot.tick == 5


@ONCE
def test_constraints_that_seldom_hold_do_not_end_a_training(tmp_path):
    frame = make_frame()
    frame["more"] = frame["gain"] + np.random.default_rng(0).integers(0, 3, len(frame))
    source = table_source("rows", frame, "paid", constraints=["gain <= more", "more <= 20000"])
    found = train(source, run=tmp_path / "run", options=SMALL | {"rows": 96}, say=str)
    assert (found.samples / "tick-00001.csv").exists()
