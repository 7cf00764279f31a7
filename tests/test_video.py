"""Clips: which frames are looked at, networks, the recipe, bundles, and what is written of them."""

import json

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

from conftest import ONCE, make_clips
from sparring.applications.sample import load, sample
from sparring.applications.train import train
from sparring.augmentation.adaptive import AdaptiveAugment
from sparring.augmentation.diffaugment import DiffAugment
from sparring.backend import at_once
from sparring.bundle import films
from sparring.bundle.films import save_film
from sparring.errors import UsageError
from sparring.networks.video import motion_network, object_generator, stacked_discriminator
from sparring.objectives.video import Moving
from sparring.recipes.catalog import find_recipe
from sparring.recipes.choice import choose_recipe
from sparring.recipes.clip_parts import PreparedClips
from sparring.testing import check_recipe

pytestmark = pytest.mark.xdist_group("video")  # What its tests share is made once.

SMALL = {"width": 4, "latent_dim": 6, "motion_dim": 3, "motion_units": 8}


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def arrays(found):
    return keras.tree.map_structure(lambda x: np.array(ops.convert_to_numpy(x)), found)


def prepared(judge, *, count=256, frames=6):
    """A batch of clips whose every pixel says which frame it is of, in units of 10."""
    spec = make_clips(frames, 4, 4, 1).spec
    prepare = PreparedClips(spec, judge, None)
    clips = np.broadcast_to(10 * np.arange(frames, dtype=np.uint8)[:, None, None, None], (count, frames, 4, 4, 1))
    noise = {name: ops.convert_to_tensor(normal(count, *shape)) for name, shape in prepare.draws.items()}
    labels = ops.convert_to_tensor(np.arange(count, dtype=np.int32) % 2)
    return arrays(prepare({"clip": ops.convert_to_tensor(clips), "label": labels, **noise}))


def test_any_frames_are_chosen_in_their_order():
    batch = prepared("triple")
    moments = batch["moments"]
    assert (np.diff(moments, axis=1) > 0).all()
    # Each of the 20 choices of 3 frames of 6 about as often: chi-squared of 19 degrees of freedom.
    counts = np.unique(moments, axis=0, return_counts=True)[1]
    assert len(counts) == 20
    assert ((counts - 12.8) ** 2 / 12.8).sum() < 50
    np.testing.assert_allclose((batch["real"][:, :, 0, 0, 0] + 1) * 127.5 / 10, moments, atol=1e-4)
    np.testing.assert_allclose(batch["gaps"], np.diff(moments, axis=1) / 5)
    # Of the chosen any is judged alone, and a clip begins anywhere in the path.
    assert set(batch["alone"]) == {0, 1, 2}
    assert set(batch["begin"]) == set(range(7))
    assert (batch["condition"].argmax(1) == np.arange(256) % 2).all()


def test_a_volume_is_all_frames_in_their_order():
    batch = prepared("volume", count=32)
    assert (batch["moments"] == np.arange(6)).all()
    assert len(set(batch["alone"])) > 3
    assert "gaps" not in batch


def test_each_side_sees_its_frames_and_its_condition():
    batch = {key: ops.convert_to_tensor(value) for key, value in prepared("triple", count=8).items()}
    batch |= {"fake": -batch["real"], "frame/noise": ops.zeros((8, 1)), "motion/noise": ops.ones((8, 1))}
    part = {name: arrays(Moving._part(None, batch, name)) for name in ("frame", "motion")}
    assert part["motion"]["real"].shape == (8, 3, 4, 4, 1)
    assert part["frame"]["real"].shape == (8, 4, 4, 1)
    chosen = arrays(batch["moments"])[np.arange(8), arrays(batch["alone"])]
    np.testing.assert_allclose((part["frame"]["real"][:, 0, 0, 0] + 1) * 127.5 / 10, chosen, atol=1e-4)
    np.testing.assert_allclose(part["frame"]["fake"], -part["frame"]["real"])
    np.testing.assert_array_equal(part["frame"]["condition"], arrays(batch["condition"]))
    assert part["motion"]["condition"].shape == (8, 2 + 2)
    assert part["frame"]["noise"][0] == 0
    assert part["motion"]["noise"][0] == 1


