"""Distributions small enough to be understood completely, as samplers."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
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


def edge_images(width: int, pixels: int = 64) -> NDArray[np.float64]:
    """Return square waves of one period that are shifted by 0, 1, ..., width - 1 pixels: (width, pixels).

    Each is 1 on one half of the circle of pixels and -1 on the other: two sharp edges. To a code that knows their
    phase up to `width` pixels only, all of them look alike. Their mean is the wave smoothed by a box of this width:
    up to half of the circle its edges are ramps of slope 2 / width; with width = pixels it is 0.
    Raises ValueError unless pixels is even and positive and 1 <= width <= pixels.
    """
    if pixels < 2 or pixels % 2:
        raise ValueError(f"pixels: expected an even number, at least 2, got {pixels}")
    if not 1 <= width <= pixels:
        raise ValueError(f"width: expected 1 to pixels = {pixels}, got {width}")
    position = np.arange(pixels) - pixels // 4 - np.arange(width)[:, None]  # (width, pixels)
    return np.where(position % pixels < pixels // 2, 1.0, -1.0)
