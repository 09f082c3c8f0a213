"""The linear VAE: its optimum in closed form, and its training on the exact expected loss.

Centred data x with covariance C, prior p(z) = N(0, I), encoder q(z|x) = N(V x, diag(s^2)), decoder
p(x|z) = N(W z, sigma^2 I). In the eigenvectors of C the loss falls into one problem per direction, and its solution is
Shannon's reverse water-filling: a direction is used if and only if its eigenvalue is above the level beta sigma^2.
Sources: Tipping & Bishop 1999 (the decoder at beta = 1); Lucas, Tucker, Grosse, Norouzi 2019 (the linear VAE).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize
from scipy.special import xlogy

from genmodels.checks import check_finite
from genmodels.densities import Array

LOG_2PI = math.log(2 * math.pi)
ACTIVE = 1e-3  # nats: a unit with less is switched off. After training these have under 1e-6
MAX_STEPS = 10_000  # of L-BFGS; the fits on the pages take 20 to 5000


@dataclass(frozen=True)
class Optimum:
    """The optimal linear VAE per direction, arrays (n,) in the order of the eigenvalues.

    active: whether the direction is used. squared_weights: w^2 of the decoder. mean_variances: the variance over the
    data of the encoder's mean mu(x). posterior_variances: s^2 of the encoder, 1 where unused. rates: KL from the
    prior, in nats. distortions: mean squared error. The losses contain all constants, in nats per data point.
    """

    eigenvalues: Array
    variance: float
    beta: float
    active: NDArray[np.bool_]
    squared_weights: Array
    mean_variances: Array
    posterior_variances: Array
    rates: Array
    distortions: Array

    @property
    def rate(self) -> float:
        """The KL from the prior, summed over the directions, in nats; inf at beta = 0."""
        return float(self.rates.sum())

    @property
    def aggregate_variances(self) -> Array:
        """Var mu(x) + s^2, the variance of q(z) = E_x q(z|x), per direction (n,)."""
        return self.mean_variances + self.posterior_variances

    @property
    def distortion(self) -> float:
        """The mean squared error, summed over the directions."""
        return float(self.distortions.sum())

    @property
    def negative_elbo(self) -> float:
        """-E log p(x|z) + KL in nats, whatever the beta that was trained with."""
        return _reconstruction(self.distortion, self.variance, self.eigenvalues.size) + self.rate

    @property
    def loss(self) -> float:
        """What is minimised, -E log p(x|z) + beta KL, in nats."""
        # beta/2 log(l / (beta sigma^2)), which goes to 0 with beta
        used = self.eigenvalues[self.active]
        paid = xlogy(self.beta, used / self.variance) - xlogy(self.beta, self.beta)
        return _reconstruction(self.distortion, self.variance, self.eigenvalues.size) + 0.5 * float(paid.sum())


def optimum(eigenvalues: ArrayLike, variance: float, beta: float = 1.0) -> Optimum:
    """Return the optimum for data with these covariance eigenvalues l (n,) and decoder variance sigma^2 per dimension.

    It needs at least as many latent dimensions as there are directions above the level beta sigma^2.
    Raises ValueError on negative or non-finite eigenvalues, variance <= 0 or beta < 0.
    """
    values, (variance, beta) = _check_eigenvalues(eigenvalues), _check_settings(variance, beta)
    active = values > (level := beta * variance)
    used = np.where(active, values, 1.0)  # no division by an eigenvalue of 0
    # w^2 = l - beta sigma^2, s^2 = beta sigma^2 / l
    squared_weights, posterior = np.where(active, values - level, 0.0), np.where(active, level / used, 1.0)
    with np.errstate(divide="ignore"):
        rates = -0.5 * np.log(posterior) + 0.0  # 1/2 log(l / (beta sigma^2)); 0, not -0
    return Optimum(
        eigenvalues=values,
        variance=variance,
        beta=beta,
        active=active,
        squared_weights=squared_weights,
        mean_variances=squared_weights / used,  # v^2 l with the encoder's weight v = w / l
        posterior_variances=posterior,
        rates=rates,
        distortions=np.minimum(values, level),
    )


def price_of_constant_encoder(eigenvalues: ArrayLike, variance: float, beta: float = 1.0) -> Array:
    """Return by how many nats the encoder mu = 0, Sigma = I loses to the optimum, per direction (n,).

    beta/2 (r - 1 - log r) with r = l / (beta sigma^2) where r > 1, else 0. Raises ValueError as `optimum` does.
    """
    values, (variance, beta) = _check_eigenvalues(eigenvalues), _check_settings(variance, beta)
    first = np.maximum(values / variance, beta)  # nats of reconstruction that the first nat of rate buys
    # beta (r - 1 - log r) = first - beta - beta log first + beta log beta
    return np.asarray(0.5 * (first - beta - xlogy(beta, first) + xlogy(beta, beta)))


def rate_distortion(eigenvalues: ArrayLike, distortion: float) -> float:
    """Return Shannon's R(D) in nats of a Gaussian source with these covariance eigenvalues (n,), D in squared error.

    The level is found from D = sum min(l, level); then R = sum 1/2 log(l / min(l, level)).
    Raises ValueError on negative or non-finite eigenvalues or distortion <= 0.
    Source: Cover & Thomas 2006, Elements of Information Theory, chapter 10, reverse water-filling.
    """
    values = _check_eigenvalues(eigenvalues)
    if not 0 < distortion < math.inf:
        raise ValueError(f"distortion: expected a positive finite number, got {distortion}")
    if distortion >= values.sum():
        return 0.0
    level = brentq(lambda height: np.minimum(values, height).sum() - distortion, 0.0, values.max(), xtol=1e-300)
    return 0.5 * float(np.log(values[values > level] / level).sum())


@dataclass(frozen=True)
class LinearVAE:
    """A linear VAE with k latent dimensions on n data dimensions, and its exact expectations over the data.

    encoder V (k, n), posterior_variances s^2 (k,), decoder W (n, k). loss: -E log p(x|z) + beta KL, in nats.
    rates (k,): KL from the prior per unit, in nats. distortion: mean squared error, summed over the dimensions.
    aggregate (k, k): M, the covariance of q(z) = E_x q(z|x).
    """

    encoder: Array
    posterior_variances: Array
    decoder: Array
    loss: float
    rates: Array
    distortion: float
    aggregate: Array

    @property
    def rate(self) -> float:
        """The KL from the prior, summed over the units, in nats."""
        return float(self.rates.sum())

    @property
    def squared_weights(self) -> Array:
        """The squared length of each unit's column of the decoder (k,)."""
        return np.asarray((self.decoder**2).sum(axis=0))

    @property
    def active(self) -> NDArray[np.bool_]:
        """Which units (k,) carry more than 0.001 nats."""
        return np.asarray(self.rates > ACTIVE)

    def reconstruct(self, points: ArrayLike) -> Array:
        """Return the decoded means of the codes of centred points, (m, n) -> (m, n)."""
        points = check_finite(points, "points")
        if points.ndim != 2 or points.shape[1] != len(self.decoder):
            raise ValueError(f"points: expected shape (m, {len(self.decoder)}), got {points.shape}")
        return np.asarray(points @ self.encoder.T @ self.decoder.T)


