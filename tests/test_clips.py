"""Clips: films, folders of frames, arrays and Moving MNIST, every stretch of which is a row."""

import os
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sparring.applications.inspecting.clips import ClipsInspection
from sparring.applications.inspecting.inspect import inspect
from sparring.cli import main
from sparring.data import lazy
from sparring.data.clips import moving_mnist, windows
from sparring.data.clips.moving_mnist import CANVAS, MovingDigits
from sparring.data.clips.windows import Loaded, OnDisk, Windows
from sparring.data.source import open_source
from sparring.errors import DataError, UsageError

RNG = np.random.default_rng(0)
REAL = os.environ.get("SPARRING_TEST_DATA")
needs_real = pytest.mark.skipif(not REAL, reason="SPARRING_TEST_DATA names no folder of real data")
CODECS = {".mp4": "libx264", ".webm": "libvpx-vp9", ".avi": "mpeg4", ".mkv": "libx264", ".mov": "mjpeg"}


@pytest.fixture(autouse=True)
def same_noise(monkeypatch):
    """Every test has the same clips, whichever ran before it: how much of them a codec loses depends on them."""
    monkeypatch.setattr(sys.modules[__name__], "RNG", np.random.default_rng(0))


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def moving(length: int, height: int = 16, width: int = 24, channels: int = 3) -> np.ndarray:
    """A smooth picture that slides to the side."""
    wide = Image.fromarray(noise(4, 4, 3)).resize((width + length, height), Image.Resampling.BICUBIC)
    pixels = np.asarray(wide if channels == 3 else wide.convert("L")).reshape(height, width + length, channels)
    return np.stack([pixels[:, number : number + width] for number in range(length)])


def film(path: Path, clip: np.ndarray, rate: int = 25) -> Path:
    """Writes a clip (frames, height, width, 1 or 3), with a key frame every six frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix], rate=rate)
        stream.height, stream.width = clip.shape[1:3]
        stream.pix_fmt, stream.gop_size = "yuvj420p" if path.suffix == ".mov" else "yuv420p", 6
        for pixels in np.broadcast_to(clip, (*clip.shape[:3], 3)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def frames_in(folder: Path, clip: np.ndarray) -> Path:
    """Writes a folder of frames named so that the order of letters is not theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(clip):
        Image.fromarray(pixels.squeeze()).save(folder / f"frame{number}.png")
    return folder


