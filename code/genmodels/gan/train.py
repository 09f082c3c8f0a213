"""Training of GANs: one step, and many seeds of a small GAN at once on data in the plane.

S games run side by side: parameters have the seeds on their leading axis, and the loss is the sum over them,
so that each seed gets its own gradient. Every seed has random streams of its own. The same seed starts from
the same generator under all settings, and its result is that of the seed alone, up to rounding (which a GAN
may amplify over many steps).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from genmodels.checks import check_at_least, check_finite, check_seeds
from genmodels.data.toy import GaussianModes
from genmodels.gan.config import GANConfig
from genmodels.gan.discriminator import Discriminator
from genmodels.gan.losses import discriminator_loss, generator_loss
from genmodels.mlp import EnsembleMLP

HIDDEN_DIM = 64  # units in each of both hidden layers
BATCH_SIZE = 64  # real, and as many generated, samples per update
LATENT_DIM = 2  # how many numbers z has
BETAS = (0.5, 0.999)  # of Adam, as in DCGAN
SNAPSHOT = 512  # samples in a snapshot
BLOCK = 50  # steps whose random numbers are drawn together


class TrainingError(ArithmeticError):
    """Training left the finite numbers; the message names the seed and the step."""


class Streams(NamedTuple):
    """A seed's own random generators: for the first weights of both networks, for training and for measuring."""

    generator: torch.Generator
    discriminator: torch.Generator
    training: torch.Generator
    measuring: torch.Generator


@dataclass(frozen=True)
class GANRuns:
    """What S trainings left behind.

    discriminator_loss, generator_loss (S, steps): of the last update in each step, without penalties, in nats
    but for "wasserstein". snapshots (S, T, 512, 2): samples of the generators after snapshot_steps (T,)
    steps, always from the same z of that seed. probe_logits (S, T, n): logits of the n probes then, if any.
    """

    seeds: tuple[int, ...]
    config: GANConfig
    batch_size: int
    discriminator_loss: NDArray[np.float32]
    generator_loss: NDArray[np.float32]
    snapshot_steps: NDArray[np.int64]
    snapshots: NDArray[np.float32]
    probe_logits: NDArray[np.float32] | None
    G: EnsembleMLP = field(repr=False)
    D: Discriminator = field(repr=False)
    opt_G: Adam = field(repr=False)
    opt_D: Adam = field(repr=False)

    @torch.no_grad()
    def samples(self, n: int) -> NDArray[np.float32]:
        """Return n samples of each final generator, the same at every call: (S, n, 2)."""
        check_at_least("n", n, 1)
        return self.G(sample_latents([random_streams(seed).measuring for seed in self.seeds], n)).numpy()

    @torch.no_grad()
    def logits(self, points: ArrayLike) -> NDArray[np.float32]:
        """Return the final discriminators' logits (S, n) of points (n, 2) or packs of them (n, pack, 2)."""
        return self.D.eval()(_probes("points", points, self.config, len(self.seeds))).numpy()


def train_step(
    G: nn.Module,
    D: nn.Module,
    opt_G: Optimizer,
    opt_D: Optimizer,
    real: Tensor,
    z: Tensor,
    config: GANConfig,
) -> tuple[Tensor, Tensor]:
    """One step of training: D learns from each batch of real samples, then G learns once. Return both losses.

    Shapes: real (k, ..., n, d) and z (k + 1, ..., n, latent_dim) for k updates of D -> two of (...).
    """
    for x, code in zip(real, z[:-1], strict=True):
        fake = G(code).detach()  # G stays as it is
        loss_D = discriminator_loss(D(x), D(fake), config.loss)
        opt_D.zero_grad()
        (loss_D + config.penalty(D, x, fake)).sum().backward()
        opt_D.step()
    D.requires_grad_(False)  # G learns through D, which stays as it is
    loss_G = generator_loss(D(G(z[-1])), config.loss)
    opt_G.zero_grad()
    loss_G.sum().backward()
    opt_G.step()
    D.requires_grad_(True)
    return loss_D.detach(), loss_G.detach()


