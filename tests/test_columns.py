"""Columns of tables: what they are taken for, encoded and back, and the sentences about tables that cannot be used."""

import datetime
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic
import pytest

from sparring.data.source import open_source
from sparring.data.spec import AnySpec, TableSpec
from sparring.data.tables.columns import MOST_LEVELS, Category, Number
from sparring.data.tables.encoding import decode, encode
from sparring.data.tables.layout import Layout
from sparring.data.tables.reading import read_table
from sparring.data.tables.table import table_source
from sparring.data.tables.understanding import BUCKETS, OWN_LEVELS
from sparring.errors import DataError, SparringError, UsageError

DATA = os.environ.get("SPARRING_TEST_DATA")
random = np.random.default_rng(0)
COUNT = 400


def every_kind() -> pd.DataFrame:
    """A column of every kind and dtype."""
    normal = random.normal(size=COUNT)
    gains = np.where(random.random(COUNT) < 0.7, 0, random.integers(1, 10**6, COUNT))
    days = pd.Timestamp("2020-02-28") + pd.to_timedelta(random.integers(0, 900, COUNT), unit="D")
    words = random.choice(["one", "two", "three"], COUNT)
    frame = pd.DataFrame(
        {
            "float": normal,
            "cents": np.round(normal * 100, 2),
            "small": normal.astype(np.float32),
            "gain": gains,
            "age": random.integers(18, 80, COUNT).astype(np.int8),
            "stars": random.integers(1, 6, COUNT),
            "maybe": pd.array(random.integers(0, 1000, COUNT), dtype="Int64"),
            "holes": np.where(random.random(COUNT) < 0.1, np.nan, normal),
            "truth": random.random(COUNT) < 0.3,
            "unsure": pd.array(random.random(COUNT) < 0.3, dtype="boolean"),
            "word": words,
            "grade": pd.Categorical(random.choice(["b", "a"], COUNT), categories=["c", "b", "a"], ordered=True),
            "day": days,
            "stamp": (days + pd.to_timedelta(random.integers(0, 10**6, COUNT), unit="s")).tz_localize("UTC"),
            "written": days.strftime("%d.%m.%Y"),
            "same": 7,
            "nothing": np.nan,
        }
    )
    for name in ("maybe", "unsure", "word", "grade", "day"):
        frame.loc[random.random(COUNT) < 0.1, name] = pd.NA if name in ("maybe", "unsure") else None
    return frame


FRAME = every_kind()
SPEC = table_source("every", FRAME).spec


def anywhere(encoded, share=None):
    """A place between the lowest and the highest of each number."""
    share = random.random(encoded["low"].shape) if share is None else share
    return encoded["low"] + (encoded["high"] - encoded["low"]) * share


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, None])
def test_encoding_and_decoding_gives_the_rows_back(share):
    encoded = encode(FRAME, SPEC.columns)
    back = decode(SPEC, encoded["codes"], anywhere(encoded, share))
    pd.testing.assert_frame_equal(back, FRAME, check_exact=False, rtol=1e-6, atol=1e-9)


def test_the_description_is_small_json_and_says_all_there_is_to_say():
    text = SPEC.model_dump_json()
    again = pydantic.TypeAdapter(AnySpec).validate_json(text)
    assert again == SPEC
    assert len(text) < 100_000
    encoded = encode(FRAME, SPEC.columns)
    pd.testing.assert_frame_equal(
        decode(again, encoded["codes"], encoded["low"]), decode(SPEC, encoded["codes"], encoded["low"])
    )


def test_what_columns_are_taken_for():
    kinds = {column.name: column.type for column in SPEC.columns}
    numbers = {"float", "cents", "small", "gain", "age", "maybe", "holes"}
    dates = {"day", "stamp", "written"}
    assert {name for name, kind in kinds.items() if kind == "number"} == numbers
    assert {name for name, kind in kinds.items() if kind == "date"} == dates
    assert set(kinds.values()) == {"number", "date", "category"}
    gain, cents = SPEC.column("gain"), SPEC.column("cents")
    assert (gain.atoms, gain.decimals, cents.decimals, SPEC.column("float").decimals) == ((0.0,), 0, 2, None)
    assert SPEC.column("stars").levels == (1, 2, 3, 4, 5)
    assert SPEC.column("truth").levels == (False, True)
    assert {column.name for column in SPEC.conditions} == {"stars", "truth", "unsure", "word", "grade"}