def gif(path: Path, clip: np.ndarray, milliseconds: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = [Image.fromarray(pixels.squeeze()) for pixels in clip]
    first.save(path, save_all=True, append_images=rest, duration=milliseconds)
    return path


def fails(source, *words: str, **options):
    with pytest.raises(DataError) as caught:
        open_source(source, **options)
    for word in words:
        assert word in str(caught.value)


# Stretches


def test_a_row_is_every_stretch_with_its_label():
    clips = [noise(length, 4, 5, 3) for length in (7, 3, 9)]
    source = open_source((clips, ["b", "a", "b"]), frames=3, stride=2)
    assert source.spec.shape == (3, 4, 5, 3)
    assert source.spec.classes == ("a", "b")
    rows, labels = source.examples["clip"], source.examples["label"]
    wanted = [(0, start) for start in range(3)] + [(2, start) for start in range(5)]
    np.testing.assert_array_equal(rows, [clips[clip][start : start + 5 : 2] for clip, start in wanted])
    np.testing.assert_array_equal(labels, [1] * 8)
    assert any("shorter than 5 frames (3 frames, stride 2), 1 of 3: clip 1" in note for note in source.notes)
    assert source.spec.num_examples == len(rows) == 8


def test_rows_are_indexed_as_those_of_an_array():
    rows = open_source(noise(3, 6, 4, 4, 1), frames=4).examples["clip"]
    loaded = np.asarray(rows)
    assert (rows.shape, rows.dtype, len(rows)) == (loaded.shape, loaded.dtype, 9)
    for chosen in (0, -1, slice(1, 9, 3), slice(None, None, -2), slice(0), [5, 5, 2], np.array([[1], [8]])):
        np.testing.assert_array_equal(rows[chosen], loaded[chosen])
    with pytest.raises(IndexError):
        rows[9]


def test_batches_are_pure_and_a_pass_sees_every_stretch():
    source = open_source(noise(2, 10, 4, 4, 1), frames=4)
    stream = source.batches(7, seed=3)
    seen = np.concatenate([stream[k]["clip"] for k in range(2)])
    assert {clip.tobytes() for clip in seen} == {clip.tobytes() for clip in np.asarray(source.examples["clip"])}
    np.testing.assert_array_equal(source.batches(7, seed=3).starting_at(5, {})[0]["clip"], stream[5]["clip"])


def test_frames_are_kept_once():
    clips = noise(2, 100, 8, 8, 3)
    rows = open_source(clips, frames=16).examples["clip"]
    assert isinstance(rows, Windows)
    assert all(np.shares_memory(kept, clips) for kept in rows.store.clips)


# Arrays


def test_layouts_of_arrays_are_the_same_source(tmp_path):
    clips, labels = noise(4, 5, 6, 6, 3), np.array([3, 1, 3, 1])
    np.savez(tmp_path / "a.npz", clips=clips, labels=labels)
    np.savez(tmp_path / "b.npz", frames=clips.reshape(-1, 6, 6, 3), lengths=[5] * 4, label=labels, name=list("abcd"))
    sources = [open_source(given, frames=4) for given in ((clips, labels), tmp_path / "a.npz", tmp_path / "b.npz")]
    sources.append(open_source((list(clips), labels), frames=4))
    assert len({source.fingerprint for source in sources}) == 1
    assert [source.spec for source in sources] == [sources[0].spec] * 4
    assert sources[0].spec.classes == ("1", "3")


def test_grey_arrays_of_four_axes_are_clips_where_frames_are_asked_for(tmp_path):
    clips = noise(3, 6, 8, 8)
    np.save(tmp_path / "x.npy", clips)
    assert open_source(tmp_path / "x.npy", frames=6).spec.shape == (6, 8, 8, 1)
    assert open_source(clips, frames=2, size=4).spec.shape == (2, 4, 4, 1)
    np.save(tmp_path / "y.npy", clips[..., None])
    assert open_source(tmp_path / "y.npy", frames=3).spec.num_examples == 12


def test_held_out_clips_give_no_row_to_train_on(tmp_path):
    clips = noise(4, 6, 4, 4, 1)
    held_out = np.array([False, True, False, True])
    np.savez(tmp_path / "x.npz", clips=clips, labels=[0, 0, 1, 1], held_out=held_out)
    source = open_source(tmp_path / "x.npz", frames=6)
    np.testing.assert_array_equal(source.examples["clip"], clips[~held_out])
    np.testing.assert_array_equal(source.held_out["clip"], clips[held_out])
    np.testing.assert_array_equal(source.held_out["label"], [0, 1])


def test_arrays_that_are_no_clips_are_told_from_it(tmp_path):
    np.savez(tmp_path / "x.npz", frames=noise(5, 4, 4, 3), lengths=[2, 4])
    fails(tmp_path / "x.npz", "x.npz", "add up to the 5 frames", "sum 6")
    fails(noise(2, 5, 4, 4, 2), "1, 3 or 4 channels", "(4, 4, 2)")
    fails([noise(5, 4, 4, 3), noise(5, 4, 5, 3)], "one shape")
    fails(np.zeros((2, 5, 4, 4, 3), np.uint8), "differ", frames=4)
    fails(noise(2, 5, 4, 4, 3), "No clip of clips", "the longest has 5", "--frames")
    np.savez(tmp_path / "y.npz", clips=noise(2, 5, 4, 4, 3), held_out=[1, 1])
    fails(tmp_path / "y.npz", "leave clips to train on", frames=4)


# Files


@pytest.mark.parametrize("ending", CODECS)
def test_films_are_read_and_stay_on_disk_with_the_same_frames(tmp_path, ending, monkeypatch):
    clips = [moving(length) for length in (20, 31)]
    for name, clip in zip("ab", clips, strict=True):
        film(tmp_path / "films" / f"{name}{ending}", clip)
    loaded = open_source(tmp_path / "films", frames=4, stride=3)
    assert loaded.spec.shape == (4, 16, 24, 3)
    assert loaded.spec.frame_rate == pytest.approx(25 / 3, abs=0.01)
    assert len(loaded.examples["clip"]) == 11 + 22
    wanted = clips[1][[0, 3, 6, 9]].astype(int)
    assert np.abs(loaded.examples["clip"][11].astype(int) - wanted).mean() < 16
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)
    monkeypatch.setattr(windows, "PAGE", 5)  # Pages begin between key frames, before them and at them.
    left = open_source(tmp_path / "films", frames=4, stride=3)
    assert isinstance(loaded.examples["clip"].store, Loaded)
    assert isinstance(left.examples["clip"].store, OnDisk)
    np.testing.assert_array_equal(left.examples["clip"], loaded.examples["clip"])
    assert (left.spec, left.fingerprint) == (loaded.spec, loaded.fingerprint)
    assert "stay in their files and are decoded while training" in left.notes[-1]


