"""What `evaluate` says of runs of clips: figures against known ones, the page, and how sources are opened again."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from conftest import ONCE, make_clips
from sparring.applications.evaluating import judges
from sparring.applications.evaluating.clip_figures import ClipSide, compare, of_motion
from sparring.applications.evaluating.clip_judge import PARTS, groups_of
from sparring.applications.evaluating.evaluate import compare as compare_runs
from sparring.applications.evaluating.evaluate import evaluate
from sparring.applications.evaluating.evaluated import Question
from sparring.applications.evaluating.judges import _clips, _strides
from sparring.applications.train import train
from sparring.data.clips.moving_mnist import MovingDigits
from sparring.data.clips.windows import Loaded, Windows
from sparring.data.source import open_source
from sparring.errors import DataError, UsageError
from sparring.metrics.clips import own
from sparring.metrics.clips.i3d import I3DExtractor
from sparring.metrics.clips.motion import motion_of
from sparring.metrics.extractor import Seen

pytestmark = [pytest.mark.xdist_group("evaluate_clips"), ONCE]  # What its tests share is made once.

SMALL = {"width": 4, "latent_dim": 6, "motion_dim": 3, "motion_units": 8, "clips": 16, "batch_size": 8}


@pytest.fixture(scope="module")
def source():
    return make_clips(4, 8, 8, 1, count=40)


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """A network of few steps, kept for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(own, "MOST_SEEN", 320)
        yield


