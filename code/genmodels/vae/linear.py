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

from genmodels.checks import check_at_least, check_finite, check_not_negative, check_positive
from genmodels.measures.densities import LOG_SQRT_2PI, Array

ACTIVE = 1e-3  # nats: a unit of a smaller rate counts as switched off; training leaves such units below 1e-6 nats
MAX_STEPS = 10_000  # of L-BFGS; the trainings on the pages take 10 to 1700
GRADIENT = 1e-6  # largest component of the gradient at which training counts as converged, at a loss of 1


@dataclass(frozen=True)
class OptimalLinearVAE:
    """The optimal linear VAE per direction, arrays (n,) in the order of the eigenvalues.

    active: whether the direction is used. squared_weights: w^2 of the decoder. mean_variances: the variance
    over the data of the encoder's mean mu(x). posterior_variances: s^2 of the encoder, 1 where unused.
    rates: KL from the prior, in nats. distortions: mean squared error.
    loss: -E log p(x|z) + beta KL with all constants, in nats per data point.
    """

    active: NDArray[np.bool_]
    squared_weights: Array
    mean_variances: Array
    posterior_variances: Array
    rates: Array
    distortions: Array
    loss: float

    @property
    def rate(self) -> float:
        """The KL from the prior, summed over the directions, in nats; inf at beta = 0."""
        return float(self.rates.sum())

    @property
    def distortion(self) -> float:
        """The mean squared error, summed over the directions."""
        return float(self.distortions.sum())


def optimum(eigenvalues: ArrayLike, variance: float, beta: float = 1.0) -> OptimalLinearVAE:
    """Return the optimum for data with these covariance eigenvalues l (n,).

    It needs at least as many latent dimensions as there are directions above the level beta sigma^2.
    """
    values = _check_eigenvalues(eigenvalues)
    check_positive("variance", variance)
    check_not_negative("beta", beta)
    level = beta * variance
    active = values > level
    used = np.where(active, values, 1.0)  # no division by an eigenvalue of 0
    # w^2 = l - beta sigma^2, s^2 = beta sigma^2 / l
    squared_weights = np.where(active, values - level, 0.0)
    posterior = np.where(active, level / used, 1.0)
    mean_variances = squared_weights / used  # v^2 l with the encoder's weight v = w / l
    with np.errstate(divide="ignore"):
        rates = -0.5 * np.log(posterior) + 0.0  # 1/2 log(l / (beta sigma^2)); 0, not -0
    distortions = np.minimum(values, level)
    # beta KL = beta/2 log(l / (beta sigma^2)), which goes to 0 with beta
    paid = 0.5 * (xlogy(beta, values[active] / variance) - xlogy(beta, beta))
    loss = _reconstruction(float(distortions.sum()), variance, values.size) + float(paid.sum())
    return OptimalLinearVAE(active, squared_weights, mean_variances, posterior, rates, distortions, loss)


def cost_of_collapse(eigenvalues: ArrayLike, variance: float, beta: float = 1.0) -> Array:
    """Return by how many nats the encoder mu = 0, Sigma = I loses to the optimum, per direction (n,).

    beta/2 (r - 1 - log r) with r = l / (beta sigma^2) where r > 1, else 0.
    """
    values = _check_eigenvalues(eigenvalues)
    check_positive("variance", variance)
    check_not_negative("beta", beta)
    first = np.maximum(values / variance, beta)  # nats of reconstruction per nat of rate, at first
    # beta (r - 1 - log r) = first - beta - beta log first + beta log beta
    return np.asarray(0.5 * (first - beta - xlogy(beta, first) + xlogy(beta, beta)))


def rate_distortion(eigenvalues: ArrayLike, distortion: float) -> float:
    """Return Shannon's R(D) in nats of a Gaussian source with these covariance eigenvalues (n,), D in squared error.

    The level is found from D = sum min(l, level); then R = sum 1/2 log(l / min(l, level)).
    Source: Cover & Thomas 2006, Elements of Information Theory, chapter 10, reverse water-filling.
    """
    values = _check_eigenvalues(eigenvalues)
    check_positive("distortion", distortion)
    if distortion >= values.sum():
        return 0.0
    level = brentq(lambda height: np.minimum(values, height).sum() - distortion, 0.0, values.max(), xtol=1e-300)
    return 0.5 * float(np.log(values[values > level] / level).sum())


