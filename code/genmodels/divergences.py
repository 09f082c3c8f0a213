"""Distances between distributions: Kullback-Leibler, Jensen-Shannon, total variation, Wasserstein-1.

Logarithms are natural, so the unit is the nat. Densities on the line are integrated by composite
Gauss-Legendre quadrature. Panels end wherever a density has an edge, so integrands are smooth on each panel.
The Jensen-Shannon divergence has the factor 1/2 on each of its two terms: it lies in [0, log 2].
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from genmodels.densities import Array, Density, Gaussian, check_finite

LOG_2 = math.log(2.0)
UNIT_NODES, UNIT_WEIGHTS = np.polynomial.legendre.leggauss(32)


def quadrature(*densities: Density) -> tuple[Array, Array]:
    """Return nodes and weights, both (n,), that integrate over the union of the supports.

    Panels end at every breakpoint and hold 32 nodes: constants are integrated to rounding error, and panels
    of Gaussians are one standard deviation wide.
    """
    return _panel_rule(_panel_ends(*densities))


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


def total_variation(p: Density, q: Density) -> float:
    """Return the total variation distance 1/2 ∫ |p(x) - q(x)| dx, in [0, 1]."""
    return min(0.5 * _integral_of_magnitude(lambda x: p.pdf(x) - q.pdf(x), _panel_ends(p, q)), 1.0)


def wasserstein1(p: Density, q: Density) -> float:
    """Return the Wasserstein-1 distance ∫ |F_p(x) - F_q(x)| dx, where F is the cdf; in units of x."""
    return _integral_of_magnitude(lambda x: p.cdf(x) - q.cdf(x), _panel_ends(p, q))


def kl_discrete(p: ArrayLike, q: ArrayLike) -> Array:
    """Return KL(p || q) of probabilities over the last axis, in nats; inf where q = 0 < p.

    Shapes: (..., n), (..., n) -> (...).
    Raises ValueError on different shapes, negative numbers or rows that do not sum to one.
    """
    p, q = check_probabilities(p, q)
    with np.errstate(divide="ignore"):
        # sum_i p_i log(p_i / q_i), where 0 log 0 = 0
        terms = p * (np.log(np.where(p > 0, p, 1.0)) - np.log(np.where(p > 0, q, 1.0)))
    return np.asarray(terms.sum(axis=-1))


def jensen_shannon_discrete(p: ArrayLike, q: ArrayLike) -> Array:
    """Return JSD(p, q) of probabilities over the last axis, in nats, in [0, log 2].

    Shapes: (..., n), (..., n) -> (...).
    Raises ValueError on different shapes, negative numbers or rows that do not sum to one.
    """
    p, q = check_probabilities(p, q)
    # log(p / m) = log 2 + log(p / (p + q)), where 0 log 0 = 0
    terms = [a * (LOG_2 + np.log(np.where(a > 0, a, 1.0) / np.where(a > 0, p + q, 1.0))) for a in (p, q)]
    return np.asarray(np.clip(0.5 * (terms[0] + terms[1]).sum(axis=-1), 0.0, LOG_2))


def kl_gaussians(p: Gaussian, q: Gaussian) -> float:
    """Return KL(p || q) of two normal distributions in closed form, in nats."""
    # log(s_q / s_p) + (s_p^2 + (m_p - m_q)^2) / (2 s_q^2) - 1/2
    return math.log(q.sd / p.sd) + 0.5 * ((p.sd / q.sd) ** 2 + ((p.mean - q.mean) / q.sd) ** 2 - 1.0)


def jensen_shannon_shifted_uniforms(shift: ArrayLike) -> Array:
    """Return JSD(U[0, 1], U[shift, shift + 1]) = min(|shift|, 1) log 2 in nats; same shape as shift."""
    return np.asarray(np.minimum(np.abs(check_finite(shift, "shift")), 1.0) * LOG_2)


def binned_jensen_shannon(sample: ArrayLike, density: Density, bins: int) -> float:
    """Return the JSD in nats between a sample (n,) and a density, both binned into equal cells.

    The cells cover the density's support, a Gaussian's up to 12 standard deviations. As they get finer the
    value tends to log 2, whatever the sample: an empirical measure and a density are mutually singular.
    Raises ValueError on an empty sample, a value off the support or fewer than one bin.
    """
    sample = check_finite(sample, "sample")
    low, high = density.breakpoints[[0, -1]]
    if sample.ndim != 1 or sample.size == 0 or sample.min() < low or sample.max() > high:
        raise ValueError(f"sample: expected a list of numbers in [{low:g}, {high:g}], got {sample}")
    if bins < 1:
        raise ValueError(f"bins: expected at least one, got {bins}")
    cells = np.linspace(low, high, bins + 1)
    counts, _ = np.histogram(sample, cells)
    return float(jensen_shannon_discrete(counts / sample.size, np.diff(density.cdf(cells))))


def check_probabilities(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """Return p and q as float64 arrays. Raises ValueError unless each sums to one over the last axis."""
    p, q = np.asarray(p, dtype=float), np.asarray(q, dtype=float)
    for name, values in (("p", p), ("q", q)):
        if values.ndim == 0 or not (values >= 0).all() or (np.abs(values.sum(axis=-1) - 1.0) > 1e-9).any():
            raise ValueError(f"{name}: expected non-negative numbers that sum to one, got {values}")
    if p.shape != q.shape:
        raise ValueError(f"q: expected the shape of p, {p.shape}, got {q.shape}")
    return p, q


def _panel_ends(*densities: Density) -> Array:
    return np.unique(np.concatenate([density.breakpoints for density in densities]))


def _panel_rule(ends: Array) -> tuple[Array, Array]:
    centre, half = 0.5 * (ends[1:] + ends[:-1]), 0.5 * np.diff(ends)
    return (centre[:, None] + half[:, None] * UNIT_NODES).ravel(), (half[:, None] * UNIT_WEIGHTS).ravel()


def _integral_of_magnitude(difference: Callable[[Array], Array], ends: Array) -> float:
    x, _ = _panel_rule(ends)
    sign = np.sign(difference(x))
    crossing = np.flatnonzero(sign[:-1] * sign[1:] < 0)
    left, right = x[crossing], x[crossing + 1]
    # |f| has a kink where f changes sign: find it by bisection and end a panel there.
    for _ in range(60):
        middle = 0.5 * (left + right)
        same = np.sign(difference(middle)) == sign[crossing]
        left, right = np.where(same, middle, left), np.where(same, right, middle)
    x, weights = _panel_rule(np.unique(np.concatenate([ends, left])))
    return float(np.sum(weights * np.abs(difference(x))))
