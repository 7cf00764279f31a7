"""Metrics on features: closed forms, plain loops, invariances, what happens on collapse."""

import math
import tracemalloc

import numpy as np
import pytest
import scipy.linalg
from scipy.spatial.distance import cdist

from sparring.errors import DataError, UsageError
from sparring.metrics import distances, kernels
from sparring.metrics.frechet import Moments, frechet_distance, frechet_distance_of_moments
from sparring.metrics.kernels import (
    cubic_kernel,
    kernel_inception_distance,
    maximum_mean_discrepancy,
    median_distance,
    monge_inception_distance,
    radial_kernel,
    unit_scale,
)
from sparring.metrics.neighbours import (
    coverage_ceiling,
    duplicated,
    memorised,
    nearest_distances,
    neighbour_distances,
    precision_recall_density_coverage,
)
from sparring.metrics.resampling import half_sample_error, measure
from sparring.metrics.scores import classifier_score, intra_class_diversity, label_divergence


def normal(n, d, seed=0, shift=0.0, scale=1.0):
    return np.random.default_rng(seed).normal(shift, scale, (n, d))


def plain_frechet(x, y):
    """The equation as it stands, as clean-fid and others compute it."""
    first, second = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (x, y))
    apart = x.mean(axis=0) - y.mean(axis=0)
    return apart @ apart + np.trace(first + second) - 2 * np.trace(scipy.linalg.sqrtm(first @ second).real)


def with_moments(n, mean, covariance):
    """Samples whose mean and unbiased covariance are exactly these."""
    samples = normal(n, len(mean))
    samples -= samples.mean(axis=0)
    whitened = samples @ np.linalg.inv(np.linalg.cholesky(np.cov(samples, rowvar=False))).T
    return whitened @ np.linalg.cholesky(covariance).T + mean


def test_frechet_distance_of_known_normals():
    mean, variances, others = np.array([1.0, -2.0, 0.5]), np.array([1.0, 4.0, 9.0]), np.array([4.0, 1.0, 16.0])
    x = with_moments(50, np.zeros(3), np.diag(variances))
    y = with_moments(70, mean, np.diag(others))
    expected = mean @ mean + ((np.sqrt(variances) - np.sqrt(others)) ** 2).sum()
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-10)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("n", "m", "d"), [(300, 200, 20), (20, 300, 64), (300, 20, 64), (30, 20, 64), (64, 65, 64)])
def test_frechet_distance_is_its_equation_with_more_or_fewer_samples_than_features(n, m, d):
    mixing = normal(d, d, seed=2)
    x, y = normal(n, d) @ mixing + 3, normal(m, d, seed=1, scale=1.3) @ mixing
    assert frechet_distance(x, y) == pytest.approx(plain_frechet(x, y), rel=1e-6)
    assert frechet_distance(y, x) == pytest.approx(frechet_distance(x, y), rel=1e-9)


def test_frechet_distance_below_full_rank_is_exact():
    """Samples that use four directions of a hundred: the distance is that of their four coordinates."""
    plane = np.linalg.qr(normal(100, 4))[0].T
    x, y = normal(30, 4), normal(40, 4, seed=1, scale=2)
    assert frechet_distance(x @ plane, y @ plane) == pytest.approx(frechet_distance(x, y), rel=1e-10)
    many_x, many_y = normal(300, 4), normal(400, 4, seed=1, scale=2)
    flat = frechet_distance(many_x @ plane, many_y @ plane)
    assert flat == pytest.approx(frechet_distance(many_x, many_y), rel=1e-6)


def test_frechet_distance_does_not_see_a_turn_or_a_shift_and_grows_with_the_square_of_scale():
    x, y, turn = normal(200, 8), normal(200, 8, seed=1, shift=0.5), np.linalg.qr(normal(8, 8, seed=2))[0]
    distance = frechet_distance(x, y)
    assert frechet_distance(x @ turn + 100, y @ turn + 100) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(3 * x, 3 * y) == pytest.approx(9 * distance, rel=1e-9)


