"""Densities on the line: uniform, Gaussian, a uniform with instance noise, and mixtures.

Log-densities are in nats and keep their accuracy far out in the tails.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genmodels.checks import check_finite, check_positive, check_shares

Array = NDArray[np.float64]

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)
STEPS = np.arange(-12, 13)  # the standard deviations where panels end: the mass beyond is 4e-33
_erfc = np.frompyfunc(math.erfc, 1, 1)


class Density(ABC):
    """A density on the line. Methods map x of any shape to an array of that shape."""

    @property
    @abstractmethod
    def breakpoints(self) -> Array:
        """Ascending points, (n,), from one end of the support to the other; smooth in between."""

    @abstractmethod
    def log_pdf(self, x: ArrayLike) -> Array:
        """Return the log-density at x, -inf off the support."""

    @abstractmethod
    def cdf(self, x: ArrayLike) -> Array:
        """Return the probability of a value up to x."""

    def pdf(self, x: ArrayLike) -> Array:
        """Return the density at x."""
        return np.exp(self.log_pdf(x))


@dataclass(frozen=True)
class Uniform(Density):
    """Uniform distribution on the closed interval [low, high]."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_interval(self.low, self.high)

    @property
    def breakpoints(self) -> Array:
        """The two ends of the support."""
        return np.array([self.low, self.high], dtype=float)

    def log_pdf(self, x: ArrayLike) -> Array:
        """Return -log(high - low), -inf off the support."""
        x = check_finite(x)
        return np.where((x >= self.low) & (x <= self.high), -math.log(self.high - self.low), -np.inf)

    def cdf(self, x: ArrayLike) -> Array:
        """Return (x - low) / (high - low), clipped to [0, 1]."""
        return np.clip((check_finite(x) - self.low) / (self.high - self.low), 0.0, 1.0)


@dataclass(frozen=True)
class Gaussian(Density):
    """Normal distribution N(mean, sd^2)."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        check_finite(self.mean, "mean")
        check_positive("sd", self.sd)

    @property
    def breakpoints(self) -> Array:
        """One panel per standard deviation."""
        return np.asarray(self.mean + self.sd * STEPS)

    def log_pdf(self, x: ArrayLike) -> Array:
        """Return -(x - mean)^2 / (2 sd^2) - log(sd sqrt(2 pi))."""
        return -0.5 * ((check_finite(x) - self.mean) / self.sd) ** 2 - math.log(self.sd) - LOG_SQRT_2PI

    def cdf(self, x: ArrayLike) -> Array:
        """Return Phi((x - mean) / sd)."""
        return _upper_tail((self.mean - check_finite(x)) / self.sd)


@dataclass(frozen=True)
class SmoothedUniform(Density):
    """A uniform with instance noise: a uniform variable on [low, high] plus independent N(0, sd^2) noise.

    The density is positive everywhere.
    Source: Arjovsky & Bottou 2017, section 3 (noise on the discriminator's input).
    """

    low: float
    high: float
    sd: float

    def __post_init__(self) -> None:
        _check_interval(self.low, self.high)
        check_positive("sd", self.sd)

    @property
    def breakpoints(self) -> Array:
        """One panel per standard deviation around each edge."""
        return np.union1d(self.low + self.sd * STEPS, self.high + self.sd * STEPS)

    def log_pdf(self, x: ArrayLike) -> Array:
        """Return the log-density at x."""
        width = self.high - self.low
        # The density is even about its centre c, so upper tails Q are enough; they stay accurate far out.
        distance = np.abs(check_finite(x) - 0.5 * (self.low + self.high))
        near = _log_upper_tail((distance - 0.5 * width) / self.sd)
        far = _log_upper_tail((distance + 0.5 * width) / self.sd)
        # p(x) = [Q((|x - c| - w/2) / sd) - Q((|x - c| + w/2) / sd)] / w
        return near + np.log(-np.expm1(far - near)) - math.log(width)

    def cdf(self, x: ArrayLike) -> Array:
        """Return (sd / w) [H((x - low) / sd) - H((x - high) / sd)], H(z) = z Phi(z) + phi(z), H' = Phi."""
        z = np.stack([check_finite(x) - self.low, check_finite(x) - self.high]) / self.sd
        integral = z * _upper_tail(-z) + np.exp(-0.5 * z**2 - LOG_SQRT_2PI)
        return np.asarray(self.sd / (self.high - self.low) * (integral[0] - integral[1]))


@dataclass(frozen=True)
class Mixture(Density):
    """Mixture sum_i weights[i] * components[i] of densities on the line."""

    components: Sequence[Density]
    weights: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.components) == 0:
            raise ValueError("components: expected at least one, got none")
        if check_shares(self.weights, "weights").shape != (len(self.components),):
            raise ValueError(f"weights: expected one for each of {len(self.components)}, got {self.weights}")

    @property
    def breakpoints(self) -> Array:
        """Those of all components."""
        return np.unique(np.concatenate([component.breakpoints for component in self.components]))

    def log_pdf(self, x: ArrayLike) -> Array:
        """Return log sum_i exp(log w_i + log p_i(x))."""
        terms = [math.log(w) + p.log_pdf(x) for p, w in zip(self.components, self.weights, strict=True) if w > 0]
        return np.asarray(np.logaddexp.reduce(terms))

    def cdf(self, x: ArrayLike) -> Array:
        """Return sum_i w_i F_i(x)."""
        terms = [w * p.cdf(x) for p, w in zip(self.components, self.weights, strict=True)]
        return np.asarray(np.sum(terms, axis=0))


def _check_interval(low: float, high: float) -> None:
    check_finite(low, "low")
    if not low < high < math.inf:
        raise ValueError(f"high: expected a finite number above low = {low}, got {high}")


def _upper_tail(z: Array) -> Array:
    # Q(z) = P(N(0, 1) > z) = erfc(z / sqrt 2) / 2
    return 0.5 * np.asarray(_erfc(z / math.sqrt(2.0)), dtype=float)


def _log_upper_tail(z: Array) -> Array:
    far = np.maximum(z, 10.0)
    # Q(z) = phi(z) / (z + 1/(z + 2/(z + 3/...))): it converges fast beyond 10; erfc underflows at 37.
    fraction = far
    for k in range(40, 0, -1):
        fraction = far + k / fraction
    tail = -0.5 * far**2 - LOG_SQRT_2PI - np.log(fraction)
    return np.where(z < 10.0, np.log(_upper_tail(np.minimum(z, 10.0))), tail)
