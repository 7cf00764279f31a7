"""The Inception graph of 2015 beside torch-fidelity's, filled with the same random weights; and how it is fetched."""

import hashlib
import http.server
import threading

import keras
import numpy as np
import pytest

from sparring.errors import DataError
from sparring.metrics.extractors.choice import make_extractor
from sparring.metrics.extractors.inception import InceptionExtractor, fill, inception
from sparring.metrics.extractors.inception_weights import find_weights
from sparring.metrics.extractors.resizing import resize_like_tensorflow1

WEIGHTS = np.random.default_rng(0).bytes(3_000_000)
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


@pytest.fixture(scope="module")
def network():
    return inception()


def tensors_for(network):
    """Random tensors under PyTorch's names, of a size that neither explodes nor dies over 94 convolutions."""
    random = np.random.default_rng(0)
    tensors = {
        "fc.weight": random.normal(0, 0.05, (1008, 2048)).astype(np.float32),
        "fc.bias": random.normal(size=1008).astype(np.float32),
    }
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            name, (height, width, before, after) = layer.name.replace("-", "."), layer.kernel.shape
            deviation = np.sqrt(2 / (height * width * before))
            tensors[f"{name}.conv.weight"] = random.normal(0, deviation, (after, before, height, width))
            for part, low, high in (
                ("weight", 0.8, 1.2),
                ("bias", -0.2, 0.2),
                ("running_mean", -0.2, 0.2),
                ("running_var", 0.7, 1.4),
            ):
                tensors[f"{name}.bn.{part}"] = random.uniform(low, high, after)
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def test_it_is_as_large_as_the_published_network(network):
    assert network.output_shape == (None, 2048)
    assert network.count_params() == 21_785_568 - 17_216  # Keras' own without its top, less one figure for each filter


def test_a_file_of_another_network_is_named(network):
    with pytest.raises(DataError, match=r"`Conv2d_1a_3x3.conv.weight` must be of shape \(32, 3, 3, 3\)"):
        fill(network, {"Conv2d_1a_3x3.conv.weight": np.zeros((64, 3, 7, 7), np.float32)})


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (299, 299, 3), (330, 311, 3)])
def test_features_and_probabilities_are_those_of_torch_fidelity(network, tmp_path, monkeypatch, shape):
    theirs = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3", exc_type=ImportError)
    torch = pytest.importorskip("torch", exc_type=ImportError)
    tensors = {name: torch.from_numpy(array) for name, array in tensors_for(network).items()}
    torch.save(tensors, tmp_path / "weights.pth", _use_new_zipfile_serialization=False)
    with monkeypatch.context() as patched:  # Theirs wants num_batches_tracked too, which nothing depends on.
        load = theirs.FeatureExtractorInceptionV3.load_state_dict
        patched.setattr(theirs.FeatureExtractorInceptionV3, "load_state_dict", lambda *args: load(*args, strict=False))
        extractor = theirs.FeatureExtractorInceptionV3(
            "theirs", ["2048", "logits_unbiased"], feature_extractor_weights_path=tmp_path / "weights.pth"
        )
    images = np.random.default_rng(1).integers(0, 256, (2, *shape), dtype=np.uint8)
    colored = np.repeat(images, 3 // shape[-1], axis=-1).transpose(0, 3, 1, 2)
    with torch.no_grad():
        features, logits = extractor(torch.from_numpy(np.ascontiguousarray(colored)))
    seen = InceptionExtractor(tmp_path / "weights.pth")(images)
    expected = features.numpy(), logits.softmax(dim=1).numpy()
    assert 0.1 < expected[0].std() < 100, "features too small or large to compare"
    assert 1e-4 < expected[1].max() < 0.9, "probabilities too flat or sharp to compare"
    for ours, other in zip(seen, expected, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-5 * np.abs(other).max())


@pytest.mark.parametrize("shape", [(5, 7), (28, 28), (64, 48), (400, 300)])
def test_images_are_resized_as_by_torch_fidelity(shape):
    theirs = pytest.importorskip("torch_fidelity.interpolate_compat_tensorflow", exc_type=ImportError)
    torch = pytest.importorskip("torch", exc_type=ImportError)
    images = np.random.default_rng(0).integers(0, 256, (2, *shape, 3), dtype=np.uint8)
    resized = theirs.interpolate_bilinear_2d_like_tensorflow1x(
        torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32)), (299, 299), align_corners=False
    )
    np.testing.assert_array_equal(resize_like_tensorflow1(images, 299), resized.numpy().transpose(0, 2, 3, 1))


