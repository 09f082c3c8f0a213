"""The samplers of toydata against the definition of their distributions."""

import numpy as np
import pytest
import torch
from genmodels.toydata import edge_images, parallel_lines
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

finite = st.floats(-100, 100, width=32)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


@given(distance=finite, seed=st.integers(0, 2**31))
def test_transport_costs_the_distance_and_at_most_the_heights_beside_it(distance, seed):
    real, generated = (points.double().numpy() for points in parallel_lines(distance, 20, seeded(seed)))
    cost = cdist(real, generated)
    wasserstein = cost[linear_sum_assignment(cost)].mean()
    heights = stats.wasserstein_distance(real[:, 1], generated[:, 1])
    assert abs(distance) - 1e-9 <= wasserstein <= abs(distance) + heights + 1e-9


def test_gradient_flows_into_the_distance_alone():
    distance = torch.tensor(0.5, requires_grad=True)
    real, generated = parallel_lines(distance, 7, seeded(0))
    assert not real.requires_grad
    (gradient,) = torch.autograd.grad(generated.sum(), distance)
    assert gradient == 7


def test_same_seed_same_bits_and_the_global_stream_is_left_alone():
    before = torch.random.get_rng_state()
    first, second = parallel_lines(1.0, 9, seeded(5)), parallel_lines(1.0, 9, seeded(5))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0], parallel_lines(1.0, 9, seeded(6))[0])
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("distance", [np.nan, np.inf, torch.tensor([1.0, 2.0])])
def test_distance_must_be_one_finite_number(distance):
    with pytest.raises(ValueError, match="distance: expected one finite number"):
        parallel_lines(distance, 3, seeded(0))


@pytest.mark.parametrize("n", [0, -2])
def test_n_must_be_positive(n):
    with pytest.raises(ValueError, match="n: expected at least 1"):
        parallel_lines(1.0, n, seeded(0))


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


def test_the_mean_of_all_edge_images_is_grey():
    np.testing.assert_array_equal(edge_images(64).mean(axis=0), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "width"), ((65,), "width"), ((5, 4), "width"), ((1, 7), "pixels"), ((1, 0), "pixels")],
)
def test_edge_images_name_bad_input(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}: expected"):
        edge_images(*arguments)
