"""Small convolutional networks for square images (n, h, h), h a multiple of 4, which the VAE and the GAN share.

The decoder turns codes z into images: a linear layer to 16 maps of a quarter of the side, two 3 x 3 convolutions, and
each place of the last maps becomes 4 x 4 pixels. The encoder mirrors it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from genmodels.mlp import SLOPE

LATENT_DIM, CHANNELS, HIDDEN_DIM, PATCH = 10, 16, 128, 4
BATCH_SIZE, STEPS = 64, 700


def conv_decoder(side: int) -> nn.Sequential:
    """Return a network (n, LATENT_DIM) -> (n, side, side) with outputs in [0, 1]."""
    places = side // PATCH
    return nn.Sequential(
        nn.Linear(LATENT_DIM, CHANNELS * places**2),
        nn.Unflatten(1, (CHANNELS, places, places)),
        nn.BatchNorm2d(CHANNELS),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False),  # the normalisation brings its own
        nn.BatchNorm2d(CHANNELS),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(CHANNELS, PATCH**2, 3, padding=1),
        nn.PixelShuffle(PATCH),  # 16 numbers become 4 x 4 pixels
        nn.Sigmoid(),
        nn.Flatten(1, 2),  # (n, 1, h, h) -> (n, h, h)
    )


def conv_encoder(side: int, outputs: int) -> nn.Sequential:
    """Return a network (n, side, side) -> (n, outputs)."""
    return nn.Sequential(
        nn.Unflatten(1, (1, side)),
        nn.PixelUnshuffle(PATCH),
        nn.Conv2d(PATCH**2, CHANNELS, 3, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
        nn.LeakyReLU(SLOPE),
        nn.Flatten(),
        nn.Linear(CHANNELS * (side // PATCH) ** 2, HIDDEN_DIM),
        nn.LeakyReLU(SLOPE),
        nn.Linear(HIDDEN_DIM, outputs),
    )


def sample_rows(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return a batch of images, drawn with replacement."""
    return images[torch.randint(len(images), (BATCH_SIZE,), generator=rng)]


def half_constant(steps: int) -> Callable[[int], float]:
    """Return the schedule of a learning rate: constant for the first half of the steps, then falling to zero."""
    return lambda step: min(1.0, 2.0 * (1.0 - step / steps))
