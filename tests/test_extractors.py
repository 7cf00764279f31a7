"""Extractors: names, sizes, agreement with Keras' layers, what is kept in files, and what they can tell apart."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from conftest import ONCE
from sparring.data.source import open_source
from sparring.errors import DataError, UsageError
from sparring.metrics.extractors import learning
from sparring.metrics.extractors.choice import cache_folder, make_extractor
from sparring.metrics.extractors.classifier import Classifier, centred, some_rows
from sparring.metrics.extractors.digits import WEIGHTS, DigitsExtractor
from sparring.metrics.extractors.kept import digest_of, read_weights, write_weights
from sparring.metrics.extractors.own import OwnExtractor, layers_for
from sparring.metrics.extractors.random_filters import RandomExtractor
from sparring.metrics.extractors.resizing import as_color, as_grey, reduce, resize
from sparring.metrics.frechet import frechet_distance

FINGERPRINT = "0123456789abcdef"


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def handwriting():
    """Scikit-learn's digits, 8 x 8, drawn large as MNIST's are: 20 x 20 in the middle of 28 x 28."""
    found = load_digits()
    large = resize(found.images[..., None] * (255 / 16), 20, 20)
    return np.pad(np.rint(large), ((0, 0), (4, 4), (4, 4), (0, 0))).astype(np.uint8), found.target


def stripes(count=200, side=12, seed=0):
    """Bars across and bars upright, in colour."""
    random, images = np.random.default_rng(seed), noise(count, side, side, 3, seed=seed) // 4
    labels = random.integers(0, 2, count)
    for image, label, place in zip(images, labels, random.integers(0, side, count), strict=True):
        (image if label else image.swapaxes(0, 1))[place] += 180
    return images, labels


class TestDigits:
    def test_weights_never_change_under_this_name(self):
        weights, _ = read_weights(WEIGHTS)
        assert digest_of(weights) == "54e29d120fb6dc342296b2362b62be96d422d21f7ae0a36528807cfda147d240"
        assert WEIGHTS.stat().st_size < 400_000

    def test_it_reads_handwriting_of_other_people(self, handwriting):
        images, labels = handwriting
        seen = DigitsExtractor()(images)
        assert seen.features.shape == (len(images), 64)
        assert seen.features.dtype == np.float32
        assert seen.probabilities.shape == (len(images), 10)
        np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1, rtol=1e-5)
        assert np.mean(seen.probabilities.argmax(axis=1) == labels) > 0.9

    @pytest.mark.skipif("SPARRING_TEST_DATA" not in os.environ, reason="needs mnist.npz")
    def test_it_reads_mnist(self):
        data = open_source("mnist", data_dir=os.environ["SPARRING_TEST_DATA"])
        seen = DigitsExtractor()(data.held_out["image"][:1000])
        assert np.mean(seen.probabilities.argmax(axis=1) == data.held_out["label"][:1000]) > 0.98

    def test_an_image_is_seen_the_same_whatever_comes_with_it(self):
        images, extractor = noise(70, 28, 28, 1), DigitsExtractor()
        np.testing.assert_allclose(extractor(images[60:63]).features, extractor(images).features[60:63], atol=1e-5)

    def test_grey_color_and_transparency_are_one(self):
        grey, extractor = noise(3, 20, 24, 1), DigitsExtractor()
        color = np.repeat(grey, 3, axis=-1)
        opaque = np.concatenate([color, np.full_like(grey, 255)], axis=-1)
        expected = extractor(grey).features
        for other in (color, opaque):
            np.testing.assert_allclose(extractor(other).features, expected, rtol=1e-4, atol=1e-4)


class TestOwn:
    def make(self, folder, told, seed=0):
        images, labels = stripes(seed=seed)
        return OwnExtractor(images, labels, fingerprint=FINGERPRINT, folder=folder, say=told.append)

    def test_it_is_trained_once_and_knows_the_classes(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sparring.metrics.extractors.own.LEAST_SEEN", 10_000)
        told, images = [], stripes(seed=1)[0]
        first = self.make(tmp_path / "new", told)
        assert first.trained
        assert first.accuracy.value > 0.9
        assert first.accuracy.trials == 20
        assert len(told) == 2
        file = tmp_path / "new" / "own-01234567-v1.safetensors"
        assert list(file.parent.iterdir()) == [file]
        second = self.make(tmp_path / "new", told)
        assert not second.trained
        assert len(told) == 2
        assert (second.name, second.accuracy) == (first.name, first.accuracy)
        np.testing.assert_array_equal(second(images).features, first(images).features)
        assert np.mean(second(images).probabilities.argmax(axis=1) == stripes(seed=1)[1]) > 0.9

    @ONCE
    def test_a_damaged_or_foreign_file_is_trained_anew(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sparring.metrics.extractors.own.BUDGET", 1e8)
        first, told = self.make(tmp_path, []), []
        file = tmp_path / "own-01234567-v1.safetensors"
        assert first.name.startswith("own-01234567-v1-")
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert self.make(tmp_path, told).trained
        assert "is damaged" in told[0]
        assert "trained anew" in told[0]
        weights, facts = read_weights(file)
        write_weights(file, weights, {**facts, "fingerprint": "01234567ffffffff"})
        assert self.make(tmp_path, told).trained

    @ONCE
    def test_weights_that_differ_have_another_name(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sparring.metrics.extractors.own.BUDGET", 1e8)
        names = {self.make(tmp_path / str(seed), [], seed).name for seed in (0, 1)}
        assert len({name[:15] for name in names}) == 1
        assert len(names) == 2

    @ONCE
    def test_a_classifier_that_only_guesses_is_said_to(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sparring.metrics.extractors.own.BUDGET", 1e8)
        told = []
        images, labels = stripes()
        guess = np.random.default_rng(0).permutation(labels)
        OwnExtractor(images, guess, fingerprint=FINGERPRINT, folder=tmp_path, say=told.append)
        assert "no better than a guess" in told[-1]

    def test_large_images_are_reduced(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sparring.metrics.extractors.own.BUDGET", 1e8)
        monkeypatch.setattr("sparring.metrics.extractors.own.LARGEST", 12)
        images, labels = stripes(40, 24)
        extractor = OwnExtractor(images, labels, fingerprint=FINGERPRINT, folder=tmp_path, say=[].append)
        assert extractor.num_parameters == (27 + 1) * 64 + (6 * 6 * 64 + 1) * 64 + (64 + 1) * 2
        assert extractor(images[:2]).features.shape == (2, 64)
        assert reduce(images[:2, :18], 12).shape == (2, 9, 12, 3)

    def test_every_class_is_learned_where_classes_take_turns(self):
        rows = some_rows(1000, 500)
        assert len(np.unique(rows)) == 500
        assert 200 < np.sum(rows % 2) < 300
        np.testing.assert_array_equal(some_rows(9, 10), np.arange(9))

    @pytest.mark.parametrize(
        ("shape", "depth"), [((28, 28, 1), 2), ((64, 64, 3), 4), ((8, 8, 1), 1), ((4, 64, 3), 2), ((2, 2, 1), 1)]
    )
    def test_layers_for_every_shape(self, shape, depth):
        assert len(layers_for(shape)) == depth

    def test_what_cannot_be_learned(self, tmp_path):
        images, labels = stripes(30)
        make = {"fingerprint": FINGERPRINT, "folder": tmp_path, "say": print}
        with pytest.raises(UsageError, match="an integer label for each of 30 images"):
            OwnExtractor(images, labels[:4], **make)
        with pytest.raises(UsageError, match="at least 2 classes and 20 images"):
            OwnExtractor(images, labels * 0, **make)


class TestRandom:
    def test_it_is_the_same_for_everybody(self):
        reference, images = noise(100, 9, 14, 3), noise(4, 9, 14, 3, seed=1)
        first, second = (RandomExtractor(reference, fingerprint=FINGERPRINT) for _ in range(2))
        assert first.name == "random-01234567-v1"
        seen = first(images)
        assert seen.features.shape == (4, 64)
        assert seen.features.dtype == np.float32
        assert seen.probabilities is None
        np.testing.assert_array_equal(second(images).features, seen.features)
        assert float(first._kernels[0][0, 0, 0, 0]) == pytest.approx(0.194222)

    @ONCE
    def test_what_is_spoiled_lies_further_away(self, handwriting):
        images = handwriting[0]
        extractor = RandomExtractor(images[:400], fingerprint=FINGERPRINT)
        reference = extractor(images[:400]).features

        def away(spoiled):
            return frechet_distance(reference, extractor(spoiled).features)

        floor, others = away(images[400:800]), images[400:800].astype(float)
        grain = np.random.default_rng(0).normal(0, 25, others.shape)
        assert away(np.clip(others + grain, 0, 255).astype(np.uint8)) > 1.5 * floor
        assert away(((others + others[::-1]) / 2).astype(np.uint8)) > 1.5 * floor
        assert away(np.repeat(images[400:420], 20, axis=0)) > 1.5 * floor

    def test_few_images_give_few_features(self):
        extractor = RandomExtractor(noise(10, 8, 8, 1), fingerprint=FINGERPRINT)
        assert extractor(noise(3, 8, 8, 1)).features.shape == (3, 9)
        with pytest.raises(UsageError, match="at least 2 images"):
            RandomExtractor(noise(1, 8, 8, 1), fingerprint=FINGERPRINT)
        with pytest.raises(UsageError, match=r"1 channels of the reference\. Received: 3"):
            extractor(noise(2, 8, 8, 3))


class TestClassifier:
    def test_numpy_agrees_with_the_keras_model_it_was_trained_as(self):
        shape, layers = (13, 10, 3), (learning.Layer(5, 3), learning.Layer(7, 5))
        model = learning._model(shape, 4, layers, seed=0)
        random = np.random.default_rng(0)
        model.set_weights([random.normal(0, 0.3, weight.shape) for weight in model.get_weights()])
        named = {f"{layer.name}.{v.name}": np.array(v) for layer in model.layers for v in layer.weights}
        images = noise(6, *shape)
        seen = Classifier(named)(images)
        logits = model(centred(images))
        expected = keras.ops.convert_to_numpy(keras.ops.softmax(logits))
        np.testing.assert_allclose(seen.probabilities, expected, rtol=1e-4, atol=1e-5)
        until = keras.Model(model.inputs[0], model.get_layer("features").output)
        expected = keras.ops.convert_to_numpy(until(centred(images)))
        np.testing.assert_allclose(seen.features, expected, rtol=1e-4, atol=1e-4)

    def test_a_file_is_read_as_it_was_written(self, tmp_path):
        file = tmp_path / "folder" / "weights.safetensors"
        write_weights(file, {"a": np.arange(3, dtype=np.float16)}, {"data": "none"})
        weights, facts = read_weights(file)
        np.testing.assert_array_equal(weights["a"], [0, 1, 2])
        assert facts == {"data": "none"}
        file.write_bytes(file.read_bytes()[:-2])
        with pytest.raises(DataError, match="cannot be read"):
            read_weights(file)
        with pytest.raises(DataError, match="cannot be read"):
            read_weights(tmp_path / "absent")


class TestResizing:
    def test_resizing_is_pillow_s_and_keeps_fractions(self):
        images = noise(2, 40, 30, 1)
        plane = Image.fromarray(images[0, ..., 0].astype(np.float32))
        expected = np.clip(plane.resize((7, 9), Image.Resampling.BICUBIC), 0, 255)
        np.testing.assert_array_equal(resize(images, 9, 7)[0, ..., 0], expected)
        assert np.any(expected != np.rint(expected))
        assert reduce(images, 64).shape == images.shape

    def test_transparent_parts_are_white(self):
        image = np.array([[[[200, 100, 0, 0], [200, 100, 0, 255], [200, 100, 0, 51]]]], np.uint8)
        np.testing.assert_array_equal(as_color(image)[0, 0], [[255, 255, 255], [200, 100, 0], [244, 224, 204]])
        np.testing.assert_allclose(as_grey(image)[0, 0, 1], 0.299 * 200 + 0.587 * 100, rtol=1e-6)

    @pytest.mark.parametrize("images", [np.zeros((2, 8, 8)), np.zeros((2, 8, 8, 3)), noise(2, 8, 8, 2)])
    def test_other_arrays_are_refused(self, images):
        with pytest.raises(UsageError, match="uint8 images of shape"):
            DigitsExtractor()(images)


class TestChoice:
    def test_kinds(self, tmp_path, monkeypatch):
        monkeypatch.setattr("sparring.metrics.extractors.own.BUDGET", 1e8)
        images, labels = stripes(60)
        make = {"fingerprint": FINGERPRINT, "folder": tmp_path, "say": [].append}
        assert make_extractor("digits", images, **make).name == "digits-v1"
        assert make_extractor("auto", images, **make).name == "random-01234567-v1"
        assert make_extractor("auto", images, labels * 0, **make).name == "random-01234567-v1"
        own = make_extractor("auto", images, labels, **make)
        assert own.name.startswith("own-01234567-v1-")
        with pytest.raises(UsageError, match="takes labels"):
            make_extractor("own", images, **make)
        with pytest.raises(UsageError, match=r"must be one of .* Did you mean `digits`\?"):
            make_extractor("digit", images, **make)
        with pytest.raises(UsageError, match="at least one image"):
            own(images[:0])

    def test_where_things_are_kept(self, monkeypatch):
        for name in ("SPARRING_CACHE", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        assert cache_folder() == Path("~/.cache/sparring").expanduser()
        monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
        assert cache_folder() == Path("/elsewhere/sparring")
        monkeypatch.setenv("SPARRING_CACHE", "/mine")
        assert cache_folder() == Path("/mine")
