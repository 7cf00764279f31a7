"""What is looked at while training: cheap figures, the best snapshot, and what goes wrong told in words."""

import hashlib
import json
import pkgutil
import shutil

import numpy as np
import pytest

import sparring
from conftest import ONCE
from sparring.applications.train import train
from sparring.bundle.loading import read_snapshot
from sparring.data.source import open_source
from sparring.errors import RunError
from sparring.metrics.sketch import Sketch, random_filters
from sparring.metrics.vitals import Vitals
from sparring.training.callbacks import best_line, read_journal
from sparring.training.checkpoint import Checkpoints
from sparring.training.judging import judged_samples

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    source = open_source("digits")
    return source.examples["image"], np.asarray(source.examples["label"]), source.held_out["image"]


@pytest.fixture(scope="module")
def vitals(digits):
    return Vitals(digits[0], digits[1], 359)


# Figures


def test_features_are_those_of_an_image_whoever_comes_with_it():
    images = RNG.integers(0, 256, (300, 70, 66, 3), dtype=np.uint8)
    sketch = Sketch(images)
    together = sketch(images).features
    assert together.shape == (300, 64)
    np.testing.assert_allclose(sketch(images[7:8]).features, together[7:8], atol=1e-5)
    np.testing.assert_array_equal(Sketch(images)(images).features, together)


@pytest.mark.parametrize(("channels", "expected"), [(1, "fd4a73869b99cd0f"), (3, "ab12ea94cdf8cb66")])
def test_filters_are_the_same_with_every_numpy(channels, expected):
    """Figures of one name may be compared; hundredths, none of which is nearly another, are alike on all machines."""
    filters = np.concatenate([layer.ravel() for layer in random_filters(channels)])
    hundredths = np.rint(100 * filters).astype(np.int8)
    assert hashlib.sha256(hundredths.tobytes()).hexdigest()[:16] == expected


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 1), (5, 130, 3), (33, 8, 4)])
def test_images_of_any_shape(shape):
    images = RNG.integers(0, 256, (9, *shape), dtype=np.uint8)
    judge = Vitals(images, None, 12)
    figures = judge(images[np.arange(12) % 9])
    assert np.isfinite(list(figures.values())).all()
    assert np.isfinite(judge.floor)


def test_a_pixel_that_is_always_black_does_not_count_for_all(digits):
    spoilt = digits[2].copy()
    assert (digits[0][:, 0, 0, 0] == 0).all()
    spoilt[:, 0, 0, 0] = 10
    judge = Vitals(digits[0], None, 359)
    assert judge(spoilt)[judge.name] < 1.1 * judge(digits[2])[judge.name]


def test_the_figure_of_merit_grows_with_what_spoils_samples(vitals, digits):
    held_out = digits[2].astype(float)
    real = vitals(digits[2])
    assert vitals.name == "fd[sketch-v1, n=359]"
    assert real[vitals.name] < 4 * vitals.floor
    for spoil in (
        lambda strength: held_out + strength * 255 * RNG.normal(size=held_out.shape),
        lambda strength: held_out * (1 - strength) + strength * held_out.mean(),
        lambda strength: held_out * (1 - strength) + strength * held_out[RNG.permutation(len(held_out))],
    ):
        values = [vitals(np.clip(spoil(s), 0, 255).astype(np.uint8))[vitals.name] for s in (0.1, 0.2, 0.4)]
        assert real[vitals.name] < values[0] < values[1] < values[2]


def test_each_figure_tells_what_it_is_for(vitals, digits):
    images, labels, held_out = digits
    real = vitals(held_out)
    assert 0.9 < real["diversity"] < 1.1
    assert real["twins"] < 0.05
    assert real["lost_modes"] == 0
    assert real["copies"] < 0.15
    few = vitals(held_out[np.arange(359) % 30])
    assert few["twins"] > 0.95
    without = vitals(images[labels > 2][:359])
    assert 0.1 < without["lost_modes"] < 0.4
    assert without["twins"] < 0.05
    assert vitals(images[:359])["copies"] > 0.95
    assert vitals(np.full_like(held_out, 100))["diversity"] == 0


def test_samples_have_the_classes_of_the_data(digits):
    images, labels, _ = digits
    rows = np.concatenate([np.flatnonzero(labels == 3)[:30], np.flatnonzero(labels == 5)[:90]])
    judge = Vitals(images[rows], labels[rows], 40)
    assert np.bincount(judge.labels).tolist() == [0, 0, 0, 10, 0, 30]


def test_copies_are_not_looked_for_in_large_data():
    images = RNG.integers(0, 256, (5001, 4, 4, 1), dtype=np.uint8)
    assert "copies" not in Vitals(images, None, 50)(images[:50])


# The best snapshot

OPTIONS = {"width": 4, "latent_dim": 4, "batch_size": 8}
TICK = 48


class Planned:
    """A judge whose verdicts are known: of the tick whose samples it is shown, by their order."""

    name, num_samples, labels, floor = "fd[planned, n=3]", 3, None, 0.1

    def __init__(self, values):
        self.values, self.ticks = values, []

    def __call__(self, samples):
        assert samples.shape == (3, 8, 8, 1)
        tick = self.start + len(self.ticks)
        self.ticks.append(tick)
        return {self.name: self.values[tick]}


