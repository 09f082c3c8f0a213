"""What discriminators see and say, against plain loops in NumPy over members, packs and layers."""

import numpy as np
import pytest
import torch

from genmodels.gan.config import GANConfig
from genmodels.gan.discriminator import Discriminator, append_minibatch_std
from genmodels.mlp import SLOPE

CONFIGS = [
    GANConfig(),
    GANConfig(pack=4),
    GANConfig(minibatch_std=True),
    GANConfig(pack=4, minibatch_std=True),
    GANConfig(pack=4, packing="repeat"),
    GANConfig(pack=4, packing="sum"),
]


def normal(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def discriminator(config, dimensions=3, members=3):
    return Discriminator(config, dimensions, 8, [torch.Generator().manual_seed(seed) for seed in range(members)])


def plain_logits(D, member, rows, divide=lambda matrix: matrix):
    """One member's MLP in NumPy, in double precision."""
    for layer, (weight, bias) in enumerate(zip(D.weights, D.biases, strict=True)):
        rows = rows if layer == 0 else np.where(rows > 0, rows, SLOPE * rows)
        rows = rows @ divide(weight[member].detach().double().numpy()) + bias[member].detach().double().numpy()
    return rows[:, 0]


def by_hand(config, samples):
    """What the network takes for the samples (n, d) of one member, row by row."""
    if config.packing == "sum":
        return samples
    if config.packing == "repeat":
        return np.stack([np.concatenate([sample] * config.pack) for sample in samples])
    starts = range(0, len(samples), config.pack)
    packs = np.stack([np.concatenate(samples[start : start + config.pack]) for start in starts])
    return np.stack([[*row, packs.std(axis=0).mean()] for row in packs]) if config.minibatch_std else packs


@pytest.mark.parametrize("config", CONFIGS, ids=lambda c: f"{c.packing} {c.pack}{' std' * c.minibatch_std}")
def test_logits_are_those_of_a_plain_loop(config):
    D, samples = discriminator(config), normal(9, 3, 8, 3)
    logits = D(samples).detach().numpy()
    for member in range(3):
        expected = plain_logits(D, member, by_hand(config, samples[member].double().numpy()))
        if config.packing == "sum":
            expected = np.array([sum(expected[start : start + config.pack]) for start in (0, 4)])
        assert logits[member].shape == expected.shape
        np.testing.assert_allclose(logits[member], expected, rtol=1e-5, atol=1e-6)


def test_the_spread_of_a_batch_is_numpys_member_by_member():
    samples = normal(9, 3, 8, 2) * torch.tensor([1.0, 5.0, 0.1])[:, None, None]
    seen = append_minibatch_std(samples)
    assert torch.equal(seen[..., :2], samples)
    spread = samples.double().numpy().std(axis=1).mean(axis=1)
    np.testing.assert_allclose(seen[..., 2], np.repeat(spread[:, None], 8, axis=1), rtol=1e-5)


def test_gradients_stay_finite_where_all_samples_are_one():
    samples = torch.ones(1, 4, 2, requires_grad=True)
    append_minibatch_std(samples).sum().backward()
    torch.testing.assert_close(samples.grad, torch.ones(1, 4, 2))


def test_under_spectral_norm_matrices_are_divided_by_numpys_largest_singular_value():
    D, samples = discriminator(GANConfig(spectral_norm=True)), normal(9, 3, 8, 3)
    for _ in range(1000):
        logits = D(samples)
    for member in range(3):
        expected = plain_logits(D, member, samples[member].double().numpy(), lambda m: m / np.linalg.norm(m, 2))
        np.testing.assert_allclose(logits[member].detach(), expected, rtol=0, atol=1e-4)
