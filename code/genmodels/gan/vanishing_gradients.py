"""How a near-perfect discriminator starves the generator: both generator gradients while a fresh D learns.

The generator G is frozen. A fresh discriminator is trained against it, and now and then the length of G's
gradient is measured for log(1 - D) and for -log D. All seeds are trained at once, each with its own stream.
Source: Arjovsky & Bottou 2017, section 2, Theorem 2.4, Figs. 1 to 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam

from genmodels.checks import check_at_least
from genmodels.data import mnist
from genmodels.data.toy import parallel_lines
from genmodels.gan.config import GANConfig
from genmodels.gan.discriminator import Discriminator
from genmodels.gan.losses import Loss, discriminator_loss, generator_loss
from genmodels.gan.train import adam, train_step
from genmodels.mlp import EnsembleMLP

BATCH_SIZE = 64  # real and as many generated samples per discriminator step
HELD_OUT = 512  # real and as many generated samples for each measurement, never trained on
MEASUREMENTS = 41  # about so many steps are measured, evenly on a log axis
HIDDEN_DIM, LR_D = 64, 3e-3  # the fresh discriminator; Adam's beta1 is 0.9: with 0.5 it can jump
HALF_TRAINED = GANConfig(lr_D=1e-3, lr_G=1e-3)  # what makes the half-trained generator of digits
GAN_HIDDEN_DIM, LATENT_DIM = 128, 16

Draw = Callable[[], tuple[Tensor, Tensor]]  # a real and a generated batch, each (S, n, d)


@dataclass(frozen=True)
class GradientHistory:
    """What was measured for S seeds after `steps` (T,) discriminator steps, on held-out samples.

    saturating and non_saturating (S, T): L2 norm, over the generator's parameters, of the gradients of
    E log(1 - D(G(z))) and of E[-log D(G(z))]. accuracy (S, T): the share of samples on the right side of D, 0 to 1.
    discriminator_loss (S, T): L_D in nats. samples (S, 16, ...): outputs of the generator.
    """

    steps: NDArray[np.int64]
    saturating: NDArray[np.float64]
    non_saturating: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    discriminator_loss: NDArray[np.float64]
    samples: NDArray[np.float32]

    def fall(self) -> NDArray[np.float64]:
        """Return the decades (log10) from each seed's largest saturating gradient down to its last (S,)."""
        return np.log10(self.saturating.max(axis=1) / self.saturating[:, -1])

    def rise(self) -> NDArray[np.float64]:
        """Return the decades (log10) that the non-saturating gradient rises above the untrained D's (S,)."""
        return np.log10(self.non_saturating[:, -1] / self.non_saturating[:, 0])

    def perfect_from(self) -> NDArray[np.float64]:
        """Return the first measured step from which the accuracy stays 1, inf where it does not (S,)."""
        backwards = np.logical_and.accumulate(self.accuracy[:, ::-1] == 1, axis=1)
        return np.where(backwards[:, ::-1], self.steps, np.inf).min(axis=1)


def on_lines(seeds: Sequence[int], steps: int = 4000, distance: float = 1.0) -> GradientHistory:
    """Return the history on two parallel lines; the generator's one parameter is its shift, `distance`.

    samples: (S, 16, 2). Source: Arjovsky, Chintala, Bottou 2017, Example 1.
    """
    check_at_least("steps", steps, 1)
    streams = _streams(seeds)
    theta = torch.full((len(streams),), float(distance), requires_grad=True)

    def draw(n: int = BATCH_SIZE) -> tuple[Tensor, Tensor]:
        pairs = [parallel_lines(shift, n, own) for shift, own in zip(theta, streams, strict=True)]
        return torch.stack([real for real, _ in pairs]), torch.stack([fake for _, fake in pairs])

    held_out = draw(HELD_OUT)
    return _train_and_measure([theta], Discriminator(GANConfig(), 2, HIDDEN_DIM, streams), draw, held_out, steps)


