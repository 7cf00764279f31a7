"""Images of several domains: how they are found, when they are pairs, and what is refused."""

import itertools
import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from sparring.applications import timing
from sparring.applications.inspecting import plan
from sparring.applications.inspecting.inspect import inspect
from sparring.applications.inspecting.words import duration
from sparring.data import lazy
from sparring.data.images.domains import describe_domains, domain_source
from sparring.data.source import open_source
from sparring.errors import DataError, UsageError
from sparring.recipes.catalog import find_recipe


def picture(path, seed, height=8, width=8, channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(path)
    return pixels


def folder(root, names, seed=0, **kwargs):
    return {name: picture(root / name, seed + place, **kwargs) for place, name in enumerate(names)}


def fails(words, *arguments, error=DataError, **options):
    with pytest.raises(error) as found:
        open_source(*arguments, **options)
    for word in words:
        assert word in str(found.value)


def test_two_folders_of_equal_names_are_pairs(tmp_path):
    # By their names the files of the second folder come in another order.
    first = folder(tmp_path / "a", ["1.png", "1-b.png", "2.png"])
    second = folder(tmp_path / "b", ["1.jpg", "1-b.png", "2.png"], seed=9)
    source = open_source([tmp_path / "a", tmp_path / "b"])
    assert source.spec.paired
    assert source.spec.domains == ("a", "b")
    assert source.spec.shape == (8, 8, 3)
    assert "pairs" in " ".join(source.notes)
    for row in range(3):
        name = next(name for name in first if (first[name] == source.examples["0/image"][row]).all())
        other = name.replace("1.png", "1.jpg")
        found = source.examples["1/image"][row]
        assert np.abs(found.astype(int) - second[other]).mean() < 60  # A JPEG of noise is not exact.
    batch = source.batches(8)[3]
    rows = [int(np.flatnonzero((source.examples["0/image"] == x).all((1, 2, 3)))[0]) for x in batch["0/image"]]
    np.testing.assert_array_equal(batch["1/image"], source.examples["1/image"][rows])


def test_other_names_are_no_pairs_and_come_in_orders_of_their_own(tmp_path):
    folder(tmp_path / "a", [f"{number}.png" for number in range(5)])
    folder(tmp_path / "b", [f"x{number}.png" for number in range(3)], seed=9)
    source = open_source({"cats": tmp_path / "a", "dogs": tmp_path / "b"})
    assert not source.spec.paired
    assert source.spec.domains == ("cats", "dogs")
    assert source.spec.num_examples == 5
    assert source.batches(4)[0]["1/image"].shape == (4, 8, 8, 3)
    assert describe_domains(source) == "unpaired images of 8x8x3, 5 of cats, 3 of dogs"


def test_names_that_are_missing_are_named(tmp_path):
    folder(tmp_path / "a", ["1.png", "2.png", "3.png"])
    folder(tmp_path / "b", ["1.png", "2.png"], seed=9)
    source = open_source([tmp_path / "a", tmp_path / "b"])
    assert not source.spec.paired
    assert "2 names are in every domain, 1 are not (3 of a)" in " ".join(source.notes)


def test_letters_of_folders_are_domains_and_a_split(tmp_path):
    for number, place in enumerate(("trainA", "trainB", "testA", "testB")):
        folder(tmp_path / place, [f"{place}{k}.png" for k in range(2 + number)], seed=10 * number)
    source = open_source(tmp_path)
    assert source.spec.domains == ("A", "B")
    assert [len(source.examples[key]) for key in ("0/image", "1/image")] == [2, 3]
    assert [len(source.held_out[key]) for key in ("0/image", "1/image")] == [4, 5]


def test_folders_of_single_letters_are_classes(tmp_path):
    for place in ("A", "B"):
        folder(tmp_path / place, ["1.png", "2.png"], seed=ord(place))
    assert open_source(tmp_path).spec.kind == "image"
    assert open_source(tmp_path, domains=True).spec.domains == ("A", "B")


@pytest.mark.parametrize("deep", [False, True])
def test_sub_folders_are_domains_and_stay_pairs_where_they_are_held_out(tmp_path, deep):
    parts = [("train", 4), ("test", 2), ("val", 2)]
    for number, domain in enumerate(("ink", "oil", "pencil")):
        for part, count in parts:
            place = f"{domain}/{part}" if deep else f"{part}/{domain}"
            folder(tmp_path / place, [f"{k}.png" for k in range(count)], seed=100 * number + len(part) * 10)
    source = open_source(tmp_path, domains=True)
    assert source.spec.domains == ("ink", "oil", "pencil")
    assert source.spec.paired
    assert [len(rows) for rows in source.examples.values()] == [4] * 3
    assert [len(rows) for rows in source.held_out.values()] == [4] * 3


@pytest.mark.parametrize("in_memory", [True, False])
def test_pictures_side_by_side_are_cut_before_they_are_resized(tmp_path, monkeypatch, in_memory):
    if not in_memory:
        monkeypatch.setattr(lazy, "MEMORY_LIMIT", 1)
    for number in range(3):
        pixels = np.zeros((32, 65, 3), np.uint8)
        pixels[:, :32], pixels[:, 33:] = 10 + number, 200 + number
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    source = open_source(tmp_path, domains=True, size=8)
    assert source.spec.domains == ("left", "right")
    assert source.spec.paired
    left, right = (source.examples[key][:] for key in ("0/image", "1/image"))
    np.testing.assert_array_equal(np.unique(left), [10, 11, 12])
    np.testing.assert_array_equal(right.astype(int), left + 190)


def test_grey_beside_colour_becomes_colour(tmp_path, monkeypatch):
    folder(tmp_path / "edges", ["1.png", "2.png"], channels=1)
    folder(tmp_path / "photos", ["1.png", "2.png"], seed=9)
    for limit in (lazy.MEMORY_LIMIT, 1):
        monkeypatch.setattr(lazy, "MEMORY_LIMIT", limit)
        source = open_source([tmp_path / "edges", tmp_path / "photos"])
        assert source.spec.shape == (8, 8, 3)
        edges = source.examples["0/image"][np.array([0, 1])]
        np.testing.assert_array_equal(edges[..., 0], edges[..., 2])


def test_what_is_refused(tmp_path):
    folder(tmp_path / "a", ["1.png", "2.png"])
    folder(tmp_path / "large", ["1.png", "2.png"], height=9)
    folder(tmp_path / "one", ["1.png"], seed=5)
    (tmp_path / "empty").mkdir()
    fails(["empty", "holds no images"], [tmp_path / "a", tmp_path / "empty"])
    fails(["one size", "a 8x8, large 9x8", "--size"], [tmp_path / "a", tmp_path / "large"])
    fails(["at least 2 images", "1 of one"], [tmp_path / "a", tmp_path / "one"])
    fails(["at least 2 domains", "a in a"], [tmp_path / "a"])
    fails(["holds no domains", "1.png of 8x8", "two folders"], tmp_path / "a", domains=True)
    fails(["two sources"], "digits", domains=True)
    (tmp_path / "a" / "3.png").write_bytes(b"no image")
    fails(["3.png", "--skip-unreadable"], [tmp_path / "a", tmp_path / "one"])
    rows = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(DataError, match=r"as many images of every domain. Received: 4 of a, 3 of b"):
        domain_source("x", {"a": rows, "b": rows[:3]}, paired=True)
    with pytest.raises(DataError, match=r"or of 1 and 3. Received: \[3, 4\]"):
        domain_source("x", {"a": rows, "b": np.concatenate([rows, rows[..., :1]], axis=3)})
    with pytest.raises(DataError, match="identical ones of b"):
        domain_source("x", {"a": rows, "b": np.zeros_like(rows)})


def test_an_unknown_domain_is_answered_with_the_nearest():
    rows = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    spec = domain_source("x", {"summer": rows, "winter": rows}).spec
    assert spec.place("winter") == 1
    with pytest.raises(UsageError, match=r"no domain `wintre`. Did you mean `winter`\? Domains: summer, winter"):
        spec.place("wintre")


def test_equal_names_of_sources_are_numbered(tmp_path):
    for parent in ("x", "y"):
        folder(tmp_path / parent / "photos", [f"{parent}1.png", f"{parent}2.png"], seed=ord(parent))
    source = open_source([tmp_path / "x" / "photos", tmp_path / "y" / "photos"])
    assert source.spec.domains == ("photos-1", "photos-2")


@pytest.mark.skipif("SPARRING_TEST_DATA" not in os.environ, reason="SPARRING_TEST_DATA names no folder of real data")
def test_real_domains():
    data = pathlib.Path(os.environ["SPARRING_TEST_DATA"])
    facades = open_source(data / "facades.zip", size=16, domains=True)
    assert facades.spec.paired
    assert facades.spec.num_examples == 400
    assert len(facades.held_out["0/image"]) == 206
    # The maps are all blue, red and cyan, the photographs are mostly stone.
    photographs, maps = (np.ptp(facades.held_out[key].astype(int), axis=-1).mean() for key in facades.held_out)
    assert maps > 2 * photographs
    digits = open_source([data / "mnist.npz", data / "usps.npz"], size=16)
    assert digits.spec.domains == ("mnist", "usps")
    assert [len(rows) for rows in digits.examples.values()] == [60_000, 7_291]


def test_a_look_at_domains_tells_what_leaks(tmp_path):
    for number, place in enumerate(("trainA", "trainB", "testA", "testB")):
        folder(tmp_path / place, [f"{place}{k}.png" for k in range(3)], seed=100 * number)
    (tmp_path / "testA" / "copy.png").write_bytes((tmp_path / "trainA" / "trainA1.png").read_bytes())
    (tmp_path / "trainB" / "other.png").write_bytes((tmp_path / "trainA" / "trainA0.png").read_bytes())
    found = inspect(tmp_path)
    assert found.facts()["  A"] == "7 images of 8x8, of which 4 are held out"
    warnings = " ".join(found.warnings)
    assert "3 images of A to train on" in warnings
    assert "1 held-out images of A are also trained on, such as testA/copy.png" in warnings
    assert "1 images are in more than one domain" in warnings
    (plan,) = found.training
    assert "the recipe fastcut" in plan


def test_a_look_at_folders_tells_sizes_and_what_would_help(tmp_path):
    folder(tmp_path / "a", ["1.png", "2.png"])
    folder(tmp_path / "b", ["1.png", "2.png"], seed=9, height=16, width=16)
    (tmp_path / "b" / "3.png").write_bytes(b"no image")
    found = inspect([tmp_path / "a", tmp_path / "b"])
    refusal, plan = found.training
    assert "3.png" in refusal
    assert "train with --size 64 --skip-unreadable would take 2 pairs of a and b" in plan
    assert "the recipe pix2pix" in plan
    lines = "\n".join(found.lines())
    assert "1 files cannot be read, such as b/3.png" in lines
    assert "2 sizes. Pass --size 64" in lines


def test_with_a_recipe_of_translation_sub_folders_are_looked_at_as_domains(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_try_out", lambda data, recipe: (7800.0, 1000, 5))
    for number, place in enumerate(("train/ink", "train/oil", "train/wax", "test/ink", "test/oil", "test/wax")):
        names = [f"{number}-{k}.png" for k in range(4 - number // 3)]
        folder(tmp_path / place, names, seed=100 * number, height=8 + number % 3)
    (tmp_path / "test/oil/copy.png").write_bytes((tmp_path / "train/oil/1-2.png").read_bytes())
    found = inspect(tmp_path, recipe="stargan_v2")
    assert found.facts() == {
        "domains": "3",
        "  ink": "7 images of 8x8, of which 3 are held out",
        "  oil": "8 images of 9x8, of which 4 are held out",
        "  wax": "7 images of 10x8, of which 3 are held out",
    }
    refusal, training = found.training
    assert "must have one size" in refusal
    assert "train with --size 64 would take unpaired images of 64x64x3, 4 of ink, 4 of oil, 4 of wax" in training
    assert "the recipe stargan_v2: its 1,000 examples take about 2 h 10 min, by steps just tried" in training
    warnings = " ".join(found.warnings)
    assert "4 images of wax to train on" in warnings
    assert "1 held-out images of oil are also trained on, such as test/oil/copy.png" in warnings
    for recipe in (None, "r3gan"):  # As `train` would take it.
        assert set(inspect(tmp_path, recipe=recipe).classes) == {"ink", "oil", "wax"}


def test_pictures_side_by_side_are_looked_at_half_by_half(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_try_out", lambda data, recipe: (30.0, 10, 1))
    for part, count in (("train", 3), ("test", 2)):
        folder(tmp_path / part, [f"{k}.png" for k in range(count)], seed=count, width=17)
    found = inspect(tmp_path, recipe="pix2pix")
    assert found.facts()["  right"] == "5 images of 8x8, of which 2 are held out"
    assert "3 pairs of left and right" in found.training[0]
    assert "take about 30 s" in found.training[0]
    assert "more than one domain" not in " ".join(found.warnings)


def test_what_cannot_be_looked_at_as_domains(tmp_path):
    folder(tmp_path / "flat", ["1.png", "2.png"])
    for source, words in {"digits": "needs two sources", str(tmp_path / "flat"): "holds no domains"}.items():
        with pytest.raises(DataError, match=words):
            inspect(source, recipe="fastcut")
    folder(tmp_path / "other", ["3.png", "4.png"], seed=9)
    with pytest.raises(UsageError, match=r"r3gan is for image data\. Received: domains data"):
        inspect([tmp_path / "flat", tmp_path / "other"], recipe="r3gan")


def test_the_time_that_a_recipe_takes_is_that_of_its_steps(stripes, monkeypatch):
    clock = itertools.chain([0, 1000], itertools.count(1001))  # The first call compiles, and does not count.
    monkeypatch.setattr(timing, "monotonic", lambda: float(next(clock)))
    game = find_recipe("article").build(stripes.spec)
    pace = game.pace
    at_once = max(count for count in range(1, game.most_at_once + 1) if pace.steps_per_tick % count == 0)
    steps = pace.num_ticks * pace.steps_per_tick
    words = plan.plan_recipe(stripes, "article")
    assert f"its {steps * pace.batch_size:,} images take about {duration(steps / at_once)}, by steps" in words
