"""The convolutional VAE and GAN against plain loops with torch's own losses, and what training must achieve."""

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy_with_logits, conv2d

from genmodels import conv_networks
from genmodels.gan.conv_gan import ConvGAN, train_conv_gan
from genmodels.vae.conv_vae import ConvVAE, train_conv_vae

SIDE, TRAININGS = 8, (train_conv_vae, train_conv_gan)


def bars(n, seed):
    """A bright vertical bar at one of eight places, with noise of variance 1/48 on every pixel: (n, 8, 8)."""
    rng = np.random.default_rng(seed)
    place = rng.integers(0, SIDE, n)[:, None, None]
    ink = np.where(np.arange(SIDE) == place, 0.75, 0.25)
    return (ink + rng.uniform(-0.25, 0.25, (n, SIDE, SIDE))).astype(np.float32)


@pytest.fixture(scope="module")
def images():
    return bars(500, seed=0)


@pytest.fixture(scope="module")
def vae(images):
    return train_conv_vae(images, seed=1, steps=600)


@pytest.fixture(scope="module")
def gan(images):
    return train_conv_gan(images, seed=1, steps=150)


def plain_adam(parameters, lr, beta1):
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, 0.999))


def assert_same_weights(network, other):
    for own, expected in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(own, expected, rtol=0, atol=2e-4)


def leaky(values):
    return torch.where(values > 0, values, 0.2 * values)


def normalised(maps, scale, shift):
    """Batch normalisation: each map with its batch's mean 0 and variance 1, then with a scale and a shift."""
    variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0, keepdim=True)
    return (maps - mean) / torch.sqrt(variance + 1e-5) * scale[:, None, None] + shift[:, None, None]


@pytest.mark.parametrize(("side", "count"), [(8, 16), (12, 6)])
@torch.no_grad()
def test_networks_are_those_of_the_description(side, count, monkeypatch):
    monkeypatch.setattr(conv_networks, "CHANNELS", count)  # by default there are as many maps as pixels of a place
    encoder, generator = conv_networks.conv_encoder(side, 3), conv_networks.conv_decoder(side)
    noise, places = torch.Generator().manual_seed(0), side // 4
    for parameter in generator.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=noise))  # fresh scales are 1, fresh shifts 0
    weight, offset, scale1, shift1, kernel1, scale2, shift2, kernel2, offset2 = generator.parameters()
    z = torch.randn(5, conv_networks.LATENT_DIM, generator=noise)
    maps = leaky(normalised((z @ weight.T + offset).reshape(5, count, places, places), scale1, shift1))
    maps = leaky(normalised(conv2d(maps, kernel1, padding=1), scale2, shift2))
    maps = conv2d(maps, kernel2, offset2, padding=1)
    # the 16 numbers of each place are its 4 x 4 pixels
    ink = torch.sigmoid(maps.reshape(5, 4, 4, places, places).permute(0, 3, 1, 4, 2).reshape(5, side, side))
    torch.testing.assert_close(generator(z), ink)

    kernel1, shift1, kernel2, shift2, weight1, offset1, weight2, offset2 = encoder.parameters()
    blocks = ink.reshape(5, places, 4, places, 4).permute(0, 2, 4, 1, 3).reshape(5, 16, places, places)
    maps = leaky(conv2d(leaky(conv2d(blocks, kernel1, shift1, padding=1)), kernel2, shift2, padding=1))
    outputs = leaky(maps.flatten(1) @ weight1.T + offset1) @ weight2.T + offset2
    torch.testing.assert_close(encoder(ink), outputs)


