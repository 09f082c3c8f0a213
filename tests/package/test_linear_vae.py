"""The closed form against brute force, Shannon, probabilistic PCA and training; the invariants of water-filling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import ortho_group

from genmodels.vae import linear as linear_vae
from genmodels.vae.linear import cost_of_collapse, optimum, rate_distortion, train_linear_vae

EIGENVALUES = np.array([4, 2, 1, 0.5, 0.25])
# (beta, sigma^2), number of active directions, rate in nats
KNOWN = [
    ((1, 0.1), 5, 5.756463),
    ((1, 0.7), 3, 1.574733),
    ((1, 1.5), 2, 0.634256),
    ((1, 5), 0, 0.0),
    ((4, 0.1), 4, 2.525729),
    ((10, 0.2), 1, 0.346574),
]
spectra = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6)
levels = st.floats(1e-3, 1e3)


def turned(eigenvalues, seed):
    """A covariance with these eigenvalues."""
    q = ortho_group.rvs(len(eigenvalues), random_state=seed)
    return q * np.asarray(eigenvalues, dtype=float) @ q.T


def plain_loss(v, w, s2, covariance, variance, beta):
    """-E log p(x|z) + beta KL, from the joint covariance of x and z."""
    n, k = w.shape
    cross = covariance @ v.T
    codes = v @ cross + np.diag(s2)
    joint = np.block([[covariance, cross], [cross.T, codes]])
    residual = np.hstack([np.eye(n), -w])
    error = np.trace(residual @ joint @ residual.T)
    distortion = error / (2 * variance) + n / 2 * np.log(2 * np.pi * variance)
    # E_x KL(N(m, S) || N(0, I)) = 1/2 (tr S + E m.m - k - log det S)
    rate = 0.5 * (s2.sum() + np.trace(v @ covariance @ v.T) - k - np.linalg.slogdet(np.diag(s2))[1])
    return distortion + beta * rate, error, rate


@pytest.mark.parametrize("eigenvalue", [0.9, 5.0])
@pytest.mark.parametrize(("beta", "variance"), [(1.0, 1.0), (0.5, 0.4), (4.0, 0.25)])
def test_each_direction_is_what_a_search_finds(eigenvalue, beta, variance):
    def loss(p):
        v, w, logvar = p
        return plain_loss(np.array([[v]]), np.array([[w]]), np.exp([logvar]), np.array([[eigenvalue]]), variance, beta)[
            0
        ]

    found = minimize(
        loss, [0.3, 0.5, -0.2], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000}
    )
    v, w, logvar = found.x
    best = optimum([eigenvalue], variance, beta)
    assert best.loss == pytest.approx(found.fun, abs=1e-9)
    np.testing.assert_allclose(best.squared_weights, [w**2], atol=1e-4)
    np.testing.assert_allclose(best.posterior_variances, [np.exp(logvar)], atol=1e-4)
    np.testing.assert_allclose(best.mean_variances, [v**2 * eigenvalue], atol=1e-4)
    _, error, rate = plain_loss(
        np.array([[v]]), np.array([[w]]), np.exp([logvar]), np.array([[eigenvalue]]), variance, beta
    )
    assert best.distortion == pytest.approx(error, abs=1e-4)
    assert best.rate == pytest.approx(rate, abs=1e-4)


@settings(max_examples=40)
@given(spectra, levels, st.floats(0, 20))
def test_invariants(eigenvalues, variance, beta):
    best, worse = optimum(eigenvalues, variance, beta), optimum(eigenvalues, variance, beta + 0.5)
    assert best.active.tolist() == [value > beta * variance for value in eigenvalues]
    np.testing.assert_allclose(best.mean_variances + best.posterior_variances, 1, rtol=1e-12)
    assert (best.posterior_variances[best.active] < 1).all()
    assert worse.rate <= best.rate
    assert worse.distortion >= best.distortion
    assert (cost_of_collapse(eigenvalues, variance, beta) >= -1e-12).all()
    idle = len(eigenvalues) / 2 * np.log(2 * np.pi * variance) + sum(eigenvalues) / (2 * variance)
    price = cost_of_collapse(eigenvalues, variance, beta).sum()
    assert price == pytest.approx(idle - best.loss, rel=1e-9, abs=1e-9)


@settings(max_examples=30)
@given(spectra, st.floats(0.01, 0.99))
def test_the_optimum_lies_on_shannons_curve(eigenvalues, share):
    best = optimum(eigenvalues, share * max(eigenvalues))
    assert rate_distortion(eigenvalues, best.distortion) == pytest.approx(best.rate, rel=1e-9, abs=1e-9)
    assert rate_distortion(eigenvalues, sum(eigenvalues)) == 0


def test_shannons_curve_is_convex_and_no_split_of_the_rate_beats_it():
    errors = np.linspace(0.3, 7.75, 60)
    rates = np.array([rate_distortion(EIGENVALUES, error) for error in errors])
    assert (np.diff(rates) <= 0).all()
    assert (np.diff(rates, 2) >= -1e-12).all()
    for split in np.random.default_rng(1).dirichlet(np.ones(5), size=200):
        error = (EIGENVALUES * np.exp(-2 * 3.0 * split)).sum()  # 3 nats, split at random over Gaussian directions
        assert rate_distortion(EIGENVALUES, error) <= 3.0 + 1e-12


def test_without_kl_it_is_an_autoencoder():
    best = optimum([2.0, 0.0], 0.5, beta=0)
    assert best.rate == np.inf
    assert best.distortion == 0
    assert best.posterior_variances.tolist() == [0, 1]
    assert best.loss == pytest.approx(np.log(2 * np.pi * 0.5))


@pytest.mark.parametrize(("setting", "active", "rate"), KNOWN)
def test_training_reaches_the_optimum(setting, active, rate):
    beta, variance = setting
    covariance, best = turned(EIGENVALUES, 7), optimum(EIGENVALUES, variance, beta)
    for seed in range(3):
        trained = train_linear_vae(covariance, variance, beta, latent_dim=6, seed=seed)
        assert abs(trained.loss - best.loss) < 1e-5
        assert abs(trained.rate - rate) < 1e-3
        assert trained.active.sum() == active
        assert abs(trained.rate - rate_distortion(EIGENVALUES, trained.distortion)) < 1e-5
        ours, used = np.sort((trained.decoder**2).sum(axis=0))[::-1][:5], best.active
        np.testing.assert_allclose(ours[used], best.squared_weights[used], atol=1e-2)
        np.testing.assert_allclose(np.diag(trained.aggregate), 1, atol=1e-3)
        widths = np.sort(trained.posterior_variances)[:5]
        np.testing.assert_allclose(widths[used], best.posterior_variances[used], atol=1e-3)


def test_what_is_reported_is_what_the_matrices_give():
    covariance = turned([3, 1.5, 0.2], 5)
    trained = train_linear_vae(covariance, 0.4, 1.3, latent_dim=2, seed=1)
    v, w, s2 = trained.encoder, trained.decoder, trained.posterior_variances
    loss, error, rate = plain_loss(v, w, s2, covariance, 0.4, 1.3)
    assert trained.loss == pytest.approx(loss, abs=1e-12)
    assert trained.distortion == pytest.approx(error, abs=1e-12)
    assert trained.rate == pytest.approx(rate, abs=1e-12)
    np.testing.assert_allclose(trained.aggregate, v @ covariance @ v.T + np.diag(s2), atol=1e-12)
    points = np.random.default_rng(2).standard_normal((4, 3))
    np.testing.assert_allclose(trained.reconstruct(points), [w @ (v @ x) for x in points], atol=1e-12)


@pytest.mark.parametrize(
    ("beta", "variance", "latent_dim"),
    [(1, 1e-3, 6), (1, 1e-5, 3), (1e4, 1.0, 3), (1e-3, 0.1, 3)],
)
def test_training_ends_at_other_levels_of_water(beta, variance, latent_dim):
    # fewer units than directions: the smallest ones are left out
    best = optimum(np.sort(EIGENVALUES)[::-1][:latent_dim], variance, beta)
    left_out = EIGENVALUES[latent_dim:]
    rest = left_out.sum() / (2 * variance) + len(left_out) / 2 * np.log(2 * np.pi * variance)
    trained = train_linear_vae(turned(EIGENVALUES, 7), variance, beta, latent_dim=latent_dim, seed=1)
    assert trained.loss == pytest.approx(best.loss + rest, abs=1e-5, rel=1e-9)


def test_a_training_that_does_not_end_is_no_result(monkeypatch):
    monkeypatch.setattr(linear_vae, "MAX_STEPS", 3)
    with pytest.raises(RuntimeError, match="did not converge"):
        train_linear_vae(turned(EIGENVALUES, 2), 0.5, 1, latent_dim=5, seed=0)


ARGUMENTS = {"covariance": np.eye(2), "variance": 0.5, "beta": 1.0, "latent_dim": 1, "seed": 0}
BAD = {
    "variance": [lambda: train_linear_vae(**ARGUMENTS | {"variance": 0.0}), lambda: optimum([1.0], np.nan)],
    "beta": [lambda: train_linear_vae(**ARGUMENTS | {"beta": 0.0}), lambda: cost_of_collapse([1.0], 1.0, -0.1)],
    "latent_dim": [lambda: train_linear_vae(**ARGUMENTS | {"latent_dim": 0})],
    "covariance": [
        lambda bad=bad: train_linear_vae(**ARGUMENTS | {"covariance": bad})
        for bad in (np.ones((2, 3)), [[1.0, 0.5], [0.4, 1.0]], [[1.0, 2.0], [2.0, 1.0]], [[np.nan]], np.ones((0, 0)))
    ],
    "eigenvalues": [
        lambda function=function, bad=bad: function(bad, 1.0)
        for function in (optimum, cost_of_collapse, rate_distortion)
        for bad in ([-0.1, 1], [np.nan], [], [[1.0]])
    ],
    "distortion": [lambda: rate_distortion([1.0], 0.0), lambda: rate_distortion([1.0], np.inf)],
    "points": [
        lambda bad=bad: train_linear_vae(**ARGUMENTS).reconstruct(bad)
        for bad in (np.ones((3, 4)), np.ones(2), np.ones((3, 2, 2)), [[np.nan, 1.0]])
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=name):
            call()
