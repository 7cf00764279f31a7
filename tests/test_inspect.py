"""Looking at data before it is trained on: what is there, what would come of it, what is warned of."""

import dataclasses
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.applications.inspecting import advice
from sparring.applications.inspecting.inspect import SHEET, inspect
from sparring.cli import main
from sparring.data.images.twins import nearly_same, same
from sparring.errors import DataError, UsageError

RNG = np.random.default_rng(0)
REAL = os.environ.get("SPARRING_TEST_DATA")


def picture(side: int = 32, width: int | None = None) -> np.ndarray:
    """A smooth random picture, as photographs are."""
    small = RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width or side, side), Image.Resampling.BICUBIC))


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def mess(tmp_path) -> Path:
    """A folder that `train` refuses for several reasons."""
    folder = tmp_path / "mess"
    for number in range(24):
        save(folder / "cat" / f"{number:02}.png", picture())
    first = np.asarray(Image.open(folder / "cat" / "00.png"))
    save(folder / "cat" / "copy.bmp", first)
    save(folder / "cat" / "near.jpg", first, quality=90)
    save(folder / "dog" / "wide.png", picture(32, 96))
    save(folder / "dog" / "grey.png", picture()[..., 0])
    (folder / "dog" / "bad.png").write_bytes(b"nothing")
    return folder


def test_what_train_refuses_is_looked_at(mess):
    found = inspect(mess)
    assert (found.name, found.num_images, found.num_held_out, found.channels) == ("mess", 29, 0, 3)
    assert dict(found.unreadable) == {"dog/bad.png": "no image of a known format"}
    assert dict(found.kinds) == {"PNG RGB": 25, "BMP RGB": 1, "JPEG RGB": 1, "PNG L": 1}
    assert dict(found.sizes) == {(32, 32): 27, (32, 96): 1}
    assert dict(found.classes) == {"cat": 26, "dog": 2}
    assert found.duplicates == (("cat/00.png", "cat/copy.bmp"),)
    assert found.near_duplicates == (("cat/00.png", "cat/near.jpg"),)
    refused, helped = found.training
    assert "train would refuse it" in refused
    assert "train with --size 32x32 --skip-unreadable would take 28 images of 32x32x3 in 2 classes" in helped
    assert "recipe r3gan" in helped
    text = "\n".join(found.lines())
    for word in ("1 image cannot be read", "28 images", "2 sizes", "dog (2)", "10 times", "same pixels", "hardly"):
        assert word in text
    assert found.sheet is None


def test_zip_and_folder_are_alike(mess):
    file = mess.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(mess.rglob("*.*")):
            archive.write(path, path.relative_to(mess))
    one, other = inspect(mess, size=16), inspect(file, size=16)
    assert one.facts() == other.facts()
    assert one.warnings == other.warnings


def test_the_contact_sheet_shows_every_class_as_often(tmp_path):
    for name, level, count in (("a", 0, 90), ("b", 255, 7)):
        for number in range(count):
            save(tmp_path / "x" / name / f"{number}.png", np.full((8, 8), level - (level > 0) * number, np.uint8))
    found = inspect(tmp_path / "x", out=tmp_path / "new" / "sheet")
    assert found.sheet == tmp_path / "new" / "sheet" / SHEET
    assert f"Wrote {found.sheet}" in found.lines()
    sheet = np.asarray(Image.open(found.sheet))
    assert sheet.shape == (6 * 50 - 2, 10 * 50 - 2, 3)  # 50 + 7 cells of 48 with gaps of 2, ten in a row.
    assert sheet[0, 0].tolist() == [0, 0, 0]


def test_names_and_arrays(tmp_path):
    found = inspect("digits", out=tmp_path)
    assert (found.num_images, found.num_held_out, found.channels) == (1797, 359, 1)
    assert sum(found.classes.values()) == 1438
    assert dict(found.kinds) == {"array": 1797}
    assert found.sheet is not None
    assert "1,438 images of 8x8x1 in 10 classes" in found.training[0]
    assert not found.warnings
    images = np.stack([picture() for _ in range(3)])[[0, 1, 2, 1]]
    np.savez(tmp_path / "x.npz", x_train=images[:3], y_train=[0, 1, 1], x_test=images[3:], y_test=[1])
    held = inspect(tmp_path / "x.npz")
    assert held.duplicates == (("image 1", "held-out image 0"),)
    assert any("1 image is held out and also" in warning for warning in held.warnings)
    assert inspect((images, list("aabb"))).classes == {"a": 2, "b": 2}


def test_a_split_is_counted(tmp_path):
    for part, count in (("train", 3), ("test", 2)):
        for number in range(count):
            save(tmp_path / part / f"{number}.png", picture())
    found = inspect(tmp_path)
    assert (found.num_images, found.num_held_out) == (5, 2)
    assert "in test are held out" in found.notes[0]
    assert "3 images to train on" in found.warnings[0]


