"""Discriminators for S seeds at once, and what they may get to see: single samples, packs, the spread of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genmodels.gan.config import GANConfig
from genmodels.mlp import EnsembleMLP

TINY = 1e-8  # keeps the slope of the standard deviation finite, as in Karras et al.


class Discriminator(EnsembleMLP):
    """S MLPs with two hidden layers: samples (S, n, d) -> logits (S, n / pack)."""

    def __init__(self, config: GANConfig, dimensions: int, hidden_dim: int, generators: Sequence[torch.Generator]):
        inputs = dimensions * (1 if config.packing == "sum" else config.pack) + config.minibatch_std
        super().__init__((inputs, hidden_dim, hidden_dim, 1), generators, spectral_norm=config.spectral_norm)
        self.config = config

    def forward(self, samples: Tensor) -> Tensor:
        """Return one logit for each sample or pack; the samples of one batch are all real or all generated."""
        m = self.config.pack
        if self.config.packing == "concat":
            samples = pack(samples, m)
        elif self.config.packing == "repeat":
            samples = samples.repeat(1, 1, m)
        if self.config.minibatch_std:
            samples = append_minibatch_std(samples)
        logits = super().forward(samples).squeeze(-1)
        return logits.unflatten(1, (-1, m)).sum(-1) if self.config.packing == "sum" else logits


def pack(samples: Tensor, m: int) -> Tensor:
    """Join each m samples to one input: (S, n, d) -> (S, n / m, m d). Source: Lin et al. 2018 (PacGAN)."""
    return samples.reshape(len(samples), -1, m * samples.shape[-1])


def append_minibatch_std(samples: Tensor) -> Tensor:
    """Tell each sample how much its batch varies: (S, n, d) -> (S, n, d + 1). Source: Karras et al. 2018, section 3."""
    # s = mean over inputs of sqrt(Var + tiny), Var over the batch
    s = (samples.var(dim=1, keepdim=True, correction=0) + TINY).sqrt().mean(dim=-1, keepdim=True)
    return torch.cat([samples, s.expand(-1, samples.shape[1], -1)], dim=-1)
