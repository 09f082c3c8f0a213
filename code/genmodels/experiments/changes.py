"""What becomes of small GANs when the speeds of their players change, or one player starts anew.

And what D looks like at the change: where its slope would lead the samples, and whether valleys lie between the modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

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
EARLY = 300  # steps, after which valleys are looked for as well
CROWDED, MISSING = 1 / 8, 1 / 32  # a mode with at least, or less than, such a share of the samples


def run(
    *,
    updates: int,
    ratio: float,
    later_updates: int,
    later_ratio: float,
    fresh: Literal["discriminator", "generator"] | None = None,
    logit_scale: float = 1.0,
    steps: int = 1500,
    first_seed: int = 200,
    seeds: int = 16,
) -> Mapping[str, ArrayLike]:
    """Train on the ring at some speeds, then for as many steps at others, and return what became of each seed, (S,).

    fresh: this player begins anew at the change, with its first weights. logit_scale: there D's logit is multiplied
    by it. Returned beside what `collapse.run` returns of the end: early and before, the effective number of modes
    after EARLY steps and at the change; climb, the share of the samples at the change that D's slope would lead to
    another mode, see `climbing`; early_valleys and valleys, the share of the ways to a missing mode that lead through
    a valley, after EARLY steps and at the change, see `valleys`.
    """
    data = ring()
    config = GANConfig(discriminator_steps=updates, lr_D=ratio * LR_G, lr_G=LR_G)
    later = replace(config, discriminator_steps=later_updates, lr_D=later_ratio * LR_G)
    trained = range(first_seed, first_seed + seeds)
    early = train_gans(data, config, trained, EARLY)
    first = train_gans(data, config, trained, steps)
    seen = {
        "early": effective_modes(early.samples(2500), data),
        "before": effective_modes(first.samples(2500), data),
        "climb": climbing(first, data),
        "early_valleys": valleys(early, data),
        "valleys": valleys(first, data),
    }
    with torch.no_grad():  # a w + a b = a (w + b)
        first.D.weights[-1] *= logit_scale
        first.D.biases[-1] *= logit_scale
    if fresh == "discriminator":
        second = train_gans(data, later, trained, steps, generator=first.G, snapshot_every=EVERY)
    else:
        second = continue_training(data, first, steps, config=later, restart=fresh == "generator", snapshot_every=EVERY)
    return {
        **measures(second, data),
        **seen,
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


def valleys(runs: GANRuns, data: GaussianModes) -> NDArray[np.float64]:
    """Return the share of each seed's ways, (S,), that lead through a valley of D's logit; NaN without such ways.

    Ways are straight, from the centre of a crowded mode to that of a missing one where the logit is higher. It is a
    valley if the logit falls, below where the way begins, by more than a fifth of all that it changes on the way.
    """
    shares = mode_shares(runs.samples(2500), data)
    ways, through = np.zeros(len(shares)), np.zeros(len(shares))
    for start, end in np.ndindex(len(data.centres), len(data.centres)):
        way = data.centres[start] + np.linspace(0, 1, 41)[:, None] * (data.centres[end] - data.centres[start])
        t = runs.logits(way)  # (S, 41)
        asked = (shares[:, start] >= CROWDED) & (shares[:, end] < MISSING) & (t[:, -1] > t[:, 0])
        ways += asked
        through += asked & (t[:, 0] - t.min(axis=1) > np.ptp(t, axis=1) / 5)
    return np.where(ways > 0, through / np.maximum(ways, 1), np.nan)


def _direction(D: torch.nn.Module, x: Tensor) -> Tensor:
    """Return the gradient of the logit at samples (S, n, 2), at length 1."""
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(D(x).sum(), x)
    return torch.nn.functional.normalize(slope, dim=-1)
