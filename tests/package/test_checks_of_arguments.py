"""What the shared checks let pass, and that they name the argument."""

import numpy as np
import pytest

from genmodels.checks import (
    check_at_least,
    check_finite,
    check_not_negative,
    check_positive,
    check_seeds,
    check_shares,
    check_square_images,
)


@pytest.mark.parametrize("values", [np.nan, [1, np.inf], [[-np.inf]]])
def test_what_is_not_finite_is_named(values):
    with pytest.raises(ValueError, match="theta: expected finite numbers"):
        check_finite(values, "theta")


def test_finite_values_become_float64():
    assert check_finite([1, 2]).dtype == np.float64


@pytest.mark.parametrize("value", [0, -1])
def test_too_small_is_named(value):
    with pytest.raises(ValueError, match="steps: expected at least 1"):
        check_at_least("steps", value, 1)


@pytest.mark.parametrize("value", [1, np.int64(1)])
def test_the_least_value_passes(value):
    check_at_least("steps", value, 1)


@pytest.mark.parametrize("value", [1.5, 2.0, np.inf, np.nan, True, "3"])
def test_what_is_not_whole_is_named(value):
    with pytest.raises(ValueError, match="steps: expected a whole number"):
        check_at_least("steps", value, 1)


@pytest.mark.parametrize("value", [-1e-9, np.nan, np.inf, -np.inf])
def test_negative_and_infinite_numbers_are_named(value):
    with pytest.raises(ValueError, match="beta: expected a finite number that is not negative"):
        check_not_negative("beta", value)
    with pytest.raises(ValueError, match="variance: expected a positive finite number"):
        check_positive("variance", value)


def test_zero_is_not_negative_but_not_positive():
    check_not_negative("beta", 0.0)
    check_positive("variance", 1e-300)
    with pytest.raises(ValueError, match="variance: expected a positive finite number"):
        check_positive("variance", 0.0)


@pytest.mark.parametrize("shape", [(4, 4), (0, 4, 4), (2, 4, 3), (2, 0, 0), (2, 6, 6)])
def test_images_of_another_shape_are_named(shape):
    with pytest.raises(ValueError, match=r"images: expected square images \(n, h, h\), n >= 1, h a multiple of 4"):
        check_square_images(np.zeros(shape), multiple=4)


def test_one_pixel_out_of_range_is_named():
    with pytest.raises(ValueError, match="images: expected values in"):
        check_square_images([[[0.0, 1.5], [0.5, 1.0]]])


def test_an_odd_side_is_no_multiple_of_two():
    with pytest.raises(ValueError, match="h a multiple of 2, got shape"):
        check_square_images(np.zeros((1, 3, 3)), multiple=2)


def test_where_any_side_will_do_no_multiple_is_asked_for():
    with pytest.raises(ValueError, match=r"images: expected square images \(n, h, h\), n >= 1, got shape \(2, 4, 3\)$"):
        check_square_images(np.zeros((2, 4, 3)))


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan])
def test_images_out_of_range_are_named(value):
    with pytest.raises(ValueError, match="images: expected values in"):
        check_square_images(np.full((1, 4, 4), value))


def test_images_at_both_ends_of_the_range_pass():
    checked = check_square_images(np.array([[[0, 1], [1, 0]]]))
    assert checked.dtype == np.float32 and checked.shape == (1, 2, 2)


@pytest.mark.parametrize("values", [[], (), 0, "abc", None])
def test_what_is_no_list_of_seeds_or_an_empty_one_is_named(values):
    with pytest.raises(ValueError, match=r"seeds: expected at least one, in a list such as \[0, 1\], got"):
        check_seeds(values)


@pytest.mark.parametrize("seeds", [[0], (1, 2), range(3)])
def test_different_seeds_pass(seeds):
    check_seeds(seeds)


@pytest.mark.parametrize("seeds", [[0, 0], [-1], [0.5]])
def test_seeds_that_are_twice_or_not_whole_are_named(seeds):
    with pytest.raises(ValueError, match=r"^seeds: expected"):
        check_seeds(seeds)


@pytest.mark.parametrize("values", [0.5, [0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [[0.5, 0.5], [0.5, 0.6]]])
def test_what_are_no_shares_is_named(values):
    with pytest.raises(ValueError, match="weights: expected numbers that are not negative and sum to one"):
        check_shares(values, "weights")


def test_shares_may_be_rounded_to_float32():
    shares = np.random.default_rng(0).dirichlet(np.ones(10), 100).astype(np.float32)
    assert check_shares(shares, "weights").dtype == np.float64


def test_images_together_with_labels_are_named():
    with pytest.raises(ValueError, match=r"images: expected one array of numbers \(n, h, h\), got tuple"):
        check_square_images((np.zeros((2, 4, 4)), np.zeros(2)))