def test_motion_goes_on_where_it_was():
    network, noise = motion_network(2, motion_dim=3, units=4), normal(2, 9, 3)
    labels = np.eye(2, dtype=np.float32)

    def angles(noise, labels=labels):
        return arrays(at_once(lambda: network([noise, labels]), network.variables)[0])

    found = angles(noise)
    assert found.shape == (2, 9, 3)
    np.testing.assert_allclose(angles(noise[:, :5]), found[:, :5], atol=1e-6)
    assert not np.allclose(angles(noise, labels[::-1]), found, atol=1e-2)
    later = noise.copy()
    later[:, 6] += 1
    changed = np.abs(angles(later) - found).max(axis=(0, 2)) > 1e-6
    np.testing.assert_array_equal(changed, np.arange(9) >= 6)


def test_objects_keep_their_look():
    """At angles of other moments the same pictures lie elsewhere; another content makes others of them."""
    sizes = {"objects": 2, "latent_dim": 5, "motion_dim": 3, "width": 4, "synchronized": False}
    network, latents = object_generator((12, 10, 3), 2, **sizes), normal(1, 5)
    labels = np.eye(2, dtype=np.float32)[:1]
    *_, (placed,) = (layer._inbound_nodes for layer in network.layers)
    parts = keras.Model(network.inputs, placed.input_tensors)

    def made(latents, angles):
        return arrays(parts([latents, angles, labels], training=False))

    background, objects, places = made(latents, normal(1, 3))
    assert (background.shape, objects.shape, places.shape) == ((1, 12, 10, 3), (1, 2, 12, 10, 4), (1, 2, 2))
    *same, elsewhere = made(latents, normal(1, 3, seed=1))
    np.testing.assert_array_equal(same[0], background)
    np.testing.assert_array_equal(same[1], objects)
    assert np.abs(elsewhere - places).max() > 0.01
    assert (np.abs(places) <= 1).all()
    # The first two numbers of the content are those of the first object.
    other = made(latents + np.float32([[0, 0, 1, 1, 0]]), normal(1, 3))[1]
    np.testing.assert_array_equal(other[:, 0], objects[:, 0])
    assert not np.array_equal(other[:, 1], objects[:, 1])


def test_more_objects_than_content_are_refused():
    with pytest.raises(UsageError, match=r"`latent_dim` must be at least `objects`, 7\. Received: latent_dim=6"):
        find_recipe("mocogan").build(make_clips(4, 8, 8, 1).spec, **SMALL, objects=7)


def test_times_between_frames_are_seen():
    network = stacked_discriminator((8, 8, 1), 0, frames=3, width=4, blocks=1, patch=1)
    # Their last layers start at zero.
    network.set_weights([normal(*weight.shape, seed=place) for place, weight in enumerate(network.get_weights())])
    frames = normal(2, 3, 8, 8, 1)
    logits = [
        arrays(at_once(lambda gaps=gaps: network([frames, np.full((2, 2), gaps, np.float32)]), network.variables)[0])
        for gaps in (0.1, 0.9)
    ]
    assert logits[0].shape == (2, 1)
    assert not np.allclose(*logits)


@pytest.mark.parametrize("make", [DiffAugment, lambda policy: AdaptiveAugment(policy, batch_size=4)])
def test_all_frames_of_a_clip_are_changed_alike(make):
    augmentation = make("color,translation,cutout,flip")
    if isinstance(augmentation, AdaptiveAugment):
        augmentation.p.assign(0.5)
    frame, noise = normal(4, 16, 16, 3), normal(4, augmentation.num_draws, seed=1)
    still = np.repeat(frame[:, None], 5, axis=1)
    changed = arrays(augmentation(ops.convert_to_tensor(still), ops.convert_to_tensor(noise)))
    alone = arrays(augmentation(ops.convert_to_tensor(frame), ops.convert_to_tensor(noise)))
    assert not np.allclose(changed, still)
    np.testing.assert_allclose(changed, np.repeat(alone[:, None], 5, axis=1), atol=1e-6)