def test_any_places_decode_to_numbers_in_range_and_on_the_grid():
    layout = Layout(SPEC)
    codes = np.stack([random.integers(0, width, 500) for width in layout.widths], axis=1)
    rows = decode(SPEC, codes, random.random((500, len(layout.numbers))))
    assert (rows.dtypes == FRAME.dtypes).all()
    for name in ("float", "cents", "gain", "age", "maybe", "holes", "day", "stamp"):
        assert rows[name].min() >= FRAME[name].min()
        assert rows[name].max() <= FRAME[name].max()
    np.testing.assert_array_equal(rows["cents"], rows["cents"].round(2))
    assert set(rows["grade"].dropna()) <= {"a", "b"}
    assert list(rows["grade"].cat.categories) == ["c", "b", "a"]


def test_a_column_of_twenty_thousand_levels_takes_few_slots_and_keeps_their_frequency():
    shares = 1 / np.arange(1, 20_001)
    names = np.array([f"level {number}" for number in range(20_000)])
    frame = pd.DataFrame({"city": random.choice(names, 60_000, p=shares / shares.sum()), "x": random.random(60_000)})
    source = table_source("cities", frame)
    city = source.spec.column("city")
    assert city.num_slots == OWN_LEVELS + BUCKETS
    assert len(city.levels) <= MOST_LEVELS
    assert len(source.spec.model_dump_json()) < 500_000
    assert any("rarest of them will not be generated" in note for note in source.notes)
    known = frame[frame["city"].isin(city.levels)]
    encoded = encode(known, source.spec.columns)
    back = decode(source.spec, encoded["codes"], anywhere(encoded))
    frequent = known["city"].isin(city.levels[:OWN_LEVELS]).to_numpy()
    assert (back["city"].to_numpy() == known["city"].to_numpy())[frequent].all()
    tenth = city.levels[OWN_LEVELS]
    assert (back["city"] == tenth).sum() == pytest.approx((known["city"] == tenth).sum(), rel=0.4)
    assert city.slot_of(tenth) == OWN_LEVELS
    assert city.slot_of(city.levels[-1]) == OWN_LEVELS + BUCKETS - 1


def test_identifiers_are_made_up():
    frame = pd.DataFrame(
        {
            "customer_id": random.permutation(10_000)[:300] + 5,
            "number": np.arange(300) + 17,
            "code": [f"AB-{number:04d}" for number in random.permutation(10_000)[:300]],
            "name": [f"{'x' * (row % 7)}{row}" for row in range(300)],
            "price": random.permutation(10**6)[:300],
        }
    )
    source = table_source("shop", frame)
    assert [column.type for column in source.spec.columns] == ["identifier"] * 4 + ["number"]
    assert source.examples["codes"].shape == (300, 0)
    rows = decode(source.spec, source.examples["codes"], source.examples["low"])
    assert (rows.dtypes == frame.dtypes).all()
    for name in ("customer_id", "number", "name"):
        assert rows[name].is_unique
        assert not set(rows[name]) & set(frame[name])
    assert rows["code"].str.fullmatch(r"AB-\d{4}").all()


def test_what_is_taken_for_something_else_can_be_corrected():
    frame = pd.DataFrame({"zip": random.integers(10_000, 10_040, 300), "row": np.arange(300), "x": random.random(300)})
    frame["pure"] = frame["zip"].astype(str)
    kinds = {"zip": "category", "row": "number", "pure": "identifier"}
    columns = table_source("mail", frame, columns=kinds).spec.columns
    assert [column.type for column in columns] == ["category", "number", "number", "identifier"]
    with pytest.raises(UsageError, match=r"There is no column `zap`. Did you mean `zip`"):
        table_source("mail", frame, columns={"zap": "category"})
    with pytest.raises(UsageError, match="Did you mean `category`"):
        table_source("mail", frame, columns={"zip": "categories"})


