"""Many seeds of a small GAN trained at once: the same rules of play, S games.

Every member has random streams of its own: for the generator's first weights, the discriminator's, for what it is
trained on and for what is measured. So its result does not depend on how many members run with it, and the same seed
starts from the same generator under all rules.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from genmodels.checks import check_at_least, check_finite, check_several
from genmodels.games import LATENT, Frozen, Game, normal, streams
from genmodels.methods import Method
from genmodels.players import Player
from genmodels.toydata import Modes

HIDDEN = 64  # units in each of both hidden layers
BATCH = 64  # real, and as many generated, samples per update


@dataclasses.dataclass(frozen=True)
class Training:
    """What S games left behind.

    discriminator_loss, generator_loss (S, steps): of the last update in each step, without penalties, in nats but for
    "wasserstein". snapshots (S, T, 512, 2): samples of the generators after snapshot_steps (T,) steps, always from the
    same z of that member. scores (S, T, K): the discriminators' logits at the modes' centres at these steps, None where
    they judge more than single points. probed (S, T, n): their logits of the n probes at these steps, None without any.
    """

    seeds: tuple[int, ...]
    method: Method
    batch: int
    discriminator_loss: NDArray[np.float32]
    generator_loss: NDArray[np.float32]
    snapshot_steps: NDArray[np.int64]
    snapshots: NDArray[np.float32]
    scores: NDArray[np.float32] | None
    probed: NDArray[np.float32] | None
    generator: Player = dataclasses.field(repr=False)
    discriminator: Player = dataclasses.field(repr=False)

    def samples(self, n: int) -> NDArray[np.float32]:
        """Return n samples of each final generator, the same at every call: (S, n, 2). Raises ValueError for n < 1."""
        check_at_least("n", n, 1)
        z = normal([streams(seed).measuring for seed in self.seeds], n).to(self.generator.flat.device)
        return self.generator(z).cpu().numpy().copy()

    def logits(self, points: ArrayLike) -> NDArray[np.float32]:
        """Return the final discriminators' logits of n points (n, 2) or packs of them (n, pack, 2): (S, n).

        Raises ValueError on another shape than the discriminators judge, on numbers that are not finite, and with
        minibatch_std, where a point alone has no logit.
        """
        inputs = _judged("points", points, self.method, self.discriminator)
        return self.discriminator(inputs).squeeze(2).cpu().numpy().copy()


def train(
    target: Modes,
    method: Method,
    seeds: Sequence[int],
    steps: int,
    *,
    hidden: int = HIDDEN,
    batch: int = BATCH,
    snapshot_every: int | None = None,
    probes: NDArray[np.float64] | None = None,
    device: torch.device | str = "cpu",
) -> Training:
    """Play one game per seed, all at once, and return what they left behind.

    Both players are perceptrons with two hidden layers; z ~ N(0, I) has 2 numbers. A step is the method's updates of
    the discriminator, each on fresh samples, and then of the generator. Snapshots are taken at step 0, then every
    ``snapshot_every`` steps (never, if None) and at the end; with each, the discriminators' logits of the ``probes``,
    points (n, 2) or packs of them (n, pack, 2). Random numbers are drawn on the CPU whatever the device.
    Raises ValueError, naming the argument, without seeds or with one twice, for steps, hidden, batch or snapshot_every
    below 1, where the pack does not divide the batch, and for probes that `Training.logits` would not take;
    TrainingError, naming seed and step, when an output is NaN or infinite.
    """
    _check(method, seeds, steps, hidden, batch, steps if snapshot_every is None else snapshot_every)
    own = [streams(seed) for seed in seeds]
    first = [each.generator for each in own]
    generator = Player((LATENT, hidden, hidden, 2), first, method.generator_rate, device=device)
    discriminator = Player(
        (method.inputs(2), hidden, hidden, 1),
        [each.discriminator for each in own],
        method.discriminator_rate,
        spectral_norm=method.spectral_norm,
        device=device,
    )
    return _play(Game(target, method, seeds, batch, generator, discriminator), steps, snapshot_every or steps, probes)


def resume(
    target: Modes,
    training: Training,
    steps: int,
    *,
    method: Method | None = None,
    restart: bool = False,
    frozen: Frozen | None = None,
    snapshot_every: int | None = None,
    probes: NDArray[np.float64] | None = None,
) -> Training:
    """Play finished games on for so many steps; the training that is handed in stays as it is.

    method: other rules from now on, for players of the same shape; Adam keeps what it has gathered. restart: the
    generators begin again with the weights that they once began with, against the trained discriminators. frozen: this
    player stays as it is; its losses are measured all the same. The random numbers are those of the first steps
    again. Raises what `train` raises for steps, snapshot_every and probes, and ValueError for a method whose
    discriminator takes other inputs or other matrices, or another name in frozen.
    """
    every = steps if snapshot_every is None else snapshot_every
    check_at_least("steps", steps, 1)
    check_at_least("snapshot_every", every, 1)
    if frozen is not None and frozen not in get_args(Frozen):
        raise ValueError(f"frozen: expected None or one of {', '.join(get_args(Frozen))}, got {frozen!r}")
    rules = training.method if method is None else method
    for name in ("pack", "judge", "minibatch_std", "spectral_norm"):
        if getattr(rules, name) != getattr(training.method, name):
            raise ValueError(f"method: expected {name} = {getattr(training.method, name)} as before, got {rules}")
    generator, discriminator = copy.deepcopy((training.generator, training.discriminator))
    if restart:
        first = [streams(seed).generator for seed in training.seeds]
        generator = Player(generator.sizes, first, rules.generator_rate, device=generator.flat.device)
    generator.set_rate(rules.generator_rate)
    discriminator.set_rate(rules.discriminator_rate)
    game = Game(target, rules, training.seeds, training.batch, generator, discriminator, frozen)
    return _play(game, steps, every, probes)


def operations_per_step(method: Method, *, hidden: int = HIDDEN, batch: int = BATCH) -> int:
    """Return the floating-point operations in the matrix products of one step of one game, counted while it is played.

    Raises what `train` raises.
    """
    from torch.utils.flop_counter import FlopCounterMode  # takes half a second: only who counts shall wait

    def count(steps: int) -> int:
        with FlopCounterMode(display=False) as counter:
            train(Modes(np.zeros((1, 2)), 1.0), method, [0, 1], steps, hidden=hidden, batch=batch)
        return int(counter.get_total_flops()) // 2

    return count(2) - count(1)  # what is not training, such as snapshots, drops out


def _play(game: Game, steps: int, every: int, probes: NDArray[np.float64] | None) -> Training:
    inputs = None if probes is None else _judged("probes", probes, game.method, game.discriminator)
    record = game.play(steps, every, inputs)
    return Training(game.seeds, game.method, game.batch, *record, game.generator, game.discriminator)


def _judged(name: str, points: ArrayLike, method: Method, discriminator: Player) -> Tensor:
    """Return points (n, 2) or packs (n, pack, 2) as inputs of the discriminators' networks: (S, n, inputs)."""
    if method.minibatch_std:
        raise ValueError("method: expected a discriminator without minibatch_std, which judges whole batches")
    at = check_finite(points, name)
    inputs = discriminator.sizes[0]
    shape = (inputs // 2, 2) if inputs > 2 else (2,)
    if at.shape[1:] != shape or not len(at):
        raise ValueError(f"{name}: expected shape (n, {', '.join(map(str, shape))}) with n >= 1, got {at.shape}")
    flat = torch.from_numpy(at.reshape(len(at), inputs)).to(discriminator.flat)
    return flat.expand(discriminator.members, -1, -1)


def _check(method: Method, seeds: Sequence[int], steps: int, hidden: int, batch: int, every: int) -> None:
    check_several("seeds", seeds, "[0, 1]")
    for seed in seeds:
        check_at_least("seeds", seed, 0)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: expected different ones, got {list(seeds)}")
    for name, value in {"steps": steps, "hidden": hidden, "batch": batch, "snapshot_every": every}.items():
        check_at_least(name, value, 1)
    if batch % method.pack:
        raise ValueError(f"pack: expected a divisor of the batch, which is {batch}, got {method.pack}")
