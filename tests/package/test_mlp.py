"""Many MLPs at once are torch's own, member by member; spectral norm against singular values."""

import numpy as np
import pytest
import torch
from torch import nn

from genmodels.mlp import SLOPE, EnsembleMLP


def seeded(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def modules_of(network, weights):
    """Each member as torch's own modules, with these weights."""
    for member in range(len(weights[0])):
        layers = []
        for weight, bias in zip(weights, network.biases, strict=True):
            linear = nn.Linear(*weight.shape[1:])
            linear.weight.data, linear.bias.data = weight[member].detach().T, bias[member, 0].detach()
            layers += [linear, nn.LeakyReLU(SLOPE)]
        yield nn.Sequential(*layers[:-1])


@torch.no_grad()
def converged(network):
    """The network after so many power iterations that more of them change nothing."""
    for _ in range(500):
        network.train()(torch.zeros(1, network.weights[0].shape[1]))
    return network


def used_matrix(network):
    """What a network of one layer multiplies by, seen from outside: the outputs of the unit vectors."""
    return network.eval()(torch.eye(network.weights[0].shape[1])) - network.biases[0]


def test_fresh_mlps_have_the_default_range_of_torch():
    network = EnsembleMLP((100, 200), seeded(0))
    weight, bias = network.weights[0].detach(), network.biases[0].detach()
    assert weight.shape == (1, 100, 200) and bias.shape == (1, 1, 200)
    for values in (weight, bias):
        assert 0.09 < values.abs().max() <= 0.1  # 1/sqrt(100)
        assert abs(values.mean()) < 4 * 0.1 / np.sqrt(3 * values.numel())


@pytest.mark.parametrize("sizes", [(3, 2), (3, 7, 2), (3, 7, 5, 2)])
def test_outputs_and_gradients_are_those_of_separate_modules(sizes):
    network, (stream,) = EnsembleMLP(sizes, seeded(0, 1, 2, 3)), seeded(9)
    inputs, towards = torch.randn(4, 6, 3, generator=stream), torch.randn(4, 6, 2, generator=stream)
    outputs = network(inputs)
    outputs.backward(towards)
    for member, module in enumerate(modules_of(network, network.weights)):
        expected = module(inputs[member])
        expected.backward(towards[member])
        torch.testing.assert_close(outputs[member], expected)
        for weight, bias, linear in zip(network.weights, network.biases, module[::2], strict=True):
            torch.testing.assert_close(weight.grad[member], linear.weight.grad.T)
            torch.testing.assert_close(bias.grad[member, 0], linear.bias.grad)
    torch.testing.assert_close(network(inputs[0]), network(inputs[:1].expand(4, -1, -1)))  # the same for all


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_members_differ_and_each_depends_on_its_own_stream_only(spectral_norm):
    together, alone = (EnsembleMLP((3, 2), seeded(*own), spectral_norm=spectral_norm) for own in ((5, 6), (6,)))
    for both, one in zip(together.parameters(), alone.parameters(), strict=True):
        assert torch.equal(both[1], one[0])
        assert not torch.equal(both[0], both[1])
    torch.testing.assert_close(together(torch.eye(3))[1], alone(torch.eye(3))[0])


@pytest.mark.parametrize("members", [1, 4])
def test_after_many_calls_matrices_are_divided_by_numpys_singular_value(members):
    network = converged(EnsembleMLP((6, 4), seeded(*range(members)), spectral_norm=True))
    raw = network.weights[0].detach().numpy()
    expected = raw / np.linalg.svd(raw, compute_uv=False)[:, :1, None]
    np.testing.assert_allclose(used_matrix(network).detach(), expected, rtol=1e-4, atol=1e-6)


def test_gradients_under_spectral_norm_are_those_through_the_singular_value():
    network, (stream,) = converged(EnsembleMLP((3, 8, 8, 2), seeded(0, 1), spectral_norm=True)), seeded(9)
    inputs, towards = torch.randn(2, 6, 3, generator=stream), torch.randn(2, 6, 2, generator=stream)
    network(inputs).backward(towards)
    plain = EnsembleMLP((3, 8, 8, 2), seeded(0, 1))  # draws the same first weights
    raw = [weight.detach().clone().requires_grad_() for weight in plain.weights]
    values = [weight / torch.linalg.matrix_norm(weight, 2)[:, None, None] for weight in raw]
    for weight, value in zip(plain.weights, values, strict=True):
        weight.data = value.detach()
    plain(inputs).backward(towards)
    torch.autograd.backward(values, [weight.grad for weight in plain.weights])
    for weight, expected in zip(network.weights, raw, strict=True):
        torch.testing.assert_close(weight.grad, expected.grad, rtol=1e-3, atol=1e-4)


def test_a_call_in_training_takes_one_power_iteration_and_one_in_evaluation_none():
    # with W = diag(2, 1) and u = (1, 1), |W^T u|^2 / |u|^2 is (4 + r) / (1 + r), r = 1; each iteration makes r r / 16
    network = EnsembleMLP((2, 2), seeded(0), spectral_norm=True)
    network.weights[0].data = torch.diag(torch.tensor([2.0, 1.0]))[None]
    network.left = [torch.full((1, 1, 2), 0.5**0.5)]
    for iterations in range(4):
        r = 16.0**-iterations
        for _ in range(2):
            assert used_matrix(network)[0, 0, 0].item() == pytest.approx(2 / ((4 + r) / (1 + r)) ** 0.5, rel=1e-5)
        network.train()(torch.zeros(1, 2))
