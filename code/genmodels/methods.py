"""The rules by which a GAN is played, each option one formula: losses, speeds, what the discriminator gets to see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from genmodels import adversarial
from genmodels.checks import check_at_least, check_not_negative, check_positive
from genmodels.players import ALIGNED

Loss = Literal["non-saturating", "saturating", "wasserstein"]
Judge = Literal["together", "copies", "sum"]

TINY = 1e-8  # keeps the slope of the standard deviation finite, as in Karras et al.


@dataclass(frozen=True)
class Method:
    """The rules of play; every option but the loss, the steps and the rates is off by default.

    - loss: the discriminator minimises the sheet's eq. (1) and the generator E[-log D] ("non-saturating") or eq. (2)
      ("saturating"); with "wasserstein" they minimise E_q[t] - E_p[t] and -E_q[t], t being the discriminator's output.
    - discriminator_steps, generator_steps: updates of each player per step; discriminator_rate, generator_rate: the
      rates of their Adam.
    - pack: how many samples the discriminator judges together. Source: Lin et al. 2018. judge says how: "together", as
      one long input. Two controls: "copies", every sample fills a pack of its own; "sum", a pack's logit is the sum of
      the logits of its samples.
    - minibatch_std: the discriminator also sees the standard deviation of its inputs over the batch, averaged over the
      inputs; real and generated batches apart. Source: Karras et al. 2018, section 3, where it stands late in the
      network and over groups of 4.
    - gradient_penalty, penalty_norm: weight * E[(|dt/dx| - norm)^2] is added to the discriminator's loss. With norm 0
      it is taken at real samples: R1 with gamma = 2 weight (Mescheder et al. 2018). Else it is taken on the way
      between real and generated ones (Gulrajani et al. 2017, eq. 3, norm 1).
    - spectral_norm: each of the discriminator's matrices is divided by its largest singular value. Source: Miyato et
      al. 2018.

    Raises ValueError, naming the option, unless it is as described.
    """

    loss: Loss = "non-saturating"
    discriminator_steps: int = 1
    generator_steps: int = 1
    discriminator_rate: float = 2e-3
    generator_rate: float = 2e-3
    pack: int = 1
    judge: Judge = "together"
    minibatch_std: bool = False
    gradient_penalty: float = 0.0
    penalty_norm: float = 0.0
    spectral_norm: bool = False

    def __post_init__(self) -> None:
        for name, known in {"loss": Loss, "judge": Judge}.items():
            if getattr(self, name) not in get_args(known):
                raise ValueError(f"{name}: expected one of {', '.join(get_args(known))}, got {getattr(self, name)!r}")
        for name in ("discriminator_steps", "generator_steps", "pack"):
            check_at_least(name, getattr(self, name), 1)
        for name in ("discriminator_rate", "generator_rate"):
            check_positive(name, getattr(self, name))
        for name in ("gradient_penalty", "penalty_norm"):
            check_not_negative(name, getattr(self, name))
        if self.gradient_penalty and (self.minibatch_std or self.judge != "together"):
            raise ValueError("gradient_penalty: expected 0 with minibatch_std or another judge than 'together'")
        if self.minibatch_std and self.judge != "together":
            raise ValueError("minibatch_std: expected False with another judge than 'together'")

    @property
    def judges_points(self) -> bool:
        """Whether the discriminator's network takes one sample at a time, and nothing else."""
        return (self.pack == 1 or self.judge == "sum") and not self.minibatch_std

    def inputs(self, dimensions: int) -> int:
        """Return how many numbers the discriminator's network takes, for samples of so many dimensions."""
        return dimensions * (1 if self.judge == "sum" else self.pack) + self.minibatch_std


def discriminator_loss(loss: Loss, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss (S,) and its slopes by all logits (S, 2 n), real ones first: two of (S, n) -> (S,), (S, 2 n)."""
    n = real.shape[1]
    if loss == "wasserstein":
        return fake.mean(1) - real.mean(1), torch.cat([-torch.ones_like(real), torch.ones_like(fake)], dim=1) / n
    # -log D has the slope -(1 - D) = -sigmoid(-t), -log(1 - D) has the slope D = sigmoid(t)
    slopes = _sigmoid(torch.cat([-real, fake], dim=1))
    slopes[:, :n].neg_()
    return adversarial.discriminator_loss(real, fake), slopes.div_(n)


def generator_loss(loss: Loss, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss (S,) and its slopes by the logits: (S, n) -> (S,), (S, n)."""
    n = fake.shape[1]
    if loss == "wasserstein":
        return -fake.mean(1), torch.full_like(fake, -1.0 / n)
    # log(1 - D) has the slope -D, -log D has the slope -(1 - D)
    slopes = _sigmoid(fake if loss == "saturating" else -fake)
    return adversarial.generator_loss(fake, loss), slopes.div_(-n)


def judged(method: Method, samples: Tensor, sources: int = 1) -> Tensor:
    """Return what the discriminator's network takes, for samples (S, sources n, d) of so many sources one by one.

    (S, sources n / pack, pack d [+ 1]); with judge "copies" (S, sources n, pack d), with "sum" the samples themselves.
    """
    if method.judge == "sum":
        return samples
    if method.judge == "copies":
        return samples.repeat(1, 1, method.pack)
    packs = _packed(method, samples)
    if not method.minibatch_std:
        return packs
    batches = packs.unflatten(1, (sources, -1))  # (S, sources, n / pack, inputs)
    # s = mean over inputs of sqrt(Var + tiny)
    deviation = _deviation(batches, dim=2).mean(dim=3, keepdim=True)
    return torch.cat([batches, deviation.expand(-1, -1, batches.shape[2], -1)], dim=3).flatten(1, 2)


def judged_gradient(method: Method, gradient: Tensor, samples: Tensor) -> Tensor:
    """Return the gradient of the samples (S, n, d), given that of what `judged` makes of them."""
    if method.judge == "copies":
        return gradient.unflatten(2, (method.pack, -1)).sum(dim=2)
    if method.minibatch_std:
        packs = _packed(method, samples)
        # ds/dx = (x - mean) / (n inputs sqrt(Var + tiny)), the same s for all n
        centred = packs - packs.mean(dim=1, keepdim=True)
        slope = centred / (packs[0].numel() * _deviation(packs, dim=1))
        gradient = gradient[:, :, :-1] + gradient[:, :, -1:].sum(dim=1, keepdim=True) * slope
    return gradient.reshape(samples.shape)


def verdicts(method: Method, logits: Tensor) -> Tensor:
    """Return the logits that the losses take, (S, n), of the network's outputs (S, m, 1): sums over packs for "sum"."""
    logits = logits.squeeze(2)
    return logits.unflatten(1, (-1, method.pack)).sum(dim=2) if method.judge == "sum" else logits


def verdicts_gradient(method: Method, slopes: Tensor) -> Tensor:
    """Return the gradient of the network's outputs (S, m, 1), given that of the `verdicts` (S, n)."""
    return (slopes.repeat_interleave(method.pack, dim=1) if method.judge == "sum" else slopes)[..., None]


def _sigmoid(logits: Tensor) -> Tensor:
    # in whole SIMD registers: the rest would be rounded otherwise, and which members it hits depends on S
    n = logits.shape[1]
    return torch.sigmoid(functional.pad(logits, (0, -n % ALIGNED)))[:, :n].contiguous()


def _packed(method: Method, samples: Tensor) -> Tensor:
    return samples.reshape(len(samples), -1, method.pack * samples.shape[2])


def _deviation(values: Tensor, dim: int) -> Tensor:
    return values.var(dim=dim, keepdim=True, correction=0).add(TINY).sqrt()
