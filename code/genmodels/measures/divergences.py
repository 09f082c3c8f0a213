"""Distances between distributions: Kullback-Leibler, Jensen-Shannon, Wasserstein-1; Gaussians fitted by them.

Logarithms are natural, so the unit is the nat. Densities on the line are integrated by composite
Gauss-Legendre quadrature. Panels end wherever a density has an edge, so integrands are smooth on each panel.
The Jensen-Shannon divergence has the factor 1/2 on each of its two terms: it lies in [0, log 2].
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import minimize
from torch import Tensor

from genmodels.checks import check_at_least, check_finite, check_shares
from genmodels.measures.densities import LOG_SQRT_2PI, Array, Density, Gaussian, Mixture

LOG_2 = math.log(2.0)
UNIT_NODES, UNIT_WEIGHTS = np.polynomial.legendre.leggauss(32)


def quadrature(*densities: Density) -> tuple[Array, Array]:
    """Return nodes and weights, both (n,), that integrate over the union of the supports.

    Panels end at every breakpoint and hold 32 nodes: constants are integrated to rounding error, and panels
    of Gaussians are one standard deviation wide.
    """
    return _panel_rule(np.concatenate([density.breakpoints for density in densities]))


def expected_log_ratio(p: Density, q: Density, function: Callable[[Array], Array]) -> float:
    """Return E_p[function(log p - log q)] by quadrature. The log-ratio is inf where q = 0 < p."""
    x, weights = quadrature(p, q)
    mass = weights * p.pdf(x)
    x, mass = x[mass > 0], mass[mass > 0]
    return float(np.sum(mass * function(p.log_pdf(x) - q.log_pdf(x))))


def kl(p: Density, q: Density) -> float:
    """Return KL(p || q) = E_p[log p - log q] in nats; inf where q = 0 < p.

    A Gaussian's mass beyond 12 standard deviations, 4e-33, is not seen.
    """
    return expected_log_ratio(p, q, lambda t: t)


def jensen_shannon(p: Density, q: Density) -> float:
    """Return JSD(p, q) = 1/2 KL(p || m) + 1/2 KL(q || m), m = (p + q)/2, in nats, in [0, log 2].

    Source: Lin 1991, Divergence measures based on the Shannon entropy, with equal weights.
    """
    # log p/m = log 2 - log(1 + q/p)
    terms = [expected_log_ratio(a, b, lambda t: LOG_2 - np.logaddexp(0.0, -t)) for a, b in ((p, q), (q, p))]
    # Rounding may leave [0, log 2] by a unit in the last place.
    return min(max(0.5 * sum(terms), 0.0), LOG_2)


def wasserstein1(p: Density, q: Density) -> float:
    """Return the Wasserstein-1 distance ∫ |F_p(x) - F_q(x)| dx, where F is the cdf; in units of x."""

    def difference(x: Array) -> Array:
        return p.cdf(x) - q.cdf(x)

    x, _ = quadrature(p, q)
    sign = np.sign(difference(x))
    crossing = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    left, right = x[crossing], x[crossing + 1]
    # |F_p - F_q| has a kink where the difference changes sign: find it by bisection and end a panel there.
    for _ in range(60):
        middle = 0.5 * (left + right)
        same = np.sign(difference(middle)) == sign[crossing]
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    x, weights = _panel_rule(np.concatenate([p.breakpoints, q.breakpoints, left]))
    return float(np.sum(weights * np.abs(difference(x))))


# In nats, each 0 for q = p only. "non-saturating" is KL(q || p) - 2 JSD = 2 KL(m || p) with m = (p + q)/2. For
# smooth densities that are positive everywhere its slope is the one that a generator follows down -log D at
# D = D*. Source: Arjovsky & Bottou 2017, Theorem 2.5.
DIVERGENCES: dict[str, Callable[[Density, Density], float]] = {
    "KL(p||q)": kl,
    "JSD": jensen_shannon,
    "non-saturating": lambda p, q: kl(q, p) - 2.0 * jensen_shannon(p, q),
    "KL(q||p)": lambda p, q: kl(q, p),
}


class Fit(NamedTuple):
    """A minimum of the divergence: the Gaussian there, and the divergence in nats."""

    gaussian: Gaussian
    value: float


def fit_gaussian(p: Density, kind: str, start: Gaussian, *, fixed_mean: bool = False) -> Fit:
    """Return the local minimum of one of the DIVERGENCES, from p to q = N(mean, sd^2), downhill from `start`.

    The search runs over the mean (unless it is fixed) and the logarithm of sd, by Nelder and Mead's method.
    Raises RuntimeError where it does not settle.
    """
    if kind not in DIVERGENCES:
        raise ValueError(f"kind: expected one of {', '.join(DIVERGENCES)}, got {kind!r}")

    def gaussian(place: Array) -> Gaussian:
        return Gaussian(start.mean if fixed_mean else float(place[0]), float(np.exp(place[-1])))

    found = minimize(
        lambda place: DIVERGENCES[kind](p, gaussian(place)),
        [np.log(start.sd)] if fixed_mean else [start.mean, np.log(start.sd)],
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-13},
    )
    if not found.success:
        raise RuntimeError(f"{kind} from {start}: {found.message}")
    return Fit(gaussian(found.x), float(found.fun))


def kl_discrete(p: ArrayLike, q: ArrayLike) -> Array:
    """Return KL(p || q) of probabilities in nats, inf where q = 0 < p: (..., n), (..., n) -> (...)."""
    p, q = check_probabilities(p, q)
    with np.errstate(divide="ignore"):
        # sum_i p_i log(p_i / q_i), where 0 log 0 = 0
        terms = p * (np.log(np.where(p > 0, p, 1.0)) - np.log(np.where(p > 0, q, 1.0)))
    return np.asarray(terms.sum(axis=-1))


def jensen_shannon_discrete(p: ArrayLike, q: ArrayLike) -> Array:
    """Return JSD(p, q) of probabilities in nats, in [0, log 2]: (..., n), (..., n) -> (...)."""
    p, q = check_probabilities(p, q)
    # log(p / m) = log 2 + log(p / (p + q)), where 0 log 0 = 0
    terms = [a * (LOG_2 + np.log(np.where(a > 0, a, 1.0) / np.where(a > 0, p + q, 1.0))) for a in (p, q)]
    return np.asarray(np.clip(0.5 * (terms[0] + terms[1]).sum(axis=-1), 0.0, LOG_2))


def kl_gaussians(p: Gaussian, q: Gaussian) -> float:
    """Return KL(p || q) of two normal distributions in closed form, in nats."""
    # log(s_q / s_p) + (s_p^2 + (m_p - m_q)^2) / (2 s_q^2) - 1/2
    return math.log(q.sd / p.sd) + 0.5 * ((p.sd / q.sd) ** 2 + ((p.mean - q.mean) / q.sd) ** 2 - 1.0)


def kl_standard_normal_terms(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """Return the two terms of KL(N(mean, s^2) || N(0, 1)) per dimension, in nats; their sum is the divergence.

    The mean term is 1/2 mean^2, the variance term 1/2 (s^2 - 1 - log s^2) with logvar = log s^2; neither is
    negative. Shapes: (...), (...) -> (...), (...).
    Source: Kingma & Welling 2014, appendix B.
    """
    if mean.shape != logvar.shape:
        raise ValueError(f"logvar: expected the shape of mean, {tuple(mean.shape)}, got {tuple(logvar.shape)}")
    return 0.5 * mean.square(), 0.5 * (logvar.expm1() - logvar)


class Surgery(NamedTuple):
    """The terms of the ELBO surgery in nats: rate = information + marginal.

    rate: the mean over x of KL(q(z|x) || p(z)); information: I_q(x; z), between 0 and log N for N inputs;
    marginal: KL(q(z) || p(z)) of the aggregate q(z), the mean over x of q(z|x). p(z) = N(0, I).
    """

    rate: float
    information: float
    marginal: float


def elbo_surgery(means: ArrayLike, sds: ArrayLike) -> Surgery:
    """Return the terms, each computed by itself, for posteriors N(mean, sd^2) on the line, (N,) and (N,).

    Source: Hoffman & Johnson 2016.
    """
    means, sds = _check_posteriors(means, sds, axes=1)
    prior = Gaussian(0.0, 1.0)
    posteriors = [Gaussian(*row) for row in zip(means.tolist(), sds.tolist(), strict=True)]
    aggregate = Mixture(posteriors, [1.0 / len(means)] * len(means))
    rate = float(np.mean([kl_gaussians(posterior, prior) for posterior in posteriors]))
    information = float(np.mean([kl(posterior, aggregate) for posterior in posteriors]))
    return Surgery(rate, information, kl(aggregate, prior))


def elbo_surgery_sampled(means: ArrayLike, sds: ArrayLike, rng: np.random.Generator) -> Surgery:
    """Return the terms for diagonal posteriors in d dimensions, (N, d) and (N, d); the rate is exact.

    Information and marginal are means over one draw z from each posterior.
    """
    means, sds = _check_posteriors(means, sds, axes=2)
    noise = rng.standard_normal(means.shape)
    z = means + sds * noise
    log_q = aggregate_log_pdf(z, means, sds)
    log_posterior = np.sum(-0.5 * noise**2 - np.log(sds) - LOG_SQRT_2PI, axis=1)
    log_prior = np.sum(-0.5 * z**2 - LOG_SQRT_2PI, axis=1)
    rate = np.mean(np.sum(0.5 * (means**2 + sds**2 - 1.0) - np.log(sds), axis=1))
    return Surgery(float(rate), float(np.mean(log_posterior - log_q)), float(np.mean(log_q - log_prior)))


def aggregate_log_pdf(z: ArrayLike, means: ArrayLike, sds: ArrayLike) -> Array:
    """Return log q(z), q(z) the mean of N diagonal Gaussians: z (n, d), means (N, d), sds (N, d) -> (n,)."""
    means, sds = _check_posteriors(means, sds, axes=2)
    z = check_finite(z, "z")
    if z.ndim != 2 or z.shape[1] != means.shape[1]:
        raise ValueError(f"z: expected shape (n, {means.shape[1]}), got {z.shape}")
    precisions = sds**-2.0
    # -1/2 sum_j (z_j - m_j)^2 / s_j^2 - log s_j - log sqrt(2 pi), multiplied out: one matrix product
    constants = np.sum(-0.5 * means**2 * precisions - np.log(sds) - LOG_SQRT_2PI, axis=1)
    log_densities = np.hstack([z**2, z]) @ np.hstack([-0.5 * precisions, means * precisions]).T + constants
    return special.logsumexp(log_densities, axis=1) - math.log(len(means))


def binned_jensen_shannon(sample: ArrayLike, density: Density, bins: int) -> float:
    """Return the JSD in nats between a sample (n,) and a density, both binned into equal cells.

    The cells cover the density's support, a Gaussian's up to 12 standard deviations. As they get finer the
    value tends to log 2, whatever the sample: an empirical measure and a density are mutually singular.
    """
    sample = check_finite(sample, "sample")
    low, high = density.breakpoints[[0, -1]]
    if sample.ndim != 1 or sample.size == 0 or sample.min() < low or sample.max() > high:
        raise ValueError(f"sample: expected a list of numbers in [{low:g}, {high:g}], got {sample}")
    check_at_least("bins", bins, 1)
    cells = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(sample, cells)
    return float(jensen_shannon_discrete(counts / sample.size, np.diff(density.cdf(cells))))


def check_probabilities(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """Return p and q, probabilities over the last axis and of one shape, as float64 arrays."""
    p = check_shares(p, "p")
    q = check_shares(q, "q")
    if p.shape != q.shape:
        raise ValueError(f"q: expected the shape of p, {p.shape}, got {q.shape}")
    return p, q


def _check_posteriors(means: ArrayLike, sds: ArrayLike, axes: int) -> tuple[Array, Array]:
    means, sds = check_finite(means, "means"), check_finite(sds, "sds")
    if means.ndim != axes or means.size == 0:
        raise ValueError(f"means: expected an array with {axes} axes that is not empty, got shape {means.shape}")
    if sds.shape != means.shape or not (sds > 0).all():
        raise ValueError(f"sds: expected positive numbers of the shape of means, {means.shape}, got {sds}")
    return means, sds


def _panel_rule(ends: Array) -> tuple[Array, Array]:
    """Return nodes and weights of Gauss-Legendre quadrature on the panels between the ends, in any order."""
    ends = np.unique(ends)
    centre, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * np.diff(ends)
    return (centre[:, None] + half[:, None] * UNIT_NODES).ravel(), (half[:, None] * UNIT_WEIGHTS).ravel()
