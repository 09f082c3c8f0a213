"""Remedies for the vanishing gradient, on the cliff itself: data U[0, 1], a generator U[shift, shift + 1].

Beyond |shift| = 1 the supports do not overlap and both of the sheet's losses are flat. Here are three ways to
get a gradient there: exactly, with the optimal discriminator, and trained, with a small network in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from genmodels.checks import check_finite
from genmodels.gan.losses import discriminator_loss, generator_loss, optimal_logit
from genmodels.measures.densities import Array, Gaussian, SmoothedUniform
from genmodels.measures.divergences import LOG_2, quadrature
from genmodels.mlp import EnsembleMLP

Objective = Literal["saturating", "non-saturating", "saturating + noise", "wasserstein"]

NOISE_SD = 0.5  # of the instance noise in `follow`
BATCH = 128
HIDDEN = 32
DISCRIMINATOR_RATE, GENERATOR_RATE = 5e-3, 0.03
FIRST_FIT, REFIT = 300, 10  # discriminator steps before the first and before every other generator step


class NoisyGradients(NamedTuple):
    """Derivatives by the shift of both generator losses, with instance noise and D frozen at D*."""

    saturating: float
    non_saturating: float


class Pulls(NamedTuple):
    """Minus the derivatives of four objectives by the shift; each has the shape of the shifts."""

    saturating: Array
    saturating_noise: Array
    non_saturating_noise: Array
    wasserstein: Array


def noisy_shift_gradients(shift: float, sd: float) -> NoisyGradients:
    """Return the derivatives by the shift of E_q[log(1-D)] and E_q[-log D], D frozen at D*, by quadrature.

    Both p and q are smoothed by N(0, sd^2). The first derivative is d(2 JSD)/dshift of the smoothed ones, the
    second is d(KL(q || p) - 2 JSD)/dshift. Both have the sign of the shift.
    Raises ValueError unless shift is finite and sd is positive and finite.
    Source: Arjovsky & Bottou 2017, Theorem 2.5 and section 3.
    """
    check_finite(shift, "shift")
    p, q = SmoothedUniform(0.0, 1.0, sd), SmoothedUniform(shift, shift + 1.0, sd)
    left, right = Gaussian(shift, sd), Gaussian(shift + 1.0, sd)
    x, weights = quadrature(p, q)
    # dq/dshift = N(x; shift + 1, sd^2) - N(x; shift, sd^2): mass leaves the left edge for the right one
    change, logit = weights * (right.pdf(x) - left.pdf(x)), optimal_logit(p, q, x)
    # log(1-D*) = -softplus(t), -log D* = softplus(-t)
    return NoisyGradients(
        saturating=float(np.sum(change * -np.logaddexp(0.0, logit))),
        non_saturating=float(np.sum(change * np.logaddexp(0.0, -logit))),
    )


def exact_pulls(shifts: ArrayLike, sd: float) -> Pulls:
    """Return minus the derivative by the shift of four objectives; positive pulls to the right.

    Without noise, the loss with D frozen at D* has no derivative where supports overlap: D* jumps at the
    edges and is not determined beyond them. The saturating pull is therefore the limit of the noisy one as
    sd -> 0, minus d(2 JSD)/dshift: 2 log 2 towards the data for 0 < |shift| < 1, and 0 beyond. The printed
    value L_G has half that slope. The non-saturating loss has no such limit, because KL(q || p) is infinite.
    W1 is |shift|: it pulls by 1 from everywhere.
    Raises ValueError unless shifts are finite and sd is positive and finite.
    """
    shifts = check_finite(shifts, "shifts")
    gradients = np.array([noisy_shift_gradients(float(shift), sd) for shift in shifts.ravel()])
    noisy = 0.0 - gradients.reshape(*shifts.shape, 2)  # 0, not -0, at the optimum
    towards = 0.0 - np.sign(shifts)
    return Pulls(
        saturating=np.where(np.abs(shifts) < 1.0, 2.0 * LOG_2 * towards, 0.0),
        saturating_noise=noisy[..., 0],
        non_saturating_noise=noisy[..., 1],
        wasserstein=towards,
    )


def follow(objective: Objective, seeds: Sequence[int], start: float = 2.0, steps: int = 150) -> Array:
    """Return the path of the generator's shift under training, (seeds, steps + 1), the start included.

    Per step the discriminator, an MLP, is refitted on fresh samples; then the shift takes one step of plain
    gradient descent. "wasserstein" needs no network: it compares sorted samples. Seeds are trained side by
    side, each with its own random stream, so that no seed depends on the others beyond rounding.
    Raises ValueError on an unknown objective, no seeds, a start that is not finite or fewer than one step.
    """
    _check_run(objective, seeds, start, steps)
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]
    D = EnsembleMLP((1, HIDDEN, HIDDEN, 1), streams)
    optimizer = torch.optim.Adam(D.parameters(), lr=DISCRIMINATOR_RATE, betas=(0.9, 0.99), fused=True)
    noise = NOISE_SD if objective == "saturating + noise" else 0.0
    shift = torch.full((len(seeds), 1), float(start))
    path = [shift]
    for step in range(steps):
        if objective == "wasserstein":
            gradient = _transport_gradient(_sample(streams), _sample(streams) + shift)
        else:
            for _ in range(REFIT if step else FIRST_FIT):
                real, fake = _sample(streams, noise), _sample(streams, noise) + shift
                optimizer.zero_grad()
                discriminator_loss(_logits(D, real), _logits(D, fake)).sum().backward()
                optimizer.step()
            gradient = _adversarial_gradient(D, _sample(streams, noise), shift, objective)
        shift = shift - GENERATOR_RATE * gradient
        path.append(shift)
    return torch.cat(path, dim=1).double().numpy()


def _sample(streams: list[torch.Generator], noise: float = 0.0) -> Tensor:
    x = torch.stack([torch.rand(BATCH, generator=stream) for stream in streams])
    if noise:
        x = x + noise * torch.stack([torch.randn(BATCH, generator=stream) for stream in streams])
    return x  # (seeds, BATCH)


def _transport_gradient(real: Tensor, fake: Tensor) -> Tensor:
    # On the line sorted samples are optimally coupled: W1 = mean |fake_(i) - real_(i)|.
    return torch.sign(fake.sort(dim=1).values - real.sort(dim=1).values).mean(dim=1, keepdim=True)


def _logits(D: EnsembleMLP, x: Tensor) -> Tensor:
    return D(x[..., None]).squeeze(-1)  # (seeds, n)


def _adversarial_gradient(D: EnsembleMLP, sample: Tensor, shift: Tensor, objective: Objective) -> Tensor:
    shift = shift.clone().requires_grad_()
    loss = generator_loss(_logits(D, sample + shift), "non-saturating" if "non" in objective else "saturating")
    return torch.autograd.grad(loss.sum(), shift)[0]


def _check_run(objective: str, seeds: Sequence[int], start: float, steps: int) -> None:
    if objective not in get_args(Objective):
        raise ValueError(f"objective: expected one of {', '.join(get_args(Objective))}, got {objective!r}")
    if len(seeds) == 0:
        raise ValueError("seeds: expected at least one")
    check_finite(start, "start")
    if steps < 1:
        raise ValueError(f"steps: expected at least one, got {steps}")