def test_moments_in_parts_are_those_of_all():
    samples = (normal(1000, 6) + 1e4).astype(np.float32)
    left = Moments(6).update(samples[:1]).update(samples[1:300])
    right = Moments(6).update(samples[300:300]).update(samples[300:])
    merged = Moments(6).merge(left).merge(right).merge(Moments(6))
    assert merged.count == 1000
    np.testing.assert_allclose(merged.mean, samples.mean(axis=0, dtype=np.float64), rtol=1e-13)
    np.testing.assert_allclose(
        merged.covariance, np.cov(samples.astype(np.float64), rowvar=False), rtol=1e-9, atol=1e-9
    )
    other = Moments.of(normal(500, 6))
    assert frechet_distance_of_moments(merged, other) == pytest.approx(
        frechet_distance(samples, normal(500, 6)), rel=1e-9
    )


def test_moments_say_what_they_cannot_do():
    with pytest.raises(UsageError, match="4 features take no others"):
        Moments(4).update(normal(3, 5))
    with pytest.raises(UsageError, match="at least 2 samples"):
        _ = Moments(4).update(normal(1, 4)).covariance
    with pytest.raises(UsageError, match="as many features"):
        frechet_distance_of_moments(Moments.of(normal(9, 4)), Moments.of(normal(9, 5)))


def plain_mmd(x, y, kernel):
    def mean_of_others(z):
        pairs = [(i, j) for i in range(len(z)) for j in range(len(z)) if i != j]
        return np.mean([kernel(z[i], z[j]) for i, j in pairs])

    return mean_of_others(x) + mean_of_others(y) - 2 * np.mean([[kernel(a, b) for b in y] for a in x])


def test_mmd_is_its_equation(monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 64)  # Several blocks.
    x, y = normal(23, 5), normal(17, 5, seed=1, shift=0.3)
    cubic = plain_mmd(x, y, lambda a, b: (a @ b / 5 + 1) ** 3)
    assert maximum_mean_discrepancy(x, y, cubic_kernel) == pytest.approx(cubic, rel=1e-10)
    radial = plain_mmd(x, y, lambda a, b: math.exp(-((a - b) ** 2).sum() / (2 * 1.5**2)))
    assert maximum_mean_discrepancy(x, y, radial_kernel(1.5)) == pytest.approx(radial, rel=1e-10)
    median = np.median([np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]])
    assert median_distance(x) == pytest.approx(median)
    by_median = maximum_mean_discrepancy(x, y, radial_kernel(median))
    assert maximum_mean_discrepancy(x, y) == pytest.approx(by_median, rel=1e-10)


def test_kid_of_one_whole_subset_is_the_mmd_and_of_equal_distributions_about_zero():
    x, y = normal(300, 16), normal(300, 16, seed=1)
    whole = kernel_inception_distance(x, y, subsets=3)
    assert whole.value == pytest.approx(maximum_mean_discrepancy(x, y, cubic_kernel), rel=1e-10)
    assert whole.standard_error == pytest.approx(0, abs=1e-12)
    values = [kernel_inception_distance(normal(200, 16, s), normal(200, 16, s + 50), 4, 50).value for s in range(20)]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(20)
    assert min(values) < 0
    assert kernel_inception_distance(x, y + 1, subsets=20, subset_size=100).value > 20 * max(map(abs, values))


def test_kid_of_unit_scale_does_not_see_the_scale():
    x, y = normal(100, 4), normal(100, 4, seed=1, shift=1)
    small, large = (kernel_inception_distance(*unit_scale(s * x, s * y), subsets=2) for s in (1e-3, 1e3))
    assert small.value == pytest.approx(large.value, rel=1e-9)
    with pytest.raises(UsageError, match="zeros alone"):
        unit_scale(0 * x, y)


def test_mind_in_one_dimension_is_the_squared_wasserstein_distance():
    x, y = normal(40, 1), normal(40, 1, seed=1, shift=1)
    assert monge_inception_distance(x, y, 2) == pytest.approx(3 * np.mean((np.sort(x, 0) - np.sort(y, 0)) ** 2))
    doubled = np.concatenate([y, y, y])  # The same distribution in other numbers.
    assert monge_inception_distance(x, doubled, 2) == pytest.approx(monge_inception_distance(x, y, 2))


