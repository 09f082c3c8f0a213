"""The network that reads digits: what it takes for a digit, and what not."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from genmodels.data import mnist
from genmodels.measures import legibility
from genmodels.measures.legibility import made_up, train_reader


@pytest.fixture(scope="module")
def reader():
    return train_reader(mnist.load("train")[0], seed=0)


@pytest.fixture(scope="module")
def digits():
    return mnist.load("test")[0]


def test_it_orders_spoiled_digits_as_the_eye_does(reader, digits):
    rng = np.random.default_rng(0)
    quarters = digits.reshape(-1, 2, 14, 2, 14)[:, ::-1, :, ::-1].reshape(-1, 28, 28)
    upper = digits * (np.arange(28)[:, None] < 14)
    readable = [digits, digits / 2, gaussian_filter(digits, (0, 1, 1))]
    spoiled = [digits[:, rng.permutation(28)], quarters, upper, rng.random(digits.shape, dtype=np.float32)]
    assert min(map(reader.legible, readable)) > 0.88
    assert reader.legible((digits + digits[rng.permutation(len(digits))]) / 2) < 0.45
    assert max(map(reader.legible, spoiled)) < 0.05


def test_legible_is_a_share_of_images(reader, digits):
    parts = [reader.legible(digits[:500]), reader.legible(digits[500:1000])]
    assert reader.legible(digits[:1000]) == pytest.approx(np.mean(parts), abs=1e-12)
    assert {reader.legible(digit[None]) for digit in digits[:200]} == {0.0, 1.0}


def test_same_seed_same_reader_and_the_global_state_is_left_alone(digits, monkeypatch):
    monkeypatch.setattr(legibility, "STEPS", 5)
    state = torch.random.get_rng_state()
    first, again, other = (train_reader(digits[:200], seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    weights = [torch.cat([p.flatten() for p in each.layers.parameters()]) for each in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_made_up_shapes_are_of_five_kinds(digits):
    one = np.zeros((400, 28, 28), dtype=np.float32)
    one[:, :7, :7] = 1  # a square in one corner, the same in all
    shapes = made_up(one, np.random.default_rng(0))
    assert shapes.shape == one.shape and shapes.min() >= 0 and shapes.max() <= 1
    same = (shapes == one).all(axis=(1, 2))  # a mean of two, and two less a third
    moved = ~same & np.isclose(shapes.sum(axis=(1, 2)), 49) & np.isin(shapes, (0, 1)).all(axis=(1, 2))  # pieces
    holed = ~same & (shapes <= one).all(axis=(1, 2))
    waves = ~np.isin(shapes, (0, 1)).all(axis=(1, 2))
    assert same.sum() + moved.sum() + holed.sum() + (waves & ~same).sum() >= 395
    for kind, share in ((same, 2 / 5), (moved, 1 / 5), (holed, 1 / 5), (waves, 1 / 5)):
        assert abs(kind.mean() - share) < 0.1


def test_images_of_another_size_are_refused(reader):
    for use in (reader.legible, lambda images: train_reader(images, 0)):
        with pytest.raises(ValueError, match="images"):
            use(np.zeros((2, 32, 32)))
