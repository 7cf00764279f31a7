"""Opening data: names, folders, zips, NumPy files and arrays, and what is said when they cannot be used."""

import io
import os
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from sparring.data import lazy
from sparring.data.batches import Batches
from sparring.data.source import Source, image_source, open_source
from sparring.errors import DataError, UsageError

RNG = np.random.default_rng(0)
REAL = os.environ.get("SPARRING_TEST_DATA")
needs_real = pytest.mark.skipif(not REAL, reason="SPARRING_TEST_DATA names no folder of real data")


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: np.ndarray | Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path, **options)
    return path


def fill(folder: Path, *names: str, side: int = 8) -> Path:
    for name in names:
        save(folder / name, noise(side, side, 3))
    return folder


def pack(folder: Path, target: Path, top: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, top + file.relative_to(folder).as_posix())
    return target


def fails(source, *words: str, **options):
    with pytest.raises(DataError) as caught:
        open_source(source, **options)
    for word in words:
        assert word in str(caught.value)


@pytest.fixture(params=["in memory", "on disk"])
def place(request, monkeypatch):
    """Image files are loaded, or they are too large for it."""
    if request.param == "on disk":
        monkeypatch.setattr(lazy, "MEMORY_LIMIT", 100)


in_memory_and_on_disk = pytest.mark.usefixtures("place")


# Source


def test_source_makes_batches_and_a_fingerprint():
    images, labels = noise(6, 4, 4, 1), np.arange(6, dtype=np.int32) % 2
    source = image_source("arrays", images, labels, ("a", "b"), {}, ("note",))
    assert source.spec.shape == (4, 4, 1)
    assert source.spec.num_examples == 6
    assert isinstance(source.batches(3, seed=1), Batches)
    assert source.batches(3)[0].keys() == {"image", "label"}
    assert len(source.fingerprint) == 16
    assert source.fingerprint == image_source("other", images.copy(), labels, ("a", "b")).fingerprint
    with pytest.raises(UsageError, match="batch_size=0"):
        source.batches(0)


def test_fingerprint_depends_on_values_shapes_types_and_names():
    spec = image_source("arrays", noise(2, 4, 4, 1)).spec
    base = np.zeros((4, 2, 2, 1), np.uint8)
    changed = base.copy()
    changed[3, 1, 1, 0] = 1
    variants = [
        {"image": base},
        {"image": changed},
        {"image": base.reshape(2, 4, 2, 1)},
        {"image": base.astype(np.int8)},
        {"pixels": base},
        {"image": base, "label": np.zeros(4, np.int32)},
    ]
    assert len({Source("x", spec, examples, {}).fingerprint for examples in variants}) == len(variants)


def test_too_few_or_identical_images_are_refused():
    fails(noise(1, 8, 8, 3), "at least 2 images", "Received: 1")
    fails(np.full((5, 8, 8), 7, np.uint8), "differ", "5 identical")


def test_images_above_the_limit_of_a_spec_are_refused():
    fails(np.arange(2 * 5000, dtype=np.int32).reshape(2, 5000, 1, 1) % 256, "4096", "(5000, 1, 1)")


# Which source is meant


def test_unknown_names_are_answered_with_the_nearest():
    fails("fashon-mnist", "fashon-mnist", "Did you mean fashion_mnist", "cifar10", "must exist")
    fails("/no/such/folder", "neither", "Known names: digits")


def test_a_name_wins_over_a_path(tmp_path, monkeypatch):
    fill(tmp_path / "digits", "a.png", "b.png")
    monkeypatch.chdir(tmp_path)
    assert open_source("digits").spec.shape == (8, 8, 1)
    assert open_source("./digits").spec.shape == (8, 8, 3)
    assert open_source(Path("digits")).spec.shape == (8, 8, 3)


def test_other_files_and_objects_are_refused(tmp_path):
    file = save(tmp_path / "one.png", noise(8, 8, 3))
    fails(file, "folder of images", ".png")
    fails([1, 2, 3], "Received: list")


@pytest.mark.parametrize(
    ("given", "name"), [("My Photos!", "my-photos"), ("été_2", "ete_2"), ("写真", "images"), ("a.b", "a-b")]
)
def test_name_is_a_slug(tmp_path, given, name):
    assert open_source(fill(tmp_path / given, "a.png", "b.png")).name == name