@dataclass(frozen=True)
class LinearVAE:
    """A linear VAE with k latent dimensions on n data dimensions, and its exact expectations over the data.

    encoder V (k, n), posterior_variances s^2 (k,), decoder W (n, k). loss: -E log p(x|z) + beta KL, in nats.
    rates (k,): KL from the prior per unit, in nats. distortion: mean squared error, summed over dimensions.
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
    def active(self) -> NDArray[np.bool_]:
        """Which units (k,) carry more than 0.001 nats."""
        return np.asarray(self.rates > ACTIVE)

    def reconstruct(self, points: ArrayLike) -> Array:
        """Return the decoded means of the codes of centred points, (m, n) -> (m, n)."""
        points = check_finite(points, "points")
        if points.ndim != 2 or points.shape[1] != len(self.decoder):
            raise ValueError(f"points: expected shape (m, {len(self.decoder)}), got {points.shape}")
        return np.asarray(points @ self.encoder.T @ self.decoder.T)


def train_linear_vae(covariance: ArrayLike, variance: float, beta: float, latent_dim: int, seed: int) -> LinearVAE:
    """Train a linear VAE for a covariance (n, n) by L-BFGS on the exact loss from a random start, in float64.

    Raises RuntimeError when the gradient is not near 0 at the end, as may happen where the level
    beta * variance is below a millionth of the data's variance.
    """
    c = _check_covariance(covariance)
    check_positive("variance", variance)
    check_positive("beta", beta)
    check_at_least("latent_dim", latent_dim, 1)
    # E |x - W z|^2 / (2 sigma^2) + beta KL = beta (E |x - W z|^2 / (2 level) + KL): only the level matters
    level = beta * variance
    values, vectors = np.linalg.eigh(c / level)  # in units in which the level is 1
    root = np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)
    a, w, logvar = _minimise(root, latent_dim, seed)
    distortion, rates, aggregate = _expectations(a, w, logvar, root)
    v = a @ np.linalg.pinv(math.sqrt(level) * root, rcond=1e-6, hermitian=True)  # 0 where the data have no variance
    loss = _reconstruction(level * distortion, variance, len(c)) + beta * float(rates.sum())
    return LinearVAE(v, np.exp(logvar), math.sqrt(level) * w, loss, rates, level * distortion, aggregate)


def _minimise(root: Array, latent_dim: int, seed: int) -> tuple[Array, Array, Array]:
    """Return A = V C^1/2, W and log s^2 of the least loss at level 1; A meets white data, so no scale of C is left."""
    rng = np.random.default_rng(seed)
    n = len(root)
    size = n * latent_dim
    scale = float(np.linalg.norm(root)) or 1.0  # codes have variance 1 or so, reconstructions that of the data
    unit = max(1.0, float(np.linalg.norm(root, 2)))  # in units of 1 / unit for A the loss is about as steep as in W
    v = rng.standard_normal((latent_dim, n)) / scale
    w = rng.standard_normal((n, latent_dim)) * scale / n

    def unpack(flat: Array) -> tuple[Array, Array, Array]:
        a, w, logvar = np.split(flat, [size, 2 * size])
        return a.reshape(latent_dim, n) / unit, w.reshape(n, latent_dim), logvar

    def loss_and_gradient(flat: Array) -> tuple[float, Array]:
        a, w, logvar = unpack(flat)
        distortion, rates, _ = _expectations(a, w, logvar, root)
        residual = root - w @ a
        s2 = np.exp(logvar)
        # d/dA = A - W^T (I - W V) C^1/2
        by_a = a - w.T @ residual
        # d/dW = W diag(s^2) - (I - W V) C^1/2 A^T
        by_w = w * s2 - residual @ a.T
        # d/dlog s^2 = 1/2 (s^2 |w|^2 + s^2 - 1)
        by_logvar = 0.5 * (s2 * (w**2).sum(axis=0) + s2 - 1)
        return 0.5 * distortion + float(rates.sum()), np.concatenate([by_a.ravel() / unit, by_w.ravel(), by_logvar])

    start = np.concatenate([unit * (v @ root).ravel(), w.ravel(), np.zeros(latent_dim)])
    # a step that gains little is no end: so it is at the saddle, too, where a unit has yet to turn on
    options = {"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "ftol": 0.0, "gtol": GRADIENT / 10}
    found = minimize(loss_and_gradient, start, method="L-BFGS-B", jac=True, options=options)
    # whatever ended it: rounding, which grows with the loss, may hide every further gain
    if not abs(found.jac).max() <= GRADIENT * math.sqrt(max(1.0, found.fun)):
        raise RuntimeError(f"L-BFGS did not converge: {found.message}")
    return unpack(found.x)


def _expectations(a: Array, w: Array, logvar: Array, root: Array) -> tuple[float, Array, Array]:
    """Return E |x - W z|^2, the KL of each unit (k,) in nats, and the covariance of q(z) (k, k); a = V C^1/2."""
    # M = V C V^T + diag(s^2)
    aggregate = a @ a.T + np.diag(np.exp(logvar))
    # E |x - W z|^2 = |(I - W V) C^1/2|^2 + sum_j s_j^2 |w_j|^2: no difference of large numbers
    distortion = ((root - w @ a) ** 2).sum() + (np.exp(logvar) * (w**2).sum(axis=0)).sum()
    # KL_j = 1/2 (M_jj - 1 - log s_j^2)
    rates = 0.5 * (np.diag(aggregate) - 1.0 - logvar)
    return float(distortion), rates, aggregate


def _reconstruction(distortion: float, variance: float, n: int) -> float:
    # -E log N(x; W z, sigma^2 I) = E |x - W z|^2 / (2 sigma^2) + n/2 log(2 pi sigma^2)
    return 0.5 * distortion / variance + n * (LOG_SQRT_2PI + 0.5 * math.log(variance))


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
