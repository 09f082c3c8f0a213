"""How GANs collapse in the plane: small GANs under many speeds, losses, data and starts, each over many seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch.nn import functional

from genmodels.data.toy import GaussianModes, grid, ring
from genmodels.gan.config import GANConfig
from genmodels.gan.train import (
    BATCH_SIZE,
    HIDDEN_DIM,
    LATENT_DIM,
    GANRuns,
    adam,
    random_streams,
    sample_latents,
    train_gans,
)
from genmodels.measures.metrics import effective_modes, high_quality_share, mode_shares, modes_found
from genmodels.mlp import EnsembleMLP

EVERY = 25  # steps between two pictures
LAST = 20  # pictures: the last 500 steps
FIRST = 20  # steps whose losses tell whether the code still does the same
UNEVEN = (0.25, 0.05, 0.2, 0.05, 0.2, 0.05, 0.15, 0.05)  # the shares of the ring's modes


LR_G = 2e-3

DATA = {
    "ring": ring(),
    "uneven ring": GaussianModes(ring().centres, ring().sd, np.array(UNEVEN)),
    "grid": grid(),
}


def run(
    *,
    data: str = "ring",
    steps: int = 1500,
    updates: int = 1,
    ratio: float = 1.0,
    start: str = "first weights",
    first_seed: int = 200,
    seeds: int = 16,
    **options: Any,
) -> Mapping[str, ArrayLike]:
    """Train one GAN per seed and return what became of each, (S,).

    updates: of D per step. ratio: D's learning rate over that of G, LR_G. start: "first weights", or "spread", a
    generator that has learnt G(z) = 0.7 z. options: those of `GANConfig`.
    Returned: modes, the effective number at the end; found, how many have at least a quarter of their share of samples
    within three standard deviations; quality, the share of samples that lie so; L_D and L_G, means over the last 500
    steps; moved, the mean total variation between the shares of modes 25 steps apart in the last 500; first, the mean
    of L_D over the first 20 steps.
    """
    config = GANConfig(discriminator_steps=updates, lr_D=ratio * LR_G, lr_G=LR_G, **options)
    trained = range(first_seed, first_seed + seeds)
    generator = spread_generator(trained) if start == "spread" else None
    runs = train_gans(DATA[data], config, trained, steps, generator=generator, snapshot_every=EVERY)
    return measures(runs, DATA[data])


def begin(**settings: Any) -> ArrayLike:
    """Return what `run` calls "first", from so many steps alone."""
    return run(**{**settings, "steps": FIRST})["first"]


def measures(runs: GANRuns, target: GaussianModes) -> Mapping[str, ArrayLike]:
    """Return what became of each seed, (S,): see `run`."""
    samples = runs.samples(2500)
    shares = mode_shares(runs.snapshots[:, -LAST - 1 :], target)  # (S, T, K)
    return {
        "modes": effective_modes(samples, target),
        "found": modes_found(samples, target),
        "quality": high_quality_share(samples, target),
        "L_D": runs.discriminator_loss[:, -EVERY * LAST :].mean(axis=1),
        "L_G": runs.generator_loss[:, -EVERY * LAST :].mean(axis=1),
        # TV = 1/2 sum_i |q_i - q_i'|
        "moved": np.abs(np.diff(shares, axis=1)).sum(axis=2).mean(axis=1) / 2,
        "first": runs.discriminator_loss[:, :FIRST].mean(axis=1),
    }


def spread_generator(seeds: Sequence[int], steps: int = 1000) -> EnsembleMLP:
    """Return generators that have learnt G(z) = 0.7 z, whose samples lie around all modes of a ring."""
    streams = [random_streams(seed).measuring for seed in seeds]
    sizes = (LATENT_DIM, HIDDEN_DIM, HIDDEN_DIM, 2)
    G = EnsembleMLP(sizes, [random_streams(seed).generator for seed in seeds])
    optimizer = adam(G, LR_G)
    for _ in range(steps):
        z = sample_latents(streams, BATCH_SIZE)
        loss = functional.mse_loss(G(z), 0.7 * z, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G
