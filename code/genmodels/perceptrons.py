"""Leaky-ReLU perceptrons for many seeds at once: every parameter has the members on its leading axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from genmodels.checks import check_at_least

SLOPE = 0.2  # of the leaky ReLU below zero, as in DCGAN


def init_mlp(sizes: Sequence[int], generators: Sequence[torch.Generator]) -> list[Tensor]:
    """Return fresh perceptrons, one per random generator, as [W1 (S, in, out), b1 (S, 1, out), W2, ...].

    Uniform in ±1/sqrt(in), which is the default of torch.nn.Linear. Raises ValueError without a generator, on fewer
    than two sizes or on a size that is not a whole number from 1 on.
    """
    check_at_least("generators", len(generators), 1)
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected at least inputs and outputs, got {tuple(sizes)}")
    for size in sizes:
        check_at_least("sizes", size, 1)
    parameters = []
    for rows, columns in pairwise(sizes):
        for shape in ((rows, columns), (1, columns)):
            draws = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
            parameters.append(((2 * draws - 1) / math.sqrt(rows)).requires_grad_())
    return parameters


def mlp(parameters: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Return the perceptrons' outputs, linear at the end: (S, n, in) -> (S, n, out)."""
    hidden = inputs
    for layer in range(0, len(parameters), 2):
        if layer > 0:
            hidden = functional.leaky_relu(hidden, SLOPE)
        hidden = torch.baddbmm(parameters[layer + 1], hidden, parameters[layer])
    return hidden