def fit(covariance: ArrayLike, variance: float, beta: float, latent: int, seed: int) -> LinearVAE:
    """Train a linear VAE by L-BFGS on the exact expected loss, from a random start, in float64.

    Raises ValueError unless covariance (n, n) is symmetric, finite and without negative eigenvalues, and on
    variance <= 0, beta < 0 or latent < 1; RuntimeError when L-BFGS does not come to an end.
    """
    c, (variance, beta) = _check_covariance(covariance), _check_settings(variance, beta)
    if latent < 1:
        raise ValueError(f"latent: expected at least one dimension, got {latent}")
    generator, n = np.random.default_rng(seed), len(c)
    scale = math.sqrt(np.trace(c)) or 1.0  # codes have variance 1 or so, reconstructions that of the data
    v = generator.standard_normal((latent, n)) / scale
    w = generator.standard_normal((n, latent)) * scale / n
    start = np.concatenate([v.ravel(), w.ravel(), np.zeros(latent)])
    # ends by the gradient, not by the gain of a step: that is tiny, too, at the saddle where a unit has yet to turn on
    options = {"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "ftol": 0.0, "gtol": 1e-7}
    args = (c, variance, beta, latent)
    found = minimize(_loss_and_gradient, start, args=args, jac=True, method="L-BFGS-B", options=options)
    if found.nit >= MAX_STEPS or found.nfev >= 2 * MAX_STEPS:
        raise RuntimeError(f"L-BFGS did not converge: {found.message}")
    v, w, logvar = _unpack(found.x, n, latent)
    distortion, rates, aggregate = _expectations(v, w, logvar, c)
    return LinearVAE(v, np.exp(logvar), w, float(found.fun), rates, distortion, aggregate)


def _expectations(v: Array, w: Array, logvar: Array, c: Array) -> tuple[float, Array, Array]:
    """Return E |x - W z|^2, the KL of each unit (k,) in nats, and the covariance of q(z) (k, k)."""
    vc, s2 = v @ c, np.exp(logvar)
    # M = V C V^T + diag(s^2)
    aggregate = vc @ v.T + np.diag(s2)
    # E |x - W z|^2 = tr C - 2 tr(W V C) + tr(W^T W M)
    distortion = np.trace(c) - 2.0 * (w.T * vc).sum() + ((w.T @ w) * aggregate).sum()
    # KL_j = 1/2 (M_jj - 1 - log s_j^2)
    rates = 0.5 * (np.diag(aggregate) - 1.0 - logvar)
    return float(distortion), rates, aggregate


def _loss_and_gradient(flat: Array, c: Array, variance: float, beta: float, latent: int) -> tuple[float, Array]:
    v, w, logvar = _unpack(flat, len(c), latent)
    distortion, rates, aggregate = _expectations(v, w, logvar, c)
    loss = _reconstruction(distortion, variance, len(c)) + beta * float(rates.sum())
    vc, s2 = v @ c, np.exp(logvar)
    # d/dV = beta V C - W^T (C - W V C) / sigma^2
    by_v = beta * vc - (w.T @ c - w.T @ w @ vc) / variance
    # d/dW = (W M - C V^T) / sigma^2
    by_w = (w @ aggregate - vc.T) / variance
    # d/dlog s^2 = 1/2 (s^2 |w|^2 / sigma^2 + beta s^2 - beta)
    by_logvar = 0.5 * (s2 * (w**2).sum(axis=0) / variance + beta * s2 - beta)
    return loss, np.concatenate([by_v.ravel(), by_w.ravel(), by_logvar])


def _unpack(flat: Array, n: int, latent: int) -> tuple[Array, Array, Array]:
    size = n * latent
    return flat[:size].reshape(latent, n), flat[size : 2 * size].reshape(n, latent), flat[2 * size :]


def _reconstruction(distortion: float, variance: float, n: int) -> float:
    # -E log N(x; W z, sigma^2 I) = E |x - W z|^2 / (2 sigma^2) + n/2 log(2 pi sigma^2)
    return 0.5 * (distortion / variance + n * (LOG_2PI + math.log(variance)))


def _check_eigenvalues(eigenvalues: ArrayLike) -> Array:
    values = check_finite(eigenvalues, "eigenvalues")
    if values.ndim != 1 or values.size == 0 or values.min() < 0:
        raise ValueError(f"eigenvalues: expected a list of numbers >= 0, got {values}")
    return values


def _check_covariance(covariance: ArrayLike) -> Array:
    c = check_finite(covariance, "covariance")
    if c.ndim != 2 or c.shape[0] != c.shape[1] or not c.size or abs(c - c.T).max() > 1e-9 * abs(c).max():
        raise ValueError(f"covariance: expected a symmetric matrix, got shape {c.shape}")
    if np.linalg.eigvalsh(c)[0] < -1e-9 * abs(c).max():
        raise ValueError("covariance: expected no negative eigenvalue")
    return 0.5 * (c + c.T)


def _check_settings(variance: float, beta: float) -> tuple[float, float]:
    if not 0 < variance < math.inf:
        raise ValueError(f"variance: expected a positive finite number, got {variance}")
    if not 0 <= beta < math.inf:
        raise ValueError(f"beta: expected a finite number >= 0, got {beta}")
    return float(variance), float(beta)
