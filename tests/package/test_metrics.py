"""Metrics against scipy, closed forms and brute force, and against features whose quality is known."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.stats import entropy

from genmodels.data.toy import GaussianModes, ring
from genmodels.measures.metrics import (
    confidence,
    effective_modes,
    frechet_distance,
    high_quality_share,
    kl_over_modes,
    mode_shares,
    modes_captured,
    modes_found,
    precision_recall,
)


def sample(rng, n, d):
    """Correlated points away from the origin."""
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def frechet_by_sqrtm(a, b):
    covariances = np.cov(a.T), np.cov(b.T)
    root = sqrtm(covariances[0] @ covariances[1]).real
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)


@dataclass
class Sets:
    """Two sets of points and the random generator they came from."""

    rng: np.random.Generator
    a: np.ndarray
    b: np.ndarray


@st.composite
def two_sets(draw, least=2):
    """Also fewer points than dimensions: singular covariances."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    d = draw(st.integers(1, 6))
    n, m = draw(st.integers(least, 30)), draw(st.integers(least, 30))
    return Sets(rng, sample(rng, n, d), sample(rng, m, d))


@pytest.mark.parametrize("seed", range(2))
def test_frechet_agrees_with_scipys_matrix_root(seed):
    rng = np.random.default_rng(seed)
    a, b = sample(rng, 80, 6), sample(rng, 50, 6)
    assert frechet_distance(a, b) == pytest.approx(frechet_by_sqrtm(a, b), rel=1e-9)


def test_frechet_of_singular_covariances():
    # two segments at right angles in space: no direction in common, so the cross term is 0
    t = np.array([-1.0, 0.0, 1.0])
    a, b = np.outer(t, [3, 0, 0]), np.outer(t, [0, 2, 0]) + np.array([0, 0, 5])
    assert frechet_distance(a, b) == pytest.approx(25 + 9 + 4, rel=1e-12)
    # along the same line the sds subtract; far from the origin, where a root of the covariance loses digits
    assert frechet_distance(a + 1e4, np.outer(t, [1, 0, 0]) + 1e4) == pytest.approx(4, rel=1e-8)


def share_by_definition(points, support, k):
    """The definition of Kynkäänniemi et al., point by point."""

    def inside(point):
        for centre, others in ((c, np.delete(support, i, axis=0)) for i, c in enumerate(support)):
            radius = sorted(np.sqrt(np.sum((others - centre) ** 2, axis=1)))[k - 1]
            if np.sqrt(np.sum((point - centre) ** 2)) <= radius:
                return True
        return False

    return np.mean([inside(point) for point in points])


@settings(max_examples=15)
@given(two_sets(least=5), st.integers(1, 4))
def test_precision_and_recall_agree_with_the_definition(sets, k):
    expected = share_by_definition(sets.b, sets.a, k), share_by_definition(sets.a, sets.b, k)
    assert precision_recall(sets.a, sets.b, k) == expected
    assert precision_recall(sets.b, sets.a, k) == expected[::-1]


def counted_as_published(samples, target):
    """GaussianModes captured and share of good samples, sample by sample as PacGAN's published code counts them."""
    counts = np.zeros(len(target.centres))
    for sample in samples:
        distances = [np.hypot(*(sample - centre)) / target.sd for centre in target.centres]
        if min(distances) < 3:
            counts[np.argmin(distances)] += 1
    return np.count_nonzero(counts), counts.sum() / len(samples)


@st.composite
def modes_and_samples(draw):
    """A target with unequal weights and samples around it, some of them far off."""
    rng, modes = np.random.default_rng(draw(st.integers(0, 2**31))), draw(st.integers(1, 6))
    target = GaussianModes(rng.normal(size=(modes, 2)), draw(st.floats(0.02, 0.5)), rng.dirichlet(np.ones(modes)))
    shape = draw(st.sampled_from([(1,), (30,), (2, 9), (2, 3, 5)]))
    return target, 1.5 * rng.normal(size=(*shape, 2))


