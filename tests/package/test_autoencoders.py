"""Objectives, ELBO terms and training against torch.distributions and a plain autoencoder trained by itself."""

import functools
import itertools
import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from genmodels.mlp import SLOPE
from genmodels.vae import model as autoencoders
from genmodels.vae.model import AUTOENCODER, VAE, Objective, beta_vae, gaussian_negative_log_likelihood, train

SIDE, LATENT, HIDDEN = 5, 2, 8
OBJECTIVES = [
    AUTOENCODER,
    Objective(mean_weight=0.5, variance_weight=2.0, variance=0.3),
    beta_vae(4.0, variance=None),
    beta_vae(0.1, likelihood="bernoulli"),
]


@pytest.mark.parametrize("members", [(), (3, 2)])
def test_gaussian_likelihood_is_torchs_normal_summed_over_pixels(members):
    generator = torch.Generator().manual_seed(0)
    mean, images = torch.rand(2, *members, 5, 16, generator=generator).double()
    log_variance = torch.randn(members, generator=generator).double()
    normal = Normal(mean, (0.5 * log_variance).exp()[..., None, None])
    measured = gaussian_negative_log_likelihood(mean, images, log_variance)
    torch.testing.assert_close(measured, -normal.log_prob(images).sum(-1), rtol=1e-12, atol=0)


def test_gaussian_likelihood_is_best_at_the_mean_squared_error():
    mean, images = torch.rand(2, 5, 16, generator=torch.Generator().manual_seed(1)).double()
    log_variance = (images - mean).square().mean().log().requires_grad_()
    gaussian_negative_log_likelihood(mean, images, log_variance).sum().backward()
    assert abs(log_variance.grad) < 1e-12


@pytest.mark.parametrize(("shape", "members"), [((4,), ()), ((5,), (2,)), ((1,), (3, 2)), ((5, 1), ()), ((1, 1), (2,))])
def test_gaussian_likelihood_takes_one_variance_per_member(shape, members):
    mean = torch.zeros(*members, 5, 4)
    with pytest.raises(ValueError, match=rf"^log_variance: expected shape {re.escape(str(members))}, one per member"):
        gaussian_negative_log_likelihood(mean, mean, torch.zeros(shape))


def test_gaussian_likelihood_takes_images_in_rows():
    with pytest.raises(ValueError, match=r"^mean: expected shape \(\.\.\., n, pixels\), got \(4,\)"):
        gaussian_negative_log_likelihood(torch.zeros(4), torch.zeros(4), torch.zeros(()))


