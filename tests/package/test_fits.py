"""Fitted Gaussians against moment matching, scipy's quadrature and the stationarity of a minimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from genmodels.measures.densities import Gaussian, Mixture
from genmodels.measures.divergences import DIVERGENCES, fit_gaussian

TWO_MODES = Mixture([Gaussian(-3, 0.7), Gaussian(3, 0.7)], [0.5, 0.5])
gaussians = st.builds(Gaussian, st.floats(-2, 2), st.floats(0.5, 2))


def test_divergences_are_scipys_integrals():
    sds, means = (0.7, 0.7), (-3, 3)
    q, parts = stats.norm(2.0, 1.2), [stats.norm(mean, sd) for mean, sd in zip(means, sds, strict=True)]

    def p(x: float) -> float:
        return sum(part.pdf(x) for part in parts) / 2

    def integral(function) -> float:
        return integrate.quad(function, -10, 14, epsabs=1e-11, limit=400)[0]

    def middle(x: float) -> float:
        return (p(x) + q.pdf(x)) / 2

    expected = {
        "KL(p||q)": integral(lambda x: p(x) * np.log(p(x) / q.pdf(x))),
        "KL(q||p)": integral(lambda x: q.pdf(x) * np.log(q.pdf(x) / p(x))),
        "non-saturating": 2 * integral(lambda x: middle(x) * np.log(middle(x) / p(x))),
    }
    expected["JSD"] = (expected["KL(q||p)"] - expected["non-saturating"]) / 2
    for kind in DIVERGENCES:
        assert DIVERGENCES[kind](TWO_MODES, Gaussian(2.0, 1.2)) == pytest.approx(expected[kind], abs=1e-8), kind


def test_an_unknown_divergence_is_named():
    with pytest.raises(ValueError, match=r"^kind: expected"):
        fit_gaussian(TWO_MODES, "TV", Gaussian(0, 1))


@pytest.mark.parametrize("kind", DIVERGENCES)
def test_a_gaussian_target_is_found(kind):
    fit = fit_gaussian(Gaussian(1.5, 0.4), kind, Gaussian(0, 1))
    assert (fit.gaussian.mean, fit.gaussian.sd) == pytest.approx((1.5, 0.4), abs=1e-5)
    assert fit.value == pytest.approx(0, abs=1e-10)


@settings(max_examples=5)
@given(gaussians, gaussians, st.floats(0.1, 0.9))
def test_maximum_likelihood_matches_the_moments(a, b, share):
    fit = fit_gaussian(Mixture([a, b], [share, 1 - share]), "KL(p||q)", Gaussian(0, 1))
    mean = share * a.mean + (1 - share) * b.mean
    variance = share * (a.sd**2 + a.mean**2) + (1 - share) * (b.sd**2 + b.mean**2) - mean**2
    assert (fit.gaussian.mean, fit.gaussian.sd**2) == pytest.approx((mean, variance), abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "start"), zip(DIVERGENCES, [Gaussian(3, 0.7), Gaussian(0.5, 2.5)] * 2, strict=True), ids=DIVERGENCES
)
def test_a_fit_is_a_minimum(kind, start):
    fit = fit_gaussian(TWO_MODES, kind, start)
    for step in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        near = Gaussian(fit.gaussian.mean + step[0], fit.gaussian.sd + step[1])
        assert DIVERGENCES[kind](TWO_MODES, near) > fit.value


@pytest.mark.parametrize(
    ("kind", "one_mode", "both"),
    [("KL(q||p)", 0.6931, 2.2405), ("JSD", 0.2158, 0.2181), ("non-saturating", 0.2616, 1.7870)],
)
def test_three_divergences_have_a_minimum_on_a_mode_and_one_between(kind, one_mode, both):
    on_mode = fit_gaussian(TWO_MODES, kind, Gaussian(2.5, 1))
    assert on_mode.gaussian.mean == pytest.approx(3, abs=1e-3)
    assert on_mode.value == pytest.approx(one_mode, abs=5e-5)
    between = fit_gaussian(TWO_MODES, kind, Gaussian(0, 2), fixed_mean=True)
    assert between.gaussian.mean == 0
    assert between.value == pytest.approx(both, abs=5e-5)