@pytest.mark.parametrize("size", [16, "16", "16x16", (16, 16), np.int64(16)])
def test_sizes(size):
    assert open_source(noise(3, 8, 8, 3), size=size).spec.shape == (16, 16, 3)


def test_size_is_height_by_width():
    source = open_source(noise(3, 8, 8), size="6x10")
    assert source.spec.shape == (6, 10, 1)
    assert "6x10 (height x width)" in source.notes[0]


@pytest.mark.parametrize("size", [0, 3, -8, "big", "8x8x8", "8.5", "", True, 5000, "64x2", (8,) * 3])
def test_sizes_that_are_none(size):
    with pytest.raises(UsageError, match="`size` must be"):
        open_source(noise(3, 8, 8, 3), size=size)


# Named data


def test_digits_are_stratified_and_deterministic():
    source = open_source("digits")
    assert (source.name, source.spec.shape) == ("digits", (8, 8, 1))
    assert source.spec.classes == tuple("0123456789")
    train, test = source.examples["label"], source.held_out["label"]
    assert len(train) + len(test) == 1797
    share = np.bincount(test) / (np.bincount(train) + np.bincount(test))
    assert np.all(np.abs(share - 0.2) < 0.01)
    assert source.examples["image"].max() == 255
    assert source.examples["image"].min() == 0
    assert source.fingerprint == open_source("digits").fingerprint


def tiny(folder: Path, name: str, shape=(20, 6, 6), **changes) -> Path:
    labels = np.arange(20) % 10
    arrays = {"x_train": noise(*shape), "y_train": labels[:, None], "x_test": noise(*shape), "y_test": labels}
    np.savez(folder / f"{name}.npz", **{k: v for k, v in (arrays | changes).items() if v is not None})
    return folder


def test_named_data_from_a_folder(tmp_path, monkeypatch):
    tiny(tmp_path, "fashion_mnist")
    source = open_source("fashion_mnist", data_dir=tmp_path)
    assert source.spec.classes[9] == "Ankle boot"
    assert source.spec.shape == (6, 6, 1)
    assert source.examples["label"].dtype == np.int32
    assert len(source.held_out["image"]) == len(source.held_out["label"]) == 20
    monkeypatch.setenv("SPARRING_DATA", str(tmp_path))
    assert open_source("fashion_mnist").fingerprint == source.fingerprint


def test_a_missing_class_moves_no_label(tmp_path):
    tiny(tmp_path, "cifar10", (20, 6, 6, 3), y_train=np.full(20, 9) - np.arange(20) % 2, y_test=np.full(20, 8))
    source = open_source("cifar10", data_dir=tmp_path)
    assert source.spec.num_classes == 10
    assert source.examples["label"][:2].tolist() == [9, 8]
    assert set(source.held_out["label"]) == {8}


def test_damaged_named_data(tmp_path):
    fails("mnist", "Missing: y_test", "mnist.npz", data_dir=tiny(tmp_path, "mnist", y_test=None))
    fails("mnist", "objects", data_dir=tiny(tmp_path, "mnist", y_train=np.array([{}] * 20)))
    fails("mnist", "0 to 9", data_dir=tiny(tmp_path, "mnist", y_train=np.arange(20), y_test=np.arange(20)))
    file = tiny(tmp_path, "mnist") / "mnist.npz"
    file.write_bytes(file.read_bytes()[:500])
    fails("mnist", "mnist.npz", "could not be read", data_dir=tmp_path)


def test_no_network_is_one_sentence(tmp_path, monkeypatch):
    def load_data():
        raise Exception("URL fetch failure on https://example.org: None -- unreachable")

    monkeypatch.delenv("SPARRING_DATA", raising=False)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    fails("mnist", "could not be downloaded", "put mnist.npz", "--data-dir FOLDER", "`digits` needs no network")
    fails("mnist", f"{tmp_path / 'mnist.npz'} does not exist", data_dir=tmp_path)