def test_decoding_begins_at_the_nearest_key_frame(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4", moving(40))
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)
    monkeypatch.setattr(windows, "PAGE", 6)
    rows = open_source(tmp_path / "a.mp4", frames=4).examples["clip"]
    assert [anchor.number for anchor in rows.store.anchors[0]] == [0, 6, 12, 18, 24, 30, 36]
    played = []
    play = windows.Film.play

    def spy(self, anchor, skip):
        played.append((anchor.number, skip))
        return play(self, anchor, skip)

    monkeypatch.setattr(windows.Film, "play", spy)
    rows.store._pages.clear()
    assert rows[19].shape == (4, 16, 24, 3)
    assert played == [(18, 0)]


def test_the_cache_of_decoded_pages_is_bounded(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4", moving(60))
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)
    monkeypatch.setattr(windows, "PAGE", 6)
    monkeypatch.setattr(windows, "CACHE", 3 * 6 * 16 * 24 * 3)
    rows = open_source(tmp_path / "a.mp4", frames=4).examples["clip"]
    rows[:]
    assert len(rows.store._pages) == 3


def test_memory_does_not_grow_with_the_data(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4", moving(200))
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 2**20)
    monkeypatch.setattr(windows, "PAGE", 8)
    monkeypatch.setattr(windows, "CACHE", 2**20)
    monkeypatch.setattr("sparring.data.spec.CHUNK", 2 * 128 * 128 * 3)  # Of far larger data, one stretch at a time.
    tracemalloc.start()
    try:
        stream = open_source(tmp_path, frames=2, size=128).batches(4)
        for k in range(10):
            stream[k]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200 * 128 * 128 * 3 / 1.5


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("on_disk", [False, True])
def test_folders_of_frames_in_natural_order_with_classes_and_a_split(tmp_path, monkeypatch, packed, on_disk):
    if on_disk:
        monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)
    clips = {}
    for part in ("train", "test"):
        for name in ("run", "walk"):
            for number in range(2):
                clips[part, name, number] = clip = noise(12, 6, 6, 3)
                frames_in(tmp_path / "people" / part / name / str(number), clip)
    path = tmp_path / "people"
    if packed:
        with zipfile.ZipFile(tmp_path / "people.zip", "w") as archive:
            for file in sorted(path.rglob("*.png")):
                archive.write(file, file.relative_to(tmp_path))
        path = tmp_path / "people.zip"
    source = open_source(path, frames=12)
    assert source.spec.classes == ("run", "walk")
    wanted = [clips["train", name, number] for name in ("run", "walk") for number in range(2)]
    np.testing.assert_array_equal(source.examples["clip"], wanted)
    np.testing.assert_array_equal(source.examples["label"], [0, 0, 1, 1])
    np.testing.assert_array_equal(source.held_out["clip"][2], clips["test", "walk", 0])
    assert source.notes[0] == "The 4 clips in train are trained on; the 4 in test are held out."
    assert open_source(path).spec.kind == "image"  # Frames were not asked for.