def test_of_few_rows_numbers_are_not_levels():
    frame = pd.DataFrame({"x": random.random(12), "y": [0, 1] * 6})
    assert [column.type for column in table_source("few", frame).spec.columns] == ["number", "category"]


X = {"x": [1.5, 2.5, 3.5, 4.0]}
BAD = {
    "one column": (X, {}, "at least 2 columns"),
    "one row": ({"x": [1.0], "y": [2.0]}, {}, "at least 2 rows. Received: 1"),
    "no rows": ({"x": [], "y": []}, {}, "at least 2 rows. Received: 0"),
    "all missing": ({"x": [None] * 4, "y": [np.nan] * 4}, {}, "4 rows in which all are missing"),
    "alike": ({"x": [1] * 4, "y": ["a"] * 4}, {}, "rows that differ"),
    "infinite": (X | {"y": [1.0, np.inf, 2.0, 3.0]}, {}, "`y` must hold finite numbers. Received: inf in row 1"),
    "mixed": (X | {"y": [1, 2, "three", 4]}, {}, "`y` mixes numbers and other values, such as 'three' in row 2"),
    "lists": (X | {"y": [[1], [2], [3], [4]]}, {}, "Received: list"),
    "complex": (X | {"y": [1j, 2, 3, 4]}, {}, "Received: complex128"),
    "names": ({1: [1.0, 2.0], "y": [1, 2]}, {}, "Columns must have names that are texts. Received: 1"),
    "no target": (X | {"income": [1, 2, 3, 4]}, {"target": "incme"}, "no target `incme`. Did you mean `income`"),
    "no date": (X | {"y": list("abcd")}, {"columns": {"y": "date"}}, "must hold dates in one format"),
}


@pytest.mark.parametrize(("columns", "options", "sentence"), BAD.values(), ids=BAD)
def test_a_frame_that_cannot_be_used_is_told_in_a_sentence(columns, options, sentence):
    with pytest.raises(SparringError) as caught:
        open_source(pd.DataFrame(columns), **options)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 300


def test_names_that_stand_twice_are_refused():
    frame = pd.DataFrame(np.eye(3), columns=["a", "b", "a"])
    with pytest.raises(DataError, match=r"different names. Received: `a` more than once"):
        open_source(frame)


def test_a_text_among_numbers_is_named():
    ages = [str(age) for age in range(20, 90)]
    frame = pd.DataFrame({"age": [*ages, "unknown"], "x": random.random(71)})
    with pytest.raises(DataError, match="such as 'unknown' in row 70"):
        open_source(frame)
    assert open_source(frame, columns={"age": "category"}).spec.column("age").type == "category"


def test_what_there_is_nothing_to_learn_of_is_noted():
    source = open_source(pd.DataFrame({"x": random.random(40), "same": ["a"] * 40, "empty": [None] * 40}))
    assert [note.partition(":")[0] for note in source.notes] == ["`same` is always a", "`empty` has no values"]


CSV = "name;price;when\nMüller;1,5;2024-01-05\nNoël;2,25;2024-03-01\n" + "Zoë;3,75;2024-02-29\n" * 30


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_separators_and_decimal_commas_are_found_out(tmp_path, encoding):
    path = tmp_path / "prices.csv"
    path.write_bytes(CSV.encode(encoding))
    frame, notes = read_table(path)
    assert frame["name"].iloc[:3].tolist() == ["Müller", "Noël", "Zoë"]
    assert frame["price"].iloc[:3].tolist() == [1.5, 2.25, 3.75]
    assert notes[-1] == "Read as columns parted by semicolons, with decimal commas."
    assert open_source(path).spec.column("when").type == "date"


