"""Autoencoders and variational autoencoders of small images; objectives and seeds are trained all at once.

Encoder and decoder are perceptrons with one hidden layer. The encoder returns mean and log-variance of the posterior
q(z|x) = N(mu(x), diag s^2(x)); the decoder's logits pass a sigmoid and give the mean of p(x|z). All losses are sums
over pixels and latent dimensions, in nats per image.
Source: Kingma & Welling 2014, section 3 and appendix B.

Every parameter has the members, objective by objective and in each seed by seed, on its leading axis. The loss is the
sum over the members, so that each one gets its own gradient. Every seed has its own random generator, which all
objectives share: initial weights, batches and noise are the same for all members of one seed.

Three VAEs, and new images of the first one::

    models = train(images, [VAE], seeds=[0, 1, 2], latent=2)
    mean, logvar = models.encode(images)  # each (objectives, seeds, n, latent)
    new = models.decode(np.random.default_rng(0).standard_normal((16, 2)))[0, 0]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional

from genmodels.checks import (
    check_at_least,
    check_finite,
    check_not_negative,
    check_positive,
    check_several,
    check_square_images,
)
from genmodels.measures.densities import LOG_SQRT_2PI
from genmodels.measures.divergences import kl_standard_normal_terms
from genmodels.mlp import EnsembleMLP

BATCH = 100  # images per step
RATE, VARIANCE_RATE = 1e-2, 2e-2  # Adam's step sizes, of the weights and of a learned log-variance; they fall to zero
FIRST_VARIANCE = 0.05  # where a learned variance starts

Likelihood = Literal["gaussian", "bernoulli"]


@dataclass(frozen=True)
class Objective:
    """What one member minimises, in nats per image; the default is the negative ELBO.

    -E_q log p(x|z) + mean_weight * 1/2 sum mu^2 + variance_weight * 1/2 sum (s^2 - 1 - log s^2), z = mu + s * noise.
    Without `noise` z = mu, as in an autoencoder: the posterior is a point. `variance` is that of p(x|z) at every
    pixel; None: one variance for all pixels is learned. A Bernoulli likelihood has none and ignores it.

    Raises ValueError on a negative weight, a variance_weight without noise, a variance that is not positive or an
    unknown likelihood.
    """

    mean_weight: float = 1.0
    variance_weight: float = 1.0
    noise: bool = True
    variance: float | None = 0.05
    likelihood: Likelihood = "gaussian"

    def __post_init__(self) -> None:
        check_not_negative("mean_weight", self.mean_weight)
        check_not_negative("variance_weight", self.variance_weight)
        if self.variance_weight > 0 and not self.noise:
            raise ValueError(f"variance_weight: expected 0 without noise, got {self.variance_weight}")
        if self.variance is not None:
            check_positive("variance", self.variance)
        if self.likelihood not in ("gaussian", "bernoulli"):
            raise ValueError(f"likelihood: expected 'gaussian' or 'bernoulli', got {self.likelihood!r}")


AUTOENCODER = Objective(mean_weight=0.0, variance_weight=0.0, noise=False)
VAE = Objective()


def beta_vae(beta: float, **other: Any) -> Objective:
    """Return the objective distortion + beta * rate; `other` are further fields of Objective.

    Raises ValueError when beta is negative. Source: Higgins et al. 2017.
    """
    check_not_negative("beta", beta)
    return Objective(mean_weight=beta, variance_weight=beta, **other)


class Autoencoders:
    """Trained members for O objectives and S seeds; `train` makes them. Images are ink 1 on paper 0."""

    def __init__(self, objectives: Sequence[Objective], seeds: Sequence[int], side: int, latent: int, hidden: int):
        self.objectives, self.seeds, self.side, self.latent = tuple(objectives), tuple(seeds), side, latent
        self._shape, pixels = (len(objectives), len(seeds)), side**2
        self._generators = [torch.Generator().manual_seed(int(seed)) for seed in seeds]
        self._encoder = EnsembleMLP((pixels, hidden, 2 * latent), self._generators)
        self._decoder = EnsembleMLP((latent, hidden, pixels), self._generators)
        for parameter in (*self._encoder.parameters(), *self._decoder.parameters()):
            parameter.data = self._repeat(parameter)
        start = [FIRST_VARIANCE if o.variance is None else o.variance for o in objectives]
        self._log_variance = self._each(start).log().requires_grad_()
        self._noisy = self._each([o.noise for o in objectives])

    @property
    def variance(self) -> NDArray[np.float32]:
        """Variance of a Gaussian p(x|z) at every pixel (O, S); nan where the likelihood is Bernoulli."""
        bernoulli = torch.tensor([o.likelihood == "bernoulli" for o in self.objectives])
        variance = self._split(self._log_variance.detach().exp())
        return torch.where(bernoulli[:, None], torch.nan, variance).numpy()

    def encode(self, images: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and log-variance of q(z|x) for images (n, h, w), each (O, S, n, d).

        The log-variance of a member without noise is -inf: its posterior is a point.
        Raises ValueError unless the images have the size trained on and values in [0, 1].
        """
        with torch.no_grad():
            mean, logvar = self._encoder(self._batch(images)).chunk(2, dim=-1)
        logvar = torch.where(self._noisy[:, None, None], logvar, -torch.inf)
        return self._split(mean).numpy(), self._split(logvar).numpy()

    def decode(self, z: ArrayLike) -> NDArray[np.float32]:
        """Return the mean of p(x|z) as images (O, S, n, h, w) for codes (O, S, n, d), or (n, d) for all members.

        Raises ValueError on codes of another shape or that are not finite, and without any.
        """
        values, d = check_finite(z, "z").astype(np.float32), self.latent
        if values.shape[-1:] != (d,) or values.ndim not in (2, 4) or not values.size:
            raise ValueError(f"z: expected shape (n, {d}) or (O, S, n, {d}), n >= 1, got {values.shape}")
        if values.ndim == 4 and values.shape[:2] != self._shape:
            raise ValueError(f"z: expected codes for {self._shape} objectives and seeds, got {values.shape}")
        codes = torch.from_numpy(values).expand(*self._shape, -1, -1).flatten(0, 1)
        with torch.no_grad():
            pixels = torch.sigmoid(self._decoder(codes))
        return self._split(pixels.unflatten(-1, (self.side, self.side))).numpy()

    def decoder_weights(self, objective: int = 0, seed: int = 0) -> tuple[NDArray[np.float32], ...]:
        """Return one member's W_1 (d, hidden), b_1 (hidden,), W_2 (hidden, pixels), b_2 (pixels,).

        Its images are sigmoid(h W_2 + b_2) with h = leaky ReLU(z W_1 + b_1), whose slope is `mlp.SLOPE`.
        Raises IndexError where there is no such objective or seed.
        """
        own = [self._split(parameter.detach())[objective, seed].numpy() for parameter in self._decoder.parameters()]
        w_1, w_2, b_1, b_2 = own
        return w_1, b_1[0], w_2, b_2[0]

    def elbo_terms(self, images: ArrayLike, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return distortion -E_q log p(x|z) and rate KL(q(z|x) || N(0, I)), nats per image, each (O, S).

        The expectation over q takes one draw per image; both terms are means over the images (n, h, w). The
        rate of a member without noise is inf. Raises ValueError as `encode` does, and without any image.
        """
        batch = self._batch(images)
        noise = torch.randn(batch.shape[1], self.latent, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            distortion, *rates = self._terms(batch, noise.expand(len(batch), -1, -1))
        rate = torch.where(self._noisy[:, None], sum(rates), torch.inf)
        return self._split(distortion.mean(1)).numpy(), self._split(rate.mean(1)).numpy()

    def _fit(self, images: Tensor, steps: int) -> None:
        """Train all members for `steps` steps on images (n, pixels)."""
        mean_weight = self._each([o.mean_weight for o in self.objectives])
        variance_weight = self._each([o.variance_weight for o in self.objectives])
        optimizer = torch.optim.Adam([*self._encoder.parameters(), *self._decoder.parameters()], lr=RATE, fused=True)
        optimizer.add_param_group({"params": [self._log_variance], "lr": VARIANCE_RATE})
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 - step / steps)
        for _ in range(steps):
            rows = [torch.randint(len(images), (BATCH,), generator=g) for g in self._generators]
            batch = self._repeat(torch.stack([images[r] for r in rows]))
            noise = self._repeat(torch.stack([torch.randn(BATCH, self.latent, generator=g) for g in self._generators]))
            distortion, mean_term, variance_term = (term.mean(1) for term in self._terms(batch, noise))
            loss = distortion + mean_weight * mean_term + variance_weight * variance_term  # (M,)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            schedule.step()

    def _terms(self, batch: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return distortion, mean term and variance term per image, each (M, n), for (M, n, pixels), (M, n, d)."""
        mean, logvar = self._encoder(batch).chunk(2, dim=-1)
        # z = mu + s * noise
        sd = torch.where(self._noisy[:, None, None], (0.5 * logvar).exp(), 0.0)
        logits = self._decoder(mean + sd * noise)
        mean_term, variance_term = (term.sum(-1) for term in kl_standard_normal_terms(mean, logvar))
        return self._distortion(logits, batch), mean_term, variance_term

    def _distortion(self, logits: Tensor, batch: Tensor) -> Tensor:
        """Return -log p(x|z) in nats, summed over the pixels: (M, n, pixels) -> (M, n)."""
        values = (self._split(member) for member in (logits, batch, self._log_variance))
        return torch.cat([_negative_log_likelihood(*row) for row in zip(self.objectives, *values, strict=True)])

    def _each(self, values: Sequence[float]) -> Tensor:
        """Return one value per member (M,) from one per objective."""
        return torch.tensor(values).repeat_interleave(len(self.seeds))

    def _repeat(self, values: Tensor) -> Tensor:
        """Return (M, ...) from one value per seed (S, ...)."""
        return values.detach().repeat(len(self.objectives), *[1] * (values.ndim - 1))

    def _split(self, values: Tensor) -> Tensor:
        """Return (O, S, ...) from one value per member (M, ...)."""
        return values.unflatten(0, self._shape)

    def _batch(self, images: ArrayLike) -> Tensor:
        flat = torch.from_numpy(check_square_images(images)).flatten(1)
        if flat.shape[1] != self.side**2:
            raise ValueError(f"images: expected {self.side} x {self.side} pixels, got {np.shape(images)}")
        return flat.expand(math.prod(self._shape), -1, -1)


def train(
    images: ArrayLike,
    objectives: Sequence[Objective],
    seeds: Sequence[int],
    latent: int,
    *,
    hidden: int = 128,
    steps: int = 600,
) -> Autoencoders:
    """Train one member per objective and seed on images (n, h, h) with values in [0, 1].

    Adam on batches of 100, its step size falling to zero; 600 steps are six passes over 10,000 images. Networks as
    small as these train fastest on one thread (torch.set_num_threads(1)), and many times slower on more, busy ones.
    Raises ValueError on other images, no objective, no seed, or when latent, hidden or steps is below 1.
    """
    check_several("objectives", objectives, "[VAE]")
    check_several("seeds", seeds, "[0, 1, 2]")
    for name, size in {"latent": latent, "hidden": hidden, "steps": steps}.items():
        check_at_least(name, size, 1)
    flat = torch.from_numpy(check_square_images(images)).flatten(1)
    members = Autoencoders(objectives, seeds, math.isqrt(flat.shape[1]), latent, hidden)
    members._fit(flat, steps)
    return members


def gaussian_negative_log_likelihood(mean: Tensor, images: Tensor, log_variance: Tensor) -> Tensor:
    """Return -log N(x; mean, variance I) in nats, summed over the pixels.

    Shapes: (..., n, pixels), (..., n, pixels), (...) -> (..., n): one variance for all images of a member.
    Raises ValueError on other shapes.
    """
    if mean.ndim < 2:
        raise ValueError(f"mean: expected shape (..., n, pixels), got {tuple(mean.shape)}")
    if mean.shape != images.shape:
        raise ValueError(f"images: expected the shape of mean, {tuple(mean.shape)}, got {tuple(images.shape)}")
    if log_variance.shape != mean.shape[:-2]:
        expected, got = tuple(mean.shape[:-2]), tuple(log_variance.shape)
        raise ValueError(f"log_variance: expected shape {expected}, one per member, got {got}")
    # sum over pixels of (x - m)^2 / (2 v) + log(2 pi v) / 2
    log_v = log_variance[..., None, None]
    return (0.5 * (images - mean).square() * (-log_v).exp() + (LOG_SQRT_2PI + 0.5 * log_v)).sum(-1)


def _negative_log_likelihood(objective: Objective, logits: Tensor, images: Tensor, log_variance: Tensor) -> Tensor:
    """Return -log p(x|z) in nats, summed over the pixels: (S, n, pixels), (S, n, pixels), (S,) -> (S, n)."""
    if objective.likelihood == "bernoulli":
        # sum over pixels of -x log m - (1 - x) log(1 - m), m = sigmoid(logits)
        return functional.binary_cross_entropy_with_logits(logits, images, reduction="none").sum(-1)
    if objective.variance is not None:
        log_variance = log_variance.detach()
    return gaussian_negative_log_likelihood(torch.sigmoid(logits), images, log_variance)