def test_animated_images_need_no_pyav(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"{name} was imported"))
    clip = moving(8, channels=1)
    gif(tmp_path / "a.gif", clip)
    gif(tmp_path / "b.gif", moving(9, channels=1))
    source = open_source(tmp_path, frames=8)
    assert source.spec.shape == (8, 16, 24, 1)
    assert source.spec.frame_rate == 25
    np.testing.assert_array_equal(source.examples["clip"][0], clip)
    (tmp_path / "b.gif").write_bytes((tmp_path / "b.gif").read_bytes()[:-40])
    fails(tmp_path, "b.gif", "cut off", "--skip-unreadable", frames=8)


def test_a_zip_of_films_and_animations_is_read(tmp_path):
    path = tmp_path / "x"
    film(path / "a" / "1.mp4", moving(20))
    gif(path / "b" / "2.gif", moving(20))
    first, *rest = [Image.fromarray(pixels) for pixels in moving(20)]
    first.save(path / "b" / "3.webp", save_all=True, append_images=rest, duration=40)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for file in sorted(path.rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    packed, folder = (open_source(given, frames=16) for given in (tmp_path / "x.zip", path))
    assert packed.spec == folder.spec
    assert packed.spec.num_examples == 15
    assert packed.spec.classes == ("a", "b")
    assert packed.fingerprint == folder.fingerprint
    alone = open_source(path / "b" / "3.webp", frames=16)
    np.testing.assert_array_equal(packed.examples["clip"][10], alone.examples["clip"][0])


def test_without_pyav_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4", moving(20))
    monkeypatch.setitem(sys.modules, "av", None)
    fails(tmp_path, "needs PyAV", "pip install 'sparring[video]'")


def test_grey_if_all_are_and_colour_if_one_is(tmp_path):
    film(tmp_path / "a.mp4", moving(18, channels=1))
    film(tmp_path / "b.mp4", moving(18, channels=1))
    grey = open_source(tmp_path)
    assert grey.spec.shape[-1] == 1
    film(tmp_path / "b.mp4", moving(18))
    mixed = open_source(tmp_path)
    assert mixed.spec.shape[-1] == 3
    np.testing.assert_array_equal(mixed.examples["clip"][0][..., :1], grey.examples["clip"][0])


def test_films_are_turned_as_they_say(tmp_path):
    clip = moving(18)
    data = bytearray(film(tmp_path / "a.mp4", clip).read_bytes())
    matrix = data.index(b"tkhd") + 44  # ISO 14496-12, 8.3.2: it stands behind 40 bytes of version 0.
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)
    (tmp_path / "turned.mp4").write_bytes(data)
    plain, turned = (open_source(tmp_path / name).examples["clip"][0] for name in ("a.mp4", "turned.mp4"))
    np.testing.assert_array_equal(turned, np.rot90(plain, -1, axes=(1, 2)))  # As a telephone held upright means it.


def test_mixed_sizes_need_a_size_and_mixed_rates_are_noted(tmp_path):
    film(tmp_path / "a.mp4", moving(20))
    film(tmp_path / "b.mp4", moving(20, 32, 16), rate=30)
    fails(tmp_path, "one size", "2 sizes", "--size 64")
    source = open_source(tmp_path, size="8x12")
    assert source.spec.shape == (16, 8, 12, 3)
    assert any("2 frame rates, 25 (1), 30 (1)" in note for note in source.notes)
    assert "Frames were cropped at the centre and resized to 8x12 (height x width)." in source.notes


