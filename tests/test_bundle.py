"""A bundle comes back as it was saved, and what only looks like one is refused before it can do harm."""

import errno
import json
import math
import os
import pickle
import resource
import struct
import time
from pathlib import Path

import keras
import numpy as np
import pydantic
import pytest
from PIL import Image
from safetensors.numpy import save_file

from sparring.bundle.bundle import MAX_SHEET
from sparring.bundle.card import write_card
from sparring.bundle.images import ImageBundle
from sparring.bundle.latents import spherical
from sparring.bundle.loading import load_bundle
from sparring.bundle.pictures import grid, safe_names, save_animation, save_folder, save_grid, save_npz
from sparring.bundle.record import Record
from sparring.bundle.tensors import read_shapes, read_tensors, write_tensors
from sparring.data.spec import ImageSpec
from sparring.errors import BundleError, UsageError
from sparring.files import replace_file

CLASSES = ("cat", "dog", "zebra")


def make_record(classes=CLASSES, **changes):
    spec = ImageSpec(shape=(4, 4, 3), classes=classes, num_examples=100, squared_distance=12.5)
    values = {"recipe": "tiny", "options": {"width": 8, "gamma": None, "rate": 0.5, "loss": "rp", "ema": True}}
    values |= {"spec": spec, "seed": 3, "source": "animals", "fingerprint": "abc123", "version": "0.1.0"}
    return Record(**(values | changes))


def build(record, trust):
    """The recipes' lookup in small: one recipe, a generator with weights of both kinds and random draws of its own."""
    if record.recipe != "tiny":
        raise BundleError(f"Recipe {record.recipe!r} is not known.")
    latents = keras.Input((5,))
    inputs = [latents]
    if record.spec.classes:
        inputs.append(keras.Input((record.spec.num_classes,)))
    x = keras.layers.Concatenate()(inputs) if len(inputs) > 1 else latents
    x = keras.layers.Dense(record.options["width"], activation="relu")(x)
    x = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dense(math.prod(record.spec.shape), activation="tanh")(x)
    return {"generator": keras.Model(inputs, keras.layers.Reshape(record.spec.shape)(x))}


@pytest.fixture(scope="module")
def bundle():
    keras.utils.set_random_seed(0)
    record = make_record()
    return ImageBundle(record, build(record, False), images_seen=1234)


@pytest.fixture
def saved(bundle, tmp_path):
    bundle.save(tmp_path / "run" / "bundle", "# card")
    return tmp_path / "run" / "bundle"


def edit(folder, change):
    """Let `change` alter the content of bundle.json."""
    sheet = json.loads((folder / "bundle.json").read_text())
    change(sheet)
    (folder / "bundle.json").write_text(json.dumps(sheet))


def swap_weights(folder, change):
    """Let `change` alter the tensors; the file stays sound in itself."""
    tensors, metadata = read_tensors(folder / "weights.safetensors")
    change(tensors)
    write_tensors(folder / "weights.safetensors", tensors, metadata)


def refused(path, *words, **options):
    with pytest.raises(BundleError) as caught:
        load_bundle(path, build, **options)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert len(message) < 700


# A bundle in use.


