"""The network of the Frechet video distance beside pytorch-i3d's, filled with the same random weights."""

import keras
import numpy as np
import pytest

from conftest import ONCE
from sparring.errors import DataError, UsageError
from sparring.metrics.clips import i3d as module
from sparring.metrics.clips.i3d import I3DExtractor, fill, i3d

pytestmark = [ONCE, pytest.mark.xdist_group("i3d")]  # The network is built once.


@pytest.fixture(scope="module")
def network():
    return i3d()


def tensors_for(network):
    """Random tensors under PyTorch's names, of a size that neither explodes nor dies over 57 convolutions."""
    random, tensors = np.random.default_rng(0), {"logits.conv3d.bias": np.linspace(-1, 1, 400)}
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv3D):
            name, (*sides, before, after) = layer.name.replace("-", "."), layer.kernel.shape
            deviation = np.sqrt(2 / (np.prod(sides) * before))
            tensors[f"{name}.conv3d.weight"] = random.normal(0, deviation, (after, before, *sides))
            for part, low, high in (
                ("weight", 0.8, 1.2),
                ("bias", -0.2, 0.2),
                ("running_mean", -0.2, 0.2),
                ("running_var", 0.7, 1.4),
            ):
                tensors[f"{name}.bn.{part}"] = random.uniform(low, high, after)
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


@pytest.fixture
def extractor(network, monkeypatch):
    """One of these weights that reads no file."""
    tensors = tensors_for(network)
    monkeypatch.setattr(module, "i3d", lambda: network)
    monkeypatch.setattr(module, "read_tensors", lambda path: tensors)
    return I3DExtractor("weights.pt")


def test_it_is_as_large_as_the_published_network(network):
    # 12.29 million without the logits of 1024 x 400 and their biases, of which 2 x 7,280 of batch normalisations
    # become one bias for each of 7,280 filters.
    assert network.output_shape == (None, 400)
    assert network.count_params() == 12_697_264 - 7_280


def test_clips_are_seen_alone_and_in_time(extractor):
    clips = np.random.default_rng(0).integers(0, 256, (2, 9, 12, 16, 1), np.uint8)
    seen = extractor(clips)
    assert seen.features.shape == (2, 400)
    assert seen.probabilities is None
    assert 0.1 < seen.features.std() < 100
    backwards = extractor(clips[:1, ::-1]).features
    assert np.abs(backwards - seen.features[:1]).max() > 0.01
    np.testing.assert_allclose(extractor(clips[1:]).features, seen.features[1:], rtol=1e-4, atol=1e-4)
    with pytest.raises(UsageError, match=r"at least 9 frames\. Received: 8"):
        extractor(clips[:, :8])


def test_a_file_of_another_network_is_named(network, monkeypatch):
    wrong = {"Conv3d_1a_7x7.conv3d.weight": np.zeros((64, 2, 7, 7, 7), np.float32)}
    monkeypatch.setattr(module, "i3d", lambda: network)
    monkeypatch.setattr(module, "read_tensors", lambda path: wrong)
    expected = r"flow.pt is not I3D .*`Conv3d_1a_7x7.conv3d.weight` must be of shape \(64, 3, 7, 7, 7\)"
    with pytest.raises(DataError, match=expected):
        I3DExtractor("flow.pt")


def test_features_are_those_of_pytorch_i3d(network):
    """With `pytorch_i3d.py` of that repository on the path."""
    theirs, torch = (pytest.importorskip(name, exc_type=ImportError) for name in ("pytorch_i3d", "torch"))
    tensors = tensors_for(network)
    other = theirs.InceptionI3d(400, in_channels=3).eval()
    other.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in tensors.items()}, strict=False)
    fill(network, tensors)
    for frames in (9, 16):
        clips = np.random.default_rng(1).uniform(-1, 1, (1, frames, 224, 224, 3)).astype(np.float32)
        with torch.no_grad():
            expected = other(torch.from_numpy(clips.transpose(0, 4, 1, 2, 3))).mean(dim=2).numpy()
        assert 0.1 < expected.std() < 100, "features too small or large to compare"
        found = network.predict_on_batch(clips)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
