"""Packing in exact numbers: what a discriminator that sees packs of samples can tell of two distributions over cells.

A cell is a mode, or an interval on which densities are constant. A pack is `size` samples of one distribution, all
real or all generated. The order inside a pack says nothing, so packs are counted without it: every divergence between
two arrays of pack probabilities is that between the ordered packs. Logarithms are natural.
Source: Lin, Khetan, Fanti, Oh 2018 (PacGAN).
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from genmodels.checks import check_at_least
from genmodels.gan.losses import Losses, losses_collapsed
from genmodels.measures.densities import Array
from genmodels.measures.divergences import check_probabilities

LARGEST = 200_000  # unordered packs that are still enumerated


def unordered_packs(cells: int, size: int) -> NDArray[np.int64]:
    """Return all unordered packs as counts (packs, cells): how many of the pack's samples fall into each cell.

    There are (size + cells - 1 over size) of them, at most 200,000.
    """
    check_at_least("cells", cells, 1)
    check_at_least("size", size, 1)
    packs = math.comb(size + cells - 1, size)
    if packs > LARGEST:
        raise ValueError(f"size: expected at most {LARGEST} unordered packs, got {packs} of {size} from {cells} cells")
    rows = np.array(list(combinations_with_replacement(range(cells), size)))  # (packs, size)
    return np.asarray((rows[:, :, None] == np.arange(cells)).sum(axis=1))


def packed(p: ArrayLike, size: int) -> Array:
    """Return the probability of each of the `unordered_packs` of samples: (..., cells) -> (..., packs)."""
    p, _ = check_probabilities(p, p)
    counts = unordered_packs(p.shape[-1], size)
    # multinomial: m! / (c_1! ... c_K!) * p_1^c_1 ... p_K^c_K
    orders = np.exp(gammaln(size + 1) - gammaln(counts + 1).sum(axis=-1)).round()
    return np.asarray(orders * np.prod(p[..., None, :] ** counts, axis=-1))


def packed_hopping(modes: int, size: int) -> Array:
    """Return the probabilities, (packs,), of the packs of a generator that hops, seen over a long time.

    At any instant it sits on one mode, so that all samples of a pack are of that mode; over time it is on
    every mode equally often.
    """
    check_at_least("modes", modes, 1)
    return np.asarray(packed(np.eye(modes), size).mean(axis=0))


def losses_hopping(modes: int, size: int) -> Losses:
    """Return L_D and L_G at the D* of what a generator that hops over all modes shows over a long time.

    Of the K^m ordered packs it gives equal shares to the K whose samples are all of one mode: "1 of K^(m-1)".
    """
    check_at_least("modes", modes, 1)
    check_at_least("size", size, 1)
    return losses_collapsed(1, modes ** (size - 1))


def packed_total_variation(p: ArrayLike, q: ArrayLike, size: int) -> Array:
    """Return the total variation distance between packs of p and packs of q: (..., cells) twice -> (...)."""
    p, q = check_probabilities(p, q)
    return np.asarray(0.5 * np.abs(packed(p, size) - packed(q, size)).sum(axis=-1))