def test_a_mode_is_found_if_it_has_a_quarter_of_its_share_close_by():
    """Two modes of shares .8 and .2: of 100 samples, 20 and 5 have to be close; those far away count for no mode."""
    target = GaussianModes([[0, 0], [10, 0]], 1, [0.8, 0.2])
    for near_first, near_second, found in ((20, 5, 2), (19, 5, 1), (20, 4, 1), (0, 100, 1), (0, 0, 0)):
        far = 100 - near_first - near_second
        samples = np.repeat([[0.0, 0], [10, 0], [0, 4]], [near_first, near_second, far], axis=0)
        assert modes_found(samples, target) == found
    assert modes_found(np.zeros((3, 100, 2)), target).tolist() == [1, 1, 1]


@settings(max_examples=25)
@given(modes_and_samples())
def test_captured_modes_and_quality_agree_with_the_published_count(case):
    target, samples = case
    captured, quality = modes_captured(samples, target), high_quality_share(samples, target)
    assert captured.shape == quality.shape == samples.shape[:-2]
    for index in np.ndindex(samples.shape[:-2]):
        expected = counted_as_published(samples[index], target)
        assert captured[index] == expected[0]
        assert quality[index] == pytest.approx(expected[1], abs=1e-15)


def test_a_sample_within_three_standard_deviations_counts():
    target = GaussianModes([(0, 0), (9, 0)], 0.5)
    for x, counted in ((1.5, 1), (-1.51, 0)):  # the border is within
        assert (modes_captured([[x, 0]], target), high_quality_share([[x, 0]], target)) == (counted, counted)


def test_a_point_on_the_border_of_a_ball_lies_among_the_others():
    # the balls around 0, 1 and 3 reach to 1, 0 and 1
    line, points = np.array([[0.0], [1.0], [3.0]]), np.array([[-1.0], [5.0]])
    assert precision_recall(line, points, neighbours=1) == (1.0, 1.0)
    assert precision_recall(line, 1.01 * points, neighbours=1) == (0.0, 1.0)


@settings(max_examples=20)
@given(modes_and_samples())
def test_shares_divergence_and_effective_modes_agree_with_scipy(case):
    target, samples = case
    shares = mode_shares(samples, target)
    assert shares.shape == (*samples.shape[:-2], len(target.centres))
    divergence, effective = kl_over_modes(samples, target), effective_modes(samples, target)
    for index in np.ndindex(samples.shape[:-2]):
        nearest = cdist(samples[index], target.centres).argmin(axis=1)
        expected = np.bincount(nearest, minlength=len(target.centres)) / len(nearest)
        np.testing.assert_allclose(shares[index], expected, atol=1e-15)
        assert divergence[index] == pytest.approx(entropy(expected, target.weights), abs=1e-12)
        assert effective[index] == pytest.approx(np.exp(entropy(expected)), rel=1e-12)


def test_confidence():
    assert confidence(np.full((3, 10), 0.1)) == pytest.approx(0.1, abs=1e-15)
    assert confidence(np.eye(10)) == 1
    assert confidence([[0.5, 0.2, 0.3], [0.1, 0.9, 0.0]]) == pytest.approx(0.7, abs=1e-15)


GOOD = np.zeros((6, 2))
HALF = np.full((2, 2), 0.5)
RING = ring()

BAD = [
    (lambda: frechet_distance(GOOD[0], GOOD), "features_a"),
    (lambda: frechet_distance(GOOD, GOOD[:1]), "features_b"),
    (lambda: frechet_distance(GOOD, GOOD[:, :1]), "features_b"),
    (lambda: frechet_distance(GOOD[:, :0], GOOD[:, :0]), "features_a"),
    (lambda: frechet_distance(GOOD, [[0.0, 0.0], [0.0, np.inf]]), "features_b"),
    (lambda: precision_recall(GOOD[:3], GOOD), "real_features"),
    (lambda: precision_recall(GOOD, GOOD[:3]), "fake_features"),
    (lambda: precision_recall(GOOD, GOOD, neighbours=0), "neighbours"),
    (lambda: confidence(HALF[0]), "probabilities"),
    (lambda: confidence(HALF[:0]), "probabilities"),
    (lambda: confidence(2 * HALF), "probabilities"),
    (lambda: modes_captured(GOOD[:0], RING), "samples"),
    (lambda: high_quality_share(GOOD * np.nan, RING), "samples"),
    (lambda: mode_shares(GOOD[0], RING), "samples"),
    (lambda: effective_modes(GOOD[:, :1], RING), "samples"),
]


@pytest.mark.parametrize(("call", "argument"), BAD, ids=range(len(BAD)))
def test_bad_input_is_named(call, argument):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        call()