def test_bad_files_are_named_and_left_out_where_that_is_asked_for(tmp_path):
    film(tmp_path / "good.mp4", moving(20))
    whole = film(tmp_path / "cut.webm", moving(60)).read_bytes()
    (tmp_path / "cut.webm").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "list.avi").write_bytes(f"ffconcat version 1.0\nfile {tmp_path / 'good.mp4'}\n".encode())
    fails(tmp_path, "3 of 4 clips", "cut.webm (", "empty.mp4 (it is empty)", "list.avi (", "--skip-unreadable")
    source = open_source(tmp_path, skip_unreadable=True)
    assert source.spec.num_examples == 5
    assert source.notes[0] == "Skipped as unreadable, 3 of 4: cut.webm, empty.mp4, list.avi"
    (tmp_path / "good.mp4").unlink()
    fails(tmp_path, "could not be read", skip_unreadable=True)


def test_a_film_damaged_while_training_is_named(tmp_path, monkeypatch):
    film(tmp_path / "a.mp4", moving(20))
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)
    source = open_source(tmp_path)
    source.examples["clip"].store._pages.clear()
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"a\.mp4 in .* could not be decoded"), source.naming_failures():
        source.batches(2)[0]
    assert "a.mp4" in str(source.examples["clip"].failure)


# What is a clip


def test_images_beside_clips_and_clips_beside_images(tmp_path):
    film(tmp_path / "a.mp4", moving(20))
    Image.fromarray(noise(8, 8, 3)).save(tmp_path / "cover.png")
    source = open_source(tmp_path)
    assert source.spec.kind == "video"
    assert source.notes == ("1 image beside the clips was passed over.",)
    assert open_source(tmp_path, frames=16).notes == source.notes
    Image.fromarray(noise(8, 8, 3)).save(tmp_path / "other.png")
    assert open_source(tmp_path).spec.kind == "image"


@pytest.mark.parametrize("given", [{"frames": 8}, {"stride": 2}])
def test_frames_are_for_clips(tmp_path, given):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    for source in (tmp_path / "x.csv", "digits", {"a": noise(4, 4, 4), "b": noise(4, 4, 4)}):
        for look in (open_source, inspect):
            with pytest.raises(UsageError, match="for clips"):
                look(source, **given)
    with pytest.raises(DataError, match="neither a known name"):
        open_source("nothere", **given)


@pytest.mark.parametrize("given", [{"frames": 1}, {"frames": 1025}, {"stride": 0}])
def test_frames_and_stride_have_bounds(given):
    with pytest.raises(UsageError, match="Received"):
        open_source(noise(2, 20, 4, 4, 3), **given)


# Moving MNIST


def test_digits_move_as_the_protocol_says(monkeypatch):
    monkeypatch.setattr(moving_mnist, "DIGITS", 1)
    rows = MovingDigits(np.full((1, 28, 28, 1), 255, np.uint8), 0, 50, 20)
    np.testing.assert_array_equal(rows[[7, 3]][0], rows[7])
    assert not (rows[7] == MovingDigits(rows.digits[..., None], 1, 50, 20)[7]).all()
    free, edges = 0, set()
    for clip in rows[:]:
        corners = np.array([np.argwhere(frame[..., 0])[0] for frame in clip])
        assert (clip.sum(axis=(1, 2, 3), dtype=np.int64) == 28 * 28 * 255).all()  # Never over the edge.
        edges |= set(corners.ravel().tolist()) & {0, CANVAS - 28}
        for start in range(15):
            flight = corners[start : start + 6]
            if ((flight > 0) & (flight < CANVAS - 28)).all():  # It is straight.
                assert np.linalg.norm(flight[-1] - flight[0]) == pytest.approx(5 * 3.6, abs=1.5)
                free += 1
    assert free > 50
    assert edges == {0, CANVAS - 28}