def test_one_image_or_a_bad_table_is_no_error(tmp_path):
    save(tmp_path / "a.png", picture())
    (found,) = inspect(tmp_path).training
    assert "at least 2 images" in found
    save(tmp_path / "b.png", picture())
    (tmp_path / "labels.csv").write_text("file,label\na.png,x\n")
    found = inspect(tmp_path)
    assert found.num_images == 2
    assert "no label for 1 file: b.png" in found.training[0]
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"")
    found = inspect(tmp_path / "bad", out=tmp_path / "out")
    assert (found.num_images, found.sheet) == (1, None)


def test_what_is_no_source_of_images_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no images"):
        inspect(tmp_path)
    np.savez(tmp_path / "x.npz", pixels=np.zeros(3), lengths=np.zeros(1))
    with pytest.raises(DataError, match="Received: lengths, pixels"):
        inspect(tmp_path / "x.npz")
    with pytest.raises(DataError, match="Did you mean digits"):
        inspect("digts")
    with pytest.raises(UsageError, match="size=big"):
        inspect("digits", size="big")


GOOD = advice.Facts(
    num_training=5000,
    sizes={(64, 64): 5000},
    wanted=None,
    classes={"a": 2500, "b": 2500},
    num_copies=0,
    num_near=0,
    num_leaked=0,
    num_unreadable=0,
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, None),
        ({"num_training": 999}, "under 1,000"),
        ({"num_training": 99}, "under 100"),
        ({"sizes": {(64, 64): 1, (64, 65): 2}}, "2 sizes. Pass --size 64"),
        ({"sizes": {(64, 128): 9}}, "9 of 9 images are at least 2 times as wide"),
        ({"sizes": {(64, 128): 9}, "wanted": (32, 64)}, None),
        ({"sizes": {(256, 256): 9}}, "Sides over 128"),
        ({"wanted": (128, 128)}, "half the side of 128x128"),
        ({"wanted": (8, 8)}, "8 times the side"),
        ({"wanted": (32, 32)}, None),
        ({"classes": {"a": 7}}, "one class only"),
        ({"classes": {"a": 30, "b": 19}}, "1 of 2 classes have under 20 images: b (19)"),
        ({"classes": {"a": 301, "b": 30}}, "a has 301 images and b 30, more than 10 times"),
        ({"num_copies": 2}, "2 images have the same pixels"),
        ({"num_near": 1}, "1 image is hardly different"),
        ({"num_leaked": 1}, "flatter"),
        ({"num_unreadable": 1}, "--skip-unreadable"),
    ],
)
def test_each_warning_comes_alone(change, words):
    found = list(advice.warn(dataclasses.replace(GOOD, **change)))
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


def test_near_duplicates_survive_compression_and_resizing_and_nothing_else_does():
    pictures = [picture(64) for _ in range(200)]
    compressed = io.BytesIO()
    Image.fromarray(pictures[7]).save(compressed, "JPEG", quality=60)
    smaller = np.asarray(Image.fromarray(pictures[9]).resize((40, 40), Image.Resampling.LANCZOS))
    everything = [*pictures, np.asarray(Image.open(compressed)), smaller, pictures[3]]
    grey = [Image.fromarray(pixels).convert("L") for pixels in everything]
    steps = np.stack([np.asarray(image.resize((9, 8), Image.Resampling.BILINEAR)) for image in grey])
    thumbs = np.stack([np.asarray(image.resize((16, 16), Image.Resampling.BILINEAR)) for image in grey])
    digests = [pixels.tobytes()[:64] for pixels in everything]
    assert same(digests) == [[3, 202]]
    assert nearly_same(steps, thumbs, digests) == [[7, 200], [9, 201]]
    assert nearly_same(steps[:1], thumbs[:1], digests[:1]) == []


def test_the_command_fits_80_columns(mess, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        main.run(["inspect", str(mess), "--size", "16", "--out", str(tmp_path / "s")])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    body, _, wrote = text.partition("\nWrote ")
    assert max(map(len, body.splitlines())) <= 80
    assert wrote.strip() == str(tmp_path / "s" / SHEET)
    for word in ("unreadable", "dog/bad.png", "Warnings", "--skip-unreadable"):
        assert word in text


@pytest.mark.skipif(not REAL, reason="SPARRING_TEST_DATA names no folder of real data")
def test_real_pictures():
    found = inspect(Path(REAL or "") / "pokemon_128.zip", size=32)
    assert found.num_images == 819
    assert not found.unreadable
    assert not found.duplicates
    assert not found.near_duplicates  # Some differ in their colours alone.