def test_round_trip_is_exact(bundle, saved):
    loaded = load_bundle(saved, build)
    assert loaded.record == bundle.record
    assert loaded.images_seen == 1234
    for one, other in zip(bundle.networks["generator"].weights, loaded.networks["generator"].weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(loaded.sample(7, seed=5), bundle.sample(7, seed=5))
    assert sorted(entry.name for entry in saved.iterdir()) == ["bundle.json", "card.md", "weights.safetensors"]
    assert (saved / "card.md").read_text() == "# card"


def test_run_folder_and_linked_run_folder_lead_to_the_bundle(saved, tmp_path):
    (tmp_path / "link").symlink_to(saved.parent)
    assert load_bundle(saved.parent, build).images_seen == 1234
    assert load_bundle(tmp_path / "link", build).images_seen == 1234


def test_save_replaces_an_older_bundle_unless_the_weights_are_not_finite(bundle, saved):
    other = ImageBundle(bundle.record, build(bundle.record, False), images_seen=99)
    other.save(saved, "")
    assert load_bundle(saved, build).images_seen == 99
    other.networks["generator"].weights[0].assign(np.full((8, 8), np.nan))
    with pytest.raises(BundleError, match="not finite"):
        other.save(saved, "")
    assert load_bundle(saved, build).images_seen == 99


def test_latents_depend_on_seed_and_row_only(bundle):
    many = bundle.latents(1000, seed=1)
    assert many.dtype == np.float32
    np.testing.assert_array_equal(bundle.latents(3, seed=1), many[:3])
    assert not np.array_equal(bundle.latents(3, seed=2), many[:3])
    assert abs(many.mean()) < 0.05
    assert abs(many.std() - 1) < 0.05
    np.testing.assert_allclose(many[0, :2], [-0.3880891, 0.9217632], rtol=1e-5)  # As in the first release.


def test_truncated_latents(bundle):
    cut = bundle.latents(2000, truncation=0.5)
    assert np.abs(cut).max() <= 0.5
    assert abs(cut.std() - 0.28397) < 0.005  # Of the standard normal cut to [-0.5, 0.5].
    np.testing.assert_array_equal(bundle.latents(2, truncation=0.5), cut[:2])
    np.testing.assert_allclose(bundle.latents(9, truncation=8), bundle.latents(9), atol=1e-5)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"seed": -1}, {"truncation": 0}, {"truncation": math.nan}])
def test_wrong_arguments_of_latents(bundle, wrong):
    with pytest.raises(UsageError, match="Received"):
        bundle.latents(**{"n": 2, **wrong})


def test_samples(bundle, monkeypatch):
    images = bundle.sample(7, seed=1)
    assert images.shape == (7, 4, 4, 3)
    assert images.dtype == np.uint8
    raw = bundle.generate(bundle.latents(7, seed=1))
    assert raw.dtype == np.float32
    np.testing.assert_array_equal(images, np.rint((raw + 1) * 127.5))
    monkeypatch.setattr("sparring.bundle.chunks.CHUNK_VALUES", 2 * 4 * 4 * 3)  # Two images at once.
    np.testing.assert_allclose(bundle.generate(bundle.latents(7, seed=1)), raw, atol=1e-6)


def test_labels(bundle):
    assert bundle.labels_for(5).tolist() == [0, 1, 2, 0, 1]
    assert bundle.labels_for(3, "dog").tolist() == [1, 1, 1]
    assert bundle.labels_for(3, 2).tolist() == [2, 2, 2]
    assert bundle.labels_for(4, ["zebra", 0]).tolist() == [2, 0, 2, 0]
    assert bundle.labels_for(2, np.array([2, 1])).dtype == np.int32
    assert not np.array_equal(bundle.sample(1, labels="cat"), bundle.sample(1, labels="dog"))


@pytest.mark.parametrize(("wrong", "words"), [("zebr", "zebra"), (3, "cat, dog, zebra"), (-1, "0 to 2"), ([], "empty")])
def test_unknown_labels_name_the_known(bundle, wrong, words):
    with pytest.raises(UsageError, match=words):
        bundle.labels_for(2, wrong)


def test_without_classes(tmp_path):
    record = make_record(classes=())
    bundle = ImageBundle(record, build(record, False))
    bundle.save(tmp_path / "bundle", "")
    assert load_bundle(tmp_path / "bundle", build).sample(2).shape == (2, 4, 4, 3)
    assert bundle.labels_for(2) is None
    with pytest.raises(UsageError, match="no classes"):
        bundle.sample(2, labels=0)


def test_interpolation(bundle):
    walk = bundle.interpolate(6, 2, keypoints=3, labels="cat")
    assert walk.shape == (6, 2, 4, 4, 3)
    points = bundle.latents(6).reshape(2, 3, 5)
    ends = bundle.generate(points[:, 1], "cat")
    np.testing.assert_allclose(walk[2], np.rint((ends + 1) * 127.5), atol=1)  # Frame 2 of 6 is point 1 of 3.


def test_interpolation_without_frames(bundle):
    with pytest.raises(UsageError, match="frames=0"):
        bundle.interpolate(0)


