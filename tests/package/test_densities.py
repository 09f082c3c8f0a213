"""Where the panels of the densities end, which decides how exact every integral is; their values: test_divergences."""

import math

import numpy as np
import pytest

from genmodels.measures.densities import Gaussian, Mixture, SmoothedUniform, Uniform
from genmodels.measures.divergences import quadrature


@pytest.mark.parametrize("sd", [1e-3, 0.05, 0.5, 3.0, 100.0])
def test_smoothed_uniform_has_its_moments_with_any_noise(sd):
    p = SmoothedUniform(1, 3, sd)
    x, weights = quadrature(p)
    mass, distance = weights * p.pdf(x), x - 2
    variance = 2**2 / 12 + sd**2  # of the uniform and of the noise
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    assert (mass * distance).sum() == pytest.approx(0, abs=1e-12 * math.sqrt(variance))
    assert (mass * distance**2).sum() == pytest.approx(variance, rel=1e-12)


@pytest.mark.parametrize(
    ("p", "centre"),
    [
        (Uniform(-1, 3), 1),
        (Gaussian(0.5, 0.7), 0.5),
        (SmoothedUniform(-0.5, 1, 0.05), 0.25),
        (Mixture([Gaussian(-1, 0.5), Gaussian(2, 0.5)], [0.5, 0.5]), 0.5),
    ],
    ids=["uniform", "gaussian", "smoothed", "mixture"],
)
def test_panels_of_an_even_density_are_even_and_hold_all_of_it(p, centre):
    ends = p.breakpoints
    assert (np.diff(ends) > 0).all()
    np.testing.assert_allclose(ends + ends[::-1], 2 * centre, atol=1e-12)
    assert p.cdf(ends[0]) < 1e-32
