"""What benchmarks print into the documentation, and how they judge."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def of_benchmarks(monkeypatch):
    """Scripts that import each other, as Python finds them beside the one it runs."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    yield
    for name in ("augment", "document", "mixtures", "records", "synthetic_images", "tables"):
        sys.modules.pop(name, None)


def test_the_pages_say_what_the_results_say():
    import document

    pages = [page.read_text() for page in document.PAGES]
    assert pages == [document.written(page) for page in pages], "python benchmarks/document.py"
    places = [found[2] for page in pages for found in document.PLACE.finditer(page)]
    assert sorted(places) == sorted(path.stem for path in document.RESULTS.glob("*.json"))
    assert all(record["benchmark"] in document.TABLES for record in map(_record, document.RESULTS.glob("*.json")))


def _record(path):
    return json.loads(path.read_text())


def test_a_table_that_is_out_of_date_is_written_anew():
    import document

    page = document.PAGES[0].read_text()
    name = next(document.PLACE.finditer(page))[2]
    other = document.PLACE.sub(lambda found: f"{found[1]}| old |\n{found[3]}", page)
    assert f"<!-- {name} -->\n| old |\n" in other
    assert document.written(other) == page


def test_ways_of_augment_are_chosen_on_digits_that_are_in_no_cut():
    import augment
    import synthetic_images

    labels = np.arange(60_000) % 10
    learnt, judged = synthetic_images.parted(labels, 80)
    assert np.bincount(labels[learnt]).tolist() == [8] * 10
    cuts = [augment.equally(labels, count, seed) for count in (100, 500, 2_000) for seed in range(3)]
    assert len({tuple(cut) for cut in cuts}) == 9
    for one, other in ((learnt, judged), *((part, cut) for part in (learnt, judged) for cut in cuts)):
        assert not set(one) & set(other)


def test_a_cut_leaves_the_test_images_alone():
    import augment

    (images, labels), (others, answers) = augment.digits("digits", 50, 1)
    assert np.bincount(labels).tolist() == [5] * 10
    assert len(others) == len(answers) > 300
    assert not {image.tobytes() for image in images} & {image.tobytes() for image in others}


def test_real_points_are_judged_as_is_due():
    import mixtures

    for mixture, modes in ((mixtures.MIXTURES["ring"], 8), (mixtures.MIXTURES["grid"], 25)):
        figures = mixture.judge(mixture.points(100_000, 0))
        assert figures["modes"] == modes
        assert figures["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.002)
        assert figures["reverse_kl"] < 0.001
        assert figures["spread"] == pytest.approx(0.974, abs=0.005)


def test_points_are_judged_by_what_is_wrong_with_them():
    import mixtures

    ring = mixtures.MIXTURES["ring"]
    assert len({tuple(np.round(centre, 6)) for centre in ring.centres}) == 8
    one = ring.judge(np.repeat(ring.centres[:1], 50, axis=0))
    assert (one["modes"], one["high_quality"], one["spread"]) == (1, 1.0, 0.0)
    assert one["reverse_kl"] == pytest.approx(np.log(8), abs=1e-4)
    between = np.concatenate([ring.centres, np.zeros((8, 2)), ring.centres + np.array([0.0, 0.031])])
    assert ring.judge(between)["high_quality"] == pytest.approx(1 / 3, abs=1e-3)
    nothing = ring.judge(np.zeros((8, 2)))
    assert (nothing["modes"], nothing["reverse_kl"], nothing["spread"]) == (0, None, None)


def test_a_short_game_of_points_is_played():
    import mixtures

    found = mixtures.train(mixtures.MIXTURES["ring"], 0, {"steps": 4, "looks": 2, "packing": 2, "group_size": 4})
    assert found["steps"] == 4
    assert [look["steps"] for look in found["curve"]] == [2]
    assert set(found["averaged"]) == set(found["raw"]) == {"modes", "high_quality", "reverse_kl", "spread"}
