"""A decoder that can do without z: VAEs on binary Markov chains.

The first symbol is a fair coin, each of the later ones differs from the one before with probability FLIP.
One decoder sees z only; the other also sees the previous symbol, which is all that there is to know: it can
model the chains exactly and leave z unused. Source of the effect: Bowman et al. 2016, on sentences.

All models, first those of one decoder and then those of the other, are trained at once on a leading axis;
the loss is the sum over them, so that each one gets its own gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import softplus

from genmodels.checks import check_at_least
from genmodels.mlp import EnsembleMLP

LENGTH, FLIP = 16, 0.1
LATENT_DIM, HIDDEN_DIM = 4, 48
BATCH_SIZE, STEPS = 64, 1000
LR, LR_CONTEXT = 1e-2, 0.1  # Adam's, falling to zero; the context's own one saves steps, the end is the same
HELD_OUT = 4096  # fresh chains for the measurement


@dataclass(frozen=True)
class MarkovVAEs:
    """What was measured of the decoder that sees z only, then of the other, for S seeds, in nats per chain.

    rate (2, S): KL of the encoder's q(z|x) from the prior. negative_elbo (2, S): -E log p(x|z) + KL, in
    expectation never below the entropy. context (2, S): the mean weight of the previous symbol in a logit.
    """

    rate: NDArray[np.float64]
    negative_elbo: NDArray[np.float64]
    context: NDArray[np.float64]


def entropy() -> float:
    """Return the entropy of a chain in nats: log 2 + (LENGTH - 1) h, h the entropy of one flip."""
    return math.log(2) - (LENGTH - 1) * (FLIP * math.log(FLIP) + (1 - FLIP) * math.log(1 - FLIP))


def train_markov_vae(seeds: Sequence[int], steps: int = STEPS) -> MarkovVAEs:
    """Train a VAE of each decoder for each seed and measure it on held-out chains.

    Both decoders of a seed have the same initial weights, chains and noise.
    """
    check_at_least("seeds", len(seeds), 1)
    check_at_least("steps", steps, 1)
    # models: all seeds without the previous symbol, then all with it
    fresh = [torch.Generator().manual_seed(int(seed)) for seed in [*seeds, *seeds]]
    encoder = EnsembleMLP((LENGTH, HIDDEN_DIM, 2 * LATENT_DIM), fresh)
    decoder = EnsembleMLP((LATENT_DIM, HIDDEN_DIM, LENGTH), fresh)
    context = torch.zeros(len(fresh), 1, LENGTH, requires_grad=True)
    sees = torch.tensor([0.0] * len(seeds) + [1.0] * len(seeds))[:, None, None]
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LR, fused=True)
    optimizer.add_param_group({"params": [context], "lr": LR_CONTEXT})
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        reconstruction, kl = _elbo_terms(*_draw(BATCH_SIZE, fresh), encoder, decoder, sees * context)
        optimizer.zero_grad()
        (reconstruction + kl).mean(dim=-1).sum().backward()
        optimizer.step()
        schedule.step()
    x, noise = _draw(HELD_OUT, fresh)
    with torch.no_grad():
        reconstruction, kl = _elbo_terms(x, noise, encoder, decoder, sees * context)
    # the same chains' surprisal has the mean `entropy`, and most of the sampling error in common
    excess = (reconstruction + kl).double() - _surprisal(x)
    used = (sees * context).detach()[:, 0, 1:]  # the first symbol has none before it
    rate, above, weight = (x.double().mean(dim=-1).reshape(2, -1).numpy() for x in (kl, excess, used))
    return MarkovVAEs(rate, entropy() + above, weight)


def _markov_chains(n: int, generator: torch.Generator) -> Tensor:
    """Return n chains of symbols -1 and 1, (n, LENGTH)."""
    probabilities = torch.full((n, LENGTH), FLIP)
    probabilities[:, 0] = 0.5
    signs = 1 - 2 * torch.bernoulli(probabilities, generator=generator)
    return signs.cumprod(dim=1)


def _surprisal(chains: Tensor) -> Tensor:
    """Return -log p(x) of chains under their own distribution, in nats: (..., LENGTH) -> (...)."""
    flips = (chains[..., 1:] != chains[..., :-1]).double()
    return math.log(2) - (flips * math.log(FLIP) + (1 - flips) * math.log(1 - FLIP)).sum(dim=-1)


def _draw(n: int, fresh: Sequence[torch.Generator]) -> tuple[Tensor, Tensor]:
    """Return chains (models, n, length) and noise (models, n, LATENT_DIM)."""
    x = torch.stack([_markov_chains(n, g) for g in fresh])
    return x, torch.stack([torch.randn(n, LATENT_DIM, generator=g) for g in fresh])


def _elbo_terms(
    x: Tensor, noise: Tensor, encoder: EnsembleMLP, decoder: EnsembleMLP, context: Tensor
) -> tuple[Tensor, Tensor]:
    """Return -log p(x|z) at one sampled z and the KL, both (models, n), in nats."""
    mean, logvar = encoder(x).chunk(2, dim=-1)
    z = mean + torch.exp(0.5 * logvar) * noise
    previous = torch.cat([torch.zeros_like(x[..., :1]), x[..., :-1]], dim=-1)
    logits = decoder(z) + context * previous
    # -log p(x_t | ...) = log(1 + exp(-x_t logit_t)), x_t = ±1
    reconstruction = softplus(-x * logits).sum(dim=-1)
    kl = 0.5 * (mean**2 + torch.exp(logvar) - 1 - logvar).sum(dim=-1)
    return reconstruction, kl