@pytest.mark.parametrize("separator", [",", "\t", "|"])
def test_separators(tmp_path, separator):
    path = tmp_path / "x.csv"
    path.write_text("".join(separator.join(row) + "\n" for row in [("a", "b c"), *[("1", '"x, y"'), ("2", "z")] * 20]))
    frame, _ = read_table(path)
    assert frame.columns.tolist() == ["a", "b c"]
    assert set(frame["b c"]) == {"x, y", "z"}


FILES = {
    "empty": (b"", "is empty"),
    "no table": (b"Dear reader,\nthis is a letter.\nIt has lines\nand words.\n", "is no table of several columns"),
    "an image": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "bytes that are no text"),
    "twice": (b"a,b,a\n1,2,3\n4,5,6\n", "different names. Received: a more than once"),
    "only names": (b"a,b\n", "at least 2 rows. Received: 0"),
}


@pytest.mark.parametrize(("content", "sentence"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_table_is_told_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_source(path)
    assert sentence in str(caught.value)
    with pytest.raises(DataError, match="does not exist"):
        open_source(tmp_path / "absent.csv")


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow", reason="reading Parquet needs pyarrow")
    FRAME.to_parquet(tmp_path / "x.parquet")
    assert open_source(tmp_path / "x.parquet").spec.columns == SPEC.columns
    (tmp_path / "y.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="could not be read as Parquet"):
        open_source(tmp_path / "y.parquet")


def test_a_table_and_images_have_options_of_their_own(stripes):
    with pytest.raises(UsageError, match="`size` is for images"):
        open_source(FRAME, size=8)
    with pytest.raises(UsageError, match="`target` is for tables"):
        open_source("digits", target="x")
    with pytest.raises(UsageError, match="`constraints` and `hold_out` are for tables"):
        open_source("digits", constraints=["a <= b"], hold_out=0.1)


def test_a_level_that_was_not_there_is_named():
    frame = pd.DataFrame({"x": random.random(40), "word": ["a", "b"] * 20})
    columns = table_source("t", frame).spec.columns
    with pytest.raises(DataError, match=r"`word` must hold levels that were fitted. Received: 'c'"):
        encode(frame.replace("b", "c"), columns)
    with pytest.raises(DataError, match="`word` had no missing values"):
        encode(frame.replace("b", None), columns)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"quantiles": (2.0, 1.0)}, "in their order"),
        ({"quantiles": (1.0, float("nan"))}, "finite"),
        ({"quantiles": (1.0,) * 2000}, "at most"),
        ({"missing": 2.0}, "less than or equal"),
        ({"code": "import os"}, "Extra inputs"),
    ],
)
def test_a_description_from_a_stranger_is_checked(change, fault):
    column = {"name": "x", "dtype": "float64", "quantiles": (0.0, 1.0)}
    Number(**column)
    with pytest.raises(pydantic.ValidationError, match=fault):
        Number(**(column | change))
    with pytest.raises(pydantic.ValidationError, match="as many counts as levels"):
        Category(name="x", dtype="str", levels=("a",), counts=())
    with pytest.raises(pydantic.ValidationError, match="different names"):
        TableSpec(columns=(Number(**column),) * 2, num_examples=3, squared_distance=1.0)


@pytest.mark.skipif(DATA is None, reason="SPARRING_TEST_DATA is not set")
@pytest.mark.parametrize("name", ["adult", "shoppers", "magic", "housing"])
def test_real_tables_come_back_as_they_were(name):
    frame, _ = read_table(Path(DATA) / f"{name}.csv")
    spec = table_source(name, frame).spec
    encoded = encode(frame, spec.columns)
    pd.testing.assert_frame_equal(decode(spec, encoded["codes"], anywhere(encoded)), frame, rtol=1e-9)


def test_dates_of_python_are_dates():
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(days=number % 50) for number in range(90)]
    source = table_source("d", pd.DataFrame({"day": days, "x": random.random(90)}))
    assert source.spec.column("day").type == "date"
