"""Leaky-ReLU MLPs for many seeds at once: every parameter has the members on its leading axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2  # of the leaky ReLU below zero, as in DCGAN
FIRST_ITERATIONS = 15  # of the power iteration, as in torch.nn.utils.parametrizations


class EnsembleMLP(nn.Module):
    """S MLPs side by side, one per random generator: (S, n, in) -> (S, n, out).

    Summed over the members, a loss gives each its own gradient: nothing passes between them.
    Weights start uniform in ±1/sqrt(in), as those of torch.nn.Linear do.
    With ``spectral_norm`` each matrix is divided by its largest singular value, which is estimated by one
    step of power iteration per call in training. Source: Miyato et al. 2018.
    """

    def __init__(self, sizes: Sequence[int], generators: Sequence[torch.Generator], *, spectral_norm: bool = False):
        super().__init__()
        self.weights = nn.ParameterList()
        self.biases = nn.ParameterList()
        for inputs, outputs in pairwise(sizes):
            for kind, shape in ((self.weights, (inputs, outputs)), (self.biases, (1, outputs))):
                draws = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
                kind.append(nn.Parameter((2 * draws - 1) / math.sqrt(inputs)))
        self.left: list[Tensor] = []  # u (S, 1, in) of each matrix
        if spectral_norm:
            for weight in self.weights:
                self.left.append(torch.stack([torch.randn(1, weight.shape[1], generator=own) for own in generators]))
            for layer in FIRST_ITERATIONS * list(range(len(self.left))):
                self._matrix(layer)

    def forward(self, x: Tensor) -> Tensor:
        """Return the members' outputs for (S, n, in) or, the same for all, (n, in)."""
        hidden = x.expand(len(self.weights[0]), -1, -1)
        for layer, bias in enumerate(self.biases):
            if layer > 0:
                hidden = functional.leaky_relu(hidden, SLOPE)
            hidden = torch.baddbmm(bias, hidden, self._matrix(layer))
        return hidden

    def _matrix(self, layer: int) -> Tensor:
        weight = self.weights[layer]
        if not self.left:
            return weight
        u = self.left[layer]
        # v = W^T u / |W^T u|, u = W v / |W v|
        with torch.no_grad():
            v = functional.normalize(u @ weight, dim=-1)
            if self.training:
                u = functional.normalize(v @ weight.mT, dim=-1)
                self.left[layer] = u
        # sigma = u^T W v
        return weight / (u @ weight @ v.mT)