def test_mind_of_a_shift_is_three_times_its_square():
    x = normal(100, 8)
    assert monge_inception_distance(x, x, 50) == 0
    shift = np.full(8, 0.5)
    assert monge_inception_distance(x, x + shift, 4000) == pytest.approx(3 * shift @ shift, rel=0.1)


def plain_prdc(real, fake, k):
    def radii(points):
        return np.array(
            [sorted(np.linalg.norm(a - b) for j, b in enumerate(points) if j != i)[k - 1] for i, a in enumerate(points)]
        )

    apart, real_radii, fake_radii = cdist(real, fake), radii(real), radii(fake)
    held = apart < real_radii[:, None]
    recall = (apart < fake_radii).any(axis=1).mean()
    return held.any(axis=0).mean(), recall, held.sum(axis=0).mean() / k, held.any(axis=1).mean()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_recall_density_and_coverage_are_their_equations(monkeypatch, dtype):
    monkeypatch.setattr(distances, "BLOCK", 500)  # Several blocks.
    real, fake = normal(60, 3).astype(dtype) + 1000, normal(45, 3, seed=1, shift=0.7).astype(dtype) + 1000
    for k in (1, 5):
        ours = precision_recall_density_coverage(real, fake, k)
        assert ours == pytest.approx(plain_prdc(real.astype(np.float64), fake.astype(np.float64), k), rel=1e-12)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_neighbours_do_not_see_scale_or_place(scale):
    real, fake = normal(200, 3), normal(200, 3, seed=1, shift=0.5)
    expected = precision_recall_density_coverage(real, fake)
    assert precision_recall_density_coverage(scale * real, scale * fake) == expected
    assert precision_recall_density_coverage(real + 1e6, fake + 1e6) == expected
    np.testing.assert_allclose(neighbour_distances(scale * real), scale * neighbour_distances(real))


def test_one_far_outlier_leaves_the_neighbours_of_others_as_they_were():
    real, fake = normal(200, 3), normal(200, 3, seed=1, shift=0.5)
    real[0] = 1e6
    assert precision_recall_density_coverage(real, fake, 1) == pytest.approx(plain_prdc(real, fake, 1), rel=1e-12)


def test_neighbours_nearer_to_each_other_than_float32_tells_are_found(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 500)
    clumps = np.repeat(normal(4, 3), 15, axis=0) + 1e-4 * normal(60, 3, seed=1)
    np.testing.assert_allclose(neighbour_distances(clumps, 5), np.sort(cdist(clumps, clumps), axis=1)[:, 5], rtol=1e-6)


def test_collapse_and_garbage_show():
    real = normal(400, 4)
    collapsed = precision_recall_density_coverage(real, np.repeat(real[:1], 400, axis=0))
    assert collapsed.precision == 1
    assert collapsed.recall == 0
    assert collapsed.coverage < 0.1
    assert precision_recall_density_coverage(real, real + 100) == (0, 0, 0, 0)


def test_coverage_of_equal_distributions_is_at_its_ceiling():
    assert coverage_ceiling(5, 10**9, 10**9) == pytest.approx(1 - 2**-5)
    for n, m in ((400, 400), (400, 100)):
        seen = [precision_recall_density_coverage(normal(n, 4, s), normal(m, 4, s + 50)).coverage for s in range(10)]
        assert np.mean(seen) == pytest.approx(coverage_ceiling(5, n, m), abs=4 * np.std(seen) / math.sqrt(10))


def test_nearest_distances_are_those_of_a_loop(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 100)
    x, y = normal(30, 3), normal(20, 3, seed=1)
    np.testing.assert_allclose(nearest_distances(x, y), cdist(x, y).min(axis=1))
    apart = cdist(x, x)
    np.testing.assert_allclose(neighbour_distances(x, 2), np.sort(apart, axis=1)[:, 2])
    assert neighbour_distances(np.ones((5, 3))).max() == 0


