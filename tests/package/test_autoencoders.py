"""The VAE's loss against formulas in NumPy, its gradient against differences, and training against a loop by hand."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch.distributions import Normal, kl_divergence

from genmodels.vae.model import VAE, Autoencoder, decode, elbo_terms, encode, train

SIDE, SIZES = 5, {"latent_dim": 2, "hidden_dim": 8, "sigma2": 0.3, "pixels": 25}
MAKE = {"vae": lambda: VAE(beta=0.7, **SIZES), "autoencoder": lambda: Autoencoder(beta=0.7, **SIZES)}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(size=(30, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module", params=MAKE)
def model(request, images):
    return train(MAKE[request.param], images, seed=4, steps=20)


def double(model):
    """A model of the same weights in double precision; encoder outputs are made larger, so that no term is small."""
    copy = type(model)(beta=model.beta, **SIZES).double()
    copy.load_state_dict(model.state_dict())
    with torch.no_grad():
        copy.encoder[2].weight *= 3
    return copy


def plain_mlp(network, x):
    """The output of two linear layers with a leaky ReLU of slope 0.2 between them."""
    w_1, b_1, w_2, b_2 = (parameter.detach().numpy() for parameter in network.parameters())
    hidden = x @ w_1.T + b_1
    return np.where(hidden > 0, hidden, 0.2 * hidden) @ w_2.T + b_2


def loss_by_hand(model, x, noise):
    """Reconstruction and KL term per image (n,), written out; the log-variances are the encoder's last outputs."""
    mu, logvar = np.split(plain_mlp(model.encoder, x), 2, axis=1)
    variance = np.exp(logvar)
    z = mu + np.sqrt(variance) * noise
    error = ((x - expit(plain_mlp(model.decoder, z))) ** 2).sum(axis=1)
    rate = ((mu**2 + variance - 1 - logvar) / 2).sum(axis=1)
    return error / (2 * 0.3), rate


def test_loss_is_the_formula(model, images):
    model, x = double(model), torch.from_numpy(images).flatten(1).double()
    torch.manual_seed(7)
    measured = model.loss(x).detach()
    torch.manual_seed(7)
    noise = torch.randn(30, 2, dtype=torch.double).numpy()
    if isinstance(model, Autoencoder):
        expected, _ = loss_by_hand(model, x.numpy(), 0 * noise)
    else:
        reconstruction, rate = loss_by_hand(model, x.numpy(), noise)
        expected = reconstruction + 0.7 * rate
        assert rate.mean() > 0.1 and reconstruction.mean() > 0.1
    np.testing.assert_allclose(measured, expected, rtol=1e-12)


