"""The optimal discriminator, the losses at it and on logits, and the gradients that a generator follows.

Throughout, p is the data's density, q the generator's, t = log p - log q the optimal logit, D* = sigmoid(t).
Losses are in nats and are minimised: L_D by the discriminator, L_G or its non-saturating variant by the
generator.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from genmodels.checks import check_at_least, check_finite
from genmodels.measures.densities import Array, Density, Gaussian
from genmodels.measures.divergences import LOG_2, check_probabilities, expected_log_ratio, quadrature

Loss = Literal["non-saturating", "saturating", "wasserstein"]


class Losses(NamedTuple):
    """The sheet's eqs. (1) and (2) with the optimal discriminator put in, in nats.

    discriminator is L_D, in [0, 2 log 2]; generator is L_G, in [-log 2, 0].
    """

    discriminator: float
    generator: float


class ShiftGradients(NamedTuple):
    """Derivatives by the generator's shift of three quantities it could minimise; see `shift_gradients`."""

    saturating: float
    value: float
    non_saturating: float


def optimal_logit(p: Density, q: Density, x: ArrayLike) -> Array:
    """Return log p(x) - log q(x), the logit of D*; ±inf where one density is 0, nan where both are."""
    with np.errstate(invalid="ignore"):
        return np.asarray(p.log_pdf(x) - q.log_pdf(x))


def optimal_discriminator(p: Density, q: Density, x: ArrayLike) -> Array:
    """Return D*(x) = p(x) / (p(x) + q(x)); nan off both supports, where D* is not determined.

    Source: Goodfellow et al. 2014, Proposition 1.
    """
    # D* = sigmoid(t) = exp(-softplus(-t))
    with np.errstate(invalid="ignore"):
        return np.exp(-np.logaddexp(0.0, -optimal_logit(p, q, x)))


def losses_at_optimum(p: Density, q: Density) -> Losses:
    """Return L_D = -E_p[log D*] - E_q[log(1 - D*)] and L_G = E_q[log(1 - D*)].

    Both are integrals of just these definitions, by quadrature.
    Source: Goodfellow et al. 2014, eq. (1) and Proposition 1.
    """
    # -log D* = softplus(-t) under p; -log(1 - D*) = softplus(t) under q: no D* is ever rounded to 0 or 1.
    real = expected_log_ratio(p, q, lambda log_p_over_q: np.logaddexp(0.0, -log_p_over_q))
    fake = expected_log_ratio(q, p, lambda log_q_over_p: np.logaddexp(0.0, -log_q_over_p))
    return Losses(real + fake, 0.0 - fake)  # 0, not -0, without overlap


def losses_at_optimum_discrete(p: ArrayLike, q: ArrayLike) -> Losses:
    """Return L_D and L_G at D* of two discrete distributions, both (n,)."""
    p, q = check_probabilities(p, q)
    if p.ndim != 1:
        raise ValueError(f"p: expected one axis, got shape {p.shape}")
    # -E_p log(p / (p + q)) and -E_q log(q / (p + q)); a point without mass adds nothing
    real, fake = (0.0 - float(np.sum(a[a > 0] * np.log(a[a > 0] / (p + q)[a > 0]))) for a in (p, q))
    return Losses(real + fake, 0.0 - fake)  # 0, not -0, without overlap


def losses_shifted_uniforms(shift: float) -> Losses:
    """Return L_D and L_G at D* of U[0, 1] against U[shift, shift + 1] in closed form."""
    check_finite(shift, "shift")
    overlap = max(1.0 - abs(shift), 0.0)
    # L_D = (1 - |d|)+ 2 log 2, L_G = -(1 - |d|)+ log 2 (0, not -0, without overlap)
    return Losses(2.0 * overlap * LOG_2, 0.0 - overlap * LOG_2)


