"""Images that stay on disk: the same numbers as in memory, in memory that does not grow with the data."""

import tracemalloc
import zipfile

import keras
import numpy as np
import pytest
from PIL import Image

from conftest import ONCE
from sparring.applications.inspecting.inspect import inspect
from sparring.applications.train import train
from sparring.cli import main
from sparring.data import lazy
from sparring.data.lazy import ImageFiles
from sparring.data.source import open_source
from sparring.errors import DataError
from sparring.metrics.copies import nearest_images
from sparring.metrics.recognition import fit_classifier, recognised

RNG = np.random.default_rng(0)
RECIPE = {"width": 4, "latent_dim": 4, "images": 5 * 48, "tick_images": 48}


@pytest.fixture
def on_disk(monkeypatch):
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(params=["png", "jpg"])
def folder(request, tmp_path):
    """Two classes, some of each held out, one file grey, and sizes that differ."""
    for part, count in (("train", 30), ("test", 5)):
        for name in ("cat", "dog"):
            for index in range(count):
                shape = (12 + index % 3, 12) if index == 7 else (12 + index % 3, 12, 3)
                save(
                    tmp_path / "pets" / part / name / f"{index:02}.{request.param}",
                    RNG.integers(0, 256, shape, np.uint8),
                )
    return tmp_path / "pets"


@pytest.fixture
def stripes_folder(stripes, tmp_path):
    for index, image in enumerate(stripes.examples["image"]):
        save(tmp_path / "stripes" / f"{index:02}.png", image[..., 0])
    return tmp_path / "stripes"


def pack(folder):
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder.parent))
    return folder.with_suffix(".zip")


def both(source, monkeypatch, **options):
    """The source in memory and on disk."""
    loaded = open_source(source, **options)
    with monkeypatch.context() as patch:
        patch.setattr(lazy, "MEMORY_LIMIT", 100)
        left = open_source(source, **options)
    assert isinstance(loaded.examples["image"], np.ndarray)
    return loaded, left


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("packed", [False, True])
def test_batches_are_those_of_images_in_memory(folder, packed, threads, monkeypatch):
    monkeypatch.setattr("sparring.data.images.folder.decoding_threads", lambda mean_bytes: threads)
    loaded, left = both(pack(folder) if packed else folder, monkeypatch, size=12)
    assert isinstance(left.examples["image"], ImageFiles)
    assert left.spec == loaded.spec
    for part in ("examples", "held_out"):
        one, other = getattr(left, part), getattr(loaded, part)
        np.testing.assert_array_equal(one["image"], other["image"])
        np.testing.assert_array_equal(one["label"], other["label"])
    streams = [source.batches(25, seed=3).starting_at(4, {"latents": (2,)}) for source in (left, loaded)]
    for k in range(6):
        one, other = (stream[k] for stream in streams)
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_rows_are_indexed_as_those_of_an_array(folder, monkeypatch):
    loaded, left = (source.examples["image"] for source in both(folder, monkeypatch, size=12))
    assert (left.shape, left.dtype, len(left)) == (loaded.shape, loaded.dtype, len(loaded))
    for rows in (0, -1, slice(3, 40, 7), slice(None, None, -9), slice(0), [5, 5, 2], np.array([[1], [59]])):
        np.testing.assert_array_equal(left[rows], loaded[rows])
    with pytest.raises(IndexError):
        left[60]


def test_the_note_says_where_the_images_are_and_why(folder, monkeypatch):
    loaded, left = both(folder, monkeypatch, size=12)
    assert left.notes[:-1] == loaded.notes
    assert "memory" in left.notes[-1]
    assert "stay in their files and are decoded while training" in left.notes[-1]


def test_fingerprint_is_that_of_the_files_trained_on(folder, on_disk):
    first = open_source(folder, size=12).fingerprint
    assert open_source(folder, size=12).fingerprint == open_source(pack(folder), size=12).fingerprint == first
    assert open_source(folder, size=13).fingerprint != first
    (changed, *_) = (folder / "train" / "cat").iterdir()
    save(changed, RNG.integers(0, 256, (12, 12, 3), np.uint8))
    assert open_source(folder, size=12).fingerprint != first


def test_the_limit_is_of_the_images_as_they_will_be(tmp_path, monkeypatch):
    for index in range(4):
        save(tmp_path / f"{index}.png", RNG.integers(0, 256, (16, 16), np.uint8))
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 4 * 16 * 16)  # In colour they would be larger.
    assert isinstance(open_source(tmp_path).examples["image"], np.ndarray)
    assert isinstance(open_source(tmp_path, size=17).examples["image"], ImageFiles)
    save(tmp_path / "4.png", RNG.integers(0, 256, (16, 16), np.uint8))
    assert isinstance(open_source(tmp_path).examples["image"], ImageFiles)


