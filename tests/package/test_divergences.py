"""Divergences against scipy's quadrature and special functions, closed forms, and their invariants."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from genmodels.measures.densities import Gaussian, Mixture, SmoothedUniform, Uniform
from genmodels.measures.divergences import (
    aggregate_log_pdf,
    binned_jensen_shannon,
    elbo_surgery,
    elbo_surgery_sampled,
    jensen_shannon,
    jensen_shannon_discrete,
    kl,
    kl_discrete,
    kl_gaussians,
    kl_standard_normal_terms,
    quadrature,
    wasserstein1,
)

LOG_2 = math.log(2.0)

places = st.floats(-5, 5)
scales = st.floats(0.2, 4)
uniforms = st.builds(lambda low, width: Uniform(low, low + width), places, scales)
gaussians = st.builds(Gaussian, places, scales)
smoothed = st.builds(lambda low, width, sd: SmoothedUniform(low, low + width, sd), places, scales, scales)
densities = st.one_of(uniforms, gaussians, smoothed)
shares = st.lists(st.integers(1, 9), min_size=2, max_size=2).map(lambda row: np.array(row) / sum(row))
mixtures = st.builds(lambda p, q, weights: Mixture([p, q], weights), densities, densities, shares)
posteriors = st.lists(st.tuples(places, scales), min_size=1, max_size=6).map(lambda rows: np.array(rows).T)
rows = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any).map(lambda row: np.array(row) / sum(row))


def scipy_jensen_shannon(distance: float) -> float:
    p, q = stats.norm(0, 1), stats.norm(distance, 1)

    def integrand(x: float) -> float:
        return 0.5 * (special.rel_entr(p.pdf(x), m := (p.pdf(x) + q.pdf(x)) / 2) + special.rel_entr(q.pdf(x), m))

    return integrate.quad(integrand, -12, distance + 12, epsabs=1e-13, epsrel=1e-13, limit=500)[0]


def test_gaussian_is_scipys():
    x, ours, theirs = np.array([-30.0, -1.0, 0.0, 0.3, 1.0, 2.0, 40.0]), Gaussian(0.5, 0.7), stats.norm(0.5, 0.7)
    np.testing.assert_allclose(ours.log_pdf(x), theirs.logpdf(x), rtol=1e-13)
    np.testing.assert_allclose(ours.pdf(x), theirs.pdf(x), rtol=1e-12, atol=0)
    np.testing.assert_allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-12, atol=0)


def test_uniform_is_scipys_and_has_no_mass_off_its_support():
    x = np.array([-2.0, -1.0, 0.0, 2.9, 3.0, 3.1])
    ours, theirs = Uniform(-1, 3), stats.uniform(-1, 4)
    assert np.allclose(ours.pdf(x), theirs.pdf(x), rtol=1e-15, atol=0)
    assert np.allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-15, atol=0)
    assert ours.log_pdf(3.1) == -np.inf


@pytest.mark.parametrize(("x", "sd"), [(-1.0, 3.0), (0.0, 0.05), (0.4, 0.5), (1.0, 0.05), (1.7, 0.5)])
def test_smoothed_uniform_is_the_convolution(x, sd):
    noise = stats.norm(0, sd)
    pdf, _ = integrate.quad(lambda u: noise.pdf(x - u) / 1.5, -0.5, 1, epsabs=0, epsrel=1e-12, limit=200, points=[x])
    cdf, _ = integrate.quad(lambda u: noise.cdf(x - u) / 1.5, -0.5, 1, epsabs=1e-13, epsrel=1e-12, limit=200)
    assert SmoothedUniform(-0.5, 1, sd).pdf(x) == pytest.approx(pdf, rel=1e-11)
    assert SmoothedUniform(-0.5, 1, sd).cdf(x) == pytest.approx(cdf, abs=1e-12)


def test_smoothed_uniform_is_accurate_far_out_on_both_sides():
    z, sd = np.array([1.0, 5.0, 9.9, 10.1, 30.0, 50.0, 300.0]), 0.5
    # 1 / width [Q(z) - Q(z + width / sd)], in logarithms
    near, far = special.log_ndtr(-z), special.log_ndtr(-z - 2 / sd)
    expected = near + np.log(-np.expm1(far - near)) - LOG_2
    p = SmoothedUniform(0, 2, sd)
    np.testing.assert_allclose(p.log_pdf(2 + z * sd), expected, rtol=1e-13)
    np.testing.assert_allclose(p.log_pdf(-z * sd), expected, rtol=1e-13)


def test_mixture_is_scipys_sum():
    x = np.array([-3.0, -0.5, 0.2, 1.0, 4.0, 60.0])
    ours = Mixture([Gaussian(-1, 0.5), Gaussian(2, 3), Uniform(0, 1)], [0.2, 0.7, 0.1])
    parts = [(0.2, stats.norm(-1, 0.5)), (0.7, stats.norm(2, 3)), (0.1, stats.uniform(0, 1))]
    np.testing.assert_allclose(ours.pdf(x), sum(w * p.pdf(x) for w, p in parts), rtol=1e-12)
    np.testing.assert_allclose(ours.cdf(x), sum(w * p.cdf(x) for w, p in parts), rtol=1e-12)
    assert ours.log_pdf(500.0) == pytest.approx(math.log(0.7) + stats.norm(2, 3).logpdf(500), rel=1e-14)


@settings(max_examples=30)
@given(st.one_of(densities, mixtures))
def test_densities_integrate_to_one_and_to_their_cdf(p):
    x, weights = quadrature(p)
    assert np.sum(weights * p.pdf(x)) == pytest.approx(1.0, abs=1e-12)
    middle = p.breakpoints[len(p.breakpoints) // 2]
    below = x < middle
    assert np.sum(weights[below] * p.pdf(x[below])) == pytest.approx(float(p.cdf(middle)), abs=1e-12)


@settings(max_examples=20)
@given(gaussians, gaussians)
def test_kl_of_gaussians_is_the_closed_form(p, q):
    assert kl(p, q) == pytest.approx(kl_gaussians(p, q), rel=1e-11, abs=1e-12)


@settings(max_examples=20)
@given(st.floats(-6, 6), st.floats(-6, 4))
def test_kl_terms_are_torchs_divergences(mean, logvar):
    mean_term, variance_term = kl_standard_normal_terms(*torch.tensor([[mean], [logvar]], dtype=torch.float64))
    normal, divergence = torch.distributions.Normal, torch.distributions.kl_divergence
    prior, sd = normal(torch.tensor(0.0, dtype=torch.float64), 1.0), math.exp(logvar / 2)
    assert mean_term.item() == pytest.approx(divergence(normal(prior.loc + mean, 1.0), prior).item(), abs=1e-12)
    assert variance_term.item() == pytest.approx(divergence(normal(prior.loc, sd), prior).item(), abs=1e-12)
    assert (mean_term + variance_term).item() == pytest.approx(kl_gaussians(Gaussian(mean, sd), Gaussian(0, 1)))


def test_kl_terms_keep_the_shape_and_their_sign():
    terms = kl_standard_normal_terms(torch.zeros(2, 3, 4), torch.full((2, 3, 4), 1e-4))
    assert [term.shape for term in terms] == [(2, 3, 4)] * 2
    assert (terms[0] == 0).all() and (terms[1] >= 0).all()


EIGHT = np.random.default_rng(0)  # eight posteriors: means first, then standard deviations
MEANS, SDS = 1.2 * EIGHT.standard_normal(8), EIGHT.uniform(0.1, 0.6, 8)


@settings(max_examples=20)
@example(np.array([MEANS, [0.002] * 8]))  # needles, far below the widths that are drawn
@given(posteriors)
def test_the_rate_is_information_plus_marginal(rows):
    rate, information, marginal = elbo_surgery(*rows)
    assert rate == pytest.approx(information + marginal, abs=1e-10)
    assert -1e-12 <= information <= math.log(rows.shape[1]) + 1e-12
    assert marginal >= -1e-12


def test_elbo_surgery_is_scipys():
    aggregate = [stats.norm(m, s) for m, s in zip(MEANS, SDS, strict=True)]

    def integrand(z):
        q = np.mean([p.pdf(z) for p in aggregate])
        return special.rel_entr(q, stats.norm.pdf(z))

    marginal, _ = integrate.quad(integrand, -6, 6, epsabs=1e-11, limit=400, points=sorted(MEANS))
    assert elbo_surgery(MEANS, SDS).marginal == pytest.approx(marginal, abs=1e-9)


def test_sampled_surgery_agrees_with_the_exact_one():
    # In two independent dimensions, posterior (i, j) being q_i times q_j, every term is twice that of one dimension.
    pairs = np.stack(np.meshgrid(np.arange(8), np.arange(8)), -1).reshape(-1, 2)
    runs = np.array([elbo_surgery_sampled(MEANS[pairs], SDS[pairs], np.random.default_rng(k)) for k in range(300)])
    error = runs.std(axis=0) / np.sqrt(len(runs))
    exact = 2 * np.array(elbo_surgery(MEANS, SDS))
    assert runs[:, 0] == pytest.approx(exact[0], rel=1e-12)
    assert (np.abs(runs.mean(axis=0) - exact)[1:] < 4 * error[1:]).all() and (error[1:] < 0.02).all()


def test_aggregate_is_the_mean_of_scipys_gaussians():
    rng = np.random.default_rng(1)
    z, means, sds = rng.normal(size=(5, 3)), rng.normal(size=(4, 3)), rng.uniform(0.01, 2, size=(4, 3))
    each = [stats.multivariate_normal(m, np.diag(s**2)).logpdf(z) for m, s in zip(means, sds, strict=True)]
    np.testing.assert_allclose(
        aggregate_log_pdf(z, means, sds), special.logsumexp(each, axis=0) - math.log(4), rtol=1e-9
    )


def test_kl_is_infinite_where_q_is_zero_and_p_is_not():
    assert kl(Uniform(0, 1), Uniform(0.5, 3)) == math.inf
    assert kl(Gaussian(0, 1), Uniform(-8, 8)) == math.inf
    assert kl(Uniform(0.25, 0.75), Uniform(0, 1)) == pytest.approx(LOG_2, abs=1e-15)


@pytest.mark.parametrize("distance", [0.5, 2.0, 8.0])
def test_jensen_shannon_of_gaussians_is_scipys(distance):
    ours = jensen_shannon(Gaussian(0, 1), Gaussian(distance, 1))
    assert ours == pytest.approx(scipy_jensen_shannon(distance), abs=1e-11)


@settings(max_examples=30)
@given(st.floats(-3, 3))
def test_shifted_uniforms_have_their_closed_forms(shift):
    p, q = Uniform(0, 1), Uniform(shift, shift + 1)
    expected = min(abs(shift), 1) * LOG_2
    assert jensen_shannon(p, q) == pytest.approx(expected, abs=1e-13)
    assert wasserstein1(p, q) == pytest.approx(abs(shift), abs=1e-13)


@settings(max_examples=20)
@given(places, places, scales, scales)
def test_wasserstein_of_gaussians_is_the_folded_normal_mean(mean1, mean2, sd1, sd2):
    # Comonotone coupling: the difference of the quantile functions is normal.
    shift, spread = mean1 - mean2, abs(sd1 - sd2)
    expected = stats.foldnorm.mean(abs(shift) / spread, scale=spread) if spread > 1e-3 * abs(shift) + 1e-6 else None
    assume(expected is not None)
    assert wasserstein1(Gaussian(mean1, sd1), Gaussian(mean2, sd2)) == pytest.approx(expected, rel=1e-10, abs=1e-11)


@settings(max_examples=30)
@given(places, places, scales, scales)
def test_wasserstein_of_uniforms_of_different_width_is_exact(low1, low2, width1, width2):
    # Quantile functions are lines: integrate the modulus of a line over [0, 1].
    a, b = low1 - low2, low1 + width1 - low2 - width2
    expected = abs(a + b) / 2 if a * b >= 0 else (a * a + b * b) / (2 * abs(a - b))
    p, q = Uniform(low1, low1 + width1), Uniform(low2, low2 + width2)
    assert wasserstein1(p, q) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=30)
@given(rows, rows)
def test_discrete_divergences_are_scipys(p, q):
    assert kl_discrete(p, q) == pytest.approx(special.rel_entr(p, q).sum(), abs=1e-14)
    m = (p + q) / 2
    expected = (special.rel_entr(p, m) + special.rel_entr(q, m)).sum() / 2
    assert jensen_shannon_discrete(p, q) == pytest.approx(expected, abs=1e-14)
    assert 0 <= jensen_shannon_discrete(p, q) <= LOG_2


def test_discrete_jensen_shannon_never_leaves_its_bounds_by_rounding():
    rows = np.random.default_rng(0).dirichlet(np.ones(7), 1000)
    nothing = np.zeros_like(rows)
    same = jensen_shannon_discrete(rows, rows * (1 + 1e-15))
    apart = jensen_shannon_discrete(np.hstack([rows, nothing]), np.hstack([nothing, rows[::-1]]))
    assert same.min() >= 0 and apart.max() <= LOG_2


@pytest.mark.parametrize("density", [Uniform(0, 1), Gaussian(0, 1)])
def test_a_sample_and_its_density_look_disjoint_through_fine_cells(density):
    generator = np.random.default_rng(0)
    sample = generator.random(50) if isinstance(density, Uniform) else generator.standard_normal(50)
    values = [binned_jensen_shannon(sample, density, bins) for bins in (10, 100, 1000, 100_000)]
    assert values == sorted(values)
    assert values[0] < 0.05
    assert LOG_2 - 0.015 < values[-1] < LOG_2


BAD_CALLS = {
    "low": [lambda: Uniform(math.nan, 1)],
    "high": [lambda: Uniform(1, 1), lambda: Uniform(0, math.inf), lambda: SmoothedUniform(2, 1, 0.1)],
    "sd": [lambda: SmoothedUniform(0, 1, 0), lambda: Gaussian(0, -1), lambda: Gaussian(0, math.inf)],
    "mean": [lambda: Gaussian(math.inf, 1)],
    "x": [lambda: Gaussian(0, 1).pdf([0, math.nan]), lambda: SmoothedUniform(0, 1, 1).cdf(math.inf)],
    "components": [lambda: Mixture([], [])],
    "weights": [lambda weights=weights: Mixture([Uniform(0, 1)], weights) for weights in ([0.5], [0.5, 0.5])],
    "logvar": [lambda: kl_standard_normal_terms(torch.zeros(2), torch.zeros(3))],
    "means": [lambda means=means: elbo_surgery(means, means) for means in ([], [[1.0]], [math.nan])],
    "sds": [lambda sds=sds: elbo_surgery([0.0, 1.0], sds) for sds in ([1.0], [1.0, 0.0])],
    "z": [lambda z=z: aggregate_log_pdf(z, [[0.0, 0.0]], [[1.0, 1.0]]) for z in ([[0.0]], [0.0, 1.0], [[[0.0, 1.0]]])],
    "bins": [lambda: binned_jensen_shannon([0.5], Uniform(0, 1), 0)],
    "sample": [
        lambda sample=sample: binned_jensen_shannon(sample, Uniform(0, 1), 10)
        for sample in ([], [0.5, 1.1], [-0.1, 0.5], [0.5, math.nan], [[0.5]])
    ],
    "p": [lambda p=p: kl_discrete(p, [0.5, 0.5]) for p in ([0.5, 0.6], [], 1.0)],
    "q": [lambda q=q: jensen_shannon_discrete([0.5, 0.5], q) for q in ([1.5, -0.5], [0.5, 0.25, 0.25])],
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_arguments_are_named(name):
    for call in BAD_CALLS[name]:
        with pytest.raises(ValueError, match=rf"^{name}: expected"):
            call()