def test_terms_are_those_of_torchs_normal():
    model = VAE(**SIZES).double()
    generator = torch.Generator().manual_seed(0)
    mu, logvar = torch.randn(2, 9, 2, generator=generator, dtype=torch.double)
    rate = kl_divergence(Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(model.kl(mu, logvar), rate, rtol=1e-12, atol=0)
    x = torch.rand(9, 25, generator=generator, dtype=torch.double)
    with torch.no_grad():
        normal = Normal(model.decoder(mu), math.sqrt(0.3))
        measured = model.reconstruction(x, mu) + 25 * math.log(2 * math.pi * 0.3) / 2
    torch.testing.assert_close(measured, -normal.log_prob(x).sum(-1), rtol=1e-12, atol=0)


def test_noise_is_new_for_every_image_and_call(images):
    model, x = VAE(**SIZES), torch.from_numpy(images[:1]).flatten(1).expand(8, -1)
    losses = torch.stack([model.loss(x), model.loss(x)])
    assert len(losses.unique()) == 16
    assert len(Autoencoder(**SIZES).loss(x).unique()) == 1


@pytest.mark.parametrize("epsilon", [1e-8, 1.0])  # with a large one the size of gradients counts
@pytest.mark.parametrize("kind", MAKE)
def test_training_is_adam_with_a_rate_that_falls_to_zero(kind, epsilon, images, monkeypatch):
    monkeypatch.setattr(torch.optim, "Adam", functools.partial(torch.optim.Adam, eps=epsilon))
    trained = train(MAKE[kind], images, seed=4, steps=12, batch_size=7, lr=0.02)
    torch.manual_seed(4)
    model, x = MAKE[kind](), torch.from_numpy(images).flatten(1)
    batches = torch.randint(30, (12, 7))
    first, second = ([torch.zeros_like(p) for p in model.parameters()] for _ in range(2))
    for step, rows in enumerate(batches):
        gradients = torch.autograd.grad(model.loss(x[rows]).mean(), list(model.parameters()))
        for p, g, m, v in zip(model.parameters(), gradients, first, second, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            hats = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
            p.data -= 0.02 * (1 - step / 12) * hats[0] / (hats[1].sqrt() + epsilon)
    for name, parameter in model.state_dict().items():
        torch.testing.assert_close(trained.state_dict()[name], parameter, rtol=1e-3, atol=1e-6)


def test_a_seed_gives_the_same_bits_and_another_one_others_and_torchs_own_state_is_left_alone(images):
    before = torch.get_rng_state()
    models = [train(MAKE["vae"], images, seed, steps=3) for seed in (4, 4, 5)]
    first, again, other = (decode(model, [[0.0, 0.0]]) for model in models)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    elbo_terms(models[0], images, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_codes_and_images_are_those_of_the_networks(model, images):
    mu, logvar = encode(model, images)
    expected = plain_mlp(model.encoder, images.reshape(30, 25))
    np.testing.assert_allclose(np.hstack([mu, logvar]), expected, rtol=1e-4, atol=1e-5)
    pictures = decode(model, mu)
    assert pictures.shape == (30, SIDE, SIDE) and pictures.dtype == np.float32
    expected = expit(plain_mlp(model.decoder, mu)).reshape(30, SIDE, SIDE)
    np.testing.assert_allclose(pictures, expected, rtol=1e-4, atol=1e-6)


def test_elbo_terms_are_means_of_the_formula(images):
    model = train(MAKE["vae"], images, seed=4, steps=20)
    noise = torch.randn(30, 2, generator=torch.Generator().manual_seed(9)).numpy()
    expected = [term.mean() for term in loss_by_hand(model, images.reshape(30, 25), noise)]
    assert elbo_terms(model, images, seed=9) == pytest.approx(expected, rel=1e-4)
    assert elbo_terms(model, images, seed=9)[0] != elbo_terms(model, images, seed=8)[0]


def images_of(shape=(3, 5, 5), value=0.0):
    return np.full(shape, value)


BAD = {
    "model": [lambda: elbo_terms(MAKE["autoencoder"](), images_of(), seed=0)],
    "seed": [lambda seed=seed: train(MAKE["vae"], images_of(), seed, steps=1) for seed in (-1, 1.5)],
    "steps": [lambda: train(MAKE["vae"], images_of(), 0, steps=0)],
    "batch_size": [lambda: train(MAKE["vae"], images_of(), 0, steps=1, batch_size=0)],
    "lr": [lambda: train(MAKE["vae"], images_of(), 0, steps=1, lr=0.0)],
    "sigma2": [lambda: train(lambda: VAE(**SIZES | {"sigma2": 0.0}), images_of(), 0, steps=1)],
    "beta": [lambda: train(lambda: VAE(**SIZES, beta=-1.0), images_of(), 0, steps=1)],
    "images": [
        lambda use=use, bad=bad: use(bad)
        for use in (
            lambda bad: train(MAKE["vae"], bad, 0, steps=1),
            lambda bad: encode(VAE(**SIZES), bad),
            lambda bad: elbo_terms(VAE(**SIZES), bad, 0),
        )
        for bad in (images_of((3, 5, 4)), images_of((3, 4, 4)), images_of((0, 5, 5)), images_of(value=1.5))
    ],
    "z": [
        lambda z=z: decode(VAE(**SIZES), z)
        for z in (np.zeros(2), np.zeros((3, 3)), np.zeros((2, 3, 2)), np.zeros((0, 2)), [[np.nan, 0.0]])
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_named(name):
    for call in BAD[name]:
        with pytest.raises(ValueError, match=rf"^{name}: expected"):
            call()
