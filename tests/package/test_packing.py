"""Packs in exact numbers: against ordered packs, scipy's multinomial, the brief closed forms and random pairs."""

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from genmodels.gan.losses import losses_at_optimum_discrete
from genmodels.gan.packing import (
    losses_hopping,
    packed,
    packed_hopping,
    packed_total_variation,
    unordered_packs,
)
from genmodels.measures.divergences import jensen_shannon_discrete

# U[0, 1], U[.2, 1] and the density 1.4, then .6: masses of the cells that end at .2, .5 and 1
REAL, DROPPING, TILTED = [0.2, 0.3, 0.5], [0, 0.375, 0.625], [0.28, 0.42, 0.3]

rows = st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any).map(lambda row: np.array(row) / sum(row))
sizes = st.integers(1, 4)


def ordered(shares, size: int) -> np.ndarray:
    """The probabilities of all K^m ordered packs, flat."""
    return reduce(np.multiply.outer, [np.asarray(shares)] * size).ravel()


@pytest.mark.parametrize(("cells", "size"), [(1, 5), (3, 1), (8, 4)])
def test_every_unordered_pack_stands_there_once(cells, size):
    packs = unordered_packs(cells, size)
    assert packs.shape == (math.comb(size + cells - 1, size), cells)
    assert (packs.sum(axis=1) == size).all() and (packs >= 0).all()
    assert len({tuple(pack) for pack in packs}) == len(packs)


@settings(max_examples=25)
@given(rows, st.integers(1, 6))
def test_packed_is_the_multinomial(shares, size):
    expected = stats.multinomial.pmf(unordered_packs(4, size), size, shares)
    assert np.allclose(packed(shares, size), expected, rtol=1e-9, atol=1e-15)


def test_packed_takes_stacked_shares():
    shares = np.array([[REAL, DROPPING], [TILTED, REAL]])
    assert packed(shares, 2).shape == (2, 2, 6)
    assert (packed(shares, 2)[0, 1] == packed(DROPPING, 2)).all()


@settings(max_examples=25)
@given(rows, rows, sizes)
def test_divergences_of_unordered_packs_are_those_of_ordered_ones(p, q, size):
    a, b = ordered(p, size), ordered(q, size)
    assert packed_total_variation(p, q, size) == pytest.approx(np.abs(a - b).sum() / 2, abs=1e-12)
    assert jensen_shannon_discrete(packed(p, size), packed(q, size)) == pytest.approx(
        jensen_shannon_discrete(a, b), abs=1e-12
    )


def test_hopping_equals_its_ordered_packs():
    # mode k with probability 1/3, then twice the same
    assert dict(zip(map(tuple, unordered_packs(3, 2)), packed_hopping(3, 2), strict=True)) == pytest.approx(
        {(2, 0, 0): 1 / 3, (0, 2, 0): 1 / 3, (0, 0, 2): 1 / 3, (1, 1, 0): 0, (1, 0, 1): 0, (0, 1, 1): 0}
    )


@pytest.mark.parametrize(("modes", "size"), [(1, 2), (2, 1), (2, 3), (5, 2)])
def test_losses_of_hopping_are_those_of_its_packs(modes, size):
    real = packed(np.full(modes, 1 / modes), size)
    assert losses_hopping(modes, size) == pytest.approx(
        losses_at_optimum_discrete(real, packed_hopping(modes, size)), abs=1e-12
    )


def test_packs_of_fair_coins_are_exact():
    # powers of two have no rounding, so the number of orders must have none either
    size = 24
    expected = [math.comb(size, heads) / 2**size for heads in range(size, -1, -1)]
    assert packed([0.5, 0.5], size).tolist() == expected


BAD = [
    (lambda: unordered_packs(0, 2), "cells"),
    (lambda: unordered_packs(3, 0), "size"),
    (lambda: unordered_packs(8, 16), "size"),
    (lambda: packed([[0.5, 0.5], [0.5, 0.6]], 2), "p"),
    (lambda: packed_hopping(0, 2), "modes"),
    (lambda: losses_hopping(8, 0), "size"),
    (lambda: losses_hopping(2.5, 2), "modes"),
    (lambda: packed_total_variation([1.0], [0.5, 0.5], 2), "q"),
    (lambda: packed_total_variation([0.5, 0.6], [0.5, 0.5], 2), "p"),
]


@pytest.mark.parametrize(("call", "name"), BAD, ids=range(len(BAD)))
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        call()
