"""The samplers of toydata against the definition of their distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import cdist

from genmodels.data.toy import GaussianModes, edge_images, grid, parallel_lines, ring

finite = st.floats(-100, 100, width=32)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=20)
@given(distance=finite, n=st.integers(1, 50), seed=st.integers(0, 2**31))
def test_lines_stand_at_0_and_at_the_distance(distance, n, seed):
    real, generated = parallel_lines(distance, n, seeded(seed))
    assert real.shape == generated.shape == (n, 2)
    assert (real[:, 0] == 0).all()
    assert (generated[:, 0] == distance).all()
    heights = torch.cat([real, generated])[:, 1]
    assert ((heights >= 0) & (heights <= 1)).all()


def test_heights_are_uniform_and_independent():
    real, generated = parallel_lines(1.0, 4000, seeded(3))
    for points in (real, generated):
        assert stats.kstest(points[:, 1].numpy(), "uniform").pvalue > 1e-3
    assert stats.pearsonr(real[:, 1].numpy(), generated[:, 1].numpy()).pvalue > 1e-3


def test_same_seed_same_bits_and_the_global_stream_is_left_alone():
    before = torch.random.get_rng_state()
    first, second = parallel_lines(1.0, 9, seeded(5)), parallel_lines(1.0, 9, seeded(5))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], parallel_lines(1.0, 9, seeded(6))[0])
    assert torch.equal(torch.random.get_rng_state(), before)


@settings(max_examples=25)
@given(half=st.integers(1, 20), data=st.data())
def test_edge_images_are_shifts_of_one_square_wave(half, data):
    width = data.draw(st.integers(1, 2 * half))
    members = edge_images(width, 2 * half)
    assert members.shape == (width, 2 * half)
    assert set(np.unique(members)) == {-1.0, 1.0}
    assert (members.sum(axis=1) == 0).all()
    assert (np.count_nonzero(members != np.roll(members, 1, axis=1), axis=1) == 2).all()  # two edges
    for shift, member in enumerate(members):
        np.testing.assert_array_equal(member, np.roll(members[0], shift))


@pytest.mark.parametrize("width", [1, 3, 8, 32])
def test_the_mean_of_edge_images_has_ramps(width):
    steps = np.diff(edge_images(width).mean(axis=0))
    slopes = np.abs(steps[np.abs(steps) > 1e-12])
    np.testing.assert_allclose(slopes, 2 / width, atol=1e-12)
    assert len(slopes) >= 2 * width - 1


def test_the_ring_has_distinct_modes_evenly_spread():
    eight = ring()
    assert eight.sd == 0.05 and eight.centres.shape == (8, 2)
    roots = np.exp(2j * np.pi * np.arange(8) / 8)  # the eighth roots of unity
    np.testing.assert_allclose(eight.centres, np.stack([roots.real, roots.imag], axis=1), atol=1e-15)
    np.testing.assert_array_equal(eight.shares, 1 / 8)


def test_samples_have_the_modes_shares_and_a_round_normal_noise():
    weights = np.array([0.5, 0.0, 0.2, 0.3])
    target = GaussianModes(ring(4, 10).centres, 0.5, weights)
    points = target.sample(20_000, seeded(1)).double().numpy()
    mode = cdist(points, target.centres).argmin(axis=1)
    counts = np.bincount(mode, minlength=4)
    assert counts[1] == 0
    assert stats.chisquare(counts[weights > 0], 20_000 * weights[weights > 0]).pvalue > 1e-3
    noise = (points - target.centres[mode]) / 0.5
    for axis in noise.T:
        assert stats.kstest(axis, "norm").pvalue > 1e-3
    assert stats.pearsonr(*noise.T).pvalue > 1e-3
    # a point tells nothing about the next one
    assert stats.pearsonr(mode[1:], mode[:-1]).pvalue > 1e-3


def test_samples_have_the_shape_asked_for_and_come_from_the_generator_alone():
    before = torch.random.get_rng_state()
    assert ring().sample(7, seeded(0)).shape == (7, 2)
    assert ring().sample((), seeded(0)).shape == (2,)
    points = ring().sample((3, 7), seeded(0))
    assert points.shape == (3, 7, 2) and points.dtype == torch.float32
    assert torch.equal(points, ring().sample((3, 7), seeded(0)))
    assert not torch.equal(points, ring().sample((3, 7), seeded(1)))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_last_mode_takes_what_rounding_leaves(monkeypatch):
    target = GaussianModes([[0, 0], [9, 9]], 1e-3, [0.5, 0.5 - 5e-10])
    largest = torch.full((4,), 1 - 2**-53, dtype=torch.float64)
    monkeypatch.setattr(torch, "rand", lambda *size, **options: largest)
    np.testing.assert_allclose(target.sample(4, seeded(0)).numpy(), 9, atol=0.01)


def test_the_grid_is_square_and_lies_around_0():
    five = grid(5, 0.5, 0.05)
    steps = {round(float(distance), 9) for distance in np.diff(np.unique(five.centres[:, 0]))}
    assert (len(np.unique(five.centres, axis=0)), steps) == (25, {0.5})
    assert np.allclose(five.centres.mean(axis=0), 0)
    assert np.allclose(np.sort(five.centres, axis=0), np.sort(-five.centres, axis=0))


PAIR = np.zeros((2, 2))
BAD = {
    "distance": [lambda bad=bad: parallel_lines(bad, 3, seeded(0)) for bad in (np.nan, torch.tensor([1.0, 2.0]))],
    "n": [lambda: parallel_lines(1.0, 0, seeded(0))],
    "width": [lambda: edge_images(0), lambda: edge_images(65), lambda: edge_images(5, 4)],
    "pixels": [lambda: edge_images(1, 7), lambda: edge_images(1, 0)],
    "centres": [lambda bad=bad: GaussianModes(bad, 1) for bad in (PAIR[0], PAIR[:0], np.zeros((2, 3)), PAIR * np.nan)],
    "sd": [lambda: GaussianModes(PAIR, 0), lambda: ring(8, 1.0, -1.0)],
    "weights": [lambda bad=bad: GaussianModes(PAIR, 1, bad) for bad in ([1.0], [1.5, -0.5], [np.nan, 1])],
    "modes": [lambda: ring(0), lambda: ring(2.5)],
    "radius": [lambda: ring(8, 0.0)],
    "side": [lambda: grid(0)],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name}: expected"):
            call()
