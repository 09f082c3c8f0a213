"""The usual way to train a GAN: models of torch.nn, with autograd and torch's Adam.

Nothing here calls the package's own networks, gradients or losses. It draws the same random numbers as
`genmodels.gan.train`, so that both train the same models on the same samples.

"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from genmodels.data.toy import GaussianModes
from genmodels.gan.train import BATCH_SIZE, BLOCK, HIDDEN_DIM, LATENT_DIM, random_streams

BETAS, SLOPE = (0.5, 0.999), 0.2


def train(target: GaussianModes, seed: int, steps: int, lr: float) -> Tensor:
    """Train one GAN; return the losses L_D and E[-log D], (2, steps)."""
    own = random_streams(seed)
    G = plain_mlp((LATENT_DIM, HIDDEN_DIM, HIDDEN_DIM, 2), own.generator)
    D = plain_mlp((2, HIDDEN_DIM, HIDDEN_DIM, 1), own.discriminator)
    opt_G, opt_D = (torch.optim.Adam(network.parameters(), lr=lr, betas=BETAS) for network in (G, D))
    real_label, fake_label = torch.ones(BATCH_SIZE, 1), torch.zeros(BATCH_SIZE, 1)
    losses = torch.empty(2, steps)
    for step in range(steps):
        if step % BLOCK == 0:
            real = target.sample((BLOCK, 1, BATCH_SIZE), own.training)
            codes = [torch.randn(BLOCK, 1, BATCH_SIZE, LATENT_DIM, generator=own.training) for _ in range(2)]
        at = step % BLOCK
        with torch.no_grad():
            fake = G(codes[0][at, 0])
        loss_D = functional.binary_cross_entropy_with_logits(D(real[at, 0]), real_label)
        loss_D = loss_D + functional.binary_cross_entropy_with_logits(D(fake), fake_label)
        opt_D.zero_grad()
        loss_D.backward()
        opt_D.step()
        loss_G = functional.binary_cross_entropy_with_logits(D(G(codes[1][at, 0])), real_label)
        opt_G.zero_grad()
        loss_G.backward()
        opt_G.step()
        losses[0, step], losses[1, step] = loss_D.detach(), loss_G.detach()
    return losses


def plain_mlp(sizes: Sequence[int], stream: torch.Generator) -> nn.Sequential:
    """Return one MLP of leaky ReLUs with the weights that this stream gives `genmodels.mlp.EnsembleMLP`."""
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
