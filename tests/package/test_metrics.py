"""Metrics against scipy, closed forms and brute force, and against features whose quality is known."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from genmodels import mnist
from genmodels.metrics import confidence, frechet_distance, precision_recall, train_classifier
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import norm, ortho_group


def sample(rng, n, d):
    """Correlated points away from the origin."""
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)


def with_moments(rng, n, mean, covariance):
    """Points with exactly this sample mean and unbiased covariance."""
    points = rng.normal(size=(n, len(mean)))
    points -= points.mean(axis=0)
    whitened = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T)).T)
    return whitened @ np.linalg.cholesky(covariance).T + mean


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


@pytest.mark.parametrize("seed", range(5))
def test_frechet_agrees_with_scipys_matrix_root(seed):
    rng = np.random.default_rng(seed)
    a, b = sample(rng, 80, 6), sample(rng, 50, 6)
    assert frechet_distance(a, b) == pytest.approx(frechet_by_sqrtm(a, b), rel=1e-9)


def test_frechet_of_commuting_covariances_is_the_closed_form():
    rng, basis = np.random.default_rng(0), ortho_group.rvs(4, random_state=0)
    sds_a, sds_b = np.array([2, 1, 0.5, 3]), np.array([1, 1, 2, 0.1])
    means = np.array([1, 0, -2, 0.5]), np.array([0, 3, -2, 0])
    a, b = (with_moments(rng, 40, m, basis * s**2 @ basis.T) for m, s in zip(means, (sds_a, sds_b), strict=True))
    # axes in common: every axis on its own, (m - m')^2 + (s - s')^2
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((sds_a - sds_b) ** 2)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_frechet_in_one_dimension_is_the_squared_wasserstein_2_distance_of_the_normals():
    rng = np.random.default_rng(1)
    a, b = rng.normal(2, 3, (50, 1)), rng.normal(-1, 0.5, (70, 1))
    u = (np.arange(200_000) + 0.5) / 200_000
    quantiles = [norm.ppf(u, points.mean(), points.std(ddof=1)) for points in (a, b)]
    assert frechet_distance(a, b) == pytest.approx(np.mean((quantiles[0] - quantiles[1]) ** 2), rel=1e-4)


def test_frechet_of_singular_covariances():
    # two segments at right angles in space: no direction in common, so the cross term is 0
    t = np.array([-1.0, 0.0, 1.0])
    a, b = np.outer(t, [3, 0, 0]), np.outer(t, [0, 2, 0]) + np.array([0, 0, 5])
    assert frechet_distance(a, b) == pytest.approx(25 + 9 + 4, rel=1e-12)
    # along the same line the sds subtract; far from the origin, where a root of the covariance loses digits
    assert frechet_distance(a + 1e4, np.outer(t, [1, 0, 0]) + 1e4) == pytest.approx(4, rel=1e-8)


@given(two_sets())
def test_frechet_is_a_squared_distance(sets):
    a, b, scale = sets.a, sets.b, np.sum(sets.a**2) + np.sum(sets.b**2)
    assert frechet_distance(a, b) >= 0
    assert 0 <= frechet_distance(a, sets.rng.permutation(a)) <= 1e-12 * scale
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), abs=1e-12 * scale)


@given(two_sets(), st.floats(0.01, 100))
def test_frechet_keeps_under_motions_and_scales_with_the_square(sets, factor):
    a, b, before = sets.a, sets.b, frechet_distance(sets.a, sets.b)
    d, tolerance = a.shape[1], 1e-10 * (np.sum(a**2) + np.sum(b**2))
    turn = ortho_group.rvs(d, random_state=sets.rng) if d > 1 else -np.eye(1)
    shift = sets.rng.normal(size=d)
    assert frechet_distance(a @ turn + shift, b @ turn + shift) == pytest.approx(before, abs=tolerance)
    assert frechet_distance(factor * a, factor * b) == pytest.approx(factor**2 * before, abs=factor**2 * tolerance)


@given(two_sets())
def test_frechet_of_a_shifted_set_is_the_squared_shift(sets):
    shift = sets.rng.normal(size=sets.a.shape[1])
    tolerance = 1e-10 * (1 + np.sum(sets.a**2))
    assert frechet_distance(sets.a, sets.a + shift) == pytest.approx(np.sum(shift**2), abs=tolerance)


def share_by_definition(points, support, k):
    """The definition of Kynkäänniemi et al., point by point."""

    def inside(point):
        for centre, others in ((c, np.delete(support, i, axis=0)) for i, c in enumerate(support)):
            radius = sorted(np.sqrt(np.sum((others - centre) ** 2, axis=1)))[k - 1]
            if np.sqrt(np.sum((point - centre) ** 2)) <= radius:
                return True
        return False

    return np.mean([inside(point) for point in points])


@settings(deadline=None, max_examples=40)
@given(two_sets(least=5), st.integers(1, 4))
def test_precision_and_recall_agree_with_the_definition(sets, k):
    expected = share_by_definition(sets.b, sets.a, k), share_by_definition(sets.a, sets.b, k)
    assert precision_recall(sets.a, sets.b, k) == expected
    assert precision_recall(sets.b, sets.a, k) == expected[::-1]


def test_three_neighbours_are_the_default():
    line = np.arange(10.0)[:, None]
    # the ball of the last point, 9, reaches to its third neighbour, 6: up to 12
    assert precision_recall(line, np.full((4, 1), 12.0))[0] == 1
    assert precision_recall(line, np.full((4, 1), 12.1))[0] == 0


@given(two_sets(least=4))
def test_every_set_lies_among_itself(sets):
    assert precision_recall(sets.a, sets.rng.permutation(sets.a)) == (1, 1)


def modes(rng, centres, n):
    return rng.normal(0, 0.05, (n, 2)) + np.asarray(centres)[rng.integers(len(centres), size=n)]


def test_a_dropped_mode_lowers_recall_and_noise_lowers_precision():
    rng, four = np.random.default_rng(0), [(0, 0), (0, 5), (5, 0), (5, 5)]
    real, good, dropped = modes(rng, four, 800), modes(rng, four, 800), modes(rng, four[:3], 800)
    noisy = np.where(rng.random((800, 1)) < 0.4, rng.uniform(-5, 10, (800, 2)), good)
    precision, recall = precision_recall(real, good)
    assert precision > 0.95 and recall > 0.95
    precision, recall = precision_recall(real, dropped)
    assert precision > 0.95 and recall < 0.8  # a quarter of the real points is out of reach
    assert precision_recall(real, noisy)[0] < 0.7


def test_confidence():
    assert confidence(np.full((3, 10), 0.1)) == pytest.approx(0.1, abs=1e-15)
    assert confidence(np.eye(10)) == 1
    assert confidence([[0.5, 0.2, 0.3], [0.1, 0.9, 0.0]]) == pytest.approx(0.7, abs=1e-15)


@pytest.fixture(scope="module")
def train():
    return mnist.load("train")


@pytest.fixture(scope="module")
def test_split():
    return mnist.load("test")


@pytest.fixture(scope="module")
def classifier(train):
    return train_classifier(*train, seed=0)


def test_classifier_knows_digits(classifier, test_split):
    images, labels = test_split
    assert classifier.accuracy(images, labels) >= 0.95
    predicted = classifier.probabilities(images).argmax(axis=1)
    assert classifier.accuracy(images, labels) == np.mean(predicted == labels)
    assert classifier.accuracy(images, (predicted + 1) % 10) == 0


def test_probabilities_are_the_softmax_of_the_last_layer_on_the_features(classifier, test_split):
    features, probabilities = classifier.features(test_split[0]), classifier.probabilities(test_split[0])
    assert features.shape == (2000, 64) and features.dtype == np.float64 and features.min() >= 0
    weight, bias = (parameter.detach().double().numpy() for parameter in classifier.head.parameters())
    powers = np.exp(features @ weight.T + bias)
    np.testing.assert_allclose(probabilities, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-12)


def test_metrics_tell_noise_and_a_missing_digit_from_digits(classifier, test_split):
    images, labels = test_split
    real, rng = classifier.features(images[:1000]), np.random.default_rng(0)
    same, noise = images[1000:], rng.random((1000, 28, 28))
    no_ones = images[1000:][labels[1000:] != 1]
    distances = [frechet_distance(real, classifier.features(fakes)) for fakes in (same, no_ones, noise)]
    assert distances[0] < distances[1] < distances[2]
    (_, recall), (_, recall_without) = (precision_recall(real, classifier.features(f)) for f in (same, no_ones))
    assert recall_without < recall - 0.03
    assert precision_recall(real, classifier.features(noise))[0] < 0.5
    assert confidence(classifier.probabilities(noise)) < confidence(classifier.probabilities(same)) - 0.1


def test_same_seed_same_bits_and_no_global_randomness(train):
    images, labels = train[0][:1000], train[1][:1000]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = train_classifier(images, labels, 3).features(images)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    np.testing.assert_array_equal(train_classifier(images, labels, 3).features(images), first)
    assert not np.allclose(train_classifier(images, labels, 4).features(images), first)


GOOD = np.zeros((6, 2))
HALF = np.full((2, 2), 0.5)
DIGITS, LABELS = np.zeros((4, 28, 28)), np.arange(4)


BAD = [
    (lambda: frechet_distance(GOOD[0], GOOD), "features_a"),
    (lambda: frechet_distance(GOOD, GOOD[:1]), "features_b"),
    (lambda: frechet_distance(GOOD, GOOD[:, :1]), "features_b"),
    (lambda: frechet_distance(GOOD[:, :0], GOOD[:, :0]), "features_a"),
    (lambda: frechet_distance(GOOD * np.nan, GOOD), "features_a"),
    (lambda: frechet_distance(GOOD, GOOD + np.inf), "features_b"),
    (lambda: precision_recall(GOOD[:3], GOOD), "real_features"),
    (lambda: precision_recall(GOOD, GOOD[:3]), "fake_features"),
    (lambda: precision_recall(GOOD, GOOD[:, :1]), "fake_features"),
    (lambda: precision_recall(GOOD * np.nan, GOOD), "real_features"),
    (lambda: precision_recall(GOOD, GOOD, neighbours=0), "neighbours"),
    (lambda: precision_recall(GOOD, GOOD, neighbours=1.5), "neighbours"),
    (lambda: confidence(HALF[0]), "probabilities"),
    (lambda: confidence(HALF[:0]), "probabilities"),
    (lambda: confidence(2 * HALF), "probabilities"),
    (lambda: confidence([[1.5, -0.5]]), "probabilities"),
    (lambda: confidence(HALF * np.nan), "probabilities"),
    (lambda: train_classifier(DIGITS[:, :27], LABELS, 0), "images"),
    (lambda: train_classifier(DIGITS[:0], LABELS[:0], 0), "images"),
    (lambda: train_classifier(DIGITS * np.nan, LABELS, 0), "images"),
    (lambda: train_classifier(DIGITS, LABELS[:3], 0), "labels"),
    (lambda: train_classifier(DIGITS, LABELS + 0.5, 0), "labels"),
    (lambda: train_classifier(DIGITS, LABELS + 7, 0), "labels"),
    (lambda: train_classifier(DIGITS, LABELS - 1, 0), "labels"),
]


@pytest.mark.parametrize(("call", "argument"), BAD, ids=range(len(BAD)))
def test_bad_input_is_named(call, argument):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        call()


def test_a_classifier_names_bad_images(classifier):
    for use in (classifier.features, classifier.probabilities, lambda images: classifier.accuracy(images, [0])):
        with pytest.raises(ValueError, match=r"^images: "):
            use(np.zeros((1, 32, 32)))
    with pytest.raises(ValueError, match=r"^labels: "):
        classifier.accuracy(DIGITS, [0])