def test_copies_and_repetitions_show_and_new_samples_do_not():
    training, held_out, new = normal(800, 6), normal(800, 6, seed=1), normal(800, 6, seed=2)
    assert memorised(training[:400] + 1e-6, training, held_out).value == 1
    assert memorised(new, training, held_out).low < 0.01 < memorised(new, training, held_out).high + 0.01
    assert duplicated(np.tile(new[:100], (8, 1)), training).value == 1
    assert duplicated(new, training).value < 0.05


def test_classifier_score_has_its_ends():
    sure = np.eye(4)[np.arange(40) % 4]
    assert classifier_score(sure) == pytest.approx(4)
    assert classifier_score(np.full((40, 4), 0.25)) == pytest.approx(1)
    assert classifier_score(sure[::4]) == pytest.approx(1)
    with pytest.raises(DataError, match="softmax"):
        classifier_score(normal(10, 4))


def test_label_divergence_has_its_ends():
    even = np.arange(40) % 4
    assert label_divergence(even, even, 4) == 0
    assert label_divergence(even, np.zeros(7, int), 4) == pytest.approx(math.log(4))
    assert label_divergence(np.zeros(7, int), even, 4) == math.inf
    with pytest.raises(DataError, match="0 to 3"):
        label_divergence(even, even + 1, 4)


def test_diversity_within_a_class_is_the_distance_of_its_pairs():
    features, labels = normal(60, 5), np.arange(60) % 3
    features[labels == 2] = 7
    diversity = intra_class_diversity(features, labels, 4)
    inside = features[labels == 1]
    pairs = [((a - b) ** 2).sum() for i, a in enumerate(inside) for b in inside[:i]]
    assert diversity[1] == pytest.approx(math.sqrt(np.mean(pairs)))
    assert diversity[2] == 0
    assert np.isnan(diversity[3])


def test_a_figure_has_an_interval_a_floor_and_its_protocol():
    real, fake = normal(400, 4), normal(300, 4, seed=1, shift=1)
    figure = measure("fd", frechet_distance, real, fake, extractor="digits-v1")
    assert figure.protocol == "fd[digits-v1, n=300, ref=train]"
    assert figure.low < 4 < figure.high
    assert figure.value == frechet_distance(real, fake)
    assert 0 < figure.floor < figure.low
    assert str(figure).startswith("fd[digits-v1, n=300, ref=train] = ")
    assert not figure.warning


def test_half_samples_give_the_standard_error_of_a_mean():
    error = half_sample_error(lambda _, x: x.mean(), normal(10, 1), normal(400, 1), resamples=300)
    assert error == pytest.approx(1 / math.sqrt(400), rel=0.2)


def test_a_figure_of_too_few_samples_warns():
    with pytest.warns(UserWarning, match="takes 40 samples to be trusted, and there are 20"):
        figure = measure("fd", frechet_distance, normal(50, 4), normal(20, 4), extractor="e", needed=40, resamples=2)
    assert "40 samples" in str(figure)


COMPARISONS = [
    frechet_distance,
    kernel_inception_distance,
    maximum_mean_discrepancy,
    monge_inception_distance,
    precision_recall_density_coverage,
    nearest_distances,
    duplicated,
]


@pytest.mark.parametrize("metric", COMPARISONS, ids=lambda metric: metric.__name__)
def test_what_cannot_be_compared_is_said(metric):
    x, broken = normal(20, 4), normal(20, 4)
    broken[3, 1], broken[7, 0] = np.nan, np.inf
    with pytest.raises(UsageError, match="as many features"):
        metric(x, normal(20, 5))
    with pytest.raises(UsageError, match="shape"):
        metric(x, x[0])
    with pytest.raises(UsageError, match="at least"):
        metric(x, x[:0])
    with pytest.raises(DataError, match="2 of 20 samples"):
        metric(x, broken)


def test_distances_of_many_samples_are_never_all_in_memory(monkeypatch):
    monkeypatch.setattr(distances, "BLOCK", 2**14)
    monkeypatch.setattr(kernels, "BLOCK", 2**14)
    x, y = normal(3000, 4), normal(3000, 4, seed=1)
    tracemalloc.start()
    precision_recall_density_coverage(x, y)
    maximum_mean_discrepancy(x, y, cubic_kernel)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000 * 8 / 10