@ONCE
def test_the_recipe_trains_resumes_and_can_be_shared():
    check_recipe("mocogan", SMALL | {"augment": "adaptive"}, shapes=((8, 8, 1),))


@ONCE
@pytest.mark.parametrize(
    "more",
    [
        {"motion_discriminator": "pair", "penalty_every": 2, "penalties": "r1,consistency", "path": 4},
        {"motion_discriminator": "volume", "loss": "hinge", "penalties": "r1,lecam", "augment": "diffaugment"},
        {"objects": 4, "precision": "bfloat16"},
    ],
)
def test_parts_go_together(more):
    """Odd sizes, and more noise and other judges than by default."""
    source = make_clips(4, 11, 9, 3)
    game = find_recipe("mocogan").build(source.spec, **SMALL, **more, batch_size=8)
    history = game.fit(source.batches(8), epochs=1, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(list(history.values())).all()
    assert "motion_fake_score" in history


def test_a_path_shorter_than_a_clip_is_refused():
    with pytest.raises(UsageError, match=r"`path` must be at least the frames of a clip, 4\. Received: path=3"):
        find_recipe("mocogan").build(make_clips(4, 8, 8, 1).spec, path=3)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    said = []
    options = SMALL | {"clips": 32, "tick_clips": 16, "batch_size": 8, "accumulate": 2}
    made = train(make_clips(4, 8, 8, 1), run=tmp_path_factory.mktemp("video") / "run", options=options, say=said.append)
    return made, said


def test_a_run_of_clips(run):
    made, said = run
    assert "bars: 24 clips of 4 frames of 8x8x1, 2 classes." in said
    assert any(sentence.startswith("Recipe mocogan: ") for sentence in said)
    assert choose_recipe(made.record.spec)[0] == "mocogan"
    with Image.open(made.samples / "tick-00002.png") as sheet:
        assert sheet.width < sheet.height  # 4 frames of each of 8 clips.
    assert (made.folder / "curves.png").is_file()
    assert (made.folder / "training.gif").is_file()
    assert "Trained on 32 clips" in (made.bundle / "card.md").read_text()
    lines = [json.loads(line) for line in made.journal.read_text().splitlines()]
    figures = {"fd[clip-sketch-v1, n=200]", "motion", "frozen"}
    assert {"real_score", "motion_real_score", *figures} <= lines[-1].keys()
    assert "the best snapshot" in said[-1]
    assert min(lines, key=lambda line: line["fd[clip-sketch-v1, n=200]"])["tick"] == load(made.folder).snapshot.tick


def test_clips_as_long_as_one_likes(run):
    bundle = load(run[0].folder)
    clips = bundle.sample(3, seed=5)
    assert (clips.shape, clips.dtype) == ((3, 4, 8, 8, 1), np.uint8)
    longer = bundle.sample(4, seed=5, frames=9)
    np.testing.assert_array_equal(longer[:3, :4], clips)
    assert not np.array_equal(bundle.sample(3, seed=6), clips)
    np.testing.assert_array_equal(bundle.sample(3, seed=5, labels="down")[0], clips[0])
    with pytest.raises(UsageError, match=r"a name such as down\. Received: 'dow'"):
        bundle.sample(1, labels="dow")
    with pytest.raises(UsageError, match=r"at least 1\. Received: frames=0"):
        bundle.sample(1, frames=0)
    with pytest.raises(UsageError, match=r"from 0 on\. Received: \{'motion': -1\}"):
        bundle.sample(1, motion=-1)


def test_content_and_motion_are_mixed(run):
    """What the clip of a number shows and how it moves are each those of the plain sample."""
    bundle = load(run[0].folder)
    plain = bundle.sample(4)
    for name in ("content", "motion"):
        mixed = bundle.sample(4, **{name: 2})
        np.testing.assert_array_equal(mixed[2], plain[2])
        assert not np.array_equal(mixed[0], plain[0])
    # Its class, too, and a number beyond those that are drawn.
    both = bundle.sample(2, content=3, motion=3)
    np.testing.assert_array_equal(both, plain[[3, 3]])


def test_a_loop_leads_on_to_its_beginning(run):
    """Behind its last frame every angle would be whole turns from where it began."""
    bundle = load(run[0].folder)
    noise = bundle.motions(2, 8)
    assert noise.shape == (2, 4 + 8, 3)
    plain, angles = bundle.angles(noise), bundle.angles(noise, loop=True)
    assert plain.shape == angles.shape == (2, 8, 3)
    np.testing.assert_allclose(angles[:, 0], plain[:, 0], atol=1e-5)
    rounds = bundle.angles(np.concatenate([noise, noise[:, 4:], noise[:, 4:5]], axis=1))
    speeds, own = np.diff(rounds, axis=1)[:, 8:15], np.diff(angles, axis=1)
    # All speeds change by the same, and the one that leads from the last frame to the first, too.
    changes = own - speeds
    np.testing.assert_allclose(changes, np.broadcast_to(changes[:, :1], changes.shape), atol=1e-5)
    assert np.abs(changes).max() <= np.pi / 8
    turns = (angles[:, -1] + rounds[:, 16] - rounds[:, 15] + changes[:, 0] - angles[:, 0]) / (2 * np.pi)
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-5)
    assert bundle.sample(2, frames=8, loop=True).shape == (2, 8, 8, 8, 1)