def test_strides_and_sizes_show_the_same_motion():
    digits = noise(5, 28, 28, 1)
    full = MovingDigits(digits, 0, 9, 9)[4]
    np.testing.assert_array_equal(MovingDigits(digits, 0, 9, 3, stride=4)[4], full[::4])
    small = MovingDigits(digits, 0, 9, 9, size=(32, 32))[4].astype(float)
    means = full.reshape(9, 32, 2, 32, 2, 1).mean(axis=(2, 4))
    assert np.abs(small - means).max() <= 0.5
    assert MovingDigits(digits, 0, 9, 9, size=(48, 48))[4].shape == (9, 48, 48, 1)


@needs_real
def test_moving_mnist_has_other_digits_held_out():
    source = open_source("moving_mnist", frames=4, size=32, data_dir=REAL)
    assert source.spec.shape == (4, 32, 32, 1)
    assert len(source.held_out["clip"]) == 10_000
    assert source.fingerprint != open_source("moving_mnist", frames=4, size=32, stride=2, data_dir=REAL).fingerprint
    training, held_out = source.examples["clip"], source.held_out["clip"]
    assert training.digits.shape == (60_000, 28, 28)
    assert held_out.digits.shape == (10_000, 28, 28)
    assert CANVAS == 64


# A look at clips


def test_a_look_at_clips(tmp_path):
    one = moving(20)
    frames_in(tmp_path / "x" / "train" / "a" / "1", one)
    frames_in(tmp_path / "x" / "train" / "a" / "2", one)
    frames_in(tmp_path / "x" / "train" / "b" / "3", moving(7))
    frames_in(tmp_path / "x" / "test" / "b" / "4", one[:, :, ::-1])
    frames_in(tmp_path / "x" / "test" / "a" / "5", moving(20, 8, 8))
    (tmp_path / "x" / "test" / "a" / "6").mkdir()
    (tmp_path / "x" / "test" / "a" / "6" / "0.png").write_bytes(b"nothing")
    found = inspect(tmp_path / "x", frames=16, out=tmp_path / "out")
    assert isinstance(found, ClipsInspection)
    facts = found.facts()
    assert facts["clips"] == "6, of which 2 are held out"
    assert facts["lengths"] == "7 to 20 frames, 87 in all"
    assert facts["classes"] == "2: a (2), b (1)"
    assert "test/a/6 (no image of a known format)" in facts["unreadable"]
    assert found.duplicates == (("train/a/1", "train/a/2"),)
    assert len(found.mirrored) == 1
    refused, helped = found.training
    assert "could not be read" in refused
    assert "--size 64x64 --skip-unreadable would take 10 stretches of 16 frames of 64x64x3 from 2 clips" in helped
    text = "\n".join(found.warnings)
    for word in ("1 clip cannot be read", "1 clip of fewer than 16", "2 stretches", "2 sizes", "flatter", "copies"):
        assert word in text
    assert np.asarray(Image.open(found.sheet)).shape == (5 * 66 - 2, 10 * 66 - 2, 3)


def test_the_command_inspects_and_names_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    film(tmp_path / "a.mp4", moving(30))
    with pytest.raises(SystemExit) as ended:
        main.run(["inspect", str(tmp_path), "--frames", "8", "--stride", "2"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "16 to train on" in text
    with pytest.raises(SystemExit) as ended:
        main.run(["train", "digits", "--frames", "8"])
    assert ended.value.code == 2
    assert "`frames` is for clips. Received: digits." in capsys.readouterr().err


@needs_real
def test_real_clips():
    found = inspect(Path(REAL or "") / "weizmann_64.npz")
    assert found.facts()["lengths"] == "51 to 146 frames, 5,290 in all"
    assert len(found.mirrored) == 36
    assert not found.duplicates
    assert found.num_stretches == 5290 - 72 * 15