def test_keras_own_copy_is_used(monkeypatch):
    labels = np.arange(20)[:, None] % 10
    found = (noise(20, 6, 6, 3), labels), (noise(20, 6, 6, 3), labels)
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: found)
    source = open_source("cifar10", size=8)
    assert source.spec.shape == (8, 8, 3)
    assert source.spec.classes[0] == "airplane"
    assert source.held_out["image"].shape == (20, 8, 8, 3)


# Arrays


@pytest.mark.parametrize(
    ("array", "expected", "note"),
    [
        (np.array([0, 255], np.uint8), [0, 255], None),
        (np.array([0, 200], np.int64), [0, 200], None),
        (np.array([False, True]), [0, 255], "true 255"),
        (np.array([0.0, 0.5, 1.0]), [0, 128, 255], "[0, 1]"),
        (np.array([-1.0, 0.0, 1.0], np.float32), [0, 128, 255], "[-1, 1]"),
        (np.array([-1.0, 1.0], np.float16), [0, 255], "[-1, 1]"),
    ],
)
def test_value_ranges(array, expected, note):
    source = open_source(np.broadcast_to(array[:, None, None], (len(array), 4, 5)))
    assert source.examples["image"].dtype == np.uint8
    assert source.spec.shape == (4, 5, 1)
    assert source.examples["image"][:, 0, 0, 0].tolist() == expected
    assert (note is None and not source.notes) or note in source.notes[0]


def test_eight_bits_survive_the_way_through_floats():
    images = noise(3000, 4, 4)
    for floats in (images / 255, (images / np.float32(127.5)) - 1):
        np.testing.assert_array_equal(open_source(floats).examples["image"][..., 0], images)


def test_four_channels_of_an_array_are_kept():
    """A transparent image file is laid on white; who brings an array has chosen its channels."""
    images = noise(3, 6, 5, 4)
    assert open_source(images).spec.shape == (6, 5, 4)
    np.testing.assert_array_equal(open_source(images).examples["image"], images)
    assert open_source(images, size=4).spec.shape == (4, 4, 4)


def test_unusable_arrays():
    fails(np.zeros((5, 4, 4)) + np.nan, "80 of 80", "NaN")
    fails(np.array([0.0, np.inf])[:, None, None] + np.zeros((2, 4, 4)), "16 of 32")
    fails(np.linspace(0, 255, 32).reshape(2, 4, 4), "0 to 255", "[0, 1] or [-1, 1]")
    fails(np.full((2, 4, 4), 300), "0..255", "300")
    fails(np.full((2, 4, 4), "a"), "numbers")
    fails(noise(2, 3, 8, 8), "channels last", "(2, 3, 8, 8)", "moveaxis")
    fails(noise(2, 8, 8, 5), "1, 3 or 4 channels")
    fails(noise(8, 8, 3), "looks like one")
    fails(noise(8, 8), "(N, H, W)")
    fails(noise(0, 8, 8), "empty")


def test_pairs_of_images_and_labels():
    images = noise(4, 4, 4)
    source = open_source((images, np.array([[30], [7], [30], [100]])))
    assert source.spec.classes == ("7", "30", "100")
    assert source.examples["label"].tolist() == [1, 0, 1, 2]
    assert open_source((images, ["b", "a", "a", "b"])).spec.classes == ("a", "b")
    assert open_source((images, np.array(["b", "a", "a", "b"], object))).examples["label"].tolist() == [1, 0, 0, 1]
    assert open_source((images, np.array([b"b", b"a", b"a", b"b"]))).spec.classes == ("a", "b")


def test_one_class_is_none():
    source = open_source((noise(4, 4, 4), np.ones(4, int)))
    assert source.examples.keys() == {"image"}
    assert source.spec.classes == ()
    assert "Every label is 1" in source.notes[0]


def test_unusable_labels():
    fails((noise(4, 4, 4), np.arange(3)), "4 examples", "Received: 3")
    fails((noise(4, 4, 4), np.eye(4)), "one label each", "(4, 4)")
    fails((noise(4, 4, 4), np.array([0.5, 1, 2, 3])), "integers or strings", "float64")


