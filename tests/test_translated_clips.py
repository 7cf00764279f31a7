"""Clips translated frame by frame: what is kept of them, what is refused, and how much is in memory."""

import sys

import numpy as np
import pytest
from PIL import Image, ImageSequence

from conftest import ONCE, store_untrained
from sparring.applications.frames import change_clip
from sparring.applications.sample import load
from sparring.applications.translate import translate
from sparring.bundle.films import save_film, writing_film
from sparring.bundle.pictures import few_greys, picture
from sparring.data.clips import decoding
from sparring.data.clips.decoding import Film, Frame
from sparring.data.clips.listing import list_clips
from sparring.data.images.domains import domain_source
from sparring.errors import DataError, UsageError

pytestmark = [ONCE, pytest.mark.xdist_group("translated clips")]
av = pytest.importorskip("av")

NTSC = 30000 / 1001


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """The folder of a translator of grey images that has learnt nothing: it changes them all the same."""
    random, folder = np.random.default_rng(0), tmp_path_factory.mktemp("bundle")
    images = random.integers(0, 256, (2, 8, 8, 8, 1), dtype=np.uint8)
    source = domain_source("x", {"ink": images[0], "oil": images[1]})
    options = {"width": 2, "discriminator_width": 4, "blocks": 1, "num_patches": 4}
    return store_untrained("fastcut", options, source, folder)


@pytest.fixture(scope="module")
def loaded(bundle):
    return load(bundle)


@pytest.fixture(autouse=True)
def load_once(loaded, monkeypatch):
    monkeypatch.setattr(sys.modules[translate.__module__], "load", lambda run, trust: loaded)


def bars(count=20, height=10, width=14):
    """Grey frames in which a bar moves on, (count, height, width)."""
    frames = np.full((count, height, width), 40, np.uint8)
    for number, frame in enumerate(frames):
        frame[:, number % (width - 3) :][:, :4] = 220
    return frames


def write_video(path, frames, rate=10, codec="mpeg4", sound=False, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=round(rate))
        stream.height, stream.width = frames.shape[1:3] if len(frames) else (10, 14)
        stream.pix_fmt, stream.bit_rate = "yuv420p", 2_000_000
        if sound:
            audio = container.add_stream("aac", rate=8000)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            silence.sample_rate = 8000
            container.mux(audio.encode(silence))
            container.mux(audio.encode())
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "gray")))
        if not len(frames):
            container.start_encoding()
        container.mux(stream.encode())
    return path


def write_gif(path, frames, milliseconds):
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
    return path