def test_spherical_ways():
    one, other = np.float32([[3, 0]]), np.float32([[0, 3]])
    half = np.float32([[0.5]])
    np.testing.assert_allclose(spherical(one, other, half), [[3 / 2**0.5, 3 / 2**0.5]], rtol=1e-6)
    np.testing.assert_allclose(spherical(one, other, 0 * half), one)
    np.testing.assert_allclose(spherical(one, -one, half), [[0, 0]], atol=1e-6)
    np.testing.assert_allclose(spherical(one, one, half), one)


def test_card(bundle):
    card = write_card(bundle.record, 5000, {})
    assert "sparring evaluate RUN" in card
    assert "cat, dog, zebra" in card
    assert "| FID | 3.2 |" in write_card(bundle.record, 5000, {"FID": "3.2"})


# The record.


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": {"gamma": math.nan}},
        {"options": {"gamma": math.inf}},
        {"options": {"loss": "x" * 1001}},
        {"options": {"layers": [1, 2]}},
        {"options": {f"o{index}": 1 for index in range(201)}},
        {"recipe": "x" * 201},
        {"seed": -1},
        {"source": "/home/me/data"},
        {"unknown": 1},
    ],
)
def test_record_refuses(wrong):
    with pytest.raises(pydantic.ValidationError):
        make_record(**wrong)


def test_record_round_trip_and_differences():
    record = make_record()
    same = Record.model_validate_json(record.model_dump_json())
    assert same == record
    assert [type(value) for value in same.options.values()] == [int, type(None), float, str, bool]
    assert record.differences(same) == []
    stored = make_record(options={"width": 64, "old": 1}, fingerprint="other", classes=("cat",))
    assert make_record(options={"width": 128}).differences(stored) == [
        "width=64 there, width=128 here",
        "old=1 there, old not set here",
        "classes=('cat',) there, classes=('cat', 'dog', 'zebra') here",
        "the data has changed",
    ]


# Tensors.


def test_tensors_round_trip(tmp_path):
    path = tmp_path / "state.safetensors"
    tensors = {name: np.arange(6).reshape(2, 3).astype(name) for name in ("f4", "f8", "i4", "i8", "u4", "u1", "?")}
    tensors |= {"scalar": np.float32(2.5), "empty": np.zeros((0, 3), np.float32), "turned": np.eye(3)[:, ::-1].T}
    write_tensors(path, tensors, {"step": "7"})
    found, metadata = read_tensors(path)
    assert metadata == {"step": "7"}
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert found[name].shape == tensor.shape
        np.testing.assert_array_equal(found[name], tensor)
    assert read_shapes(path) == {name: tensor.shape for name, tensor in tensors.items()}
    with pytest.raises(BundleError, match="float16"):
        write_tensors(path, {"half": np.zeros(2, np.float16)}, {})


def flip(data, position):
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-5], "truncated"),
        (lambda data: data[:4], "truncated"),
        (lambda data: b"", "truncated"),
        (lambda data: flip(data, len(data) - 9), "digest"),
        (lambda data: data.replace(b'"step":"7"', b'"step":"8"'), "digest"),
        (lambda data: data.replace(b'"F32"', b'"F16"'), "safetensors"),
        (lambda data: struct.pack("<Q", 50_000_000) + data[8:], "10,000,000"),
        (lambda data: b"\x89HDF\r\n\x1a\n" + data, "HDF5"),
        (lambda data: b"PK\x03\x04\x14\x00\x00\x00" + data, "zip"),
        (lambda data: pickle.dumps({"weights": [1.0] * 9}), "pickle"),
    ],
)
def test_damaged_tensors(tmp_path, damage, words):
    path = tmp_path / "state.safetensors"
    write_tensors(path, {"a": np.ones(20, np.float32)}, {"step": "7"})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(BundleError, match=words) as caught:
        read_tensors(path)
    assert str(path) in str(caught.value)


def test_foreign_tensors(tmp_path):
    path = tmp_path / "state.safetensors"
    with pytest.raises(BundleError, match="No such file"):
        read_shapes(path)
    save_file({"a": np.ones(3, np.float32)}, path)
    with pytest.raises(BundleError, match="no sha256"):
        read_tensors(path)
    save_file({"a": np.ones(3, np.int16)}, path)
    with pytest.raises(BundleError, match="I16"):
        read_shapes(path)