@pytest.mark.parametrize("shape", [(5, 1), (4,), (1, 5, 4)])
def test_gaussian_likelihood_does_not_broadcast_images(shape):
    with pytest.raises(ValueError, match=r"^images: expected the shape of mean, \(5, 4\)"):
        gaussian_negative_log_likelihood(torch.zeros(5, 4), torch.zeros(shape), torch.zeros(()))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(size=(30, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def members(images):
    return train(images, OBJECTIVES, [3, 4], LATENT, hidden=HIDDEN, steps=20)


def perceptron(sizes, generator):
    """A perceptron of torch's own modules; weights are drawn layer by layer, each as (in, out)."""
    layers = []
    for rows, columns in pairwise(sizes):
        linear = nn.Linear(rows, columns)
        for parameter, shape in ((linear.weight, (rows, columns)), (linear.bias, (1, columns))):
            parameter.data = ((2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(rows)).T.squeeze(-1)
        layers += [linear, nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def plain_loss(objective, encoder, decoder, log_variance, batch, noise):
    """Distortion and the two weighted KL terms per image, as torch.distributions has them."""
    mean, logvar = encoder(batch).chunk(2, dim=-1)
    sd = torch.exp(logvar / 2)
    output = torch.sigmoid(decoder(mean + sd * noise if objective.noise else mean))
    if objective.likelihood == "bernoulli":
        likelihood = Bernoulli(output, validate_args=False)
    else:
        likelihood = Normal(output, torch.exp(log_variance / 2))
    distortion = -Independent(likelihood, 1, validate_args=False).log_prob(batch)
    same_mean = kl_divergence(Normal(0.0, sd), Normal(0.0, 1.0)).sum(-1)
    rate = kl_divergence(Normal(mean, sd), Normal(0.0, 1.0)).sum(-1)
    return distortion, objective.mean_weight * (rate - same_mean) + objective.variance_weight * same_mean, rate


def plain_training(objective, seed, images, steps):
    """One member trained by itself with torch's modules and plain Adam."""
    generator, pixels = torch.Generator().manual_seed(seed), torch.from_numpy(images).flatten(1)
    encoder = perceptron((SIDE**2, HIDDEN, 2 * LATENT), generator)
    decoder = perceptron((LATENT, HIDDEN, SIDE**2), generator)
    start = autoencoders.FIRST_VARIANCE if objective.variance is None else objective.variance
    log_variance = torch.tensor(math.log(start), requires_grad=objective.variance is None)
    weights = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam([{"params": weights, "lr": 1.0}, {"params": [log_variance], "lr": 1.0}])
    for step in range(steps):
        for group, rate in zip(optimiser.param_groups, (autoencoders.RATE, autoencoders.VARIANCE_RATE), strict=True):
            group["lr"] = rate * (1 - step / steps)
        rows = torch.randint(len(pixels), (autoencoders.BATCH,), generator=generator)
        noise = torch.randn(autoencoders.BATCH, LATENT, generator=generator)
        distortion, penalty, _ = plain_loss(objective, encoder, decoder, log_variance, pixels[rows], noise)
        optimiser.zero_grad()
        (distortion + penalty).mean().backward()
        optimiser.step()
    return encoder, decoder, log_variance


@pytest.mark.parametrize("index", range(len(OBJECTIVES)))
def test_a_member_is_a_plain_autoencoder_trained_by_itself(index, images, members):
    objective = OBJECTIVES[index]
    encoder, decoder, log_variance = plain_training(objective, 4, images, steps=20)
    pixels = torch.from_numpy(images).flatten(1)
    noise = torch.randn(len(images), LATENT, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        mean, logvar = encoder(pixels).chunk(2, dim=-1)
        distortion, _, rate = plain_loss(objective, encoder, decoder, log_variance, pixels, noise)
        decoded = torch.sigmoid(decoder(mean)).unflatten(-1, (SIDE, SIDE))
    means, logvars = members.encode(images)
    np.testing.assert_allclose(means[index, 1], mean, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(members.decode(means)[index, 1], decoded, rtol=2e-4, atol=2e-5)
    variance = np.nan if objective.likelihood == "bernoulli" else log_variance.exp().item()
    np.testing.assert_allclose(members.variance[index, 1], variance, rtol=2e-4)
    assert objective.variance is not None or abs(variance / autoencoders.FIRST_VARIANCE - 1) > 0.05  # it has learned
    measured = members.elbo_terms(images, seed=9)
    np.testing.assert_allclose(measured[0][index, 1], distortion.mean(), rtol=2e-4)
    if objective.noise:
        np.testing.assert_allclose(logvars[index, 1], logvar, rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(measured[1][index, 1], rate.mean(), rtol=2e-4)
    else:
        assert np.isneginf(logvars[index]).all() and np.isposinf(measured[1][index]).all()


def test_gradients_are_as_large_as_those_of_a_plain_autoencoder(images, monkeypatch):
    # so large an epsilon lets the size of gradients count, which Adam else divides by
    monkeypatch.setattr(torch.optim, "Adam", functools.partial(torch.optim.Adam, eps=1.0))
    encoder, _, _ = plain_training(OBJECTIVES[1], 4, images, steps=20)
    means, _ = train(images, OBJECTIVES, [3, 4], LATENT, hidden=HIDDEN, steps=20).encode(images)
    with torch.no_grad():
        expected = encoder(torch.from_numpy(images).flatten(1))[:, :LATENT]
    np.testing.assert_allclose(means[1, 1], expected, rtol=1e-4, atol=1e-5)


def test_same_seed_same_bits(images, members):
    again = train(images, OBJECTIVES, [3, 4], LATENT, hidden=HIDDEN, steps=20)
    assert all(np.array_equal(a, b) for a, b in zip(again.encode(images), members.encode(images), strict=True))
    assert np.array_equal(again.elbo_terms(images, 1), members.elbo_terms(images, 1))
    assert not np.array_equal(members.elbo_terms(images, 1)[0], members.elbo_terms(images, 2)[0])


def test_codes_for_all_members_are_decoded_by_each(members):
    codes = np.random.default_rng(1).normal(size=(7, LATENT))
    decoded = members.decode(codes)
    assert decoded.shape == (4, 2, 7, SIDE, SIDE) and ((decoded > 0) & (decoded < 1)).all()
    assert np.array_equal(decoded, members.decode(np.broadcast_to(codes, (4, 2, 7, LATENT))))


def test_weights_act_on_their_own_term(images):
    objectives = [Objective(0, 0), Objective(100, 0), Objective(0, 100)]
    mean, logvar = train(images, objectives, [0], LATENT, hidden=HIDDEN, steps=200).encode(images)
    size, away = (mean**2).mean((1, 2, 3)), (logvar**2).mean((1, 2, 3))
    assert size[1] < 0.05 * size[0] and size[1] < 0.05 * size[2]
    assert away[2] < 0.05 * away[0] and away[2] < 0.05 * away[1]


def test_beta_zero_is_allowed_and_fields_pass_through():
    assert beta_vae(0.0, variance=None) == Objective(0.0, 0.0, True, None)
    assert beta_vae(1.0) == VAE
    assert beta_vae(0.0, noise=False) == AUTOENCODER


@pytest.mark.parametrize(("name", "value"), [("mean_weight", -1.0), ("variance_weight", math.nan), ("beta", math.inf)])
def test_bad_weights_are_named(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        beta_vae(value) if name == "beta" else Objective(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("variance", 0.0), ("variance", -0.05), ("variance", math.nan), ("likelihood", "laplace")]
)
def test_bad_likelihoods_are_named(name, value):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        Objective(**{name: value})


def test_a_point_has_no_variance_term():
    with pytest.raises(ValueError, match=r"^variance_weight: expected 0 without noise"):
        Objective(noise=False)


@pytest.mark.parametrize(
    "images",
    [np.zeros(shape) for shape in [(3, 4, 5), (0, 4, 4)]] + [np.full((3, 4, 4), value) for value in (1.5, np.nan)],
    ids=["oblong", "none", "above 1", "nan"],
)
def test_bad_images_are_named(images):
    with pytest.raises(ValueError, match=r"^images: expected"):
        train(images, [VAE], [0], 2, steps=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("objectives", []), ("seeds", []), ("latent", 0), ("latent", -1), ("latent", 1.5), ("hidden", 0), ("steps", 0)],
)
def test_bad_sizes_are_named(name, value):
    arguments = {"images": np.zeros((3, 4, 4)), "objectives": [VAE], "seeds": [0], "latent": 2, "steps": 1}
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        train(**arguments | {name: value})


def test_one_of_each_is_enough():
    smallest = train(np.zeros((1, 1, 1)), [VAE], [0], 1, hidden=1, steps=1)
    assert smallest.decode([[0.0]]).shape == (1, 1, 1, 1, 1)


@pytest.mark.parametrize("size", [(4, 4), (28, 28), (5, 6)])
def test_images_of_another_size_are_refused(size, members):
    for use in (members.encode, lambda images: members.elbo_terms(images, 0)):
        with pytest.raises(ValueError, match=r"^images: expected"):
            use(np.zeros((2, *size)))


@pytest.mark.parametrize("shape", [(2,), (3, 3), (2, 3, 2), (4, 1, 3, 2), (3, 2, 3, 2), (4, 2, 3, 1), (0, 2)])
def test_codes_of_another_shape_are_refused(shape, members):
    with pytest.raises(ValueError, match=rf"^z: expected .* got {re.escape(str(shape))}$"):
        members.decode(np.zeros(shape))


def test_codes_must_be_finite(members):
    with pytest.raises(ValueError, match=r"^z: expected"):
        members.decode([[np.nan, 0.0]])


def test_decoder_weights_draw_the_same_images():
    images = np.random.default_rng(0).random((20, 4, 4))
    models = train(images, [VAE, AUTOENCODER], [0, 1], latent=3, hidden=5, steps=2)
    assert models.encode(images)[0].shape == (2, 2, 20, 3)
    z = np.random.default_rng(1).standard_normal((7, 3))
    for objective, seed in itertools.product(range(2), range(2)):
        w_1, b_1, w_2, b_2 = models.decoder_weights(objective, seed)
        assert [part.shape for part in (w_1, b_1, w_2, b_2)] == [(3, 5), (5,), (5, 16), (16,)]
        u = z @ w_1 + b_1
        drawn = expit(np.maximum(u, SLOPE * u) @ w_2 + b_2).reshape(7, 4, 4)
        assert drawn == pytest.approx(models.decode(z)[objective, seed], abs=1e-6)
    for first, same in zip(models.decoder_weights(), models.decoder_weights(0, 0), strict=True):
        assert np.array_equal(first, same)
    with pytest.raises(IndexError):
        models.decoder_weights(2)
