"""Divergences against scipy's quadrature and special functions, closed forms, and their invariants."""

import math

import numpy as np
import pytest
import torch
from genmodels.densities import Density, Gaussian, SmoothedUniform, Uniform
from genmodels.divergences import (
    binned_jensen_shannon,
    jensen_shannon,
    jensen_shannon_discrete,
    jensen_shannon_shifted_uniforms,
    kl,
    kl_discrete,
    kl_gaussians,
    quadrature,
    total_variation,
    wasserstein1,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, special, stats

LOG_2 = math.log(2.0)

DISTANCES = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]

places = st.floats(-5, 5)
scales = st.floats(0.2, 4)
uniforms = st.builds(lambda low, width: Uniform(low, low + width), places, scales)
gaussians = st.builds(Gaussian, places, scales)
smoothed = st.builds(lambda low, width, sd: SmoothedUniform(low, low + width, sd), places, scales, scales)
densities = st.one_of(uniforms, gaussians, smoothed)
rows = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any).map(lambda row: np.array(row) / sum(row))


def moved(density: Density, factor: float, offset: float) -> Density:
    """The density of factor * x + offset."""
    if isinstance(density, Gaussian):
        return Gaussian(factor * density.mean + offset, factor * density.sd)
    low, high = factor * density.low + offset, factor * density.high + offset
    return (
        SmoothedUniform(low, high, factor * density.sd) if isinstance(density, SmoothedUniform) else Uniform(low, high)
    )


def scipy_jensen_shannon(distance: float) -> float:
    p, q = stats.norm(0, 1), stats.norm(distance, 1)

    def integrand(x: float) -> float:
        return 0.5 * (special.rel_entr(p.pdf(x), m := (p.pdf(x) + q.pdf(x)) / 2) + special.rel_entr(q.pdf(x), m))

    return integrate.quad(integrand, -12, distance + 12, epsabs=1e-13, epsrel=1e-13, limit=500)[0]


@pytest.mark.parametrize("x", [-30.0, -1.0, 0.0, 0.3, 1.0, 2.0, 40.0])
def test_gaussian_is_scipys(x):
    ours, theirs = Gaussian(0.5, 0.7), stats.norm(0.5, 0.7)
    assert ours.log_pdf(x) == pytest.approx(theirs.logpdf(x), rel=1e-13)
    assert ours.pdf(x) == pytest.approx(theirs.pdf(x), rel=1e-12)
    assert ours.cdf(x) == pytest.approx(theirs.cdf(x), rel=1e-12)


def test_uniform_is_scipys_and_has_no_mass_off_its_support():
    x = np.array([-2.0, -1.0, 0.0, 2.9, 3.0, 3.1])
    ours, theirs = Uniform(-1, 3), stats.uniform(-1, 4)
    assert np.allclose(ours.pdf(x), theirs.pdf(x), rtol=1e-15, atol=0)
    assert np.allclose(ours.cdf(x), theirs.cdf(x), rtol=1e-15, atol=0)
    assert ours.log_pdf(3.1) == -np.inf