def adam(network: nn.Module, lr: float) -> Adam:
    """Return Adam with the betas that are usual for GANs."""
    return Adam(network.parameters(), lr=lr, betas=BETAS, fused=True)


def train_gans(
    data: GaussianModes,
    config: GANConfig,
    seeds: Sequence[int],
    steps: int,
    *,
    hidden_dim: int = HIDDEN_DIM,
    batch_size: int = BATCH_SIZE,
    generator: EnsembleMLP | None = None,
    snapshot_every: int | None = None,
    probes: ArrayLike | None = None,
) -> GANRuns:
    """Train one GAN per seed, all at once, and return what they left behind.

    Both networks are MLPs with two hidden layers; z ~ N(0, I) has 2 numbers. Snapshots are taken at step 0,
    then every ``snapshot_every`` steps (never, if None) and at the end; with each, the discriminators' logits
    of the ``probes``, points (n, 2) or packs of them (n, pack, 2). generator: start from a copy of these, one per
    seed, instead of the seeds' first weights.
    Raises TrainingError, naming seed and step, when a loss or a sample is NaN or infinite.
    """
    check_seeds(seeds)
    check_at_least("hidden_dim", hidden_dim, 1)
    check_at_least("batch_size", batch_size, 1)
    if batch_size % config.pack:
        raise ValueError(f"pack: expected a divisor of the batch, which is {batch_size}, got {config.pack}")
    G = _generator(seeds, hidden_dim) if generator is None else copy.deepcopy(generator)
    D = Discriminator(config, 2, hidden_dim, [random_streams(seed).discriminator for seed in seeds])
    networks = G, D, adam(G, config.lr_G), adam(D, config.lr_D)
    return _run(data, config, seeds, steps, batch_size, networks, snapshot_every, probes)


def continue_training(
    data: GaussianModes,
    runs: GANRuns,
    steps: int,
    *,
    config: GANConfig | None = None,
    restart: bool = False,
    frozen: Literal["generator", "discriminator"] | None = None,
    snapshot_every: int | None = None,
    probes: ArrayLike | None = None,
) -> GANRuns:
    """Train on for so many steps; the runs that are handed in stay as they are.

    config: other settings from now on, for the same networks; Adam keeps what it has gathered. restart: the
    generators begin again with their first weights, against the trained discriminators. frozen: this network
    stays as it is; its losses are measured all the same. The first steps' random numbers are used again.
    """
    config = config or runs.config
    for name in ("pack", "packing", "minibatch_std", "spectral_norm"):
        if getattr(config, name) != getattr(runs.config, name):
            raise ValueError(f"config: expected {name} = {getattr(runs.config, name)} as before, got {config}")
    if frozen not in (None, "generator", "discriminator"):
        raise ValueError(f"frozen: expected None, 'generator' or 'discriminator', got {frozen!r}")
    G, D, opt_G, opt_D = copy.deepcopy((runs.G, runs.D, runs.opt_G, runs.opt_D))
    if restart:
        G = _generator(runs.seeds, G.weights[0].shape[-1])
        opt_G = adam(G, config.lr_G)
    # at the rate 0 nothing moves
    opt_G.param_groups[0]["lr"] = 0.0 if frozen == "generator" else config.lr_G
    opt_D.param_groups[0]["lr"] = 0.0 if frozen == "discriminator" else config.lr_D
    return _run(data, config, runs.seeds, steps, runs.batch_size, (G, D.train(), opt_G, opt_D), snapshot_every, probes)


def operations_per_step(config: GANConfig) -> int:
    """Return the floating-point operations in the matrix products of one step of one GAN, counted while it trains."""
    from torch.utils.flop_counter import FlopCounterMode  # takes half a second: only who counts shall wait

    def count(steps: int) -> int:
        with FlopCounterMode(display=False) as counter:
            train_gans(GaussianModes(np.zeros((1, 2)), 1.0), config, [0], steps)
        return int(counter.get_total_flops())

    return count(2) - count(1)  # what is not training, such as snapshots, drops out


def random_streams(seed: int) -> Streams:
    """Return a seed's random generators, afresh."""
    states = np.random.SeedSequence(seed).generate_state(4, np.uint64)
    return Streams(*(torch.Generator().manual_seed(int(state >> np.uint64(1))) for state in states))


