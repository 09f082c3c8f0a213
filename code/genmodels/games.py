"""S games of a small GAN under way: the updates of both players, step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genmodels.methods import (
    Method,
    discriminator_loss,
    generator_loss,
    judged,
    judged_gradient,
    verdicts,
    verdicts_gradient,
)
from genmodels.players import Player
from genmodels.toydata import Modes

Frozen = Literal["generator", "discriminator"]

LATENT = 2  # how many numbers z has
SHOWN = 512  # samples in a snapshot
BLOCK = 50  # steps whose random numbers are drawn together


class TrainingError(ArithmeticError):
    """Training left the finite numbers; the message names the seed and the step."""


class Streams(NamedTuple):
    """A member's own random generators: for the first weights of both players, for training and for measuring."""

    generator: torch.Generator
    discriminator: torch.Generator
    training: torch.Generator
    measuring: torch.Generator


class Record(NamedTuple):
    """What is written down while S games are played; shapes as in `ensembles.Training`."""

    discriminator_loss: NDArray[np.float32]
    generator_loss: NDArray[np.float32]
    snapshot_steps: NDArray[np.int64]
    snapshots: NDArray[np.float32]
    scores: NDArray[np.float32] | None
    probed: NDArray[np.float32] | None


def streams(seed: int) -> Streams:
    """Return a seed's random generators, afresh; they run on the CPU, whatever device trains."""
    states = np.random.SeedSequence(seed).generate_state(4, np.uint64)
    return Streams(*(torch.Generator().manual_seed(int(state >> np.uint64(1))) for state in states))


def normal(generators: Sequence[torch.Generator], *shape: int) -> Tensor:
    """Return z ~ N(0, I) of each member: (S, n, LATENT) for shape n, (a, b, S, n, LATENT) for shape a, b, n."""
    return torch.stack([torch.randn(*shape, LATENT, generator=own) for own in generators], dim=len(shape) - 1)


class Game:
    """S games under way; the ``frozen`` players do not move."""

    def __init__(
        self,
        target: Modes,
        method: Method,
        seeds: Sequence[int],
        batch: int,
        generator: Player,
        discriminator: Player,
        frozen: Frozen | None = None,
    ) -> None:
        self.target, self.method, self.seeds, self.batch = target, method, tuple(seeds), batch
        self.generator, self.discriminator = generator, discriminator
        self.device = generator.flat.device
        self.frozen = frozen
        self.progress = 0, 0  # the step under way, of so many

    @torch.no_grad()
    def play(self, steps: int, every: int, probes: Tensor | None = None) -> Record:
        """Play so many steps, with a snapshot of the generators before every ``every``-th and at the end.

        probes: inputs of the discriminators' networks, (S, n, inputs), whose logits are recorded with each snapshot.
        Raises TrainingError when an output is not finite.
        """
        z = normal([streams(seed).measuring for seed in self.seeds], SHOWN).to(self.device)
        centres = torch.from_numpy(self.target.centres).to(z).expand(len(z), -1, -1)
        losses = torch.empty(2, len(self.seeds), steps, device=self.device)
        shown, snapshots, scores, probed = [], [], [], []
        draws = self._draws()
        for step in range(steps + 1):
            self.progress = step, steps
            if step % every == 0 or step == steps:
                shown.append(step)
                snapshots.append(self._finite(self.generator(z)).clone())
                if self.method.judges_points:
                    scores.append(self._finite(self.discriminator(centres)).squeeze(2).clone())
                if probes is not None:
                    probed.append(self._finite(self.discriminator(probes)).squeeze(2).clone())
            if step < steps:
                reals, codes, mixes, others = next(draws)
                for real, code, mix in zip(reals, codes, mixes, strict=True):
                    losses[0, :, step] = self._discriminator_update(real, code, mix)
                for code in others:
                    losses[1, :, step] = self._generator_update(code)
        return Record(
            discriminator_loss=losses[0].cpu().numpy(),
            generator_loss=losses[1].cpu().numpy(),
            snapshot_steps=np.array(shown),
            snapshots=torch.stack(snapshots, dim=1).cpu().numpy(),
            scores=torch.stack(scores, dim=1).cpu().numpy() if scores else None,
            probed=torch.stack(probed, dim=1).cpu().numpy() if probed else None,
        )

    def _draws(self) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Yield each step's real samples and z for the discriminator, shares of real ones, z for the generator.

        Each has the updates on the first and the members on the second axis.
        """
        method, own = self.method, [streams(seed).training for seed in self.seeds]
        judged_shape = BLOCK, method.discriminator_steps, self.batch
        made_shape = BLOCK, method.generator_steps, self.batch
        while True:
            real = torch.stack([self.target.sample(judged_shape, stream) for stream in own], dim=2)
            code = normal(own, *judged_shape)
            other = normal(own, *made_shape)
            mix = torch.zeros_like(real[..., :1])
            if method.gradient_penalty and method.penalty_norm:
                mix = torch.stack([torch.rand(*judged_shape, 1, generator=stream) for stream in own], dim=2)
            yield from zip(*(numbers.to(self.device) for numbers in (real, code, mix, other)), strict=True)

    def _discriminator_update(self, real: Tensor, code: Tensor, mix: Tensor) -> Tensor:
        method, network = self.method, self.discriminator
        samples = torch.cat([real, self.generator(code)], dim=1)
        logits = verdicts(method, self._finite(network(judged(method, samples, sources=2))))
        loss, slopes = discriminator_loss(method.loss, *logits.chunk(2, dim=1))
        network.backward(verdicts_gradient(method, slopes))
        if method.gradient_penalty:
            self._add_penalty(samples, mix)
        if self.frozen != "discriminator":
            network.step()
        return self._finite(loss)

    def _add_penalty(self, samples: Tensor, mix: Tensor) -> None:
        method, network = self.method, self.discriminator
        rows = slice(0, self.batch // method.pack)  # the real ones stand first
        if method.penalty_norm:
            real, fake = samples.chunk(2, dim=1)
            # x = u x_real + (1 - u) x_generated
            network(judged(method, mix * real + (1.0 - mix) * fake))
        network.add_penalty(method.gradient_penalty, method.penalty_norm, rows)

    def _generator_update(self, code: Tensor) -> Tensor:
        method, samples = self.method, self.generator(code)
        logits = verdicts(method, self._finite(self.discriminator(judged(method, samples))))
        loss, slopes = generator_loss(method.loss, logits)
        gradient = self.discriminator.input_gradient(verdicts_gradient(method, slopes))
        self.generator.backward(judged_gradient(method, gradient, samples))
        if self.frozen != "generator":
            self.generator.step()
        return self._finite(loss)

    def _finite(self, numbers: Tensor) -> Tensor:
        """Return the numbers (S, ...) as they are. Raises TrainingError unless all are finite."""
        finite = torch.isfinite(numbers)
        if not finite.all():
            seed = self.seeds[int(finite.reshape(len(numbers), -1).all(dim=1).int().argmin())]
            step, steps = self.progress
            raise TrainingError(
                f"seed {seed}: samples, outputs or losses are not finite at step {step} of {steps}; lower "
                "generator_rate, discriminator_rate or gradient_penalty"
            )
        return numbers