def fresh(network, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(SIDE)


def test_vae_agrees_with_a_plain_loop(images):
    steps, data, noise, vae = 6, torch.tensor(images), torch.Generator().manual_seed(3), fresh(ConvVAE, 3)
    log_variance = torch.zeros((), requires_grad=True)
    optimizer = plain_adam([*vae.encoder.parameters(), *vae.decoder.parameters()], 4e-3, 0.9)
    second = plain_adam([log_variance], 1e-2, 0.9)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 4e-3 * min(1, 2 * (steps - step) / steps)
        batch = data[torch.randint(len(data), (64,), generator=noise)]
        mean, logvar = vae.encoder(batch).chunk(2, dim=1)
        z = mean + torch.exp(logvar / 2) * torch.randn(mean.shape, generator=noise)
        reconstruction = -Normal(vae.decoder(z), torch.exp(log_variance / 2)).log_prob(batch).sum((1, 2))
        kl = kl_divergence(Normal(mean, torch.exp(logvar / 2)), Normal(0, 1)).sum(1)
        optimizer.zero_grad()
        second.zero_grad()
        (reconstruction + kl).mean().backward()
        optimizer.step()
        second.step()
    trained = train_conv_vae(images, seed=3, steps=steps)
    assert_same_weights(trained.encoder, vae.encoder)
    assert_same_weights(trained.decoder, vae.decoder)
    assert trained.variance == pytest.approx(log_variance.exp().item(), rel=1e-5)


def test_gan_agrees_with_a_plain_loop(images):
    steps, data, noise, gan = 6, torch.tensor(images), torch.Generator().manual_seed(3), fresh(ConvGAN, 3)
    opt_D, opt_G = plain_adam(gan.D.parameters(), 2e-3, 0.5), plain_adam(gan.G.parameters(), 4e-3, 0.5)
    ones, zeros = torch.ones(64), torch.zeros(64)
    for step in range(steps):
        for optimizer, lr in ((opt_D, 2e-3), (opt_G, 4e-3)):
            optimizer.param_groups[0]["lr"] = lr * min(1, 2 * (steps - step) / steps)
        z = torch.randn(2, 64, conv_networks.LATENT_DIM, generator=noise)
        real = data[torch.randint(len(data), (64,), generator=noise)]
        loss = binary_cross_entropy_with_logits(gan.D(real), ones)
        loss = loss + binary_cross_entropy_with_logits(gan.D(gan.G(z[0]).detach()), zeros)
        opt_D.zero_grad()
        loss.backward()
        opt_D.step()
        opt_G.zero_grad()
        binary_cross_entropy_with_logits(gan.D(gan.G(z[1])), ones).backward()
        opt_G.step()
    assert_same_weights(train_conv_gan(images, seed=3, steps=steps).G, gan.G)


def test_learned_variance_is_the_squared_error_per_pixel(vae, images):
    error = np.mean((images - vae.reconstruct(images, seed=2)) ** 2)
    assert vae.variance == pytest.approx(error, rel=0.1)


def test_decoder_draws_the_mean_of_what_the_code_leaves_open(vae):
    unseen, rng = bars(500, seed=5), np.random.default_rng(5)
    noiseless = np.where(np.arange(SIDE) == rng.integers(0, SIDE, 500)[:, None, None], 0.75, 0.25)
    redrawn = vae.reconstruct(unseen, seed=2)
    # the place is kept, the noise, different in every image, is averaged away
    assert np.mean((redrawn - noiseless) ** 2) < 0.3 / 48
    assert np.mean((unseen - noiseless) ** 2) > 0.9 / 48


def test_both_have_the_same_generator_from_the_same_weights():
    for own, other in zip(fresh(ConvVAE, 8).decoder.parameters(), fresh(ConvGAN, 8).G.parameters(), strict=True):
        assert torch.equal(own, other)
    assert not torch.equal(next(fresh(ConvGAN, 8).parameters()), next(fresh(ConvGAN, 9).parameters()))


def test_same_seed_same_bits_and_the_global_stream_is_left_alone(images):
    before = torch.random.get_rng_state()
    for train, draw in ((train_conv_vae, "sample_means"), (train_conv_gan, "sample")):
        drawn = [getattr(train(images, seed, steps=3), draw)(5, seed=0) for seed in (1, 1, 2)]
        np.testing.assert_array_equal(drawn[0], drawn[1])
        assert not np.array_equal(drawn[0], drawn[2])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_samples_depend_on_their_seed_alone(vae, gan, images):
    for draw in (vae.sample_means, gan.sample, lambda n, seed: vae.reconstruct(images[:n], seed)):
        first, again, other = (draw(4, seed=seed) for seed in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)


def test_true_samples_are_the_means_and_white_noise(vae):
    means = np.full((400, SIDE, SIDE), 0.5)
    noise = (vae.draw(means, seed=0) - means) / np.sqrt(vae.variance)
    assert abs(noise.mean()) < 0.03  # 25,600 numbers: standard error .006
    assert noise.var() == pytest.approx(1, abs=0.04)
    np.testing.assert_array_equal(vae.draw(means, seed=0), vae.draw(means, seed=0))


def test_bad_input_is_named(vae, gan, images):
    for call, message in (
        *((lambda train=train: train(np.zeros((3, 6, 6)), 0), "h a multiple of 4") for train in TRAININGS),
        *((lambda train=train: train(images, 0, steps=0), "steps: expected at least 1") for train in TRAININGS),
        (lambda: vae.sample_means(0, seed=0), "n: expected at least 1, got 0"),
        (lambda: gan.sample(-2, seed=0), "n: expected at least 1, got -2"),
        (lambda: vae.reconstruct(np.zeros((2, 12, 12)), seed=0), r"images: expected shape \(n, 8, 8\), n >= 1"),
        (lambda: vae.draw(np.full((2, 8, 8), np.nan), seed=0), "means: expected finite numbers"),
        (lambda: vae.draw(np.zeros((8, 8)), seed=0), "means: expected shape"),
        (lambda: vae.draw(np.zeros((2, 8, 4)), seed=0), "means: expected shape"),
        (lambda: vae.draw(np.zeros((0, 8, 8)), seed=0), r"means: expected shape \(n, 8, 8\), n >= 1, got \(0, 8, 8\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
