"""The two losses at the optimum and their gradients: closed forms, identities, scipy quadrature, autograd."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from genmodels.gan.losses import (
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    losses_at_optimum,
    losses_at_optimum_discrete,
    losses_collapsed,
    losses_shifted_uniforms,
    optimal_discriminator,
    optimal_logit,
    r1_penalty,
    shift_gradients,
)
from genmodels.measures.densities import Gaussian, SmoothedUniform, Uniform
from genmodels.measures.divergences import jensen_shannon, kl

LOG_2 = math.log(2.0)


places = st.floats(-5, 5)
scales = st.floats(0.2, 4)
densities = st.one_of(
    st.builds(lambda low, width: Uniform(low, low + width), places, scales),
    st.builds(Gaussian, places, scales),
    st.builds(lambda low, width, sd: SmoothedUniform(low, low + width, sd), places, scales, scales),
)
rows = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any).map(lambda row: np.array(row) / sum(row))


def kl_to_mixture(p, q) -> float:
    """KL(p || (p + q)/2) by scipy, panel by panel."""
    ends = np.unique(np.concatenate([p.breakpoints, q.breakpoints]))

    def integrand(x: float) -> float:
        return float(special.rel_entr(p.pdf(x), (p.pdf(x) + q.pdf(x)) / 2))

    return sum(integrate.quad(integrand, a, b, epsabs=1e-14)[0] for a, b in pairwise(ends))


def test_optimal_discriminator_is_p_over_p_plus_q():
    p, q = Gaussian(0, 1), Gaussian(1, 2)
    x = np.linspace(-6, 6, 25)
    a, b = stats.norm(0, 1).pdf(x), stats.norm(1, 2).pdf(x)
    assert np.allclose(optimal_discriminator(p, q, x), a / (a + b), rtol=1e-13, atol=0)
    assert np.allclose(optimal_logit(p, q, x), special.logit(a / (a + b)), rtol=1e-9, atol=1e-12)


def test_optimal_discriminator_is_one_half_and_zero_and_undetermined_off_both_supports():
    d = optimal_discriminator(Uniform(0, 2), Uniform(1, 3), [0.5, 1.5, 2.5, 3.5])
    assert d[:3].tolist() == [1.0, 0.5, 0.0]
    assert math.isnan(d[3])


def test_optimal_discriminator_keeps_tiny_values_far_out():
    # t = 5000 - 100 x; both densities underflow in the middle
    d = optimal_discriminator(Gaussian(0, 1), Gaussian(100, 1), [50.0, 51.0])
    assert d == pytest.approx([0.5, math.exp(-100)], rel=1e-11, abs=0)


@settings(max_examples=20)
@given(st.floats(-3, 3))
def test_losses_of_shifted_uniforms(shift):
    overlap = max(1 - abs(shift), 0)
    expected = (overlap * 2 * LOG_2, -overlap * LOG_2)
    assert losses_shifted_uniforms(shift) == pytest.approx(expected, abs=1e-15)
    assert losses_at_optimum(Uniform(0, 1), Uniform(shift, shift + 1)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "losses",
    [
        losses_at_optimum(Uniform(0, 1), Uniform(2, 3)),
        losses_at_optimum_discrete([1.0, 0.0], [0.0, 1.0]),
        losses_shifted_uniforms(2),
    ],
)
def test_without_overlap_both_losses_are_zero_and_print_without_a_minus(losses):
    assert [str(loss) for loss in losses] == ["0.0", "0.0"]


@settings(max_examples=20)
@given(densities)
def test_equal_distributions_give_the_other_end(p):
    assert losses_at_optimum(p, p) == pytest.approx((2 * LOG_2, -LOG_2), abs=1e-12)


@settings(max_examples=20)
@given(densities, densities)
def test_identities_with_the_divergences(p, q):
    losses = losses_at_optimum(p, q)
    # the quadrature is the same on both sides: this holds to rounding
    assert losses.discriminator + 2 * jensen_shannon(p, q) == pytest.approx(2 * LOG_2, abs=1e-13)
    assert -1e-15 <= losses.discriminator <= 2 * LOG_2 + 1e-12
    assert -LOG_2 - 1e-12 <= losses.generator <= 0


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (Gaussian(0, 1), Gaussian(1.5, 0.5)),
        (Uniform(0, 1), Gaussian(0.3, 1)),
        (Uniform(0, 2), Uniform(1, 5)),
        (SmoothedUniform(0, 1, 0.2), SmoothedUniform(0.7, 1.7, 0.2)),
    ],
)
def test_identities_with_the_divergence_to_the_mixture(p, q):
    losses = losses_at_optimum(p, q)
    # L_G = KL(q || m) - log 2 and L_D + L_G = log 2 - KL(p || m)
    assert losses.generator == pytest.approx(kl_to_mixture(q, p) - LOG_2, abs=1e-11)
    assert sum(losses) == pytest.approx(LOG_2 - kl_to_mixture(p, q), abs=1e-11)


@settings(max_examples=40)
@given(rows, rows)
def test_discrete_losses_are_binary_cross_entropies_of_the_optimum(p, q):
    d = np.divide(p, p + q, out=np.full(4, 0.5), where=p + q > 0)
    real, fake = -special.xlogy(p, d).sum(), -special.xlogy(q, 1 - d).sum()
    losses = losses_at_optimum_discrete(p, q)
    assert losses == pytest.approx((real + fake, -fake), abs=1e-13)
    assert math.copysign(1, losses.generator) == (1 if losses.generator == 0 else -1)


@settings(max_examples=40)
@given(st.integers(1, 30).flatmap(lambda modes: st.tuples(st.integers(1, modes), st.just(modes))))
def test_collapse_is_the_discrete_case(covered_of_modes):
    covered, modes = covered_of_modes
    p, q = np.full(modes, 1 / modes), np.where(np.arange(modes) < covered, 1 / covered, 0.0)
    assert losses_collapsed(covered, modes) == pytest.approx(losses_at_optimum_discrete(p, q), abs=1e-12)


@pytest.mark.parametrize("t", [-30.0, -21.0, 21.0, 30.0])
def test_losses_on_logits_keep_their_tails(t):
    logit, other = (torch.tensor([value], dtype=torch.float64) for value in (t, -700.0))
    real, fake = np.logaddexp(0, -t), np.logaddexp(0, t)
    assert discriminator_loss(logit, other).item() == pytest.approx(real, rel=1e-14, abs=0)
    assert discriminator_loss(-other, logit).item() == pytest.approx(fake, rel=1e-14, abs=0)
    assert generator_loss(logit, "saturating").item() == pytest.approx(-fake, rel=1e-14, abs=0)
    assert generator_loss(logit, "non-saturating").item() == pytest.approx(real, rel=1e-14, abs=0)


def test_losses_on_logits_are_torchs_cross_entropy_over_the_last_axis():
    stream = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(2, 3, n, generator=stream, dtype=torch.float64) for n in (5, 7))
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    expected = entropy(real, torch.ones_like(real), reduction="none").mean(-1)
    expected = expected + entropy(fake, torch.zeros_like(fake), reduction="none").mean(-1)
    assert discriminator_loss(real, fake).shape == (2, 3)
    assert torch.allclose(discriminator_loss(real, fake), expected, rtol=1e-14)
    saturating, non_saturating = (generator_loss(fake, kind) for kind in ("saturating", "non-saturating"))
    assert torch.allclose(saturating, torch.log(1 - torch.sigmoid(fake)).mean(-1), rtol=1e-12)
    assert torch.allclose(non_saturating, -torch.log(torch.sigmoid(fake)).mean(-1), rtol=1e-12)


def smooth_networks():
    """Two members with D(x) = a tanh(W x), in double precision, and their samples (2, 5, 3)."""
    stream = torch.Generator().manual_seed(0)
    matrix, last, real, fake = (
        torch.randn(2, *shape, generator=stream, dtype=torch.float64) for shape in ((3, 4), (4, 1), (5, 3), (5, 3))
    )
    return lambda x: torch.tanh(x @ matrix) @ last, (matrix.requires_grad_(), last), real, fake


def slopes_by_differences(D, x, h=1e-5):
    """|dD/dx| of each sample by central differences in each coordinate: (2, n)."""
    with torch.no_grad():
        return torch.cat([D(x + h * e) - D(x - h * e) for e in torch.eye(3)], dim=-1).norm(dim=-1) / (2 * h)


def test_penalties_and_their_gradients_are_those_of_finite_differences():
    D, (matrix, _), real, fake = smooth_networks()
    u = torch.arange(5)[:, None] / 4
    for penalty, expected in (
        (lambda: r1_penalty(D, real), lambda: slopes_by_differences(D, real).square().mean(1)),
        (
            lambda: gradient_penalty(D, real, fake),
            lambda: (slopes_by_differences(D, u * real + (1 - u) * fake) - 1).square().mean(1),
        ),
    ):
        torch.testing.assert_close(penalty().detach(), expected(), rtol=1e-7, atol=0)
        (gradient,) = torch.autograd.grad(penalty().sum(), matrix)
        values, h = [], 1e-3
        for step in (h, -2 * h):
            matrix.data[1, 2, 3] += step
            values.append(expected()[1])
        matrix.data[1, 2, 3] += h
        assert gradient[1, 2, 3].item() == pytest.approx((values[0] - values[1]).item() / (2 * h), rel=1e-4)


@pytest.mark.parametrize("theta", [-2.0, 0.0, 0.5, 3.0])
def test_shift_gradients_are_scipys_expectations(theta):
    q = stats.norm(theta, 1)

    def d(x: float) -> float:
        return float(special.expit(theta**2 / 2 - theta * x))

    # the frozen gradients move the sample only: E_q[d/dx log(1-D)] and E_q[-d/dx log D], dt/dx = -theta
    saturating = integrate.quad(lambda x: q.pdf(x) * d(x) * theta, theta - 12, theta + 12, epsabs=1e-13)[0]
    non_saturating = integrate.quad(lambda x: q.pdf(x) * (1 - d(x)) * theta, theta - 12, theta + 12, epsabs=1e-13)[0]
    gradients = shift_gradients(theta)
    assert gradients.saturating == pytest.approx(saturating, abs=1e-11)
    assert gradients.non_saturating == pytest.approx(non_saturating, abs=1e-11)
    assert gradients.value == pytest.approx(saturating / 2, abs=1e-11)


@pytest.mark.parametrize("theta", [-2.0, 0.5])
def test_what_each_shift_gradient_is_the_slope_of(theta):
    def slope(function) -> float:
        h = 1e-3  # fourth order: the error is about h^4
        values = [function(Gaussian(0, 1), Gaussian(theta + k * h, 1)) for k in (-2, -1, 1, 2)]
        return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)

    gradients = shift_gradients(theta)
    assert gradients.saturating == pytest.approx(slope(lambda p, q: 2 * jensen_shannon(p, q)), abs=1e-9)
    assert gradients.value == pytest.approx(slope(lambda p, q: losses_at_optimum(p, q).generator), abs=1e-9)
    reverse = slope(lambda p, q: kl(q, p) - 2 * jensen_shannon(p, q))
    assert gradients.non_saturating == pytest.approx(reverse, abs=1e-9)


BAD_CALLS = {
    "kind": [lambda: generator_loss(torch.zeros(2), "minimax")],
    "covered": [lambda: losses_collapsed(0, 8), lambda: losses_collapsed(9, 8)],
    "modes": [lambda: losses_collapsed(1, 0)],
    "shift": [lambda: losses_shifted_uniforms(math.nan)],
    "theta": [lambda: shift_gradients(math.inf)],
    "p": [lambda: losses_at_optimum_discrete([[0.5, 0.5]], [[0.5, 0.5]])],
    "q": [lambda: losses_at_optimum_discrete([0.5, 0.5], [1.0])],
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_arguments_are_named(name):
    for call in BAD_CALLS[name]:
        with pytest.raises(ValueError, match=rf"^{name}: expected"):
            call()