def losses_collapsed(covered: int, modes: int) -> Losses:
    """Return L_D and L_G at D* for a generator on k = `covered` of K = `modes` equal modes, in closed form.

    Modes do not overlap, and the generator gives equal shares to those it covers.
    """
    check_at_least("modes", modes, 1)
    if not 1 <= covered <= modes:
        raise ValueError(f"covered: expected 1 to modes = {modes}, got {covered}")
    d = covered / (modes + covered)  # D* = (1/K) / (1/K + 1/k) on the covered modes, 1 on the others
    # L_G = log(1 - D*) = log(K / (K + k)); L_D = -(k/K) log D* - L_G
    return Losses(-covered / modes * math.log(d) - math.log1p(-d), math.log1p(-d))


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor, kind: Loss = "non-saturating") -> Tensor:
    """Discriminator loss L_D of the sheet's eq. (1), in nats, mean over logits: (..., n), (..., m) -> (...).

    With D = sigmoid(t), -log D = softplus(-t) and -log(1-D) = softplus(t): nothing overflows if D saturates.
    With kind "wasserstein" it is E_q[t] - E_p[t]; the other two share eq. (1).
    Source: Goodfellow et al. 2014, eq. (1); Arjovsky, Chintala, Bottou 2017.
    """
    if kind == "wasserstein":
        return fake_logits.mean(-1) - real_logits.mean(-1)
    # softplus(t) is written -logsigmoid(-t): torch's softplus drops its tail beyond t = 20.
    return -logsigmoid(real_logits).mean(-1) - logsigmoid(-fake_logits).mean(-1)


def generator_loss(fake_logits: Tensor, kind: Loss = "non-saturating") -> Tensor:
    """Generator loss to be minimised, in nats, a mean over logits t: (..., n) -> (...).

    "saturating" is the sheet's eq. (2), E[log(1-D)] = E[-softplus(t)]; "non-saturating" is
    E[-log D] = E[softplus(-t)]; "wasserstein" is -E[t].
    Source: Goodfellow et al. 2014, eq. (1) and the end of section 3; Arjovsky, Chintala, Bottou 2017.
    """
    if kind == "non-saturating":
        return -logsigmoid(fake_logits).mean(-1)
    if kind == "saturating":
        return logsigmoid(-fake_logits).mean(-1)
    if kind == "wasserstein":
        return -fake_logits.mean(-1)
    raise ValueError(f"kind: expected one of {', '.join(get_args(Loss))}, got {kind!r}")


def r1_penalty(D: nn.Module, real: Tensor) -> Tensor:
    """E_p[|dD/dx|^2] at real samples (S, n, d) -> (S,). Source: Mescheder et al. 2018 (R1, there with gamma/2)."""
    slope = _input_gradient(D, real)
    return slope.square().sum(-1).mean(-1)


def gradient_penalty(D: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E[(|dD/dx| - 1)^2] on the way between real and generated samples (S, n, d) -> (S,).

    The shares u of the real ones are spread evenly over the batch, not drawn. Source: Gulrajani et al. 2017, eq. (3).
    """
    u = torch.linspace(0, 1, real.shape[-2])[:, None]
    slope = _input_gradient(D, u * real + (1 - u) * fake)
    return (torch.linalg.vector_norm(slope, dim=-1) - 1).square().mean(-1)


def shift_gradients(theta: float) -> ShiftGradients:
    """Return three derivatives by theta for p = N(0, 1) and q = N(theta, 1), by quadrature.

    - saturating: of E_q[log(1-D)] with D frozen at D*: what eq. (2) makes G follow. It is d(2 JSD)/dtheta.
    - value: of the number L_G(theta) = E_q[log(1-D*)], where D* moves with theta. It is half of the former.
    - non_saturating: of E_q[-log D] with D frozen at D*. It is d(KL(q || p) - 2 JSD)/dtheta.

    Each has the sign of theta, so descent moves q towards p. As D* + (1-D*) = 1,
    saturating + non_saturating = theta.
    Source: Arjovsky & Bottou 2017, Theorem 2.5 (the non-saturating identity).
    """
    check_finite(theta, "theta")
    p, q = Gaussian(0.0, 1.0), Gaussian(theta, 1.0)
    x, weights = quadrature(p, q)
    d = optimal_discriminator(p, q, x)
    # E_q[D*] and E_q[1 - D*], as integrands
    real, fake = weights * q.pdf(x) * d, weights * q.pdf(x) * (1.0 - d)
    # t(x) = theta^2/2 - theta x. Frozen: d/dx log(1-D*) = -D* dt/dx = theta D*, d/dx(-log D*) = theta (1-D*).
    # Value: x = theta + noise has t = -theta^2/2 - theta noise, dt/dtheta = -x, so d/dtheta log(1-D*) = x D*.
    return ShiftGradients(float(theta * real.sum()), float((x * real).sum()), float(theta * fake.sum()))


def _input_gradient(D: nn.Module, x: Tensor) -> Tensor:
    """Return dD/dx of each sample, in the shape of x, differentiable by the weights of D."""
    x = x.detach().requires_grad_().clone()  # the counter of operations refuses a leaf
    return torch.autograd.grad(D(x).sum(), x, create_graph=True)[0]