def on_mnist(seeds: Sequence[int], steps: int = 2500, training_steps: int = 800) -> GradientHistory:
    """Return the history on MNIST; the generator is an MLP that a GAN has trained half-way, for `training_steps`.

    The held-out real images come from the test split. samples: (S, 16, 28, 28), values in [0, 1].
    Raises mnist.DataError without the digits.
    """
    check_at_least("steps", steps, 1)
    check_at_least("training_steps", training_steps, 0)
    streams = _streams(seeds)
    train, test = (torch.from_numpy(mnist.load(split)[0]).flatten(1) for split in ("train", "test"))
    pixels = train.shape[1]

    def real(images: Tensor, n: int) -> Tensor:
        return torch.stack([images[torch.randint(len(images), (n,), generator=own)] for own in streams])

    def z(n: int) -> Tensor:
        return torch.stack([torch.randn(n, LATENT_DIM, generator=own) for own in streams])

    def draw() -> tuple[Tensor, Tensor]:
        return real(train, BATCH_SIZE), G(z(BATCH_SIZE))

    G = nn.Sequential(EnsembleMLP((LATENT_DIM, GAN_HIDDEN_DIM, pixels), streams), nn.Sigmoid())
    D = nn.Sequential(EnsembleMLP((pixels, GAN_HIDDEN_DIM, 1), streams), nn.Flatten(1))
    opt_G, opt_D = adam(G, HALF_TRAINED.lr_G), adam(D, HALF_TRAINED.lr_D)
    for _ in range(training_steps):
        x = real(train, BATCH_SIZE)[None]
        codes = torch.stack([z(BATCH_SIZE), z(BATCH_SIZE)])  # one batch for D, one for G
        train_step(G, D, opt_G, opt_D, x, codes, HALF_TRAINED)

    held_out = real(test, HELD_OUT), G(z(HELD_OUT))
    fresh_D = Discriminator(GANConfig(), pixels, HIDDEN_DIM, streams)
    parameters = list(G.parameters())
    history = _train_and_measure(parameters, fresh_D, draw, held_out, steps)
    return replace(history, samples=history.samples.reshape(len(streams), -1, 28, 28))


def gradient_norms(parameters: Sequence[Tensor], fake_logits: Tensor, kind: Loss) -> Tensor:
    """Return the L2 norm (S,) of each seed's gradient by the parameters (S, ...) of G, for logits (S, n)."""
    loss = generator_loss(fake_logits, kind).sum()
    gradients = torch.autograd.grad(loss, list(parameters), retain_graph=True)
    flat = torch.cat([gradient.reshape(len(gradient), -1) for gradient in gradients], dim=1)
    return torch.linalg.vector_norm(flat, dim=1)


def _train_and_measure(
    parameters: Sequence[Tensor], D: nn.Module, draw: Draw, held_out: tuple[Tensor, Tensor], steps: int
) -> GradientHistory:
    """Train the fresh discriminator alone; measure the gradients of the generator's parameters on the way."""
    opt_D = Adam(D.parameters(), lr=LR_D, fused=True)
    measured, rows = _log_spaced(steps), []
    for step in range(steps + 1):
        if step in measured:
            rows.append(_measure(parameters, *(D(x) for x in held_out)))
        with torch.no_grad():  # the generator is frozen
            real, fake = draw()
        opt_D.zero_grad()
        discriminator_loss(D(real), D(fake)).sum().backward()
        opt_D.step()
    saturating, non_saturating, accuracy, loss = torch.stack(rows, -1).double().numpy()
    samples = held_out[1][:, :16].detach().numpy()
    return GradientHistory(np.array(measured), saturating, non_saturating, accuracy, loss, samples)


def _measure(parameters: Sequence[Tensor], real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return both gradient norms, accuracy and L_D: (4, S)."""
    saturating = gradient_norms(parameters, fake_logits, "saturating")
    non_saturating = gradient_norms(parameters, fake_logits, "non-saturating")
    accuracy = ((real_logits > 0).float().mean(-1) + (fake_logits < 0).float().mean(-1)) / 2
    loss = discriminator_loss(real_logits, fake_logits).detach()
    return torch.stack([saturating, non_saturating, accuracy, loss])


def _streams(seeds: Sequence[int]) -> list[torch.Generator]:
    check_at_least("seeds", len(seeds), 1)
    return [torch.Generator().manual_seed(int(seed)) for seed in seeds]


def _log_spaced(steps: int) -> list[int]:
    """Return 0, 1, ..., steps: whole numbers, evenly on a log axis after the 0."""
    return [0, *np.unique(np.geomspace(1, steps, MEASUREMENTS - 1).round().astype(int)).tolist()]
