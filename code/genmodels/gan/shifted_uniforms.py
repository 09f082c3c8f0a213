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
from torch import Tensor, nn
from torch.optim import SGD, Adam

from genmodels.checks import check_at_least, check_finite
from genmodels.gan.config import GANConfig
from genmodels.gan.discriminator import Discriminator
from genmodels.gan.losses import optimal_logit
from genmodels.gan.train import train_step
from genmodels.measures.densities import Array, Gaussian, SmoothedUniform
from genmodels.measures.divergences import LOG_2, quadrature

Objective = Literal["saturating", "saturating + noise", "non-saturating", "wasserstein"]

NOISE_SD = 0.5  # of the instance noise in `train_shift`
BATCH_SIZE, HIDDEN_DIM = 128, 32
LR_D, LR_G = 5e-3, 0.03  # of D's Adam and of G's plain gradient descent
FIRST_FIT, REFIT = 300, 10  # discriminator steps before the first and before every other generator step


class NoisyGradients(NamedTuple):
    """Derivatives of both generator losses by the shift; see `noisy_shift_gradients`."""

    saturating: float
    non_saturating: float


def noisy_shift_gradients(shift: float, sd: float) -> NoisyGradients:
    """Return the derivatives by the shift of E_q[log(1-D)] and E_q[-log D], D frozen at D*, by quadrature.

    Both p and q are smoothed by N(0, sd^2). The first derivative is d(2 JSD)/dshift of the smoothed ones, the
    second is d(KL(q || p) - 2 JSD)/dshift. Both have the sign of the shift.
    Source: Arjovsky & Bottou 2017, Theorem 2.5 and section 3.
    """
    check_finite(shift, "shift")
    p, q = SmoothedUniform(0.0, 1.0, sd), SmoothedUniform(shift, shift + 1.0, sd)
    x, weights = quadrature(p, q)
    logit = optimal_logit(p, q, x)
    # dq/dshift = N(x; shift + 1, sd^2) - N(x; shift, sd^2): mass leaves the left edge for the right one
    change = weights * (Gaussian(shift + 1.0, sd).pdf(x) - Gaussian(shift, sd).pdf(x))
    # log(1-D*) = -softplus(t), -log D* = softplus(-t)
    return NoisyGradients(
        saturating=float(np.sum(change * -np.logaddexp(0.0, logit))),
        non_saturating=float(np.sum(change * np.logaddexp(0.0, -logit))),
    )


def exact_gradients(shifts: ArrayLike, sd: float) -> Array:
    """Return the derivatives of the objectives by the shift, (4, ...); where positive, descent moves left.

    They stand in the order of `Objective`, the middle two with instance noise of standard deviation sd.
    Without noise, the loss with D frozen at D* has no derivative where supports overlap: D* jumps at the
    edges and is not determined beyond them. The saturating gradient is therefore the limit of the noisy one
    as sd -> 0, which is d(2 JSD)/dshift: 2 log 2 away from the data for 0 < |shift| < 1, and 0 beyond. The
    printed value L_G has half that slope. The non-saturating loss has no such limit, because KL(q || p) is
    infinite. W1 is |shift|, of slope 1.
    """
    shifts = check_finite(shifts, "shifts")
    noisy = np.array([noisy_shift_gradients(float(shift), sd) for shift in shifts.ravel()])
    saturating, non_saturating = noisy.T.reshape(2, *shifts.shape)
    limit = np.where(np.abs(shifts) < 1.0, 2.0 * LOG_2 * np.sign(shifts), 0.0)
    return np.stack([limit, saturating, non_saturating, np.sign(shifts)])


class ShiftGenerator(nn.Module):
    """One generator per seed, whose only parameter is its shift: z -> z + shift, (S, n, 1) -> (S, n, 1)."""

    def __init__(self, seeds: int, start: float):
        super().__init__()
        self.shift = nn.Parameter(torch.full((seeds, 1, 1), float(start)))

    def forward(self, z: Tensor) -> Tensor:
        """Return the shifted samples."""
        return z + self.shift


def train_shift(
    objective: Objective,
    seeds: Sequence[int],
    start: float = 2.0,
    steps: int = 150,
    *,
    first_fit: int = FIRST_FIT,
    refit: int = REFIT,
) -> Array:
    """Return the path of the generator's shift under training, (seeds, steps + 1), the start included.

    Per step the discriminator, an MLP, takes `refit` steps on fresh samples (`first_fit` before the first); then
    the shift takes one step of plain gradient descent. "wasserstein" needs no network: it compares sorted samples.
    Seeds are trained side by side, each with its own random stream, so that no seed depends on the others beyond
    rounding.
    """
    if objective not in get_args(Objective):
        raise ValueError(f"objective: expected one of {', '.join(get_args(Objective))}, got {objective!r}")
    check_at_least("seeds", len(seeds), 1)
    check_finite(start, "start")
    check_at_least("steps", steps, 1)
    check_at_least("first_fit", first_fit, 1)
    check_at_least("refit", refit, 1)
    streams = [torch.Generator().manual_seed(seed) for seed in seeds]
    config = GANConfig(loss="non-saturating" if objective == "non-saturating" else "saturating")
    G, D = ShiftGenerator(len(seeds), start), Discriminator(config, 1, HIDDEN_DIM, streams)
    opt_G = SGD(G.parameters(), lr=LR_G)
    opt_D = Adam(D.parameters(), lr=LR_D, betas=(0.9, 0.99), fused=True)

    def sample(k: int) -> Tensor:
        """Return k batches of U[0, 1], with instance noise if that is the remedy: (k, S, n, 1)."""
        shape = k, BATCH_SIZE, 1
        x = torch.stack([torch.rand(shape, generator=own) for own in streams], dim=1)
        if objective == "saturating + noise":
            x = x + NOISE_SD * torch.stack([torch.randn(shape, generator=own) for own in streams], dim=1)
        return x

    path = [G.shift.detach().clone()]
    for step in range(steps):
        if objective == "wasserstein":
            # sorted samples are optimally coupled: W1 = mean |fake_(i) - real_(i)|
            real, fake = sample(1)[0], G(sample(1)[0])
            opt_G.zero_grad()
            (fake.sort(dim=1).values - real.sort(dim=1).values).abs().mean(dim=1).sum().backward()
            opt_G.step()
        else:
            k = refit if step else first_fit
            train_step(G, D, opt_G, opt_D, sample(k), sample(k + 1), config)
        path.append(G.shift.detach().clone())
    return torch.cat(path, dim=-1)[:, 0].double().numpy()
