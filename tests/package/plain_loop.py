"""The usual way to train a GAN over several seeds: a loop over models of torch.nn, with autograd and torch's Adam.

Nothing here calls the package's own networks, gradients or losses. It draws the same random numbers as
`genmodels.gan.train`, so that both train the same models on the same samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from genmodels.data.toy import GaussianModes
from genmodels.gan.train import BLOCK, LATENT_DIM, random_streams

BETAS, SLOPE = (0.5, 0.999), 0.2


def train(
    target: GaussianModes,
    seeds: Sequence[int],
    steps: int,
    *,
    hidden: int,
    batch: int,
    rate: float = 2e-3,
    fused: bool | None = None,
) -> Tensor:
    """Train one GAN after the other; return the losses L_D and E[-log D], (2, S, steps).

    ``fused=True`` asks Adam for its fused kernel, which is not its default on the CPU.
    """
    losses = []
    for seed in seeds:
        own = random_streams(seed)
        players = (
            _perceptron((LATENT_DIM, hidden, hidden, 2), own.generator),
            _perceptron((2, hidden, hidden, 1), own.discriminator),
        )
        adams = [torch.optim.Adam(player.parameters(), lr=rate, betas=BETAS, fused=fused) for player in players]
        losses.append(_play(target, own.training, steps, batch, *players, *adams))
    return torch.stack(losses, dim=1)


def _play(
    target: GaussianModes,
    stream: torch.Generator,
    steps: int,
    batch: int,
    generator: nn.Sequential,
    discriminator: nn.Sequential,
    adam_g: torch.optim.Adam,
    adam_d: torch.optim.Adam,
) -> Tensor:
    real_label, fake_label = torch.ones(batch, 1), torch.zeros(batch, 1)
    losses = torch.empty(2, steps)
    for step in range(steps):
        if step % BLOCK == 0:
            real = target.sample((BLOCK, 1, batch), stream)
            codes = [torch.randn(BLOCK, 1, batch, LATENT_DIM, generator=stream) for _ in range(2)]
        at = step % BLOCK
        with torch.no_grad():
            fake = generator(codes[0][at, 0])
        loss_d = functional.binary_cross_entropy_with_logits(discriminator(real[at, 0]), real_label)
        loss_d = loss_d + functional.binary_cross_entropy_with_logits(discriminator(fake), fake_label)
        adam_d.zero_grad()
        loss_d.backward()
        adam_d.step()
        judged = discriminator(generator(codes[1][at, 0]))
        loss_g = functional.binary_cross_entropy_with_logits(judged, real_label)
        adam_g.zero_grad()
        loss_g.backward()
        adam_g.step()
        losses[0, step], losses[1, step] = loss_d.detach(), loss_g.detach()
    return losses


def _perceptron(sizes: Sequence[int], stream: torch.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layer = nn.Linear(inputs, outputs)
        bound = inputs**-0.5
        with torch.no_grad():
            # U(-1, 1) / sqrt(inputs), drawn as (in, out), weights before biases
            layer.weight.copy_(((2 * torch.rand(inputs, outputs, generator=stream) - 1) * bound).T)
            layer.bias.copy_((2 * torch.rand(outputs, generator=stream) - 1) * bound)
        layers += [layer, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])
