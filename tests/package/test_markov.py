"""Chains against enumeration; ELBO and training against torch.distributions and a plain loop.

The decoder that needs no z leaves it unused.
"""

import functools
import itertools
import math

import numpy as np
import pytest
import torch
from plain_loop import plain_mlp
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from genmodels.mlp import EnsembleMLP
from genmodels.vae import markov
from genmodels.vae.markov import entropy, train_markov_vae


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("flip", [0.1, 0.5, 0.8])
def test_entropy_and_surprisal_against_all_chains(flip, monkeypatch):
    length, probabilities = 6, []
    monkeypatch.setattr(markov, "LENGTH", length)
    monkeypatch.setattr(markov, "FLIP", flip)
    chains = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=length)))
    for chain in chains.tolist():
        p = 0.5
        for before, now in itertools.pairwise(chain):
            p *= flip if now != before else 1 - flip
        probabilities.append(p)
    p = np.array(probabilities)
    assert p.sum() == pytest.approx(1)
    np.testing.assert_allclose(markov._surprisal(chains).numpy(), -np.log(p), rtol=1e-12)
    assert entropy() == pytest.approx(-(p * np.log(p)).sum(), rel=1e-12)


def test_chains_flip_as_often_as_they_should(monkeypatch):
    monkeypatch.setattr(markov, "LENGTH", 5)
    monkeypatch.setattr(markov, "FLIP", 0.2)
    chains = markov._markov_chains(20_000, seeded(0))
    assert chains.shape == (20_000, 5)
    assert set(chains.unique().tolist()) == {-1.0, 1.0}
    # 5 standard errors
    assert abs((chains[:, 0] > 0).double().mean().item() - 0.5) < 5 * 0.5 / 20_000**0.5
    flips = (chains[:, 1:] != chains[:, :-1]).double().mean(dim=0)
    assert (abs(flips - 0.2) < 5 * (0.16 / 20_000) ** 0.5).all()
    assert torch.equal(chains, markov._markov_chains(20_000, seeded(0)))


