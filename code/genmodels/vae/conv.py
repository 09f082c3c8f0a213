"""A small convolutional VAE and a GAN of small images with the same generator, batches and number of updates.

The generator turns codes z ~ N(0, I) into images: a linear layer to 16 maps of a quarter of the side, two 3 x 3
convolutions, and each place of the last maps becomes 4 x 4 pixels. Encoder and discriminator mirror it. The VAE's
likelihood is Gaussian, with one learned variance shared by all pixels; its decoder's image is the mean of p(x|z).
Sources: Kingma & Welling 2014; Rybkin et al. 2021 (calibrated decoder); Goodfellow et al. 2014.

Both are trained by Adam, whose step size stays for the first half and then falls to zero. A seed decides everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from genmodels.checks import check_at_least, check_finite, check_square_images
from genmodels.gan.losses import discriminator_loss, generator_loss
from genmodels.measures.divergences import kl_standard_normal_terms
from genmodels.vae.model import gaussian_negative_log_likelihood

LATENT, MAPS, HIDDEN, BLOCK = 10, 16, 128, 4
BATCH, STEPS = 64, 700
SLOPE = 0.2  # of the leaky ReLU below zero
VAE_RATE, VARIANCE_RATE, GENERATOR_RATE, DISCRIMINATOR_RATE = 4e-3, 1e-2, 4e-3, 2e-3  # Adam's step sizes
VAE_BETA1, GAN_BETA1 = 0.9, 0.5  # Adam's memory; half of it for the moving target of a game

Images = NDArray[np.float32]


@dataclass(frozen=True)
class ImageGAN:
    """A trained generator."""

    generator: nn.Sequential

    def sample(self, n: int, seed: int) -> Images:
        """Return n images (n, h, h) of codes z ~ N(0, I). Raises ValueError when n < 1."""
        return _sample(self.generator, n, seed)


@dataclass(frozen=True)
class ImageVAE:
    """A trained encoder and decoder, and the learned variance of p(x|z) at every pixel."""

    encoder: nn.Sequential
    decoder: nn.Sequential
    variance: float
    side: int

    def sample_means(self, n: int, seed: int) -> Images:
        """Return n means of p(x|z) for z ~ N(0, I), the usual "samples": (n, h, h). Raises ValueError when n < 1."""
        return _sample(self.decoder, n, seed)

    def reconstruct(self, images: ArrayLike, seed: int) -> Images:
        """Return the means of p(x|z), one z ~ q(z|x) per image: (n, h, h) -> (n, h, h).

        Raises ValueError unless the images have the size trained on and values in [0, 1].
        """
        batch = _check_images(images)
        self._check_shape("images", batch.shape)
        with torch.no_grad():
            mean, logvar = self.encoder(batch).chunk(2, dim=-1)
            return self.decoder(_posterior_sample(mean, logvar, _seeded(seed))).numpy()

    def draw(self, means: ArrayLike, seed: int) -> NDArray[np.float64]:
        """Return true samples of p(x|z): the means (n, h, h) plus white noise of the learned variance, not clipped.

        Raises ValueError unless the means have the size trained on and are finite, n >= 1.
        """
        centres = check_finite(means, "means")
        self._check_shape("means", centres.shape)
        return centres + math.sqrt(self.variance) * np.random.default_rng(seed).standard_normal(centres.shape)

    def _check_shape(self, name: str, shape: Sequence[int]) -> None:
        n, *pixels = shape or (0,)
        if n < 1 or pixels != [self.side, self.side]:
            raise ValueError(f"{name}: expected shape (n, {self.side}, {self.side}), n >= 1, got {tuple(shape)}")


def train_vae(images: ArrayLike, seed: int, steps: int = STEPS) -> ImageVAE:
    """Train the VAE on images (n, h, h) with values in [0, 1], h a multiple of 4.

    The loss is the negative ELBO in nats, summed over pixels and latent dimensions, the mean over the batch.
    Raises ValueError on other images or when steps < 1.
    """
    data, noise = _check_images(images), _seeded(seed)
    check_at_least("steps", steps, 1)
    encoder, decoder = _build(data.shape[-1], seed, outputs=2 * LATENT)
    log_variance = torch.zeros((), requires_grad=True)
    optimizer = _adam([*encoder.parameters(), *decoder.parameters()], VAE_RATE, VAE_BETA1)
    optimizer.add_param_group({"params": [log_variance], "lr": VARIANCE_RATE})
    schedule = LambdaLR(optimizer, [_fall(steps), lambda step: 1.0])  # the variance follows the error to the end
    for _ in range(steps):
        batch = _batch(data, noise)
        mean, logvar = encoder(batch).chunk(2, dim=-1)
        decoded = decoder(_posterior_sample(mean, logvar, noise))
        rate = sum(term.sum(-1) for term in kl_standard_normal_terms(mean, logvar))
        distortion = gaussian_negative_log_likelihood(decoded.flatten(1), batch.flatten(1), log_variance)
        loss = (distortion + rate).mean()
        _descend(optimizer, schedule, loss)
    return ImageVAE(encoder, decoder.eval(), math.exp(log_variance.item()), data.shape[-1])


def train_gan(images: ArrayLike, seed: int, steps: int = STEPS) -> ImageGAN:
    """Train the GAN on images (n, h, h) with values in [0, 1], h a multiple of 4, by the -log D loss.

    Each step updates the discriminator once and then the generator once. Raises ValueError as `train_vae` does.
    """
    data, noise = _check_images(images), _seeded(seed)
    check_at_least("steps", steps, 1)
    discriminator, generator = _build(data.shape[-1], seed, outputs=1)
    opponent = _adam(discriminator.parameters(), DISCRIMINATOR_RATE, GAN_BETA1)
    optimizer = _adam(generator.parameters(), GENERATOR_RATE, GAN_BETA1)
    schedule, opponents_schedule = (LambdaLR(player, _fall(steps)) for player in (optimizer, opponent))
    for _ in range(steps):
        fake = generator(torch.randn(BATCH, LATENT, generator=noise))
        logits = discriminator(torch.cat([_batch(data, noise), fake.detach()])).squeeze(-1)
        _descend(opponent, opponents_schedule, discriminator_loss(*logits.chunk(2)))
        discriminator.requires_grad_(False)  # it only passes the gradient on
        loss = generator_loss(discriminator(fake).squeeze(-1), "non-saturating")
        _descend(optimizer, schedule, loss)
        discriminator.requires_grad_(True)
    return ImageGAN(generator.eval())


def _build(side: int, seed: int, outputs: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Return a network from images (n, h, h) to (n, outputs) and the generator; torch's global state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = _generator(side)  # first: the VAE's and the GAN's start from the same weights
        return _recogniser(side, outputs), generator


def _generator(side: int) -> nn.Sequential:
    places = side // BLOCK
    return nn.Sequential(
        nn.Linear(LATENT, MAPS * places**2),
        nn.Unflatten(1, (MAPS, places, places)),
        nn.BatchNorm2d(MAPS),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(MAPS, MAPS, 3, padding=1, bias=False),  # the normalisation brings its own
        nn.BatchNorm2d(MAPS),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(MAPS, BLOCK**2, 3, padding=1),
        nn.PixelShuffle(BLOCK),  # 16 numbers become 4 x 4 pixels
        nn.Sigmoid(),
        nn.Flatten(1, 2),  # (n, 1, h, h) -> (n, h, h)
    )


def _recogniser(side: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (1, side)),
        nn.PixelUnshuffle(BLOCK),
        nn.Conv2d(BLOCK**2, MAPS, 3, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(MAPS, MAPS, 3, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Flatten(),
        nn.Linear(MAPS * (side // BLOCK) ** 2, HIDDEN),
        nn.LeakyReLU(SLOPE),
        nn.Linear(HIDDEN, outputs),
    )


def _adam(parameters: Iterable[Tensor], rate: float, beta1: float) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=rate, betas=(beta1, 0.999), fused=True)


def _fall(steps: int) -> Callable[[int], float]:
    return lambda step: min(1.0, 2.0 * (1.0 - step / steps))


def _descend(optimizer: torch.optim.Adam, schedule: LambdaLR, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(int(seed))


def _batch(data: Tensor, noise: torch.Generator) -> Tensor:
    return data[torch.randint(len(data), (BATCH,), generator=noise)]


def _posterior_sample(mean: Tensor, logvar: Tensor, noise: torch.Generator) -> Tensor:
    # z = mu + s * noise
    return mean + (0.5 * logvar).exp() * torch.randn(mean.shape, generator=noise)


def _sample(generator: nn.Sequential, n: int, seed: int) -> Images:
    check_at_least("n", n, 1)
    with torch.no_grad():
        return generator(torch.randn(n, LATENT, generator=_seeded(seed))).numpy()


def _check_images(images: ArrayLike) -> Tensor:
    return torch.from_numpy(check_square_images(images, multiple=BLOCK))
