"""Exact gradients against finite differences and scipy; the first steps of training against a plain loop."""

import functools
import math

import numpy as np
import pytest
import torch
from plain_loop import plain_mlp
from scipy import integrate, stats
from torch.nn.functional import binary_cross_entropy_with_logits

from genmodels.gan import shifted_uniforms
from genmodels.gan.shifted_uniforms import exact_gradients, noisy_shift_gradients, train_shift
from genmodels.measures.densities import SmoothedUniform
from genmodels.measures.divergences import jensen_shannon, kl


@pytest.mark.parametrize(("shift", "sd"), [(-1.5, 0.5), (-0.4, 0.2), (0.2, 0.5), (1.0, 0.2)])
def test_noisy_gradients_are_the_slopes_of_divergences(shift, sd):
    p = SmoothedUniform(0, 1, sd)

    def slope(function) -> float:
        h = 2e-3 * sd
        values = [function(SmoothedUniform(s, s + 1, sd)) for s in (shift + k * h for k in (-2, -1, 1, 2))]
        return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)

    gradients = noisy_shift_gradients(shift, sd)
    assert gradients.saturating == pytest.approx(slope(lambda q: 2 * jensen_shannon(p, q)), abs=1e-8)
    reverse = slope(lambda q: kl(q, p) - 2 * jensen_shannon(p, q))
    assert gradients.non_saturating == pytest.approx(reverse, rel=1e-8, abs=1e-8)


def test_a_far_generator_keeps_a_tiny_but_accurate_gradient():
    # d/dshift E_q[log(1-D)] = -E_q[D* dt/dx] = -∫ p q / (p + q) d(log p - log q)/dx dx, mostly mid-way.
    # There p is the upper tail of its right edge 1, and q the lower tail of its left edge 2.
    sd, midpoint = 0.1, 1.5
    right, left = stats.norm(1, sd), stats.norm(2, sd)

    def integrand(x: float) -> float:
        p, q = right.sf(x), left.cdf(x)
        return p * q / (p + q) * (right.pdf(x) / p + left.pdf(x) / q)

    expected = 2 * integrate.quad(integrand, midpoint, 2.5, epsabs=0, epsrel=1e-10)[0]
    assert 0 < expected < 1e-5
    assert noisy_shift_gradients(2.0, sd).saturating == pytest.approx(expected, rel=1e-9)


def test_exact_gradients_along_the_line():
    shifts = np.array([[-2.0, -0.5, 0.0], [0.5, 1.0, 2.0]])
    saturating, saturating_noise, non_saturating_noise, wasserstein = exact_gradients(shifts, sd=0.5)
    bound = 2 * math.log(2)
    assert saturating == pytest.approx(np.array([[0, -bound, 0], [bound, 0, 0]]))
    assert wasserstein == pytest.approx(np.array([[-1, -1, 0], [1, 1, 1]]))
    for noisy, name in ((saturating_noise, "saturating"), (non_saturating_noise, "non_saturating")):
        expected = [[getattr(noisy_shift_gradients(s, 0.5), name) for s in row] for row in shifts]
        assert noisy == pytest.approx(np.array(expected), abs=1e-15)
        assert (np.sign(noisy) == np.sign(shifts)).all()


def plain_path(objective, seed, start, steps, first_fit, refit):
    """The path of one seed by itself, in binary cross-entropies of the labels "real" and "generated"."""
    generator = torch.Generator().manual_seed(seed)
    D = plain_mlp((1, shifted_uniforms.HIDDEN_DIM, shifted_uniforms.HIDDEN_DIM, 1), generator)
    optimizer = shifted_uniforms.Adam(D.parameters(), lr=shifted_uniforms.LR_D, betas=(0.9, 0.99))

    def sample(k):
        shape = k, shifted_uniforms.BATCH_SIZE, 1
        x = torch.rand(shape, generator=generator)
        noisy = objective == "saturating + noise"
        return x + shifted_uniforms.NOISE_SD * torch.randn(shape, generator=generator) if noisy else x

    def cross_entropy(x, label):
        logits = D(x)
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))

    path = [torch.tensor(start)]
    for step in range(steps):
        k = refit if step else first_fit
        real, z = sample(k), sample(k + 1)
        for x, code in zip(real, z[:-1], strict=True):
            optimizer.zero_grad()
            (cross_entropy(x, 1.0) + cross_entropy(code + path[-1], 0.0)).backward()
            optimizer.step()
        shift = path[-1].clone().requires_grad_()
        fake = z[-1] + shift
        loss = cross_entropy(fake, 1.0) if objective == "non-saturating" else -cross_entropy(fake, 0.0)
        (gradient,) = torch.autograd.grad(loss, shift)
        path.append(path[-1] - shifted_uniforms.LR_G * gradient)
    return torch.stack(path).numpy()


@pytest.mark.parametrize("objective", ["saturating", "non-saturating", "saturating + noise"])
def test_first_steps_are_those_of_a_plain_loop(objective, monkeypatch):
    fits = {"first_fit": 20, "refit": 3}
    # so large an epsilon lets the size of gradients count, which Adam else divides by
    monkeypatch.setattr(shifted_uniforms, "Adam", functools.partial(torch.optim.Adam, eps=0.1))
    path = train_shift(objective, seeds=[3, 4], start=1.0, steps=5, **fits)
    plain = [plain_path(objective, seed, start=1.0, steps=5, **fits) for seed in (3, 4)]
    np.testing.assert_allclose(path, plain, rtol=0, atol=1e-5)
    assert np.ptp(path, axis=1).min() > 1e-3  # it has moved by then


def test_sorted_samples_have_slope_one_also_inside_the_overlap():
    path = train_shift("wasserstein", seeds=[0])
    assert path.shape == (1, 151) and path[0, 0] == 2.0
    for steps in (1, 5):
        path = train_shift("wasserstein", seeds=range(4), start=0.5, steps=steps)
        assert np.diff(path) == pytest.approx(np.full((4, steps), -0.03), abs=1e-6)


@pytest.mark.parametrize("objective", ["non-saturating", "wasserstein"])
def test_a_seed_repeats_itself_and_does_not_depend_on_its_neighbours(objective):
    together = train_shift(objective, seeds=[3, 4, 5], start=0.0, steps=5, first_fit=20)
    assert (train_shift(objective, seeds=[3, 4, 5], start=0.0, steps=5, first_fit=20) == together).all()
    alone = train_shift(objective, seeds=[4, 9], start=0.0, steps=5, first_fit=20)[0]
    assert alone == pytest.approx(together[1], abs=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4


BAD_CALLS = {
    "objective": lambda: train_shift("minimax", seeds=[0]),
    "seeds": lambda: train_shift("saturating", seeds=[]),
    "start": lambda: train_shift("saturating", seeds=[0], start=math.nan),
    "steps": lambda: train_shift("saturating", seeds=[0], steps=0),
    "first_fit": lambda: train_shift("saturating", seeds=[0], first_fit=0),
    "refit": lambda: train_shift("saturating", seeds=[0], refit=0),
    "shift": lambda: noisy_shift_gradients(math.nan, 0.5),
    "sd": lambda: noisy_shift_gradients(1.0, 0.0),
    "shifts": lambda: exact_gradients([0.0, math.inf], 0.5),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_arguments_are_named(case):
    with pytest.raises(ValueError, match=rf"^{case.split()[0]}: expected"):
        BAD_CALLS[case]()