def test_numpy_files(tmp_path):
    images, labels = noise(4, 6, 6, 3), np.arange(4)
    np.save(tmp_path / "one.npy", images)
    np.savez(tmp_path / "any.npz", whatever=images)
    np.savez_compressed(tmp_path / "pair.npz", images=images, labels=labels, more=labels)
    np.savez(tmp_path / "four.npz", x_train=images, y_train=labels, x_test=images[:2], y_test=labels[:2])
    np.savez(tmp_path / "plain.npz", x_train=images, x_test=images[:2])
    for name, keys in [("one.npy", {"image"}), ("any.npz", {"image"}), ("pair.npz", {"image", "label"})]:
        source = open_source(str(tmp_path / name))
        assert source.examples.keys() == keys
        assert source.held_out == {}
        assert source.name == name.partition(".")[0]
        np.testing.assert_array_equal(source.examples["image"], images)
    four = open_source(tmp_path / "four.npz", size=4)
    assert four.held_out["image"].shape == (2, 4, 4, 3)
    assert four.held_out["label"].tolist() == [0, 1]
    assert open_source(tmp_path / "plain.npz").held_out.keys() == {"image"}


def test_unusable_numpy_files(tmp_path):
    def file(name: str = "x.npz", **arrays) -> Path:
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    images, labels = noise(4, 6, 6), np.arange(4)
    fails(file(pixels=images, lengths=labels), "Received: lengths, pixels", "x.npz")
    fails(file(x_train=images, y_train=labels, x_test=images), "`y_test` is missing")
    fails(file(x_train=images, x_test=noise(4, 5, 5)), "one shape", "(5, 5, 1)")
    fails(file(x_train=images, y_train=labels, x_test=images, y_test=labels + 1), "not trained on", "Received: 4")
    fails(file(images=np.array([{}] * 4)), "objects", "x.npz")
    whole = file(images=images).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[:200])
    fails(tmp_path / "cut.npz", "cut.npz could not be read")
    (tmp_path / "empty.npy").write_bytes(b"")
    fails(tmp_path / "empty.npy", "empty.npy could not be read")


def test_train_and_test_are_scaled_alike(tmp_path):
    train = np.linspace(-1, 1, 32).reshape(2, 4, 4)
    np.savez(tmp_path / "x.npz", x_train=train, x_test=np.zeros((2, 4, 4)))
    assert set(open_source(tmp_path / "x.npz").held_out["image"].ravel()) == {128}


# Folders and zips


