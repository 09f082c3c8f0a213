"""Distributions small enough to be understood completely, as samplers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genmodels.checks import check_at_least, check_finite, check_positive, check_shares


@dataclass(frozen=True, eq=False)
class GaussianModes:
    """A mixture of round Gaussians in the plane, one per mode: N(centres[k], sd^2 I) with probability weights[k].

    Shapes: centres (K, 2), weights (K,); without weights the modes are equally likely.
    """

    centres: NDArray[np.float64]
    sd: float
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        centres = check_finite(self.centres, "centres")
        if centres.ndim != 2 or centres.shape[1] != 2 or not len(centres):
            raise ValueError(f"centres: expected shape (K, 2) with K >= 1, got {centres.shape}")
        check_positive("sd", self.sd)
        # the checked arrays are kept: what was given may be a list
        object.__setattr__(self, "centres", centres)
        if self.weights is not None:
            weights = check_shares(self.weights, "weights")
            if weights.shape != (len(centres),):
                raise ValueError(f"weights: expected one for each of {len(centres)} modes, got {weights}")
            object.__setattr__(self, "weights", weights)

    @property
    def shares(self) -> NDArray[np.float64]:
        """The probability of each mode, (K,)."""
        modes = len(self.centres)
        return np.full(modes, 1.0 / modes) if self.weights is None else self.weights

    def sample(self, shape: int | tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Return independent points: shape n or (..., n) -> float32 (..., n, 2)."""
        size = (shape,) if isinstance(shape, int) else tuple(shape)
        # the mode by the inverse of its distribution function, then its noise
        uniform = torch.rand(size, generator=generator, dtype=torch.float64).numpy()
        mode = np.searchsorted(np.cumsum(self.shares), uniform, side="right").clip(max=len(self.centres) - 1)
        noise = torch.randn((*size, 2), generator=generator, dtype=torch.float64)
        return (torch.from_numpy(self.centres[mode]) + self.sd * noise).float()


def ring(modes: int = 8, radius: float = 1.0, sd: float = 0.05) -> GaussianModes:
    """Return equally likely modes, evenly spread on a circle around 0, the first on the right.

    Source: the ring of Metz et al. 2017 (Unrolled GANs); Lin et al. 2018 (PacGAN) use sd 0.01.
    """
    check_at_least("modes", modes, 1)
    check_positive("radius", radius)
    # the end of the circle is its beginning: linspace(0, 2 pi, 8) with both would make two modes one
    angle = 2.0 * np.pi * np.arange(modes) / modes
    return GaussianModes(radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1), sd)


def grid(side: int = 5, spacing: float = 0.5, sd: float = 0.05) -> GaussianModes:
    """Return side^2 equally likely modes on a square grid around 0, row by row.

    Source: the grid of 25 of Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN), whose spacing is 2 at the
    same sd.
    """
    check_at_least("side", side, 1)
    check_positive("spacing", spacing)
    place = spacing * (np.arange(side) - (side - 1) / 2)
    return GaussianModes(np.stack(np.meshgrid(place, place), axis=-1).reshape(-1, 2), sd)


def parallel_lines(distance: float | Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return n real points (0, z) and n generated ones (distance, z'), z and z' ~ U[0, 1] independent.

    Shapes: distance a number or a 0-dimensional tensor, through which gradients flow -> two of (n, 2).
    For distance != 0 the supports are disjoint: JSD = log 2 and W1 = |distance|.
    Source: Arjovsky, Chintala, Bottou 2017 (Wasserstein GAN), Example 1.
    """
    check_at_least("n", n, 1)
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
    """
    if pixels < 2 or pixels % 2:
        raise ValueError(f"pixels: expected an even number, at least 2, got {pixels}")
    if not 1 <= width <= pixels:
        raise ValueError(f"width: expected 1 to pixels = {pixels}, got {width}")
    position = np.arange(pixels) - pixels // 4 - np.arange(width)[:, None]  # (width, pixels)
    return np.where(position % pixels < pixels // 2, 1.0, -1.0)
