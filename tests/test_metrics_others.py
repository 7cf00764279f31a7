"""Metrics beside those of torch-fidelity, clean-fid and prdc, on the same features; skipped where these are missing."""

import numpy as np
import pytest

from sparring.metrics.frechet import frechet_distance
from sparring.metrics.kernels import kernel_inception_distance, monge_inception_distance
from sparring.metrics.neighbours import precision_recall_density_coverage
from sparring.metrics.scores import classifier_score

EXACT, SAMPLED = 1e-6, 1e-3


@pytest.fixture(scope="module", params=[(1000, 64), (400, 512)], ids=["more-samples", "more-features"])
def features(request):
    """Like an extractor's: above 0, correlated, of unequal scale; as float32."""
    count, width = request.param
    random = np.random.default_rng(0)
    mixing = random.normal(size=(width, width)) * np.geomspace(1, 0.01, width) / np.sqrt(width)
    draws = (random.normal(size=(count, width)), random.normal(0.2, 1.1, size=(count, width)))
    return [np.maximum(draw @ mixing, 0).astype(np.float32) for draw in draws]


def module_of(name):
    return pytest.importorskip(name, exc_type=ImportError)


def test_frechet_distance_is_that_of_clean_fid(features):
    theirs = module_of("cleanfid.fid")
    moments = [part for x in features for part in (x.mean(axis=0, dtype=float), np.cov(x.astype(float), rowvar=False))]
    assert frechet_distance(*features) == pytest.approx(theirs.frechet_distance(*moments), rel=EXACT)


def test_frechet_distance_is_that_of_torch_fidelity(features):
    torch, theirs = module_of("torch"), module_of("torch_fidelity.metric_fid")
    moments = [theirs.fid_features_to_statistics(torch.from_numpy(x.astype(np.float64))) for x in features]
    distance = theirs.fid_statistics_to_metric(*moments, verbose=False)["frechet_inception_distance"]
    assert frechet_distance(*features) == pytest.approx(distance, rel=EXACT)


def test_kid_of_whole_sets_is_that_of_clean_fid_and_torch_fidelity(features):
    clean, theirs, torch = module_of("cleanfid.fid"), module_of("torch_fidelity.metric_kid"), module_of("torch")
    real, fake = (x.astype(np.float64) for x in features)
    ours = kernel_inception_distance(real, fake, subsets=1, subset_size=len(real)).value
    assert ours == pytest.approx(clean.kernel_distance(fake, real, 1, len(real)), rel=EXACT)
    settings = {"kid_subsets": 1, "kid_subset_size": len(real), "verbose": False}
    result = theirs.kid_features_to_metric(torch.from_numpy(fake), torch.from_numpy(real), **settings)
    assert ours == pytest.approx(result["kernel_inception_distance_mean"], rel=EXACT)


def test_kid_of_subsets_is_that_of_torch_fidelity_within_what_drawing_leaves(features):
    torch, theirs = module_of("torch"), module_of("torch_fidelity.metric_kid")
    settings = {"kid_subsets": 30, "kid_subset_size": len(features[0]) * 9 // 10, "verbose": False}
    result = theirs.kid_features_to_metric(*(torch.from_numpy(x.astype(np.float64)) for x in features), **settings)
    ours = kernel_inception_distance(*features, 30, settings["kid_subset_size"])
    assert ours.value == pytest.approx(result["kernel_inception_distance_mean"], abs=4 * ours.standard_error)
    spread = result["kernel_inception_distance_std"] / np.sqrt(30)
    assert 0.5 < ours.standard_error / spread < 2


def test_precision_recall_density_and_coverage_are_those_of_prdc(features):
    theirs = module_of("prdc")
    real, fake = (x.astype(np.float64) for x in features)
    expected = theirs.compute_prdc(real, fake, nearest_k=5)
    ours = precision_recall_density_coverage(real, fake)._asdict()
    assert ours == pytest.approx({name: float(value) for name, value in expected.items()}, rel=EXACT)


def test_precision_and_recall_are_those_of_torch_fidelity(features):
    torch, theirs = module_of("torch"), module_of("torch_fidelity.metric_prc")
    real, fake = (torch.from_numpy(x.astype(np.float64)) for x in features)
    settings = {"prc_neighborhood": 3, "prc_batch_size": 10_000, "save_cpu_ram": False, "verbose": False}
    expected = theirs.prc_features_to_metric(fake, real, **settings)
    ours = precision_recall_density_coverage(*features, k=3)
    assert (ours.precision, ours.recall) == pytest.approx((expected["precision"], expected["recall"]), rel=EXACT)


def test_classifier_score_is_that_of_torch_fidelity(features):
    torch, theirs = module_of("torch"), module_of("torch_fidelity.metric_isc")
    logits = torch.from_numpy(5 * features[0][:, :10].astype(np.float64))
    expected = theirs.isc_features_to_metric(logits, splits=10, shuffle=False)
    ours = classifier_score(logits.softmax(dim=1).numpy(), splits=10)
    assert ours == pytest.approx(expected["inception_score_mean"], rel=EXACT)


def test_mind_is_that_of_torch_fidelity_within_what_drawing_leaves(features):
    torch, theirs = module_of("torch"), module_of("torch_fidelity.metric_mind")
    settings = {"mind_num_projections": 4000, "cuda": False, "rng_seed": 1, "verbose": False}
    expected = theirs.mind_features_to_metric(*map(torch.from_numpy, features), **settings)
    values = [monge_inception_distance(*features, 4000, seed) for seed in range(4)]
    spread = max(np.std(values, ddof=1), SAMPLED * np.mean(values))
    assert np.mean(values) == pytest.approx(expected["monge_inception_distance"], abs=5 * spread)
