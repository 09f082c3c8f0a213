"""What becomes of small GANs when the speeds of their players change, and where D's slope would lead their samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from genmodels.data.toy import GaussianModes, ring
from genmodels.experiments.collapse import EVERY, FIRST, LR_G, measures
from genmodels.gan.config import GANConfig
from genmodels.gan.train import GANRuns, continue_training, train_gans
from genmodels.measures.metrics import effective_modes, mode_shares

CLIMB = 400  # steps uphill
STRIDE = 0.01  # the length of each


def run(
    *,
    updates: int,
    ratio: float,
    later_updates: int,
    later_ratio: float,
    steps: int = 1500,
    first_seed: int = 200,
    seeds: int = 16,
) -> Mapping[str, ArrayLike]:
    """Train on the ring at some speeds, then for as many steps at others, and return what became of each seed, (S,).

    Returned beside what `collapse.run` returns of the end: before, the effective number of modes at the change; and
    climb, the share of the samples there that D's slope would lead to another mode, see `climbing`.
    """
    data = ring()
    config = GANConfig(discriminator_steps=updates, lr_D=ratio * LR_G, lr_G=LR_G)
    later = replace(config, discriminator_steps=later_updates, lr_D=later_ratio * LR_G)
    first = train_gans(data, config, range(first_seed, first_seed + seeds), steps, snapshot_every=EVERY)
    second = continue_training(data, first, steps, config=later, snapshot_every=EVERY)
    return {
        **measures(second, data),
        "before": effective_modes(first.samples(2500), data),
        "climb": climbing(first, data),
        "first": first.discriminator_loss[:, :FIRST].mean(axis=1),
    }


def begin(*, first_seed: int = 200, seeds: int = 16, updates: int, ratio: float, **_: float) -> ArrayLike:
    """Return what `run` calls "first", from so many steps alone."""
    config = GANConfig(discriminator_steps=updates, lr_D=ratio * LR_G, lr_G=LR_G)
    runs = train_gans(ring(), config, range(first_seed, first_seed + seeds), FIRST)
    return runs.discriminator_loss.mean(axis=1)


def climbing(runs: GANRuns, data: GaussianModes) -> NDArray[np.float64]:
    """Return the share of each seed's samples, (S,), that change their mode when they climb D's logit.

    D stands still, and each sample moves along the gradient of the logit by itself, in steps of one length, four units
    in all: no generator ties it to the others.
    """
    start = runs.samples(500)
    x = torch.from_numpy(start)
    D = runs.D.eval()
    for _ in range(CLIMB):
        x = x + STRIDE * _direction(D, x)
    # the mode that is nearest, as a row of zeros and a one for each sample
    before, after = (mode_shares(points[..., None, :], data) for points in (start, x.numpy()))
    return np.asarray((before != after).any(axis=-1).mean(axis=-1))


def _direction(D: torch.nn.Module, x: Tensor) -> Tensor:
    """Return the gradient of the logit at samples (S, n, 2), at length 1."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(x).sum(), x)
    return torch.nn.functional.normalize(slope, dim=-1)
