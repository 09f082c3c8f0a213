"""A convolutional GAN of small images, whose generator is the decoder of `genmodels.vae.conv_vae`.

Source: Goodfellow et al. 2014.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from genmodels.checks import check_at_least, check_square_images
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
from genmodels.gan.config import GANConfig
from genmodels.gan.train import adam, train_step

CONFIG = GANConfig(lr_D=2e-3, lr_G=4e-3)


class ConvGAN(nn.Module):
    """Generator G, codes (n, LATENT_DIM) -> images (n, h, h), and discriminator D, images -> logits (n,)."""

    def __init__(self, side: int):
        super().__init__()
        self.G = conv_decoder(side)  # first: a VAE's decoder of the same seed starts from the same weights
        self.D = nn.Sequential(conv_encoder(side, 1), nn.Flatten(0))

    @torch.no_grad()
    def sample(self, n: int, seed: int) -> NDArray[np.float32]:
        """Return n images (n, h, h) of codes z ~ N(0, I)."""
        check_at_least("n", n, 1)
        return self.G(torch.randn(n, LATENT_DIM, generator=torch.Generator().manual_seed(seed))).numpy()


def train_conv_gan(images: ArrayLike, seed: int, steps: int = STEPS) -> ConvGAN:
    """Train a GAN on images (n, h, h) with values in [0, 1], h a multiple of 4, by the -log D loss.

    Each step updates D once and then G once; the seed decides everything.
    """
    check_at_least("steps", steps, 1)
    data = torch.from_numpy(check_square_images(images, multiple=PATCH))
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # torch's global random state is left alone
        torch.manual_seed(seed)
        gan = ConvGAN(data.shape[-1])
    optimizers = adam(gan.G, CONFIG.lr_G), adam(gan.D, CONFIG.lr_D)
    schedules = [LambdaLR(each, half_constant(steps)) for each in optimizers]
    for _ in range(steps):
        z = torch.randn(2, BATCH_SIZE, LATENT_DIM, generator=rng)
        train_step(gan.G, gan.D, *optimizers, sample_rows(data, rng)[None], z, CONFIG)
        for schedule in schedules:
            schedule.step()
    return gan.eval()
