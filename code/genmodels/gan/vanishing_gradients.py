"""How a near-perfect discriminator starves the generator: both generator gradients while a fresh D learns.

The generator is frozen. A fresh discriminator is trained against it, and from time to time the length of
the generator's gradient is measured for log(1 - D) and for -log D.
Source: Arjovsky & Bottou 2017, section 2, Figs. 1 to 3.

All seeds are trained at once: every parameter has the seeds on its leading axis, and the loss is the sum over
the seeds, so that each member gets its own gradient. Each member has its own random generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genmodels.checks import check_at_least
from genmodels.data import mnist
from genmodels.data.toy import parallel_lines
from genmodels.gan.losses import Loss, discriminator_loss, generator_loss
from genmodels.mlp import EnsembleMLP

BATCH = 64  # real and as many generated samples per discriminator step
HELD_OUT = 512  # real and as many generated samples for each measurement, never trained on
MEASUREMENTS = 41  # about so many steps are measured, evenly on a log axis
HIDDEN, RATE, BETA1 = (64, 64), 3e-3, 0.9  # the fresh discriminator and its Adam; with beta1 = .5 it can jump
GAN_HIDDEN, GAN_NOISE, GAN_RATE, GAN_BETA1 = 128, 16, 1e-3, 0.5  # what makes the half-trained generator

Draw = Callable[[], tuple[Tensor, Tensor]]  # a real and a generated batch, each (S, n, d)


@dataclass(frozen=True)
class GradientHistory:
    """What was measured for S seeds after `steps` (T,) discriminator steps, on held-out samples.

    saturating and non_saturating (S, T): L2 norm, over the generator's parameters, of the gradient of
    E log(1 - D(G(z))) and of E[-log D(G(z))]. accuracy (S, T): the share of samples that D puts on the right
    side, 0 to 1. discriminator_loss (S, T): L_D in nats. samples (S, 16, ...): outputs of the generator.
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


def run_lines(seeds: Sequence[int], steps: int = 4000, distance: float = 1.0) -> GradientHistory:
    """Return the history on two parallel lines; the generator's one parameter is its shift, `distance`.

    samples: (S, 16, 2). Raises ValueError when seeds is empty, steps < 1 or distance is not finite.
    Source: Arjovsky, Chintala, Bottou 2017, Example 1; Arjovsky & Bottou 2017, Theorem 2.4, Figs. 1 to 3.
    """
    check_at_least("steps", steps, 1)
    generators = _generators(seeds)
    shift = torch.full((len(generators),), float(distance), requires_grad=True)

    def draw(n: int = BATCH) -> tuple[Tensor, Tensor]:
        pairs = [parallel_lines(theta, n, g) for theta, g in zip(shift, generators, strict=True)]
        return torch.stack([real for real, _ in pairs]), torch.stack([fake for _, fake in pairs])

    return _measure([shift], draw(HELD_OUT), draw, EnsembleMLP((2, *HIDDEN, 1), generators), steps)


def run_mnist(seeds: Sequence[int], steps: int = 2500, training_steps: int = 800) -> GradientHistory:
    """Return the history on MNIST: the generator is a perceptron, trained half-way by a GAN and then frozen.

    The GAN plays `training_steps` alternating steps. The held-out real images come from the test split.
    samples: (S, 16, 28, 28), ink 1 on paper 0. Raises ValueError when seeds is empty, steps < 1 or
    training_steps < 0, and mnist.DataError when the digits are missing or damaged.
    Source: Arjovsky & Bottou 2017, Theorem 2.4, Figs. 1 to 3 (there a DCGAN after 1, 10 and 25 epochs).
    """
    check_at_least("steps", steps, 1)
    check_at_least("training_steps", training_steps, 0)
    generators = _generators(seeds)
    train, test = (torch.from_numpy(mnist.load(split)[0]).flatten(1) for split in ("train", "test"))
    pixels = train.shape[1]
    generator = EnsembleMLP((GAN_NOISE, GAN_HIDDEN, pixels), generators)

    def draw(images: Tensor = train, n: int = BATCH) -> tuple[Tensor, Tensor]:
        rows = [torch.randint(len(images), (n,), generator=g) for g in generators]
        noise = torch.stack([torch.randn(n, GAN_NOISE, generator=g) for g in generators])
        return torch.stack([images[r] for r in rows]), torch.sigmoid(generator(noise))

    _train_gan(generator, EnsembleMLP((pixels, GAN_HIDDEN, 1), generators), draw, training_steps)
    fresh = EnsembleMLP((pixels, *HIDDEN, 1), generators)
    history = _measure([*generator.parameters()], draw(test, HELD_OUT), draw, fresh, steps)
    return replace(history, samples=history.samples.reshape(len(generators), -1, 28, 28))