@in_memory_and_on_disk
def test_flat_folder_in_the_order_of_names(tmp_path):
    pixels = {name: noise(8, 9, 3) for name in ("b.png", "a.PNG", "c.bmp")}
    for name, array in pixels.items():
        save(tmp_path / name, array)
    (tmp_path / "README.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"nothing")
    source = open_source(tmp_path)
    assert source.examples.keys() == {"image"}
    np.testing.assert_array_equal(
        source.examples["image"], np.stack([pixels[name] for name in ("a.PNG", "b.png", "c.bmp")])
    )


@in_memory_and_on_disk
def test_sub_folders_are_classes_in_folder_and_zip(tmp_path):
    folder = fill(tmp_path / "pets", "dog/1.png", "dog/deep/er/2.png", "cat/3.png")
    (folder / "empty").mkdir()
    (folder / "__MACOSX").mkdir()
    fill(folder, "__MACOSX/4.png", ".git/5.png")
    opened = [
        open_source(folder),
        open_source(pack(folder, tmp_path / "pets.zip")),
        open_source(pack(folder, tmp_path / "top.zip", top="a/b/")),
        open_source(pack(folder, tmp_path / "windows.zip", top="a\\b\\")),
    ]
    for source in opened:
        assert source.spec.classes == ("cat", "dog")
        assert source.examples["label"].tolist() == [0, 1, 1]
        assert source.fingerprint == opened[0].fingerprint
        assert any("empty holds no images" in note for note in source.notes)


@in_memory_and_on_disk
@pytest.mark.parametrize("names", [("1.png", "cat/2.png", "dog/3.png"), ("cat/1.png", "cat/2.png")])
def test_no_classes_with_images_at_the_top_or_one_sub_folder(tmp_path, names):
    folder = fill(tmp_path / "x", *names)
    for source in (open_source(folder), open_source(pack(folder, tmp_path / "x.zip"))):
        assert source.spec.classes == ()
        assert source.spec.num_examples == len(names)


@in_memory_and_on_disk
def test_links_to_folders_are_followed_but_not_in_circles(tmp_path):
    fill(tmp_path / "else", "1.png", "2.png")
    folder = fill(tmp_path / "x", "cat/1.png")
    (folder / "dog").symlink_to(tmp_path / "else", target_is_directory=True)
    (folder / "cat" / "loop").symlink_to(folder, target_is_directory=True)
    assert open_source(folder).examples["label"].tolist() == [0, 1, 1]


def test_folder_without_images(tmp_path):
    (tmp_path / "a.txt").write_text("")
    fails(tmp_path, "holds no images", ".png .jpg .jpeg .bmp .gif .webp .tif .tiff")
    fails(pack(tmp_path, tmp_path.parent / "none.zip"), "holds no images")


@in_memory_and_on_disk
@pytest.mark.parametrize("suffix", ["png", "jpg", "jpeg", "bmp", "gif", "webp", "tif", "tiff"])
def test_every_extension(tmp_path, suffix):
    for level in (40, 200):
        save(tmp_path / f"{level}.{suffix}", np.full((8, 8, 3), level, np.uint8))
    images = np.asarray(open_source(tmp_path).examples["image"])
    assert np.abs(images.mean(axis=(1, 2, 3)) - [200, 40]).max() < 2


@in_memory_and_on_disk
def test_grey_files_make_one_channel_and_mixed_ones_three(tmp_path):
    grey = noise(8, 8)
    save(tmp_path / "a.png", grey)
    save(tmp_path / "b.png", Image.fromarray(grey > 127))
    assert open_source(tmp_path).spec.shape == (8, 8, 1)
    colour = noise(8, 8, 3)
    save(tmp_path / "c.png", colour)
    images = np.asarray(open_source(tmp_path).examples["image"])
    np.testing.assert_array_equal(images[0], np.repeat(grey[..., None], 3, axis=2))
    np.testing.assert_array_equal(images[2], colour)


@in_memory_and_on_disk
def test_sixteen_bit_grey_is_scaled(tmp_path):
    levels = np.linspace(0, 65535, 64).reshape(8, 8).astype(np.uint16)
    save(tmp_path / "a.png", Image.fromarray(levels))
    save(tmp_path / "b.tif", Image.fromarray(levels))
    save(tmp_path / "c.png", noise(8, 8))
    images = np.asarray(open_source(tmp_path).examples["image"])
    for image in images[:2]:
        np.testing.assert_array_equal(image[..., 0], np.rint(levels / 257))


@in_memory_and_on_disk
def test_floating_point_pixels_are_refused(tmp_path):
    save(tmp_path / "a.tif", Image.fromarray(np.ones((8, 8), np.float32)))
    fails(tmp_path, "a.tif", "floating point")


@in_memory_and_on_disk
def test_palettes_and_transparency(tmp_path):
    clear = np.zeros((8, 8, 4), np.uint8)
    clear[:4] = (255, 0, 0, 255)
    save(tmp_path / "a.png", clear)
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    save(tmp_path / "b.png", palette)
    palette.paste(0, (0, 0, 8, 4))
    save(tmp_path / "c.gif", palette, transparency=0)
    source = open_source(tmp_path)
    images = np.asarray(source.examples["image"])
    assert images[:, 0, 0].tolist() == [[255, 0, 0], [0, 0, 255], [255, 255, 255]]
    assert images[:, 7, 0].tolist() == [[255, 255, 255], [0, 0, 255], [0, 0, 255]]
    assert source.notes[0].startswith("2 images ")
    assert "transparent parts" in source.notes[0]


@in_memory_and_on_disk
def test_transparent_grey_stays_grey(tmp_path):
    save(tmp_path / "a.png", Image.merge("LA", [Image.new("L", (8, 8), 10), Image.new("L", (8, 8), 0)]))
    save(tmp_path / "b.png", noise(8, 8))
    images = np.asarray(open_source(tmp_path).examples["image"])
    assert images.shape == (2, 8, 8, 1)
    assert (images[0] == 255).all()


@in_memory_and_on_disk
def test_exif_turns_the_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn by a quarter, clockwise.
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    save(tmp_path / "a.jpg", pixels, exif=exif, quality=95)
    save(tmp_path / "b.png", noise(16, 8, 3))
    image = open_source(tmp_path).examples["image"][0]
    assert image.shape == (16, 8, 3)
    assert image[:7].min() > 200
    assert image[9:].max() < 50


@in_memory_and_on_disk
def test_only_the_first_frame(tmp_path):
    frames = [Image.new("L", (8, 8), level) for level in (10, 250)]
    for name in ("a.gif", "b.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    save(tmp_path / "c.png", noise(8, 8))
    assert set(open_source(tmp_path).examples["image"][:2].ravel()) == {10}


@in_memory_and_on_disk
def test_cmyk(tmp_path):
    save(tmp_path / "a.jpg", Image.new("CMYK", (8, 8), (0, 0, 0, 0)))
    save(tmp_path / "b.png", noise(8, 8, 3))
    assert open_source(tmp_path).examples["image"][0].min() > 250


@in_memory_and_on_disk
def test_different_sizes_need_a_size(tmp_path):
    fill(tmp_path, "a.png", "b.png", "e.jpg", side=9)
    save(tmp_path / "c.png", noise(9, 12, 3))
    save(tmp_path / "d.png", noise(5, 5, 3))
    fails(tmp_path, "Received: 3 sizes", "9x9", "3 of 5", "--size 64")
    assert open_source(tmp_path, size="10x12").spec.shape == (10, 12, 3)


@in_memory_and_on_disk
def test_resizing_crops_the_centre_and_does_not_alias(tmp_path):
    wide = np.zeros((64, 192, 3), np.uint8)
    wide[:, 64:128] = 255
    save(tmp_path / "a.png", wide)
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    save(tmp_path / "b.png", stripes)
    save(tmp_path / "c.jpg", Image.fromarray(wide).resize((1920, 640)))
    images = np.asarray(open_source(tmp_path, size=16).examples["image"])
    assert images[0, :, 2:-2].min() > 250
    assert images[0].min() > 230  # The filter looks a little beyond the crop.
    assert np.abs(images[1] - 127.5).max() < 4  # Taking single pixels would give 0 or 255.
    assert images[2, :, 2:-2].min() > 250


@in_memory_and_on_disk
def test_damaged_files_are_named(tmp_path):
    fill(tmp_path, "a.png", side=32)
    for name in ("z.png", "z.jpg"):
        file = save(tmp_path / name, noise(32, 32, 3))
        file.write_bytes(file.read_bytes()[:-300])
        fails(tmp_path, f"{name} in {tmp_path} could not be read", "truncated", "Remove or repair it")
        file.unlink()
    (tmp_path / "z.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    fails(tmp_path, "z.png", "no image of a known format")
    (tmp_path / "z.png").write_bytes(b"")
    fails(tmp_path, "z.png", "no image of a known format")


@in_memory_and_on_disk
def test_decompression_bombs_are_unreadable_files(tmp_path, monkeypatch):
    fill(tmp_path, "a.png", "b.png", side=32)
    for limit in (900, 100):  # Pillow warns above the limit and raises above twice the limit.
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fails(tmp_path, "a.png", "decompression bomb")


@in_memory_and_on_disk
def test_unusable_zips(tmp_path):
    folder = fill(tmp_path / "x", "a.png", "b.png", side=16)
    whole = pack(folder, tmp_path / "whole.zip").read_bytes()
    bad = tmp_path / "bad.zip"
    bad.write_bytes(whole[:100])
    fails(bad, "bad.zip could not be opened as a zip")
    bad.write_bytes(whole[:200] + bytes([whole[200] ^ 255]) + whole[201:])
    fails(bad, "a.png in", "CRC")
    entry = whole.index(b"PK\x01\x02")  # The central directory: flags at 8, unpacked size at 24.
    bad.write_bytes(whole[: entry + 8] + b"\x01" + whole[entry + 9 :])
    fails(bad, "encrypted", "without a password")
    huge = (300 * 2**20).to_bytes(4, "little")
    bad.write_bytes(whole[: entry + 24] + huge + whole[entry + 28 :])
    fails(bad, "a.png", "300 MB", "256 MB")


@in_memory_and_on_disk
def test_zip_is_not_extracted(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("../../evil.png", "/abs/a.png", "./abs/b.png", "c.png", "d.png"):
            data = io.BytesIO()
            Image.fromarray(noise(8, 8, 3)).save(data, "PNG")
            archive.writestr(name, data.getvalue())
    assert open_source(tmp_path / "x.zip").spec.num_examples == 4
    assert [file.name for file in tmp_path.iterdir()] == ["x.zip"]


def png_of(values: np.ndarray, color_type: int) -> bytes:
    """A PNG of 16-bit `values` (height, width, channels), which Pillow itself cannot write."""
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@in_memory_and_on_disk
def test_sixteen_bit_colour_and_transparency(tmp_path):
    levels = RNG.integers(0, 2**16, (8, 8, 4))
    levels[..., 3] = 65535
    levels[:4, :, 3] = 0
    for name, chosen, kind in [("a", [0, 1, 2], 2), ("b", [0, 1, 2, 3], 6), ("c", [0, 3], 4)]:
        (tmp_path / f"{name}.png").write_bytes(png_of(levels[..., chosen], kind))
    images = np.asarray(open_source(tmp_path).examples["image"]).astype(int)
    assert np.abs(images[0] - levels[..., :3] / 257).max() <= 1
    assert (images[1:, :4] == 255).all()
    assert np.abs(images[1, 4:] - levels[4:, :, :3] / 257).max() <= 1
    assert np.abs(images[2, 4:] - levels[4:, :, :1] / 257).max() <= 1


@in_memory_and_on_disk
@pytest.mark.parametrize(("train", "test"), [("train", "test"), ("Training", "val"), ("train", "valid")])
def test_train_and_test_folders_are_a_split(tmp_path, train, test):
    flat = fill(tmp_path / "flat", f"{train}/1.png", f"{train}/2.png", f"{test}/0.png")
    above = fill(tmp_path / "above", *(f"{part}/{name}/1.png" for part in (train, test) for name in ("cat", "dog")))
    below = fill(tmp_path / "below", *(f"{name}/{part}/1.png" for part in (train, test) for name in ("cat", "dog")))
    for folder in (flat, above, below):
        for source in (open_source(folder), open_source(pack(folder, tmp_path / "x.zip", top="top/"))):
            assert len(source.examples["image"]) == 2
            assert source.spec.num_examples == 2
            assert source.spec.classes == (() if folder is flat else ("cat", "dog"))
            assert len(source.held_out["image"]) == (1 if folder is flat else 2)
            assert f"in {train} are trained on" in source.notes[0]
            assert f"in {test} are held out" in source.notes[0]
            if folder is not flat:
                assert source.examples["label"].tolist() == source.held_out["label"].tolist() == [0, 1]
    np.testing.assert_array_equal(open_source(flat).held_out["image"][0], np.asarray(Image.open(flat / test / "0.png")))


@in_memory_and_on_disk
def test_folders_that_are_no_split(tmp_path):
    assert open_source(fill(tmp_path / "a", "train/1.png", "car/1.png")).spec.classes == ("car", "train")
    assert open_source(fill(tmp_path / "b", "test/1.png", "val/1.png")).spec.classes == ("test", "val")
    fails(fill(tmp_path / "c", "train/a/1.png", "train/b/1.png", "test/1.png"), "Both parts", "same class sub-folders")
    fails(fill(tmp_path / "d", *(f"train/{n}/1.png" for n in "ab"), "test/c/1.png"), "Every class", "train on of c")


@in_memory_and_on_disk
def test_labels_from_a_table(tmp_path):
    folder = fill(tmp_path / "x", "deep/a.png", "deep/b.png", "deep/c.png")
    tables = [
        ("labels.csv", "file,label\ndeep/a.png,cat\ndeep/b.png,dog\ndeep/c.png,cat\n"),
        ("Labels.csv", "\ufeffClass;Mood;FileName\r\ncat;good;a.png\r\ndog;;b.png\r\ncat;;deep\\c.png\r\n"),
        ("any.csv", "image,CLASS\na.png,cat\n\n b.png , dog\n./deep/c.png,cat\n"),
        ("deep/labels.csv", "label,image\ncat,a.png\ndog,b.png\ncat,c.png\n"),
    ]
    for name, text in tables:
        (folder / name).write_bytes(text.encode())
        for source in (open_source(folder), open_source(pack(folder, tmp_path / "x.zip"))):
            assert source.spec.classes == ("cat", "dog")
            assert source.examples["label"].tolist() == [0, 1, 0]
            assert f"The labels are those in {name}." in source.notes
        (folder / name).unlink()


@in_memory_and_on_disk
def test_a_table_and_a_split(tmp_path):
    folder = fill(tmp_path / "x", "train/1.png", "train/2.png", "test/1.png")
    (folder / "labels.csv").write_text("file,label\ntrain/1.png,b\ntrain/2.png,a\ntest/1.png,b\n")
    source = open_source(folder)
    assert source.examples["label"].tolist() == [1, 0]
    assert source.held_out["label"].tolist() == [1]


def test_tables_that_do_not_fit(tmp_path):
    folder = fill(tmp_path / "x", "a.png", "b.png", "c.png")
    table = folder / "labels.csv"
    for text, words in [
        ("file,label\na.png,x\nd.png,x\ne.png,y\n", ["names 2 files that are not there: d.png, e.png"]),
        ("file,label\na.png,x\na.png,y\nb.png,y\n", ["names 1 file more than once: a.png"]),
        ("file,label\na.png,x\nb.png\n", ["has no label for 2 files: b.png, c.png", "remove it"]),
        ("name,kind\na.png,x\n", ["Received: name, kind", "file,label"]),
        ("", ["Received: nothing"]),
    ]:
        table.write_text(text)
        fails(folder, "labels.csv", *words)
    table.write_bytes(b"file,label\na.png,\xff\n")
    fails(folder, "labels.csv", "UTF-8")
    table.write_text("file,label\na.png,x\nb.png,x\nc.png,x\n")
    assert "Every label is x" in open_source(folder).notes[-1]


@in_memory_and_on_disk
def test_tables_of_something_else_are_passed_over(tmp_path):
    folder = fill(tmp_path / "x", "a.png", "b.png")
    (folder / "prices.csv").write_text("file,label\nhouse,3\n")
    assert "prices.csv names no image" in open_source(folder).notes[0]
    (folder / "more.csv").write_text("x,y\n1,2\n")
    source = open_source(folder)
    assert source.spec.classes == ()
    assert "2 .csv files and none is the one labels.csv" in source.notes[0]


@in_memory_and_on_disk
def test_unreadable_files_are_all_counted_or_skipped(tmp_path):
    folder = fill(tmp_path / "x", *(f"{kind}/{number}.png" for kind in ("cat", "dog") for number in range(3)))
    fill(folder, "emu/0.png")
    damaged = ["cat/1.png", "emu/0.png", *(f"emu/{number}.png" for number in range(1, 6))]
    for name in damaged:
        (folder / name).write_bytes(b"nothing")
    fails(folder, "7 of 12 files", "cat/1.png (no image", "emu/3.png", "and 2 more", "--skip-unreadable")
    source = open_source(folder, skip_unreadable=True)
    assert source.spec.classes == ("cat", "dog")
    assert source.examples["label"].tolist() == [0, 0, 1, 1, 1]
    assert any("unreadable, 7 of 12: cat/1.png" in note for note in source.notes)
    for name in ("a.png", "b.png"):
        (tmp_path / "bad").mkdir(exist_ok=True)
        (tmp_path / "bad" / name).write_bytes(b"")
    fails(tmp_path / "bad", "2 of 2 files", skip_unreadable=True)


# Real data


@in_memory_and_on_disk
@needs_real
def test_real_pictures():
    source = open_source(Path(REAL or "") / "pokemon_128.zip", size=32)
    assert source.name == "pokemon_128"
    assert source.spec.shape == (32, 32, 3)
    assert source.spec.num_examples == 819
    assert source.spec.classes == ()
    assert source.examples["image"][::10].std() > 30


@needs_real
def test_real_digits(monkeypatch):
    named = open_source("mnist", data_dir=REAL)
    assert named.spec.shape == (28, 28, 1)
    assert len(named.examples["image"]) == 60_000
    assert len(named.held_out["label"]) == 10_000
    assert np.bincount(named.examples["label"]).tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]
    assert open_source(Path(REAL or "") / "mnist.npz").fingerprint == named.fingerprint