# Attacks on a bundle.


def test_unknown_recipe(saved):
    edit(saved, lambda sheet: sheet["record"].update(recipe="evil.module:function"))
    refused(saved, "evil.module:function", "not known")


def test_whether_to_trust_reaches_the_lookup(saved):
    asked = []
    load_bundle(saved, lambda record, trust: asked.append(trust) or build(record, trust), trust=True)
    assert asked == [True, True]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensors: tensors.update(evil=np.zeros(3, np.float32)), "'evil'"),
        (lambda tensors: tensors.pop("generator/001.bias"), "missing"),
        (lambda tensors: tensors.update({"generator/001.bias": np.zeros(9, np.float32)}), "(9,)"),
        (lambda tensors: tensors.update({"generator/001.bias": np.zeros(8)}), "float64"),
        (lambda tensors: tensors["generator/001.bias"].fill(np.nan), "not finite"),
    ],
)
def test_weights_that_do_not_fit(saved, change, words):
    swap_weights(saved, change)
    refused(saved, words, "generator/001.bias" if words != "'evil'" else "not known")


@pytest.mark.parametrize("width", [10**8, 10**9, 10**12])
def test_huge_options_allocate_nothing(saved, width):
    edit(saved, lambda sheet: sheet["record"]["options"].update(width=width))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    refused(saved, "parameters")
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KB


def test_limit_of_parameters_and_options_of_another_size(saved):
    refused(saved, "max_parameters", max_parameters=100)
    edit(saved, lambda sheet: sheet["record"]["options"].update(width=16))
    refused(saved, "generator/000.kernel", "(8, 8)", "(8, 16)")


@pytest.mark.parametrize("width", [-1, 0.5, "x", None])
def test_options_that_break_the_recipe(saved, width):
    edit(saved, lambda sheet: sheet["record"]["options"].update(width=width))
    refused(saved, "tiny", "options")


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["weights.safetensors", "bundle.json"])
def test_pickle_is_never_opened(saved, tmp_path, name):
    (saved / name).write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
    refused(saved, name)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "bundle.json", "card.md"])
def test_links_are_not_followed(saved, tmp_path, name):
    (saved / name).rename(tmp_path / "outside")
    (saved / name).symlink_to(tmp_path / "outside")
    refused(saved, name, "link")


def test_linked_folder_endless_link_and_pipe(saved, tmp_path):
    saved.rename(tmp_path / "outside")
    saved.symlink_to(tmp_path / "outside")
    refused(saved.parent, "link")
    (tmp_path / "outside" / "bundle.json").unlink()
    (tmp_path / "outside" / "bundle.json").symlink_to("bundle.json")  # To itself.
    refused(tmp_path / "outside", "no plain file")
    (tmp_path / "outside" / "bundle.json").unlink()
    os.mkfifo(tmp_path / "outside" / "bundle.json")
    refused(tmp_path / "outside", "no plain file")


def deep(sheet):
    sheet["record"]["options"]["a"] = {"b": {"c": {}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda sheet: sheet["record"]["options"].update(gamma=math.nan), "options.gamma"),
        (lambda sheet: sheet["record"]["options"].update(gamma=-math.inf), "options.gamma"),
        (deep, "options.a"),
        (lambda sheet: sheet["record"].update(layers={"class_name": "Lambda"}), "record.layers"),
        (lambda sheet: sheet.update(module="os"), "module"),
        (lambda sheet: sheet["record"]["spec"].update(shape=[10**9, 10**9, 3]), "spec.image.shape"),
        (lambda sheet: sheet["record"].update(format=2), "format"),
        (lambda sheet: sheet.update(networks=["generator", "spy"]), "spy"),
        (lambda sheet: sheet.pop("record"), "record"),
    ],
)
def test_sheet_that_asks_for_more(saved, change, words):
    edit(saved, change)
    refused(saved, words)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 5000, b"[]", b" " * (MAX_SHEET + 1)])
