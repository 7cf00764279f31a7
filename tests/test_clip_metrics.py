"""Metrics of clips: what the network learns, content, motion, and figures of stretches that are no strangers."""

import numpy as np
import pytest

from conftest import ONCE, make_clips
from sparring.errors import UsageError
from sparring.metrics.clips import own
from sparring.metrics.clips.content import consistency, content_directions
from sparring.metrics.clips.learning import network
from sparring.metrics.clips.motion import are_frozen, are_looping, motion_of, pace, usual_energy
from sparring.metrics.clips.network import FEATURES, ClipNetwork, prepared
from sparring.metrics.clips.own import ClipExtractor
from sparring.metrics.clips.spoiling import SPOILED, spoil
from sparring.metrics.clips.vitals import ClipVitals
from sparring.metrics.resampling import Grouped, measure

pytestmark = pytest.mark.xdist_group("clip_metrics")  # What its tests share is made once.

FRAMES = 8


@pytest.fixture(scope="module")
def bars():
    return make_clips(FRAMES, 8, 8, 1, count=120)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def extractor(source, folder, *, classes=True, said=None, seen=2400):
    """The network of a source, of few steps."""
    labels = np.asarray(source.examples["label"]) if classes else None
    clips = source.examples["clip"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "MOST_SEEN", seen)
        return ClipExtractor(
            clips,
            labels,
            groups=np.arange(len(clips)),
            fingerprint=source.fingerprint,
            folder=folder,
            say=(said if said is not None else []).append,
        )


def test_the_network_names_the_classes_and_is_kept(bars, cache):
    said = []
    made = extractor(bars, cache, said=said)
    clips, labels = bars.examples["clip"], np.asarray(bars.examples["label"])
    seen = made(clips)
    assert seen.features.shape == (120, FEATURES)
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.mean(seen.probabilities.argmax(axis=1) == labels) > 0.95
    assert made.trained
    assert made.name.startswith(f"clips-own-{bars.fingerprint[:8]}-v1-")
    assert len(said) >= 2
    again = extractor(bars, cache)
    assert not again.trained
    assert (again.name, again.accuracy) == (made.name, made.accuracy)
    # The same for a clip whatever others come with it.
    np.testing.assert_allclose(again(clips[17:18]).features, seen.features[17:18], rtol=1e-4, atol=1e-5)


def test_frames_in_a_wrong_order_lie_far_from_real_clips_also_without_classes(bars, tmp_path):
    made = extractor(bars, tmp_path, classes=False)
    clips = bars.examples["clip"]
    assert made.name.startswith("clips-order-")
    seen = made(clips)
    assert seen.probabilities is None
    random = np.random.default_rng(0)

    def apart(way):
        ways = np.full(120, SPOILED.index(way))
        found = made(spoil(clips, clips[::-1], ways, random)).features
        return np.linalg.norm(found.mean(axis=0) - seen.features.mean(axis=0))

    halves = np.linalg.norm(seen.features[:60].mean(axis=0) - seen.features[60:].mean(axis=0))
    assert min(apart("frozen"), apart("shuffled")) > 2 * halves


@ONCE
def test_numpy_computes_what_keras_does():
    for shape in ((8, 24, 20, 3), (3, 9, 7, 1), (2, 4, 4, 1)):
        model = network(shape, 5, seed=1)
        weights = {f"{layer.name}.{v.name}": np.array(v) for layer in model.layers for v in layer.weights}
        clips = np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.float32)
        logits = np.asarray(model(prepared(clips)))
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(ClipNetwork(weights)(clips).probabilities, expected, rtol=1e-3, atol=1e-5)


@ONCE
def test_too_few_clips_are_refused(bars, tmp_path):
    clips = bars.examples["clip"][:10]
    with pytest.raises(UsageError, match=r"at least 20 .* Received: 10"):
        ClipExtractor(clips, None, groups=np.arange(10), fingerprint="0" * 8, folder=tmp_path, say=print)
    with pytest.raises(UsageError, match="`groups` must be an integer for each"):
        ClipExtractor(clips, None, groups=np.arange(9), fingerprint="0" * 8, folder=tmp_path, say=print)


@ONCE
def test_each_way_of_spoiling_does_what_it_says():
    clips = np.arange(6)[None, :, None, None, None] + np.zeros((4, 6, 2, 2, 1), int)
    shuffled, backwards, frozen, cut = spoil(clips, clips + 10, np.arange(4), np.random.default_rng(0))[..., 0, 0, 0]
    assert sorted(shuffled) == list(range(6))
    assert list(shuffled) not in (list(range(6)), list(range(6))[::-1])
    assert list(backwards) == [5, 4, 3, 2, 1, 0]
    assert len(set(frozen)) == 1
    assert list(cut) == [0, 1, 2, 13, 14, 15]
    assert (spoil(clips, clips + 10, np.full(4, -1), np.random.default_rng(0)) == clips).all()


