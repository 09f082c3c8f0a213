"""The Dirac-GAN against autograd of the losses themselves, closed orbits and radii, and the published eigenvalues."""

import math
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genmodels.gan.dirac import DiracGAN, Loss
from genmodels.gan.losses import discriminator_loss, generator_loss

LOSSES = get_args(Loss)
SPEEDS = {"saturating": 0.5, "non-saturating": 0.5, "wasserstein": 1.0}  # f'(0) there: its eigenvalues are ±f'(0) i
numbers = st.floats(-3, 3).map(lambda number: round(number, 9))  # none whose square is rounded to 0
states = st.tuples(numbers, numbers)
rates = st.floats(0.01, 1)
losses = st.sampled_from(LOSSES)
gammas = st.floats(0, 3)


def radius(path: np.ndarray) -> np.ndarray:
    return np.linalg.norm(path, axis=-1)


def derivative(function) -> np.ndarray:
    """The derivative at the equilibrium by central differences: (2) -> (2) gives (2, 2)."""
    h = 1e-5
    return np.transpose([(function(h * unit) - function(-h * unit)) / (2 * h) for unit in np.eye(2)])


@settings(max_examples=40)
@given(losses, states, gammas)
def test_velocity_is_minus_the_gradient_of_each_players_own_loss(loss, state, gamma):
    theta, psi, sample = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (*state, 0.0))
    real, fake = (psi * sample)[None], (psi * theta)[None]
    if loss == "wasserstein":
        loss_g, loss_d = -fake.mean(), fake.mean() - real.mean()
    else:
        loss_g, loss_d = generator_loss(fake, loss), discriminator_loss(real, fake)
    (slope,) = torch.autograd.grad(real.sum(), sample, create_graph=True)  # D's, at the real sample
    (theta_slope,) = torch.autograd.grad(loss_g, theta, retain_graph=True)
    (psi_slope,) = torch.autograd.grad(loss_d + gamma / 2 * slope**2, psi)
    assert DiracGAN(loss, gamma).velocity(state) == pytest.approx([-theta_slope.item(), -psi_slope.item()], abs=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("gamma", [0, 0.9, 1.1, 2.5])
def test_the_eigenvalues_at_the_equilibrium_are_the_published_ones(loss, gamma):
    # Mescheder et al. 2018, section 4: -g/2 ± sqrt(g^2/4 - f'(0)^2), with f'(0) = 1/2, and 1 for wasserstein
    eigenvalues = np.linalg.eigvals(derivative(DiracGAN(loss, gamma).velocity))
    root = np.emath.sqrt(gamma**2 / 4 - SPEEDS[loss] ** 2)
    expected = [-gamma / 2 - root, -gamma / 2 + root]
    assert np.sort_complex(eigenvalues) == pytest.approx(np.sort_complex(expected), abs=1e-8)
    turns = np.abs(eigenvalues.imag).max() > 1e-6
    assert turns == (gamma < 2 * SPEEDS[loss])


@settings(max_examples=20)
@given(losses, rates)
def test_simultaneous_updates_leave_and_alternating_ones_circle(loss, rate):
    # as in section 2 there: |eigenvalue|^2 = 1 + rate^2 f'(0)^2, and 1
    for alternating, expected in ((False, math.hypot(1, rate * SPEEDS[loss])), (True, 1.0)):
        update = derivative(lambda at, way=alternating: DiracGAN(loss).descend(at, rate, 1, alternating=way)[1])
        assert np.abs(np.linalg.eigvals(update)) == pytest.approx([expected] * 2, rel=1e-8)


@settings(max_examples=8)
@given(states)
def test_the_wasserstein_flow_turns_by_one_radian_per_unit_of_time(start):
    times = np.linspace(0, 10, 11)
    turned = (start[1] * 1j + start[0]) * np.exp(-1j * times)
    assert DiracGAN("wasserstein").flow(start, times) @ [1, 1j] == pytest.approx(turned, abs=1e-8)


@settings(max_examples=20)
@given(states, rates)
def test_simultaneous_minimax_multiplies_the_squared_radius(start, rate):
    path = DiracGAN().descend(start, rate, 20)
    d = 1 / (1 + np.exp(-path[:-1, 0] * path[:-1, 1]))
    # theta psi D - psi theta D = 0: only the squares remain
    assert (path[1:] ** 2).sum(1) == pytest.approx((1 + rate**2 * d**2) * (path[:-1] ** 2).sum(1), rel=1e-12)


def test_in_an_alternating_update_the_discriminator_moves_first():
    # from (1, 0): D = 1/2, psi = -h/2; then theta = 1 + h psi S(psi)
    h, psi = 0.5, -0.25
    theta = 1 + h * psi / (1 + math.exp(-psi))
    assert DiracGAN().descend([1, 0], h, 1, alternating=True)[1] == pytest.approx([theta, psi])
    assert DiracGAN().descend([1, 0], h, 1)[1] == pytest.approx([1.0, psi])


@settings(max_examples=6)
@given(states)
def test_the_minimax_flow_is_a_circle(start):
    times = np.linspace(0, 50, 26)
    path = DiracGAN().flow(start, times)
    assert path.shape == (26, 2)
    assert radius(path) == pytest.approx(np.full(26, math.hypot(*start)), abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("alternating", "gamma"), [(False, 0.7), (True, 0.0)])
def test_small_steps_follow_the_flow(loss, alternating, gamma):
    path = DiracGAN(loss, gamma).descend([1, 1], 1e-3, 2000, alternating=alternating)
    assert path[-1] == pytest.approx(DiracGAN(loss, gamma).flow([1, 1], [0, 2])[-1], abs=3e-3)


def test_far_out_nothing_overflows():
    with np.errstate(all="raise"):
        assert DiracGAN().velocity([40.0, 40.0]) == pytest.approx([40, -40])
        assert DiracGAN().velocity([40.0, -40.0]) == pytest.approx([0, 0])


BAD_ARGUMENTS = {
    "loss": [lambda: DiracGAN("hinge")],
    "gamma": [lambda: DiracGAN("wasserstein", -0.1)],
    "states": [lambda states=states: DiracGAN().velocity(states) for states in ([1, 2, 3], [1, math.nan], 1.0)],
    "rate": [lambda: DiracGAN().descend([1, 2], 0, 5)],
    "steps": [lambda: DiracGAN().descend([1, 2], 1, 0)],
    "start": [lambda: DiracGAN().descend([[1, 2]], 1, 5), lambda: DiracGAN().flow([1], [0, 1])],
    "times": [lambda times=times: DiracGAN().flow([1, 2], times) for times in ([1, 0], [0, 1, 1], [-1, 0], [], 3.0)],
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_a_bad_argument_is_named(name):
    for call in BAD_ARGUMENTS[name]:
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            call()
