"""Stacked perceptrons are torch's own, member by member."""

import numpy as np
import pytest
import torch
from torch import nn

from genmodels.mlp import SLOPE, init_mlp, mlp


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_fresh_perceptrons_have_the_default_range_of_torch():
    weight, bias = init_mlp((100, 200), [seeded(0)])
    assert weight.shape == (1, 100, 200) and bias.shape == (1, 1, 200)
    for values in (weight, bias):
        assert 0.09 < values.abs().max() <= 0.1  # 1/sqrt(100)
        assert abs(values.mean()) < 4 * 0.1 / np.sqrt(3 * values.numel())


@pytest.mark.parametrize("sizes", [(3, 2), (3, 7, 2), (3, 7, 5, 2)])
def test_outputs_are_those_of_separate_modules(sizes):
    parameters = init_mlp(sizes, [seeded(seed) for seed in range(4)])
    inputs = torch.randn(4, 6, 3, generator=seeded(9))
    for member, outputs in enumerate(mlp(parameters, inputs)):
        layers = []
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            linear = nn.Linear(*weight.shape[1:])
            linear.weight.data, linear.bias.data = weight[member].T, bias[member, 0]
            layers += [linear, nn.LeakyReLU(SLOPE)]
        torch.testing.assert_close(outputs, nn.Sequential(*layers[:-1])(inputs[member]))


def test_members_differ_and_each_depends_on_its_own_stream_only():
    together, alone = init_mlp((3, 2), [seeded(5), seeded(6)]), init_mlp((3, 2), [seeded(6)])
    for both, one in zip(together, alone, strict=True):
        assert torch.equal(both[1], one[0])
        assert not torch.equal(both[0], both[1])


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (0, 2), (3, -1, 2), (3, 1.5, 2)])
def test_bad_sizes_are_named(sizes):
    with pytest.raises(ValueError, match=r"^sizes: expected"):
        init_mlp(sizes, [seeded(0)])


def test_no_generator_is_named():
    with pytest.raises(ValueError, match=r"^generators: expected at least 1"):
        init_mlp((3, 2), [])