def test_memory_does_not_grow_with_the_data(tmp_path, on_disk, monkeypatch):
    monkeypatch.setattr("sparring.data.spec.CHUNK", 128 * 128 * 3)  # Of far larger data, one image at a time.
    for index in range(100):
        save(tmp_path / f"{index:03}.png", RNG.integers(0, 256, (8, 8, 3), np.uint8))
    tracemalloc.start()
    try:
        source = open_source(tmp_path, size=128)
        batches = source.batches(4)
        for k in range(30):
            batches[k]
        assert source.fingerprint
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 128 * 128 * 3 / 2


def test_npy_files_are_mapped(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", RNG.integers(0, 256, (20, 6, 6, 3), np.uint8))
    loaded, left = both(tmp_path / "x.npy", monkeypatch)
    assert left.fingerprint == loaded.fingerprint
    assert left.spec == loaded.spec
    assert not left.examples["image"].flags.owndata
    assert "stay in x.npy and are read while training" in left.notes[-1]
    np.testing.assert_array_equal(left.batches(7)[5]["image"], loaded.batches(7)[5]["image"])
    resized = both(tmp_path / "x.npy", monkeypatch, size=8)
    np.testing.assert_array_equal(resized[0].examples["image"], resized[1].examples["image"])
    assert resized[1].notes == resized[0].notes


def test_figures_and_inspection_are_those_of_images_in_memory(folder, monkeypatch):
    (one, held), (other, other_held) = (
        (source.examples, source.held_out) for source in both(folder, monkeypatch, size=12)
    )
    samples = other["image"][::4]
    nearest = [nearest_images(samples, images) for images in (one["image"], other["image"])]
    np.testing.assert_array_equal(nearest[0].rows, nearest[1].rows)
    figures = [
        recognised(fit_classifier(given["image"], given["label"]), tested["image"], tested["label"])
        for given, tested in ((one, held), (other, other_held))
    ]
    assert figures[0] == figures[1]
    plain = inspect(folder, size=12)
    monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)
    assert inspect(folder, size=12).lines() == plain.lines()


class Damage(keras.callbacks.Callback):
    """Writes something else over all files after the first tick."""

    def __init__(self, folder):
        super().__init__()
        self.files = {path: path.read_bytes() for path in folder.iterdir()}

    def on_epoch_end(self, epoch, logs=None):
        for path in self.files:
            path.write_bytes(b"nothing")

    def repair(self):
        for path, content in self.files.items():
            path.write_bytes(content)


@ONCE
def test_a_file_damaged_while_training_is_named_and_the_run_goes_on(stripes_folder, on_disk, tmp_path):
    said, damage = [], Damage(stripes_folder)
    given = {"recipe": "dcgan", "batch_size": 8, "options": RECIPE, "say": said.append}
    with pytest.raises(DataError, match=r"\d\d\.png in .*stripes could not be decoded .*--skip-unreadable"):
        train(stripes_folder, run=tmp_path / "run", callbacks=[damage], **given)
    damage.repair()
    finished = train(stripes_folder, run=tmp_path / "run", **given)
    assert any("Going on after 1 of 5" in sentence for sentence in said)
    straight = train(stripes_folder, run=tmp_path / "straight", **given)
    ends = [(run.folder / "bundle" / "weights.safetensors").read_bytes() for run in (finished, straight)]
    assert ends[0] == ends[1]


def test_command_line_ends_with_one_sentence(stripes_folder, on_disk, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(
        "sparring.data.source.squared_distance", lambda images: 100.0
    )  # It would find so small data out.
    data = bytearray((stripes_folder / "05.png").read_bytes())
    data[len(data) // 2] ^= 255  # In the pixels: the header and the end are as they should be.
    (stripes_folder / "05.png").write_bytes(data)
    words = ["train", str(stripes_folder), "--run", str(tmp_path / "run"), "--recipe", "dcgan", "--batch-size", "8"]
    with pytest.raises(SystemExit) as ended:
        main.run([*words, *(f"--set={name}={value}" for name, value in RECIPE.items())])
    assert ended.value.code == 1
    error = capfd.readouterr().err
    assert "05.png" in error
    assert open_source(stripes_folder, skip_unreadable=True).spec.num_examples == 47