def played(path):
    """The frames of a film, grey, (count, height, width), and its rate."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(stream)]), stream.average_rate


def test_clips_and_images_side_by_side(bundle, loaded, tmp_path):
    source, done, said = tmp_path / "source", [], []
    write_video(source / "deep/a.mp4", bars(), 25, sound=True)
    write_video(source / "b.avi", bars(5), 12)
    write_video(source / "b.mp4", bars(6), 12)
    held = [50, 200, *[100] * 18]
    write_gif(source / "c.gif", bars(), held)
    Image.fromarray(bars()[0]).save(source / "d.gif")
    Image.fromarray(bars()[0]).save(source / "e.png")
    out = translate(bundle, source, out=tmp_path / "out", progress=lambda *news: done.append(news), say=said.append)
    found = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert found == ["b.avi.mp4", "b.mp4", "c.gif", "d.png", "deep/a.mp4", "e.png"]
    assert said == ["Sound is left out, that of deep/a.mp4."]
    assert done[-1] == ("translating", 53, 53)
    assert [number for _, number, _ in done] == sorted(number for _, number, _ in done)

    frames, rate = played(out / "deep/a.mp4")
    assert rate == 25
    seen = played(source / "deep/a.mp4")[0]
    expected = loaded.translate(seen[..., None])[..., 0]
    assert frames.shape == expected.shape
    apart = np.abs(frames[:, None].astype(int) - expected).mean((2, 3))
    assert apart.diagonal().max() < 5  # H.264 is not exact.
    assert apart.diagonal().mean() < 0.7 * apart.mean()
    assert played(out / "b.avi.mp4")[0].shape[0] == 5
    assert played(out / "b.mp4")[0].shape[0] == 6

    expected = loaded.translate(bars()[..., None])
    with Image.open(out / "c.gif") as film:
        for number, shown in enumerate(ImageSequence.Iterator(film)):
            assert shown.info["duration"] == held[number]
            np.testing.assert_array_equal(
                np.asarray(shown.convert("L")), np.asarray(few_greys(picture(expected[number])))
            )
    np.testing.assert_array_equal(np.asarray(Image.open(out / "d.png")), expected[0, ..., 0])


def test_one_clip_of_odd_sides_to_a_file(bundle, tmp_path):
    path = tmp_path / "a.mp4"
    with writing_film(path, NTSC) as write:
        for frame in bars(4, 9, 13):
            write(Image.fromarray(frame))
    frames, rate = played(path)
    assert frames.shape == (4, 10, 14)
    assert float(rate) == pytest.approx(NTSC, abs=1e-9)
    np.testing.assert_allclose(frames[:, 9], frames[:, 8], atol=12)  # What is added repeats the border.
    assert translate(bundle, path, out=tmp_path / "b.mp4") == tmp_path / "b.mp4"
    assert float(played(tmp_path / "b.mp4")[1]) == pytest.approx(NTSC, abs=1e-9)
    with Image.open(translate(bundle, path, out=tmp_path / "b.gif")) as film:
        assert (film.n_frames, film.size, film.info["duration"]) == (4, (14, 10), 30)
    assert translate(bundle, path) == bundle / "translated" / "a.mp4"
    for words, arguments in {
        "must end in .mp4 or .gif": {"out": tmp_path / "b.png"},
        "would overwrite": {"out": path},
    }.items():
        with pytest.raises(UsageError, match=words):
            translate(bundle, path, **arguments)
    (tmp_path / "b.mp4").rename(tmp_path / "c.txt")
    with pytest.raises(DataError, match="must be an image or a clip"):
        translate(bundle, tmp_path / "c.txt")


def test_damaged_clips_are_named_and_leave_what_was_there(bundle, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    write_video(source / "good.mp4", bars(3))
    whole = write_video(source / "whole.mp4", bars(200, 64, 64), options={"movflags": "faststart"}).read_bytes()
    (source / "late.mp4").write_bytes(whole[: len(whole) * 2 // 3])  # Its first frames can be played.
    write_video(source / "whole.mp4", bars())
    (source / "early.mp4").write_bytes((source / "whole.mp4").read_bytes()[:-200])
    (source / "empty.mp4").write_bytes(b"")
    write_video(source / "none.avi", bars(0))
    gif = write_gif(source / "cut.gif", bars(), 50).read_bytes()
    (source / "cut.gif").write_bytes(gif[: len(gif) * 2 // 3])
    out.mkdir()
    (out / "late.mp4").write_bytes(b"of before")
    with pytest.raises(DataError) as found:
        translate(bundle, source, out=out)
    words = str(found.value)
    assert words.startswith(f"5 of 7 files in {source} could not be read as clips: ")
    for part in ("early.mp4 (", "empty.mp4 (it is empty)", "late.mp4 (", "none.avi (", "cut.gif (it is cut off)"):
        assert part in words
    assert words.endswith(f"The others, 2, were translated to {out}.")
    assert sorted(path.name for path in out.iterdir()) == ["good.mp4", "late.mp4", "whole.mp4"]
    assert (out / "late.mp4").read_bytes() == b"of before"
    with pytest.raises(DataError, match=r"late.mp4 could not be read as a clip: ") as found:
        translate(bundle, source / "late.mp4", out=out / "late.mp4")
    assert "others" not in str(found.value)
    assert (out / "late.mp4").read_bytes() == b"of before"
    (source / "none.avi").unlink()  # It alone does not say how many frames it has.
    done = []
    with pytest.raises(DataError):
        translate(bundle, source, out=out, progress=lambda *news: done.append(news))
    assert all(total > count for _, count, total in done[:-1])


def test_a_clip_too_small_for_the_bundle_is_named(bundle, tmp_path):
    path = write_gif(tmp_path / "thin.gif", bars(3, 1, 14), 50)
    with pytest.raises(DataError, match=r"thin.gif could not be read as a clip: 1x14 pixels, at least 2 a side"):
        translate(bundle, path, out=tmp_path / "out")
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_without_pyav(bundle, tmp_path, monkeypatch):
    source = tmp_path / "source"
    write_video(source / "a.mp4", bars(3))
    write_gif(source / "b.gif", bars(3), 50)
    monkeypatch.setattr(decoding, "find_av", lambda: None)
    with pytest.raises(DataError, match=r"pip install 'sparring\[video\]'"):
        translate(bundle, source, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (source / "a.mp4").unlink()
    assert [path.name for path in translate(bundle, source, out=tmp_path / "out").iterdir()] == ["b.gif"]
    with pytest.raises(DataError, match="holds no images and no clips"):
        translate(bundle, (tmp_path / "nothing").mkdir() or tmp_path / "nothing")


def test_frames_are_read_as_they_are_written(tmp_path):
    source, target = write_gif(tmp_path / "a.gif", bars(20), 50), tmp_path / "b.gif"
    read, changed = [], []

    class Counting(Film):
        def play(self, *_):
            for number in range(1000):
                read.append(number)
                yield Frame(np.full((4, 6, 1), number % 256, np.uint8))

    def change(frames):
        changed.append(len(frames))
        assert len(read) <= sum(changed)
        return frames

    film = Counting(list_clips(source, True), ("a.gif",))
    change_clip(film, target, lambda pixels: pixels, change, 16, lambda count: None)
    assert sum(changed) == 1000
    assert max(changed) == 16
    with Image.open(target) as written:
        assert written.n_frames == 1000


def test_a_film_is_whole_or_not_there(tmp_path):
    for name in ("a.mp4", "a.gif"):
        path = tmp_path / name
        save_film(np.zeros((1, 3, 8, 8, 3), np.uint8), path, 10)
        before = path.read_bytes()

        def stop(path=path):
            with writing_film(path, 10) as write:
                write(Image.new("RGB", (8, 8), "red"))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            stop()
        assert path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.mp4"]


def test_coloured_frames_of_a_gif_share_one_palette(tmp_path):
    colours = ["red", "lime", "blue", "white"]
    with writing_film(tmp_path / "a.gif", 10) as write:
        for colour in colours * 10:
            write(Image.new("RGB", (8, 6), colour))
    with Image.open(tmp_path / "a.gif") as film:
        found = [picture.convert("RGB") for picture in ImageSequence.Iterator(film)]
    assert len(found) == 40
    for shown, colour in zip(found, colours * 10, strict=True):
        wanted = np.asarray(Image.new("RGB", (8, 6), colour)).astype(int)
        assert np.abs(np.asarray(shown) - wanted).max() <= 8