@pytest.mark.parametrize("sd", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("x", [-1.0, 0.0, 0.4, 1.0, 1.7])
def test_smoothed_uniform_is_the_convolution(x, sd):
    noise = stats.norm(0, sd)
    pdf, _ = integrate.quad(lambda u: noise.pdf(x - u) / 1.5, -0.5, 1, epsabs=0, epsrel=1e-12, limit=200, points=[x])
    cdf, _ = integrate.quad(lambda u: noise.cdf(x - u) / 1.5, -0.5, 1, epsabs=1e-13, epsrel=1e-12, limit=200)
    assert SmoothedUniform(-0.5, 1, sd).pdf(x) == pytest.approx(pdf, rel=1e-11)
    assert SmoothedUniform(-0.5, 1, sd).cdf(x) == pytest.approx(cdf, abs=1e-12)


@pytest.mark.parametrize("z", [1.0, 5.0, 9.9, 10.1, 30.0, 50.0, 300.0])
def test_smoothed_uniform_is_accurate_far_out_on_both_sides(z):
    sd = 0.5
    # 1 / width [Q(z) - Q(z + width / sd)], in logarithms
    near, far = special.log_ndtr(-z), special.log_ndtr(-z - 2 / sd)
    expected = near + np.log(-np.expm1(far - near)) - LOG_2
    p = SmoothedUniform(0, 2, sd)
    assert p.log_pdf(2 + z * sd) == pytest.approx(expected, rel=1e-13)
    assert p.log_pdf(-z * sd) == pytest.approx(expected, rel=1e-13)


@given(densities)
def test_densities_integrate_to_one_and_to_their_cdf(p):
    x, weights = quadrature(p)
    assert np.sum(weights * p.pdf(x)) == pytest.approx(1.0, abs=1e-12)
    middle = p.breakpoints[len(p.breakpoints) // 2]
    below = x < middle
    assert np.sum(weights[below] * p.pdf(x[below])) == pytest.approx(float(p.cdf(middle)), abs=1e-12)


@given(gaussians, gaussians)
def test_kl_of_gaussians_is_the_closed_form(p, q):
    assert kl(p, q) == pytest.approx(kl_gaussians(p, q), rel=1e-11, abs=1e-12)


def test_closed_form_of_gaussians_is_torchs():
    normal, divergence = torch.distributions.Normal, torch.distributions.kl_divergence
    p, q = (normal(torch.tensor(m, dtype=torch.float64), s) for m, s in ((0.3, 0.5), (-1.2, 2.0)))
    assert kl_gaussians(Gaussian(0.3, 0.5), Gaussian(-1.2, 2.0)) == pytest.approx(divergence(p, q).item(), rel=1e-7)


def test_kl_is_infinite_where_q_is_zero_and_p_is_not():
    assert kl(Uniform(0, 1), Uniform(0.5, 3)) == math.inf
    assert kl(Gaussian(0, 1), Uniform(-8, 8)) == math.inf
    assert kl(Uniform(0.25, 0.75), Uniform(0, 1)) == pytest.approx(LOG_2, abs=1e-15)


@pytest.mark.parametrize("distance", DISTANCES)
def test_jensen_shannon_of_gaussians_is_scipys(distance):
    ours = jensen_shannon(Gaussian(0, 1), Gaussian(distance, 1))
    assert ours == pytest.approx(scipy_jensen_shannon(distance), abs=1e-11)


@given(st.floats(-3, 3))
def test_shifted_uniforms_have_their_closed_forms(shift):
    p, q = Uniform(0, 1), Uniform(shift, shift + 1)
    expected = min(abs(shift), 1) * LOG_2
    assert jensen_shannon(p, q) == pytest.approx(expected, abs=1e-13)
    assert jensen_shannon_shifted_uniforms(shift) == pytest.approx(expected, abs=1e-15)
    assert total_variation(p, q) == pytest.approx(min(abs(shift), 1), abs=1e-13)
    assert wasserstein1(p, q) == pytest.approx(abs(shift), abs=1e-13)


@given(densities, densities)
def test_jensen_shannon_is_symmetric_bounded_and_between_its_neighbours(p, q):
    value, distance = jensen_shannon(p, q), total_variation(p, q)
    assert value == pytest.approx(jensen_shannon(q, p), abs=1e-15)
    assert 0 <= value <= LOG_2
    # Lin 1991, theorem 3, and Pinsker's inequality on both halves
    assert distance**2 / 2 - 1e-12 <= value <= LOG_2 * distance + 1e-12
    assert 2 * value <= 0.5 * (kl(p, q) + kl(q, p)) + 1e-12


@given(densities)
def test_every_distance_of_a_density_to_itself_is_zero(p):
    assert [f(p, p) for f in (kl, jensen_shannon, total_variation, wasserstein1)] == [0, 0, 0, 0]


@given(densities, densities, st.floats(0.1, 5), st.floats(-20, 20))
def test_a_common_shift_and_scale_changes_only_wasserstein(p, q, factor, offset):
    ends = np.unique(np.concatenate([p.breakpoints, q.breakpoints]))
    assume(np.diff(ends).min() > 1e-6)  # else a rounded shift decides whether two edges coincide
    p2, q2 = moved(p, factor, offset), moved(q, factor, offset)
    assert jensen_shannon(p2, q2) == pytest.approx(jensen_shannon(p, q), abs=1e-11)
    assert total_variation(p2, q2) == pytest.approx(total_variation(p, q), abs=1e-11)
    assert kl(p2, q2) == pytest.approx(kl(p, q), rel=1e-9, abs=1e-11)
    assert wasserstein1(p2, q2) == pytest.approx(factor * wasserstein1(p, q), rel=1e-10, abs=1e-11)


@given(places, places, scales, scales)
def test_wasserstein_of_gaussians_is_the_folded_normal_mean(mean1, mean2, sd1, sd2):
    # Comonotone coupling: the difference of the quantile functions is normal.
    shift, spread = mean1 - mean2, abs(sd1 - sd2)
    expected = stats.foldnorm.mean(abs(shift) / spread, scale=spread) if spread > 1e-3 * abs(shift) + 1e-6 else None
    assume(expected is not None)
    assert wasserstein1(Gaussian(mean1, sd1), Gaussian(mean2, sd2)) == pytest.approx(expected, rel=1e-10, abs=1e-11)


@given(places, places, scales, scales)
def test_wasserstein_of_uniforms_of_different_width_is_exact(low1, low2, width1, width2):
    # Quantile functions are lines: integrate the modulus of a line over [0, 1].
    a, b = low1 - low2, low1 + width1 - low2 - width2
    expected = abs(a + b) / 2 if a * b >= 0 else (a * a + b * b) / (2 * abs(a - b))
    p, q = Uniform(low1, low1 + width1), Uniform(low2, low2 + width2)
    assert wasserstein1(p, q) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distance", DISTANCES)
def test_total_variation_of_gaussians_is_an_error_function(distance):
    expected = special.erf(distance / math.sqrt(8))
    assert total_variation(Gaussian(0, 1), Gaussian(distance, 1)) == pytest.approx(expected, abs=1e-13)


@given(rows, rows)
def test_discrete_divergences_are_scipys(p, q):
    assert kl_discrete(p, q) == pytest.approx(special.rel_entr(p, q).sum(), abs=1e-14)
    m = (p + q) / 2
    expected = (special.rel_entr(p, m) + special.rel_entr(q, m)).sum() / 2
    assert jensen_shannon_discrete(p, q) == pytest.approx(expected, abs=1e-14)
    assert 0 <= jensen_shannon_discrete(p, q) <= LOG_2


def test_discrete_divergences_work_over_the_last_axis():
    p = np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])
    q = np.array([[0.5, 0.5], [1.0, 0.0], [0.5, 0.5]])
    assert kl_discrete(p, q).tolist() == [LOG_2, math.inf, 0.0]
    assert jensen_shannon_discrete(p, q).shape == (3,)