def test_the_resizer_of_tensorflow_1_starts_at_the_corner():
    images = np.array([[0, 30], [60, 90]], np.uint8)[None, :, :, None]
    expected = [[0, 15, 30, 30], [30, 45, 60, 60], [60, 75, 90, 90], [60, 75, 90, 90]]
    np.testing.assert_array_equal(resize_like_tensorflow1(images, 4)[0, :, :, 0], expected)
    every_second = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(resize_like_tensorflow1(every_second, 2)[0, :, :, 0], [[0, 2], [8, 10]])


class Server(http.server.BaseHTTPRequestHandler):
    """Serves the weights; at `/short` no more than a million bytes at once, at `/whole` without knowing ranges."""

    def do_GET(self):
        found = self.headers.get("Range")
        self.server.ranges.append(found)
        start = int(found.removeprefix("bytes=").removesuffix("-")) if found and "whole" not in self.path else 0
        self.send_response(206 if start else 200)
        self.end_headers()
        self.wfile.write(WEIGHTS[start : start + 1_000_000] if "short" in self.path else WEIGHTS[start:])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as started:
        started.ranges = []
        threading.Thread(target=started.serve_forever, daemon=True).start()
        yield started
        started.shutdown()


def fetch(server, folder, path="/a/weights.pth", told=None, **more):
    url = f"http://127.0.0.1:{server.server_address[1]}{path}"
    say = [].append if told is None else told.append
    return find_weights(None, folder, say, **{"url": url, "sha256": DIGEST, "num_bytes": len(WEIGHTS), **more})


def test_weights_are_fetched_once(server, tmp_path):
    told = []
    assert fetch(server, tmp_path / "new", told=told).read_bytes() == WEIGHTS
    assert fetch(server, tmp_path / "new", told=told) == tmp_path / "new" / "weights.pth"
    assert server.ranges == [None]
    assert len(told) == 1
    assert "3 MB" in told[0]


def test_a_broken_fetch_goes_on_where_it_stopped(server, tmp_path):
    for done in ("1,000,000", "2,000,000"):
        with pytest.raises(DataError, match=f"{done} of 3,000,000 bytes came; .*--inception-weights PATH"):
            fetch(server, tmp_path, "/short/weights.pth")
        assert not (tmp_path / "weights.pth").exists()
    assert fetch(server, tmp_path, "/short/weights.pth").read_bytes() == WEIGHTS
    assert server.ranges == [None, "bytes=1000000-", "bytes=2000000-"]


def test_a_server_without_ranges_is_asked_for_the_whole(server, tmp_path):
    (tmp_path / ".weights.pth.part").write_bytes(b"of another time")
    assert fetch(server, tmp_path, "/whole/weights.pth").read_bytes() == WEIGHTS


def test_another_file_is_not_kept(server, tmp_path):
    with pytest.raises(DataError, match="was removed"):
        fetch(server, tmp_path, num_bytes=2_000_000)
    with pytest.raises(DataError, match=f"SHA-256 is {DIGEST}, not 0000"):
        fetch(server, tmp_path, sha256="0000")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "weights.pth").write_bytes(b"damaged since")
    with pytest.raises(DataError, match="removed"):
        fetch(server, tmp_path)
    assert fetch(server, tmp_path).read_bytes() == WEIGHTS


def test_without_network_one_sentence_names_the_ways_out(server, tmp_path):
    url = f"http://127.0.0.1:{server.server_address[1]}/weights.pth"
    server.shutdown()
    server.server_close()
    with pytest.raises(
        DataError, match=r"cannot be fetched .*`--inception-weights PATH` .*`digits`, `own` or `random`"
    ):
        find_weights(None, tmp_path, print, url=url)


def test_a_path_that_is_no_such_file(tmp_path):
    images = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(DataError, match="must be a file"):
        make_extractor("inception", images, fingerprint="0" * 16, inception_weights=tmp_path / "absent.pth")
    (tmp_path / "other.pth").write_bytes(b"text")
    with pytest.raises(DataError, match="cannot be read as a file of PyTorch"):
        make_extractor("inception", images, fingerprint="0" * 16, inception_weights=tmp_path / "other.pth")