def gradient_norms(parameters: Sequence[Tensor], fake_logits: Tensor, kind: Loss) -> Tensor:
    """Return the L2 norm of each member's generator gradient, over all its parameters: (S, n) -> (S,).

    `parameters` are the generator's, each (S, ...); `kind` is that of `adversarial.generator_loss`.
    """
    loss = generator_loss(fake_logits, kind).sum()
    gradients = torch.autograd.grad(loss, list(parameters), retain_graph=True)
    flat = torch.cat([gradient.reshape(len(gradient), -1) for gradient in gradients], dim=1)
    return torch.linalg.vector_norm(flat, dim=1)


def _measure(
    parameters: list[Tensor],
    held_out: tuple[Tensor, Tensor],
    draw: Draw,
    discriminator: EnsembleMLP,
    steps: int,
) -> GradientHistory:
    """Train the fresh discriminator; measure the frozen generator's gradients on the way."""
    optimizer = _adam(discriminator, RATE, BETA1)
    measured, rows = _log_spaced(steps), []
    for step in range(steps + 1):
        if step in measured:
            real_logits, fake_logits = (discriminator(points).squeeze(-1) for points in held_out)
            rows.append(_row(parameters, real_logits, fake_logits))
        if step < steps:
            _discriminator_step(discriminator, optimizer, draw)
    saturating, non_saturating, accuracy, loss = torch.stack(rows, -1).double().numpy()
    samples = held_out[1][:, :16].detach().numpy()
    return GradientHistory(np.array(measured), saturating, non_saturating, accuracy, loss, samples)


def _row(parameters: list[Tensor], real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return both gradient norms, accuracy and L_D: (4, S)."""
    saturating = gradient_norms(parameters, fake_logits, "saturating")
    non_saturating = gradient_norms(parameters, fake_logits, "non-saturating")
    accuracy = ((real_logits > 0).float().mean(-1) + (fake_logits < 0).float().mean(-1)) / 2
    loss = discriminator_loss(real_logits, fake_logits).detach()
    return torch.stack([saturating, non_saturating, accuracy, loss])


def _train_gan(generator: EnsembleMLP, discriminator: EnsembleMLP, draw: Draw, steps: int) -> None:
    """Play alternating steps, one each, with the -log D loss; both change in place."""
    optimizer, opponent = (_adam(player, GAN_RATE, GAN_BETA1) for player in (generator, discriminator))
    for _ in range(steps):
        _discriminator_step(discriminator, opponent, draw)
        _, fake = draw()
        loss = generator_loss(discriminator(fake).squeeze(-1))
        _descend(generator, optimizer, loss)


def _discriminator_step(discriminator: EnsembleMLP, optimizer: torch.optim.Adam, draw: Draw) -> None:
    with torch.no_grad():
        real, fake = draw()
    logits = discriminator(torch.cat([real, fake], dim=1)).squeeze(-1)  # (S, 2 n)
    _descend(discriminator, optimizer, discriminator_loss(*logits.chunk(2, dim=1)))


def _descend(network: EnsembleMLP, optimizer: torch.optim.Adam, losses: Tensor) -> None:
    """Take one step down the members' losses (S,); only this network gets a gradient."""
    optimizer.zero_grad()
    losses.sum().backward(inputs=list(network.parameters()))
    optimizer.step()


def _adam(network: EnsembleMLP, rate: float, beta1: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=rate, betas=(beta1, 0.999), fused=True)


def _generators(seeds: Sequence[int]) -> list[torch.Generator]:
    if len(seeds) == 0:
        raise ValueError("seeds: expected at least one, got none")
    return [torch.Generator().manual_seed(int(seed)) for seed in seeds]


def _log_spaced(steps: int) -> list[int]:
    """Return 0, 1, ..., steps: whole numbers, evenly on a log axis after the 0."""
    return [0, *np.unique(np.geomspace(1, steps, MEASUREMENTS - 1).round().astype(int)).tolist()]
