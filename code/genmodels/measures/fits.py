"""One Gaussian fitted to a density by each of four divergences: which of them drop modes, and which smear over them.

p is the target, q = N(mean, sd^2) the fit, m = (p + q)/2. "non-saturating" is KL(q || p) - 2 JSD = 2 KL(m || p). For
smooth densities that are positive everywhere its slope is the one that a generator follows down -log D at D = D*.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from scipy.optimize import minimize

from genmodels.measures.densities import Array, Density, Gaussian
from genmodels.measures.divergences import jensen_shannon, kl

Divergence = Literal["KL(p||q)", "JSD", "non-saturating", "KL(q||p)"]
DIVERGENCES: tuple[Divergence, ...] = get_args(Divergence)

_FORMULAS: dict[Divergence, Callable[[Density, Density], float]] = {
    "KL(p||q)": kl,
    "JSD": jensen_shannon,
    "non-saturating": lambda p, q: kl(q, p) - 2.0 * jensen_shannon(p, q),
    "KL(q||p)": lambda p, q: kl(q, p),
}


class Fit(NamedTuple):
    """A minimum of the divergence: the Gaussian there, and the divergence in nats."""

    gaussian: Gaussian
    value: float


def divergence(kind: Divergence, p: Density, q: Density) -> float:
    """Return one of the DIVERGENCES of q from p in nats; each is 0 for q = p only.

    Raises ValueError on an unknown kind.
    Source of "non-saturating": Arjovsky & Bottou 2017, Theorem 2.5.
    """
    if kind not in _FORMULAS:
        raise ValueError(f"kind: expected one of {', '.join(DIVERGENCES)}, got {kind!r}")
    return _FORMULAS[kind](p, q)


def fit_gaussian(p: Density, kind: Divergence, start: Gaussian, *, fixed_mean: bool = False) -> Fit:
    """Return the local minimum of a divergence from p that is found downhill from `start`.

    The search runs over the mean (unless it is fixed) and the logarithm of sd, by Nelder and Mead's method.
    Raises ValueError on an unknown kind, RuntimeError where the search does not settle.
    """

    def gaussian(place: Array) -> Gaussian:
        return Gaussian(start.mean if fixed_mean else float(place[0]), float(np.exp(place[-1])))

    found = minimize(
        lambda place: divergence(kind, p, gaussian(place)),
        [np.log(start.sd)] if fixed_mean else [start.mean, np.log(start.sd)],
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-13},
    )
    if not found.success:
        raise RuntimeError(f"{kind} from {start}: {found.message}")
    return Fit(gaussian(found.x), float(found.fun))