@pytest.fixture
def judged(stripes, tmp_path, monkeypatch):
    """Trains the article's recipe under a plan of figures; returns the run and what was said."""

    def judged(values, folder="run"):
        said, plan = [], Planned(values)
        stored = Checkpoints(tmp_path / folder / "state").paths()
        plan.start = int(stored[0].stem.removeprefix("step-")) * 8 // TICK if stored else 0
        monkeypatch.setattr("sparring.applications.train.judge_for", lambda data, aside: plan)
        options = OPTIONS | {"images": TICK * len(values)}
        run = train(stripes, recipe="article", run=tmp_path / folder, options=options, say=said.append)
        return run, said

    return judged


def ticks_of(run):
    found = [read_snapshot(path) for path in (run.bundle, run.last)]
    return [snapshot and (snapshot.kind, snapshot.tick) for snapshot in found]


@ONCE
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0], [("best", 1), None]),
        ([3.0, 1.0, 2.0], [("best", 2), ("last", 3)]),
        ([3.0, 1.0, 2.0, 0.5], [("best", 4), None]),
        ([1.0, 1.0], [("best", 1), ("last", 2)]),
    ],
)
def test_the_best_is_kept_beside_the_last(judged, values, expected):
    run, said = judged(values)
    assert ticks_of(run) == expected
    assert (
        f"bundle/ is the best snapshot, after tick {expected[0][1]}, fd[planned, n=3] = {min(values):.4g}" in said[-1]
    )
    assert ("last/ is the last" in said[-1]) == (expected[1] is not None)


@ONCE
def test_a_bundle_says_which_snapshot_it_is(judged):
    run, _ = judged([1.0, 2.0])
    best, last = sparring.load(run.folder), sparring.load(run.last)
    assert (best.snapshot.kind, best.snapshot.tick, best.snapshot.value, best.images_seen) == ("best", 1, 1.0, TICK)
    assert (last.snapshot.kind, last.snapshot.tick, last.snapshot.value, last.images_seen) == ("last", 2, 2.0, 2 * TICK)
    assert not np.array_equal(best.sample(9), last.sample(9))
    assert "the best snapshot, after tick 1, fd[planned, n=3] = 1" in (run.bundle / "card.md").read_text()
    assert "the last snapshot, after tick 2" in (run.last / "card.md").read_text()
    lines = read_journal(run.journal)
    assert best_line(lines, Planned.name) == lines[0]


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


WRITERS = {
    "checkpoint": ("sparring.training.checkpoint.write_tensors", 3),
    "bundle": ("sparring.bundle.bundle.replace_file", 5),  # Of two for each tick: the new weights have an old sheet.
}


@ONCE
@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0, 4.0], [3.0, 2.0, 1.0, 4.0], [1.0, 2.0, 3.0, 0.5]])
@pytest.mark.parametrize("writer", WRITERS)
def test_the_best_survives_a_crash_between_the_writes_of_a_tick(judged, monkeypatch, values, writer):
    straight, _ = judged(values, "straight")
    place, number = WRITERS[writer]
    write, count = pkgutil.resolve_name(place), [0]

    def fail(path, *rest):
        count[0] += 1
        if count[0] == number:
            raise OSError(28, "No space left on device", str(path))
        write(path, *rest)

    monkeypatch.setattr(place, fail)
    with pytest.raises(RunError, match="The disk is full"):
        judged(values)
    run, _ = judged(values)
    for folder in ("bundle", "last"):
        assert files_of(run.folder / folder) == files_of(straight.folder / folder)
    assert [figures_of(line) for line in read_journal(run.journal)] == [
        figures_of(line) for line in read_journal(straight.journal)
    ]


def figures_of(line):
    return {name: value for name, value in line.items() if name not in {"seconds", "images_per_second"}}


@ONCE
def test_a_run_from_before_the_best_was_kept_goes_on(judged):
    run, _ = judged([1.0, 2.0])
    lines = [{k: v for k, v in line.items() if k != Planned.name} for line in read_journal(run.journal)]
    run.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.rmtree(run.last)
    sheet = json.loads((run.bundle / "bundle.json").read_text())
    del sheet["snapshot"]
    (run.bundle / "bundle.json").write_text(json.dumps(sheet))
    assert sparring.load(run.folder).snapshot is None
    run, _ = judged([0.0, 0.0, 5.0, 6.0])  # The figures of the first two are not asked for again.
    assert ticks_of(run) == [("best", 3), ("last", 4)]


def test_the_real_judge_s_figures_are_in_the_journal(stripes, tmp_path):
    options = OPTIONS | {"images": 2 * TICK}
    run = train(stripes, recipe="article", run=tmp_path / "run", options=options, say=str)
    name = "fd[sketch-v1, n=500]"
    for line in read_journal(run.journal):
        assert {name, "diversity", "twins", "lost_modes", "copies"} <= set(line)
    judge = Vitals(stripes.examples["image"], stripes.examples["label"], 500)
    bundle = sparring.load(run.folder)
    assert judge(judged_samples(judge, bundle))[name] == bundle.snapshot.value