@ONCE
def test_what_is_written_of_clips(run, tmp_path, monkeypatch):
    folder, said = run[0].folder, []
    av = pytest.importorskip("av")
    out = sample(folder, n=3, frames=6, out=tmp_path / "out", say=said.append)
    stems = {"clips", "same-content", "same-motion"}
    assert {path.name for path in out.iterdir()} == {stem + end for stem in stems for end in (".gif", ".mp4", ".png")}
    assert said == []
    with av.open(str(out / "clips.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.frames, float(stream.average_rate)) == (6, 8)
    with Image.open(out / "clips.gif") as film:
        assert film.info["duration"] in (120, 130)
    with Image.open(out / "clips.png") as sheet:
        assert sheet.width == 2 * sheet.height + 2  # Six frames, three clips.
    sample(folder, n=3, frames=6, out=tmp_path / "clips.npz")
    with np.load(tmp_path / "clips.npz") as found:
        np.testing.assert_array_equal(found["clips"], load(folder).sample(3, frames=6))
        assert found["labels"].tolist() == [0, 1, 0]
    for words, arguments in {
        "must end in .mp4": {"out": tmp_path / "a.avi"},
        "`truncation` is for images": {"truncation": 0.5},
        "`where` is for tables": {"where": {"a": 1}},
    }.items():
        with pytest.raises(UsageError, match=words):
            sample(folder, **arguments)
    monkeypatch.setattr(films, "find_av", lambda: None)
    out = sample(folder, n=2, out=tmp_path / "without", say=said.append)
    assert said == ["There is no .mp4, for PyAV is not installed: pip install 'sparring[video]'."]
    assert sorted(path.suffix for path in out.iterdir()) == [".gif", ".gif", ".gif", ".png", ".png", ".png"]
    with pytest.raises(UsageError, match=r"pip install 'sparring\[video\]'"):
        save_film(np.zeros((1, 2, 8, 8, 1), np.uint8), tmp_path / "a.mp4", 10)