def sample_latents(generators: Sequence[torch.Generator], *shape: int) -> Tensor:
    """Return z ~ N(0, I) of each seed: (S, n, LATENT_DIM) for shape n, (a, b, S, n, LATENT_DIM) for shape a, b, n."""
    return torch.stack([torch.randn(*shape, LATENT_DIM, generator=own) for own in generators], dim=len(shape) - 1)


def _run(
    data: GaussianModes,
    config: GANConfig,
    seeds: Sequence[int],
    steps: int,
    batch_size: int,
    networks: tuple[EnsembleMLP, Discriminator, Adam, Adam],
    snapshot_every: int | None,
    probes: ArrayLike | None,
) -> GANRuns:
    check_at_least("steps", steps, 1)
    every = steps if snapshot_every is None else snapshot_every
    check_at_least("snapshot_every", every, 1)
    points = None if probes is None else _probes("probes", probes, config, len(seeds))
    G, D, _, _ = networks
    batches = _batches(data, seeds, batch_size, config.discriminator_steps)
    z = sample_latents([random_streams(seed).measuring for seed in seeds], SNAPSHOT)
    losses = torch.empty(2, len(seeds), steps)  # L_D and L_G
    taken, snapshots, logits = [], [], []
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            taken.append(step)
            with torch.no_grad():
                snapshots.append(G(z))
                if points is not None:
                    logits.append(D.eval()(points))
                    D.train()
        if step < steps:
            losses[:, :, step] = torch.stack(train_step(*networks, *next(batches), config))
    _check_finite(losses, snapshots[-1], seeds)
    return GANRuns(
        tuple(seeds),
        config,
        batch_size,
        losses[0].numpy(),
        losses[1].numpy(),
        np.array(taken),
        torch.stack(snapshots, dim=1).numpy(),
        torch.stack(logits, dim=1).numpy() if logits else None,
        *networks,
    )


def _batches(data: GaussianModes, seeds: Sequence[int], n: int, k: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield for each step, of k updates of D, samples (k, S, n, 2) and codes (k + 1, S, n, LATENT_DIM)."""
    streams = [random_streams(seed).training for seed in seeds]
    while True:
        real = torch.stack([data.sample((BLOCK, k, n), stream) for stream in streams], dim=2)
        z = torch.cat([sample_latents(streams, BLOCK, k, n), sample_latents(streams, BLOCK, 1, n)], dim=1)
        yield from zip(real, z, strict=True)


def _generator(seeds: Sequence[int], hidden_dim: int) -> EnsembleMLP:
    return EnsembleMLP((LATENT_DIM, hidden_dim, hidden_dim, 2), [random_streams(seed).generator for seed in seeds])


def _probes(name: str, points: ArrayLike, config: GANConfig, seeds: int) -> Tensor:
    """Return points (n, 2) or packs (n, pack, 2) as samples (S, n * pack, 2)."""
    if config.minibatch_std:
        raise ValueError("config: expected no minibatch_std, with which a discriminator sees whole batches")
    at = check_finite(points, name)
    shape = (2,) if config.pack == 1 or config.packing == "repeat" else (config.pack, 2)
    if at.shape[1:] != shape or not len(at):
        raise ValueError(f"{name}: expected shape (n, {', '.join(map(str, shape))}) with n >= 1, got {at.shape}")
    return torch.from_numpy(at.reshape(-1, 2)).float().expand(seeds, -1, -1)


def _check_finite(losses: Tensor, samples: Tensor, seeds: Sequence[int]) -> None:
    """Raise TrainingError where a loss (2, S, steps) or a final sample (S, n, 2) is not finite."""
    bad = ~torch.isfinite(losses).all(dim=0)  # (S, steps)
    bad[:, -1] |= ~torch.isfinite(samples).flatten(1).all(dim=1)
    if bad.any():
        step, seed = (int(index) for index in bad.T.nonzero()[0])
        raise TrainingError(
            f"seed {seeds[seed]}: losses or samples are not finite at step {step}; lower lr_G, lr_D or the penalty"
        )