def moving(speed, count=40, frames=12, side=32):
    """Soft dots that go right at this speed in pixels a frame."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    start = random.uniform(4, 8, (count, 2))
    clips = np.empty((count, frames, side, side, 1))
    for place, (row, column) in enumerate(start):
        for time in range(frames):
            clips[place, time, ..., 0] = np.exp(-((y - row - 8) ** 2 + (x - column - speed * time) ** 2) / 8)
    return np.rint(255 * clips).astype(np.uint8)


@ONCE
@pytest.mark.parametrize("speed", [0.5, 1.0, 1.6])
def test_pace_is_pixels_a_frame(speed):
    # Shifts are taken across and down, dots go across: of round dots that is all one.
    assert pace(motion_of(moving(speed))) == pytest.approx(speed, rel=0.12)


@ONCE
def test_pace_has_ends():
    assert pace(motion_of(moving(0.0))) == 0
    flash = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (4, 6, 1, 1, 1))
    assert pace(motion_of(np.broadcast_to(flash, (4, 6, 16, 16, 1)))) == 0  # It is brighter, and nothing moves.
    jumps = np.zeros((4, 6, 32, 32, 1), np.uint8)
    jumps[:, ::2, :, :16] = jumps[:, 1::2, :, 16:] = 255
    assert np.isnan(pace(motion_of(jumps)))  # Farther than is looked.


@ONCE
def test_frozen_and_looping_clips_are_found():
    real = motion_of(moving(1.5))
    usual = usual_energy(real)
    assert not are_frozen(real, usual).any()
    assert not are_looping(real, usual).any()
    clips = moving(1.5)
    noise = np.random.default_rng(0).integers(0, 3, clips.shape, dtype=np.uint8)
    still = motion_of(np.minimum(clips[:, :1], 250) + noise)
    assert are_frozen(still, usual).all()
    assert not are_looping(still, usual).any()
    looped = motion_of(clips[:, np.arange(12) % 5])
    assert are_looping(looped, usual).all()
    assert not are_frozen(looped, usual).any()


@ONCE
def test_motion_is_that_of_a_plain_loop():
    clips = np.random.default_rng(0).integers(0, 256, (3, 5, 6, 7, 3), dtype=np.uint8)
    x = clips / 255
    wanted = [np.square(x[:, lag:] - x[:, :-lag]).mean(axis=(1, 2, 3, 4)) for lag in range(1, 5)]
    np.testing.assert_allclose(motion_of(clips).lags, np.stack(wanted, axis=1), rtol=1e-4)
    with pytest.raises(UsageError, match="at least 2 frames"):
        motion_of(clips[:, :1])


@ONCE
def test_content_that_changes_is_seen_and_motion_is_not():
    random = np.random.default_rng(0)
    # Four features say what is shown; six, which are larger, where it is.
    content, motion = random.normal(size=(200, 1, 4)), 5 * random.normal(size=(200, 10, 6))
    features = np.concatenate([np.repeat(content, 10, axis=1), motion], axis=2)
    features += 0.1 * random.normal(size=features.shape)
    directions = content_directions(features[:100], 4)
    steady = consistency(features[100:], directions)
    assert steady > 0.95
    cut = features[100:].copy()
    cut[:, 5:] = features[100:, 5:][::-1]
    halfway = consistency(cut, directions)
    assert 0.3 < halfway < 0.7
    anything = features[100:].reshape(-1, 10)[random.permutation(1000)].reshape(100, 10, 10)
    assert abs(consistency(anything, directions)) < 0.1
    with pytest.raises(UsageError, match=r"\(clips, frames, features\)"):
        consistency(features[0], directions)


@ONCE
def test_the_floor_of_groups_is_that_of_strangers():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 30)
    real = (random.normal(size=(20, 1)))[groups] + 0.01 * random.normal(size=(600, 1))

    def apart(one, other):
        return float((one.mean() - other.mean()) ** 2)

    near, far = (measure("apart", apart, real, real, extractor="x", groups=given) for given in (None, groups))
    assert far.floor > 5 * near.floor
    assert far.high - far.value > 2 * (near.high - near.value)
    assert (Grouped(real, groups)[np.array([3, 5])] == real[(groups == 3) | (groups == 5)]).all()
    with pytest.raises(UsageError, match="at least 4 groups"):
        measure("apart", apart, real, real, extractor="x", groups=groups % 3)


@ONCE
def test_a_look_at_clips_orders_them_and_tells_how_they_move():
    clips = np.concatenate([moving(1.0, 60), moving(1.5, 60), moving(0.7, 60).swapaxes(2, 3)])
    random = np.random.default_rng(0)
    clips = clips[random.permutation(180)]
    look = ClipVitals(clips[:120], None, 60)
    assert look.name == "fd[clip-sketch-v1, n=60]"

    def spoiled(way):
        return spoil(clips[120:], clips[60:120], np.full(60, SPOILED.index(way)), random)

    real, frozen = look(clips[120:]), look(spoiled("frozen"))
    assert real[look.name] < 0.5 * min(look(spoiled(way))[look.name] for way in ("shuffled", "cut"))
    assert real[look.name] < 0.1 * frozen[look.name]
    assert (real["frozen"], frozen["frozen"], frozen["motion"]) == (0, 1, 0)
    assert real["motion"] == pytest.approx(1, abs=0.2)
    assert real["lost_modes"] < 0.1
    assert look(np.repeat(clips[:1], 60, axis=0))["twins"] == 1