def test_elbo_terms_are_those_of_torch_distributions():
    models, n = 2, 30
    fresh = [seeded(seed) for seed in range(models)]
    encoder = EnsembleMLP((markov.LENGTH, 8, 2 * markov.LATENT_DIM), fresh)
    decoder = EnsembleMLP((markov.LATENT_DIM, 8, markov.LENGTH), fresh)
    context = torch.randn(models, 1, markov.LENGTH, generator=seeded(5))
    x = torch.stack([markov._markov_chains(n, g) for g in fresh])
    noise = torch.randn(models, n, markov.LATENT_DIM, generator=seeded(6))
    distortion, rate = markov._elbo_terms(x, noise, encoder, decoder, context)
    mean, logvar = encoder(x).chunk(2, dim=-1)
    posterior = Independent(Normal(mean, (logvar / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    torch.testing.assert_close(rate, kl_divergence(posterior, prior), rtol=1e-4, atol=1e-5)
    logits = decoder(mean + (logvar / 2).exp() * noise)
    for t in range(markov.LENGTH):  # the previous symbol, 0 before the first one
        logits[..., t] = logits[..., t] + (context[..., t] * x[..., t - 1] if t else 0)
    expected = -Bernoulli(logits=logits).log_prob((x + 1) / 2).sum(dim=-1)
    torch.testing.assert_close(distortion, expected, rtol=1e-4, atol=1e-4)


def plain_training(seed, sees_previous, steps):
    """Rate, negative ELBO and mean weight of the previous symbol of one VAE that is trained by itself."""
    generator = seeded(seed)
    sizes = [(markov.LENGTH, markov.HIDDEN_DIM, 2 * markov.LATENT_DIM)]
    sizes += [(markov.LATENT_DIM, markov.HIDDEN_DIM, markov.LENGTH)]
    encoder, decoder = (plain_mlp(each, generator) for each in sizes)
    context = torch.zeros(markov.LENGTH - 1, requires_grad=sees_previous)
    groups = [{"params": [*encoder.parameters(), *decoder.parameters()], "lr": 0.0}, {"params": [context], "lr": 0.0}]
    optimizer = torch.optim.Adam(groups)

    def terms(n):
        x = markov._markov_chains(n, generator)
        mean, logvar = encoder(x).chunk(2, dim=-1)
        posterior = Normal(mean, (logvar / 2).exp())
        noise = torch.randn(n, markov.LATENT_DIM, generator=generator)
        first, later = decoder(mean + posterior.stddev * noise).split([1, markov.LENGTH - 1], dim=1)
        logits = torch.cat([first, later + context * x[:, :-1]], dim=1)
        distortion = -Bernoulli(logits=logits).log_prob((x + 1) / 2).sum(dim=-1)
        return x, distortion, kl_divergence(posterior, Normal(0.0, 1.0)).sum(dim=-1)

    for step in range(steps):
        for group, lr in zip(optimizer.param_groups, (markov.LR, markov.LR_CONTEXT), strict=True):
            group["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
        _, distortion, rate = terms(markov.BATCH_SIZE)
        optimizer.zero_grad()
        (distortion + rate).mean().backward()
        optimizer.step()
    with torch.no_grad():
        x, distortion, rate = terms(markov.HELD_OUT)
    # chance flips more or fewer symbols than it should: what that costs is the same for every model
    flips = (x[:, 1:] != x[:, :-1]).double().sum(dim=1).mean().item()
    chance = (flips - markov.FLIP * (markov.LENGTH - 1)) * math.log(1 / markov.FLIP - 1)
    return rate.mean().item(), (distortion + rate).double().mean().item() - chance, context.mean().item()


def test_models_are_plain_vaes_trained_by_themselves(monkeypatch):
    monkeypatch.setattr(markov, "HELD_OUT", 50)
    # so large an epsilon lets the size of gradients count, which Adam else divides by
    monkeypatch.setattr(torch.optim, "Adam", functools.partial(torch.optim.Adam, eps=0.1))
    ours = train_markov_vae([3, 7], steps=20)
    for decoder, place in itertools.product(range(2), range(2)):
        rate, negative_elbo, context = plain_training([3, 7][place], decoder == 1, steps=20)
        assert ours.rate[decoder, place] == pytest.approx(rate, rel=1e-4)
        assert ours.negative_elbo[decoder, place] == pytest.approx(negative_elbo, rel=1e-5)
        assert ours.context[decoder, place] == pytest.approx(context, rel=1e-4)
    assert (ours.context[1] > 0.1).all()  # it has learned by then


@pytest.fixture(scope="module")
def trained():
    return train_markov_vae(range(3))  # not as many seeds as decoders


def test_the_decoder_that_sees_the_previous_symbol_leaves_z_unused(trained):
    # the true chain is in the model: P(x_t = 1 | x_(t-1)) has the logit x_(t-1) log(.9 / .1)
    np.testing.assert_allclose(trained.context[1], np.log(0.9 / 0.1), atol=0.1)
    assert (trained.rate[1] < 0.2).all()
    assert (abs(trained.negative_elbo[1] - entropy()) < 0.05).all()


def test_the_decoder_that_sees_z_only_needs_it(trained):
    assert (trained.context[0] == 0).all()
    assert (trained.rate[0] > 2).all()
    assert (trained.negative_elbo[0] > entropy() + 0.4).all()
    assert (trained.negative_elbo[0] < markov.LENGTH * np.log(2) - 3).all()  # far better than ignoring z


def test_one_step_is_enough():
    assert np.isfinite(train_markov_vae([0], steps=1).negative_elbo).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="seeds"):
        train_markov_vae([])
    with pytest.raises(ValueError, match="steps"):
        train_markov_vae([1], steps=0)
