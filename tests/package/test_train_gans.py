"""The training of many GANs at once: one step against autograd by hand, and what is kept and continued."""

import copy

import numpy as np
import pytest
import torch

from genmodels.data.toy import ring
from genmodels.gan.config import GANConfig
from genmodels.gan.discriminator import Discriminator, append_minibatch_std, pack
from genmodels.gan.losses import gradient_penalty, r1_penalty
from genmodels.gan.train import TrainingError, continue_training, train_gans, train_step
from genmodels.mlp import EnsembleMLP


def streams(seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def test_a_step_moves_each_network_by_its_own_loss_alone():
    G, D = EnsembleMLP((2, 5, 2), streams([0, 1])), Discriminator(GANConfig(), 2, 5, streams([2, 3]))
    opt_G, opt_D = torch.optim.SGD(G.parameters(), lr=0.1), torch.optim.SGD(D.parameters(), lr=0.1)
    real, z = torch.randn(1, 2, 8, 2), torch.randn(2, 2, 8, 2)
    old_G, old_D = copy.deepcopy(G), copy.deepcopy(D)
    train_step(G, D, opt_G, opt_D, real, z, GANConfig())
    loss = -(old_D(real[0]).sigmoid().log() + (1 - old_D(old_G(z[0])).sigmoid()).log()).mean(1).sum()
    for new, old, slope in zip(
        D.parameters(), old_D.parameters(), torch.autograd.grad(loss, [*old_D.parameters()]), strict=True
    ):
        torch.testing.assert_close(new, old - 0.1 * slope)
    loss = -D(old_G(z[1])).sigmoid().log().mean(1).sum()
    for new, old, slope in zip(
        G.parameters(), old_G.parameters(), torch.autograd.grad(loss, [*old_G.parameters()]), strict=True
    ):
        torch.testing.assert_close(new, old - 0.1 * slope)


def test_a_seed_in_company_agrees_with_the_seed_alone():
    together, alone = (train_gans(ring(), GANConfig(), seeds, 30) for seeds in ([4, 7, 9], [7]))
    np.testing.assert_allclose(together.discriminator_loss[1], alone.discriminator_loss[0], rtol=1e-4)
    assert np.abs(together.discriminator_loss[0] - alone.discriminator_loss[0]).max() > 1e-3


@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_a_frozen_network_stays(frozen):
    runs = train_gans(ring(), GANConfig(), [0, 1], 5)
    further = continue_training(ring(), runs, 5, frozen=frozen)
    same = {
        name: all(map(torch.equal, getattr(runs, name).parameters(), getattr(further, name).parameters()))
        for name in "GD"
    }
    assert same == {"G": frozen == "generator", "D": frozen == "discriminator"}


def test_a_restart_begins_with_the_first_generators():
    runs = train_gans(ring(), GANConfig(), [0, 1], 5)
    again = continue_training(ring(), runs, 3, restart=True)
    assert np.array_equal(again.snapshots[:, 0], runs.snapshots[:, 0])


def test_packs_and_the_spread_of_a_batch():
    x = torch.arange(24.0).reshape(2, 6, 2)
    assert pack(x, 3)[1, 1].tolist() == x[1, 3:6].flatten().tolist()
    spread = append_minibatch_std(x)[0, 0, 2].item()
    assert spread == pytest.approx(x[0].numpy().std(axis=0).mean(), rel=1e-6)


def test_a_sum_of_logits_and_a_repeated_sample():
    x = torch.randn(2, 6, 2)
    single = Discriminator(GANConfig(pack=3, packing="sum"), 2, 5, streams([0, 1]))
    expected = EnsembleMLP.forward(single, x).reshape(2, 2, 3).sum(-1)
    torch.testing.assert_close(single(x), expected)
    wide = Discriminator(GANConfig(pack=3, packing="repeat"), 2, 5, streams([0, 1]))
    torch.testing.assert_close(wide(x), EnsembleMLP.forward(wide, torch.cat([x, x, x], -1)).squeeze(-1))


def test_penalties_of_a_linear_discriminator():
    D = torch.nn.Linear(2, 1)
    length = D.weight.norm().item()
    real, fake = torch.randn(1, 4, 2), torch.randn(1, 4, 2)
    assert r1_penalty(D, real).item() == pytest.approx(length**2, rel=1e-5)
    assert gradient_penalty(D, real, fake).item() == pytest.approx((length - 1) ** 2, rel=1e-4)


def test_spectral_norm_divides_by_the_largest_singular_value():
    D = Discriminator(GANConfig(spectral_norm=True), 2, 5, streams([0]))
    for _ in range(300):
        D(torch.zeros(1, 1, 2))
    sizes = [np.linalg.norm(D._matrix(layer)[0].detach().numpy(), 2) for layer in range(3)]
    np.testing.assert_allclose(sizes, 1, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "value"), [("loss", "hinge"), ("packing", "all"), ("pack", 0), ("lr_D", 0.0), ("lr_G", -1.0), ("r1", -1.0)]
)
def test_bad_settings_are_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        GANConfig(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("seeds", []), ("seeds", [1, 1]), ("steps", 0), ("batch_size", 0)])
def test_bad_arguments_are_named(name, value):
    given = {"seeds": [0], "steps": 1} | {name: value}
    with pytest.raises(ValueError, match=f"^{name}: "):
        train_gans(ring(), GANConfig(), **given)


def test_a_training_that_fails_names_the_seed():
    with pytest.raises(TrainingError, match="seed"):
        train_gans(ring(), GANConfig(lr_D=1e38, lr_G=1e38), [3], 5)
