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

SHAPES = [(4, 4), (0, 4, 4), (2, 4, 3), (2, 0, 0), (2, 6, 6)]
MESSAGES = [
    (check_finite, "theta: expected finite numbers", [(bad, "theta") for bad in (np.nan, [1, np.inf], [[-np.inf]])]),
    (check_at_least, "steps: expected at least 1", [("steps", bad, 1) for bad in (0, -1)]),
    (
        check_at_least,
        "steps: expected a whole number",
        [("steps", bad, 1) for bad in (1.5, 2.0, np.inf, np.nan, True, "3")],
    ),
    (
        check_not_negative,
        "beta: expected a finite number that is not negative",
        [("beta", bad) for bad in (-1e-9, np.nan, np.inf, -np.inf)],
    ),
    (
        check_positive,
        "beta: expected a positive finite number",
        [("beta", bad) for bad in (0.0, -1e-9, np.nan, np.inf, -np.inf)],
    ),
    (
        check_square_images,
        r"images: expected square images \(n, h, h\), n >= 1, h a multiple of 4",
        [(np.zeros(shape), 4) for shape in SHAPES],
    ),
    (check_square_images, "h a multiple of 2, got shape", [(np.zeros((1, 3, 3)), 2)]),
    (check_square_images, r"\(n, h, h\), n >= 1, got shape \(2, 4, 3\)$", [(np.zeros((2, 4, 3)),)]),
    (
        check_square_images,
        "images: expected values in",
        [([[[0.0, bad], [0.5, 1.0]]],) for bad in (-0.01, 1.01, np.nan)],
    ),
    (
        check_square_images,
        r"images: expected one array of numbers \(n, h, h\), got tuple",
        [((np.zeros((2, 4, 4)), np.zeros(2)),)],
    ),
    (
        check_seeds,
        r"seeds: expected at least one, in a list such as \[0, 1\], got",
        [(bad,) for bad in ([], (), 0, "abc", None)],
    ),
    (check_seeds, "^seeds: expected", [(bad,) for bad in ([0, 0], [-1], [0.5])]),
    (
        check_shares,
        "weights: expected numbers that are not negative and sum to one",
        [(bad, "weights") for bad in (0.5, [0.5, 0.6], [1.5, -0.5], [np.nan, 1.0], [[0.5, 0.5], [0.5, 0.6]])],
    ),
]


@pytest.mark.parametrize(("check", "message", "calls"), MESSAGES)
def test_what_is_bad_is_named(check, message, calls):
    for arguments in calls:
        with pytest.raises(ValueError, match=message):
            check(*arguments)


def test_what_lies_on_the_border_passes():
    assert check_finite([1, 2]).dtype == np.float64
    for least in (1, np.int64(1)):
        check_at_least("steps", least, 1)
    check_not_negative("beta", 0.0)
    check_positive("variance", 1e-300)
    for seeds in ([0], (1, 2), range(3)):
        check_seeds(seeds)
    images = check_square_images(np.array([[[0, 1], [1, 0]]]))
    assert images.dtype == np.float32 and images.shape == (1, 2, 2)
    rounded = np.random.default_rng(0).dirichlet(np.ones(10), 100).astype(np.float32)
    assert check_shares(rounded, "weights").dtype == np.float64
