"""The variational autoencoder of exercise 1, the autoencoder beside it, and their training, one model at a time.

Three VAEs, one per seed, and new images of the first::

    models = [train(lambda: VAE(latent_dim=2), images, seed) for seed in (0, 1, 2)]
    mu, logvar = encode(models[0], images)  # each (n, 2)
    new = decode(models[0], np.random.default_rng(0).standard_normal((16, 2)))
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from genmodels.checks import check_at_least, check_finite, check_not_negative, check_positive, check_square_images


def mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """A network with one hidden layer."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.LeakyReLU(0.2),
        nn.Linear(hidden, outputs),
    )


class VAE(nn.Module):
    """Encoder q(z|x) = N(mu, diag s^2), decoder p(x|z) = N(decoder(z), sigma2 I).

    The prior is N(0, I). Source: Kingma & Welling 2014, section 3 and appendix B.
    """

    def __init__(
        self,
        latent_dim: int = 16,
        hidden_dim: int = 128,
        sigma2: float = 0.05,
        beta: float = 1.0,
        pixels: int = 784,
    ):
        super().__init__()
        self.sigma2, self.beta = sigma2, beta
        self.encoder = mlp(pixels, hidden_dim, 2 * latent_dim)  # x -> mu, log s^2
        # z -> mean of p(x|z)
        self.decoder = nn.Sequential(*mlp(latent_dim, hidden_dim, pixels), nn.Sigmoid())

    def loss(self, x: Tensor) -> Tensor:
        """Reconstruction + beta KL in nats, per image: (n, pixels) -> (n,)."""
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        z = mu + (logvar / 2).exp() * torch.randn_like(mu)  # z = mu + s * noise
        return self.reconstruction(x, z) + self.beta * self.kl(mu, logvar)

    def reconstruction(self, x: Tensor, z: Tensor) -> Tensor:
        """|x - decoder(z)|^2 / (2 sigma2): -log p(x|z) up to a constant."""
        return (x - self.decoder(z)).square().sum(dim=-1) / (2 * self.sigma2)

    def kl(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """KL(q(z|x) || N(0, I)) = 1/2 sum(mu^2 + s^2 - 1 - log s^2)."""
        return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=-1)


class Autoencoder(VAE):
    """Reconstruction alone: z = mu without noise, and no KL. The encoder's log s^2 is not used."""

    def loss(self, x: Tensor) -> Tensor:
        """|x - decoder(mu)|^2 / (2 sigma2), per image: (n, pixels) -> (n,)."""
        mu, _ = self.encoder(x).chunk(2, dim=-1)
        return self.reconstruction(x, mu)


def fit(model: VAE, images: Tensor, steps: int, batch_size: int, lr: float) -> None:
    """Train on images (N, pixels) by Adam, whose step size falls from lr to zero."""
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    for batch in torch.randint(len(images), (steps, batch_size)):
        loss = model.loss(images[batch]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def train(
    make: Callable[[], VAE],
    images: ArrayLike,
    seed: int,
    *,
    steps: int = 600,
    batch_size: int = 100,
    lr: float = 1e-2,
) -> VAE:
    """Return make() fitted to images (n, h, h) with values in [0, 1]; 600 steps are six passes over 10,000 images.

    The seed fixes initial weights, batches and noise; models of one size share the first two. Torch's own
    random state is left as it was. Small networks train fastest on one thread: torch.set_num_threads(1).
    """
    check_at_least("seed", seed, 0)
    check_at_least("steps", steps, 1)
    check_at_least("batch_size", batch_size, 1)
    check_positive("lr", lr)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed))
        model = make()
        check_positive("sigma2", model.sigma2)
        check_not_negative("beta", model.beta)
        fit(model, _rows(model, images), steps, batch_size, lr)
    return model


@torch.no_grad()
def encode(model: VAE, images: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mu and log s^2 of q(z|x) for images (n, h, h), each (n, latent_dim)."""
    mu, logvar = model.encoder(_rows(model, images)).chunk(2, dim=-1)
    return mu.numpy(), logvar.numpy()


@torch.no_grad()
def decode(model: VAE, z: ArrayLike) -> NDArray[np.float32]:
    """Return the mean of p(x|z) as images (n, h, h) for codes z (n, latent_dim)."""
    codes = check_finite(z, "z").astype(np.float32)
    latent_dim = model.decoder[0].in_features
    if codes.ndim != 2 or codes.shape[1] != latent_dim or not len(codes):
        raise ValueError(f"z: expected shape (n, {latent_dim}), n >= 1, got {codes.shape}")
    x = model.decoder(torch.from_numpy(codes))
    side = math.isqrt(x.shape[1])
    return x.unflatten(1, (side, side)).numpy()


@torch.no_grad()
def elbo_terms(model: VAE, images: ArrayLike, seed: int) -> tuple[float, float]:
    """Return reconstruction and KL (without beta) in nats, means over images (n, h, h), one z for each."""
    if isinstance(model, Autoencoder):
        raise ValueError("model: expected a VAE, got an autoencoder")  # whose code has no distribution
    x = _rows(model, images)
    mu, logvar = model.encoder(x).chunk(2, dim=-1)
    noise = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
    z = mu + (logvar / 2).exp() * noise
    return model.reconstruction(x, z).mean().item(), model.kl(mu, logvar).mean().item()


def _rows(model: VAE, images: ArrayLike) -> Tensor:
    """Return square images (n, h, h) as (n, pixels)."""
    x = torch.from_numpy(check_square_images(images)).flatten(1)
    pixels = model.encoder[0].in_features
    if x.shape[1] != pixels:
        raise ValueError(f"images: expected {pixels} pixels as the model has, got shape {np.shape(images)}")
    return x