def test_sheet_that_is_none(saved, text):
    (saved / "bundle.json").write_bytes(text)
    refused(saved, "bundle.json")


def test_folder_with_too_many_entries(saved, monkeypatch):
    monkeypatch.setattr("sparring.bundle.loading.MAX_FILES", 2)
    refused(saved, "entries")


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.pt", "model.pkl"])
def test_other_model_files(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x80\x04")
    refused(tmp_path / name, name, "is a file", "folder")


def test_folders_that_are_no_bundles(saved, tmp_path):
    refused(tmp_path / "nowhere", "does not exist")
    refused(tmp_path, "neither bundle.json")
    (saved / "bundle.json").unlink()
    refused(saved, "neither bundle.json")
    (saved.parent / "recipe.json").write_text("{}")
    refused(saved.parent, "run without a finished bundle")


# Pictures.


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_grid(channels, mode):
    images = np.arange(5, dtype=np.uint8).repeat(28 * 28 * channels).reshape(5, 28, 28, channels)
    picture = grid(images)
    assert picture.mode == mode
    assert picture.size == (3 * 56 + 2 * 2, 2 * 56 + 2)
    pixels = np.asarray(picture).reshape(picture.height, picture.width, channels)
    assert (pixels[:56, 58:114] == 1).all()
    assert (pixels[:, 56:58] == 255).all()
    assert (pixels[58:, 116:] == 255).all()
    assert grid(images, columns=5, min_side=1).size == (5 * 28 + 4 * 2, 28)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_saved_grid(tmp_path, suffix):
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    path = tmp_path / f"grid{suffix}"
    save_grid(images, path)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.asarray(grid(images)))
    with pytest.raises(UsageError, match=r"\.png or \.webp"):
        save_grid(images, tmp_path / "grid.exe")


def test_saved_folder_and_npz(bundle, tmp_path):
    images = bundle.sample(11)
    save_folder(images, tmp_path / "new" / "plain")
    save_folder(images, tmp_path / "named", ["../a b:" + "x" * 90] * 11)
    assert [path.name for path in sorted((tmp_path / "new" / "plain").iterdir())][:2] == ["00.png", "01.png"]
    named = sorted((tmp_path / "named").iterdir())
    assert len(named) == 11
    assert named[10].name.startswith("10__a_b_xxx")
    with Image.open(named[10]) as picture:
        np.testing.assert_array_equal(np.asarray(picture), images[10])
    save_npz(images, bundle.labels_for(11), tmp_path / "samples.npz")
    with np.load(tmp_path / "samples.npz") as arrays:
        np.testing.assert_array_equal(arrays["images"], images)
        assert arrays["labels"].tolist() == bundle.labels_for(11).tolist()


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_saved_animation(tmp_path, suffix, channels):
    side = np.linspace(0, 255, 64).astype(np.uint8)
    images = [np.roll(np.broadcast_to(side[:, None, None], (64, 64, channels)), 9 * step, axis=0) for step in range(5)]
    frames = [grid(image[None]) for image in images]
    path = tmp_path / f"walk{suffix}"
    save_animation(frames, path, 100)
    with Image.open(path) as animation:
        assert animation.n_frames == 5
        durations = []
        for index, frame in enumerate(frames):
            animation.seek(index)
            animation.load()
            durations.append(animation.info["duration"])
            difference = np.asarray(animation.convert("RGB"), int) - np.asarray(frame.convert("RGB"), int)
            assert np.abs(difference).mean() < 4
            if suffix == ".gif" and channels == 1:
                assert np.abs(difference).max() <= 5  # Half a step between 32 grays, and rounding.
        assert durations == [100, 100, 100, 100, 1600]


# Files.


def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "state"
    replace_file(path, b"old")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_replaced(tmp_path):
    path = tmp_path / "state"
    replace_file(path, b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "nowhere" / "state", b"")


def test_no_two_classes_share_a_file_name():
    assert safe_names(["a cat", "dog"]) == ["a_cat", "dog"]
    for names in (["a/b", "a b"], ["Cat", "cat"], ["x" * 60, "x" * 70]):
        assert len({name.lower() for name in safe_names(names)}) == 2