@pytest.fixture(scope="module")
def run(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    return train(source, recipe="mocogan", run=folder, options=SMALL, say=lambda sentence: None)


def test_a_run_of_clips_is_measured(run, source, tmp_path):
    report = evaluate(run.folder, data=source, n=100)
    names = ["fd", "label_kl", "recognised", "frame_fd", "consistency", "motion", "pace", "frozen", "looping"]
    assert [figure.name for figure in report.figures] == names
    assert report["fd"].protocol.startswith(f"fd[clips-own-{source.fingerprint[:8]}-v1-")
    assert report["fd"].protocol.endswith(", n=100, ref=train]")
    assert report["fd"].value > report["fd"].floor
    assert report["fd"].low < report["fd"].value < report["fd"].high
    assert report["frozen"].floor == 0
    assert [one.name for one in report.classes] == ["down", "right"]
    written = json.loads((run.folder / "report.json").read_text())
    assert [figure["name"] for figure in written["figures"]] == names
    page = (run.folder / "report.html").read_text()
    assert "Samples and real clips" in page
    assert page.count("data:image/png") >= 3
    assert "FVD" not in page
    assert "frame_fd[random-" in (run.bundle / "card.md").read_text()
    assert "clips-own-" in str(report)


def test_several_runs_stand_side_by_side(run, source, tmp_path):
    first, second = compare_runs([run.folder, run.bundle], data=source, n=100, out=tmp_path)
    assert first["fd"] == second["fd"]
    page = (tmp_path / "report.html").read_text()
    assert "Samples of run" in page
    assert "Samples of bundle" in page


def test_what_does_not_suit_clips_is_refused(run, source):
    with pytest.raises(UsageError, match="`--all` is for images"):
        evaluate(run.folder, data=source, n=100, every=True)
    with pytest.raises(DataError, match="say where it lies with --data"):
        evaluate(run.folder, n=100)
    with pytest.raises(DataError, match="the clips differ"):
        evaluate(run.folder, data=make_clips(4, 8, 8, 1, count=30), n=100)


@pytest.mark.parametrize("how", [{"frames": 4, "stride": 2}, {"frames": 4}, {}, {"stride": 3}, {"size": 4}])
def test_files_are_opened_as_they_were(how, tmp_path):
    clips = make_clips(60, 8, 8, 1, count=6).examples["clip"]
    path = tmp_path / "bars.npz"
    np.savez(path, frames=clips.reshape(-1, 8, 8, 1), lengths=np.full(6, 60), held_out=np.arange(6) == 5)
    source = open_source(path, **how)
    record = SimpleNamespace(source=source.name, spec=source.spec, fingerprint=source.fingerprint)
    found = _clips(SimpleNamespace(record=record), Question(data=path))
    np.testing.assert_array_equal(found.examples["clip"][7:9], source.examples["clip"][7:9])


def test_clips_without_end_are_opened_as_they_were():
    data = np.zeros((5, 28, 28, 1), np.uint8)
    clips = {stride: MovingDigits(data, 0, 1000, 16, stride) for stride in (1, 3)}
    spec = make_clips(16, 8, 8, 1).spec
    assert 3 in _strides(clips[1], spec)
    assert not np.array_equal(clips[1].digests, clips[3].digests)


def test_stretches_of_one_clip_are_a_group():
    def windows(lengths):
        clips = [np.zeros((length, 2, 2, 1), np.uint8) for length in lengths]
        return Windows(Loaded(clips, np.zeros((len(clips), 32), np.uint8)), np.arange(len(clips)), 4)

    many = groups_of(windows([6] * PARTS))
    assert (many == np.repeat(np.arange(PARTS), 3)).all()
    few = groups_of(windows([103]))
    assert (len(few), len(set(few))) == (100, PARTS)
    assert (groups_of(np.zeros((5, 4, 2, 2, 1))) == np.arange(5)).all()


def side(clips, seed=0):
    """What is known of clips by features that are means of quarters."""
    frames = clips[:, ::2].reshape(*clips[:, ::2].shape[:2], 2, 4, 2, 4).mean(axis=(3, 5)).reshape(len(clips), -1, 4)
    return ClipSide(clips.reshape(len(clips), -1)[:, ::37].astype(float), None, frames, motion_of(clips))


def test_figures_tell_what_is_wrong():
    clips = make_clips(6, 8, 8, 1, count=160).examples["clip"]
    real, fake = clips[:80], clips[80:]

    def figures(samples):
        found = compare(side(real), side(samples), "clips", "frames") + of_motion(side(real), side(samples))
        return {figure.name: figure for figure in found}

    fine = figures(fake)
    assert fine["motion"].value == pytest.approx(1, abs=0.1)
    assert fine["fd"].value < 2 * fine["fd"].floor
    still = figures(np.repeat(fake[:, :1], 6, axis=1))
    assert (still["frozen"].value, still["motion"].value, still["pace"].value) == (1, 0, 0)
    assert still["consistency"].value == 1
    round_and_round = figures(fake[:, [0, 2, 0, 2, 0, 2]])
    assert round_and_round["looping"].value == 1
    assert (round_and_round["frozen"].value, fine["looping"].value) == (0, 0)
    assert figures(np.repeat(fake[:1], 80, axis=0))["fd"].value > 3 * fine["fd"].value


class Mean:
    """In place of I3D, whose weights are not at hand: the mean of each row of pixels."""

    name = I3DExtractor.name

    def __init__(self, weights):
        assert weights == "rgb_imagenet.pt"

    def __call__(self, clips):
        return Seen(clips.mean(axis=(1, 3, 4), dtype=np.float32), None)


def test_the_published_network_takes_the_place_of_our_own(run, source, tmp_path, monkeypatch):
    monkeypatch.setattr(judges, "I3DExtractor", Mean)
    report = evaluate(run.folder, data=source, n=100, i3d_weights="rgb_imagenet.pt", out=tmp_path)
    names = [figure.name for figure in report.figures]
    assert names == ["fvd", "frame_fd", "consistency", "motion", "pace", "frozen", "looping"]
    assert report["fvd"].protocol == "fvd[i3d-kinetics-400, n=100, ref=train]"
    assert "fvd" in (tmp_path / "report.html").read_text()


def test_the_published_network_is_for_clips(stripes, tmp_path):
    options = {"images": 16, "batch_size": 8, "width": 4}
    images = train(stripes, recipe="dcgan", run=tmp_path / "run", options=options, say=lambda sentence: None)
    with pytest.raises(UsageError, match=r"`--i3d-weights` is for clips\. Received: a.pt"):
        evaluate(images.folder, data=stripes, i3d_weights="a.pt")