@pytest.mark.parametrize("p", [[0.5, 0.6], [1.5, -0.5], [math.nan, 1.0], [], 1.0])
@pytest.mark.parametrize("divergence", [kl_discrete, jensen_shannon_discrete])
def test_what_is_no_distribution_is_refused_by_name(divergence, p):
    with pytest.raises(ValueError, match=r"^p: "):
        divergence(p, [0.5, 0.5])
    with pytest.raises(ValueError, match=r"^q: "):
        divergence([0.5, 0.5], p)


def test_discrete_distributions_must_have_one_shape():
    with pytest.raises(ValueError, match=r"^q: expected the shape of p"):
        kl_discrete([0.5, 0.5], [0.5, 0.25, 0.25])


@pytest.mark.parametrize("density", [Uniform(0, 1), Gaussian(0, 1)])
def test_a_sample_and_its_density_look_disjoint_through_fine_cells(density):
    generator = np.random.default_rng(0)
    sample = generator.random(50) if isinstance(density, Uniform) else generator.standard_normal(50)
    values = [binned_jensen_shannon(sample, density, bins) for bins in (10, 100, 1000, 100_000)]
    assert values == sorted(values)
    assert values[0] < 0.05
    assert LOG_2 - 0.015 < values[-1] < LOG_2


def test_binned_jensen_shannon_is_scipys_of_the_shares():
    # Cells of U[0, 4]: shares 1/2, 1/4, 0, 1/4 against 1/4 each.
    sample, p, q = [0.1, 0.9, 1.5, 4.0], np.array([2, 1, 0, 1]) / 4, np.full(4, 0.25)
    m = (p + q) / 2
    expected = (special.rel_entr(p, m) + special.rel_entr(q, m)).sum() / 2
    assert binned_jensen_shannon(sample, Uniform(0, 4), 4) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("sample", [[], [0.5, 1.1], [0.5, math.nan], [[0.5]]])
def test_a_bad_sample_is_refused_by_name(sample):
    with pytest.raises(ValueError, match=r"^sample: "):
        binned_jensen_shannon(sample, Uniform(0, 1), 10)


BAD_CALLS = {
    "low": lambda: Uniform(math.nan, 1),
    "high": lambda: Uniform(1, 1),
    "high 2": lambda: Uniform(0, math.inf),
    "high 3": lambda: SmoothedUniform(2, 1, 0.1),
    "sd": lambda: SmoothedUniform(0, 1, 0),
    "sd 2": lambda: Gaussian(0, -1),
    "sd 3": lambda: Gaussian(0, math.nan),
    "mean": lambda: Gaussian(math.inf, 1),
    "x": lambda: Gaussian(0, 1).pdf([0, math.nan]),
    "x 2": lambda: SmoothedUniform(0, 1, 1).cdf(math.inf),
    "shift": lambda: jensen_shannon_shifted_uniforms(math.nan),
    "bins": lambda: binned_jensen_shannon([0.5], Uniform(0, 1), 0),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_arguments_are_named(case):
    with pytest.raises(ValueError, match=rf"^{case.split()[0]}: expected"):
        BAD_CALLS[case]()
