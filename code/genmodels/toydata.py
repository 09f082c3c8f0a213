"""Distributions small enough to be understood completely, as samplers."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def parallel_lines(distance: float | Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return n real points (0, z) and n generated ones (distance, z'), z and z' ~ U[0, 1] independent.

    Shapes: distance a number or a 0-dimensional tensor, through which gradients flow -> two of (n, 2).
    For distance != 0 the supports are disjoint: JSD = log 2 and W1 = |distance|.
    Raises ValueError when n < 1 or distance is not one finite number.
    Source: Arjovsky, Chintala, Bottou 2017 (Wasserstein GAN), Example 1.
    """
    if n < 1:
        raise ValueError(f"n: expected at least 1, got {n}")
    position = torch.as_tensor(distance, dtype=torch.float32)
    if position.dim() != 0 or not math.isfinite(position.item()):
        raise ValueError(f"distance: expected one finite number, got {distance}")
    z = torch.rand(2, n, generator=generator)
    real = torch.stack([torch.zeros(n), z[0]], dim=-1)  # (n, 2)
    generated = torch.stack([position.expand(n), z[1]], dim=-1)  # (n, 2)
    return real, generated
