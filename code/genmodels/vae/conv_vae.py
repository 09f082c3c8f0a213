"""A convolutional VAE of small images, with one learned variance of p(x|z) for all pixels.

Sources: Kingma & Welling 2014; Rybkin et al. 2021 (calibrated decoder).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR

from genmodels.checks import check_at_least, check_finite, check_square_images
from genmodels.conv_networks import (
    BATCH_SIZE,
    LATENT_DIM,
    PATCH,
    STEPS,
    conv_decoder,
    conv_encoder,
    half_constant,
    sample_rows,
)
from genmodels.measures.densities import LOG_SQRT_2PI

LR, LR_VARIANCE = 4e-3, 1e-2  # Adam's


class ConvVAE(nn.Module):
    """Encoder q(z|x) = N(mu(x), diag s^2(x)) and decoder p(x|z) = N(decoder(z), variance I) for images (n, h, h)."""

    def __init__(self, side: int):
        super().__init__()
        self.decoder = conv_decoder(side)  # first: a GAN's generator of the same seed starts from the same weights
        self.encoder = conv_encoder(side, 2 * LATENT_DIM)
        self.log_variance = nn.Parameter(torch.zeros(()))
        self.side = side

    def loss(self, x: Tensor, noise: Tensor) -> Tensor:
        """Return the negative ELBO in nats per image, the mean over x (n, h, h), with noise (n, LATENT_DIM)."""
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        z = mu + (logvar / 2).exp() * noise  # reparametrisation
        # -log N(x; m, v I) = sum over pixels of (x - m)^2 / (2 v) + log(2 pi v) / 2
        squared = (x - self.decoder(z)) ** 2 / (2 * self.log_variance.exp())
        reconstruction = (squared + LOG_SQRT_2PI + self.log_variance / 2).sum((1, 2))
        kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(-1)
        return (reconstruction + kl).mean()

    @property
    def variance(self) -> float:
        """The learned variance of p(x|z) at every pixel."""
        return math.exp(self.log_variance.item())

    @torch.no_grad()
    def sample_means(self, n: int, seed: int) -> NDArray[np.float32]:
        """Return n means of p(x|z) for z ~ N(0, I), the usual "samples": (n, h, h)."""
        check_at_least("n", n, 1)
        return self.decoder(torch.randn(n, LATENT_DIM, generator=torch.Generator().manual_seed(seed))).numpy()

    @torch.no_grad()
    def reconstruct(self, images: ArrayLike, seed: int) -> NDArray[np.float32]:
        """Return the means of p(x|z), one z ~ q(z|x) per image: (n, h, h) -> (n, h, h)."""
        x = torch.from_numpy(check_square_images(images))
        self._check_shape("images", x.shape)
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        noise = torch.randn(mu.shape, generator=torch.Generator().manual_seed(seed))
        return self.decoder(mu + (logvar / 2).exp() * noise).numpy()

    def draw(self, means: ArrayLike, seed: int) -> NDArray[np.float64]:
        """Return samples of p(x|z): means (n, h, h) plus white noise of the learned variance, not clipped."""
        centres = check_finite(means, "means")
        self._check_shape("means", centres.shape)
        return centres + math.sqrt(self.variance) * np.random.default_rng(seed).standard_normal(centres.shape)

    def _check_shape(self, name: str, shape: Sequence[int]) -> None:
        if tuple(shape[1:]) != (self.side, self.side) or shape[0] < 1:
            raise ValueError(f"{name}: expected shape (n, {self.side}, {self.side}), n >= 1, got {tuple(shape)}")


def train_conv_vae(images: ArrayLike, seed: int, steps: int = STEPS) -> ConvVAE:
    """Train on images (n, h, h) with values in [0, 1], h a multiple of 4; the seed decides everything."""
    check_at_least("steps", steps, 1)
    data = torch.from_numpy(check_square_images(images, multiple=PATCH))
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # torch's global random state is left alone
        torch.manual_seed(seed)
        vae = ConvVAE(data.shape[-1])
    opt = Adam([*vae.encoder.parameters(), *vae.decoder.parameters()], lr=LR, fused=True)
    opt.add_param_group({"params": [vae.log_variance], "lr": LR_VARIANCE})
    schedule = LambdaLR(opt, [half_constant(steps), lambda step: 1.0])  # the variance follows the error to the end
    for _ in range(steps):
        loss = vae.loss(sample_rows(data, rng), torch.randn(BATCH_SIZE, LATENT_DIM, generator=rng))
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
    return vae.eval()
