"""The Dirac-GAN: the smallest game of a generator and a discriminator, small enough to be solved by hand.

All real samples are 0 and all generated ones are theta; the discriminator's logit is psi x, so D(x) = sigmoid(psi x).
The only equilibrium is theta = psi = 0. A state is the pair (theta, psi), on the last axis of an array.
The Wasserstein game has no sigmoid: its critic is psi x itself. A penalty on D's slope can be added to each game.
Source: Mescheder, Geiger, Nowozin 2018, sections 2 to 4. There D scores generated samples high, so their psi
is minus ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.special import expit

from genmodels.checks import check_at_least, check_finite, check_not_negative, check_positive
from genmodels.measures.densities import Array

Loss = Literal["saturating", "non-saturating", "wasserstein"]


@dataclass(frozen=True)
class DiracGAN:
    """The game with one of three losses and an R1 penalty of weight gamma >= 0 on the discriminator, in nats.

    saturating: L_D = log 2 - log(1 - D(theta)), L_G = log(1 - D(theta)), the minimax game;
    non-saturating: the same L_D, L_G = -log D(theta);
    wasserstein: L_D = psi theta, the score of the generated sample less that of the real one, L_G = -psi theta.
    R1 adds gamma/2 psi^2 to L_D: psi is the slope of the logit, or of the score, at the real sample.
    Eigenvalues of `velocity` at the equilibrium: -gamma/2 ± sqrt(gamma^2/4 - f^2), where f = 1/2, and f = 1 for
    wasserstein. So gamma = 2 f is critical: below it the flow spirals inwards, from it on it does not turn.
    Source: Mescheder et al. 2018, section 2 (the game), section 3 (eigenvalues with a penalty), section 4 (R1).
    """

    loss: Loss = "saturating"
    gamma: float = 0.0

    def __post_init__(self) -> None:
        if self.loss not in get_args(Loss):
            raise ValueError(f"loss: expected one of {', '.join(get_args(Loss))}, got {self.loss!r}")
        check_not_negative("gamma", self.gamma)

    def velocity(self, states: ArrayLike) -> Array:
        """Return (-dL_G/dtheta, -dL_D/dpsi), the direction of both players' descent: (..., 2) -> (..., 2)."""
        states = _check_states("states", states)
        theta, psi = states[..., 0], states[..., 1]
        # theta' = a psi, psi' = -b theta - gamma psi, with a = b = 1 for wasserstein
        followed = rejected = np.ones_like(theta)
        if self.loss != "wasserstein":
            # a = b = D(theta), or a = 1 - D(theta) without saturation
            rejected = expit(psi * theta)
            followed = expit(-psi * theta) if self.loss == "non-saturating" else rejected
        return np.stack([followed * psi, -rejected * theta - self.gamma * psi], axis=-1)

    def descend(self, start: Sequence[float], rate: float, steps: int, *, alternating: bool = False) -> Array:
        """Return the states of `steps` updates of both players, the start included: (steps + 1, 2).

        Alternating: the discriminator moves first, and the generator's gradient is that at the new psi.
        """
        state = _check_states("start", start)
        check_positive("rate", rate)
        check_at_least("steps", steps, 1)
        turns = (np.array([0.0, 1.0]), np.array([1.0, 0.0])) if alternating else (np.ones(2),)
        path = [state]
        for _ in range(steps):
            for moves in turns:
                state = state + rate * moves * self.velocity(state)
            path.append(state)
        return np.array(path)

    def flow(self, start: Sequence[float], times: ArrayLike) -> Array:
        """Return the states at the rising times (T,) of descent with infinitely small steps: (T, 2).

        Integrated by an eighth-order Runge-Kutta method.
        """
        state = _check_states("start", start)
        times = check_finite(times, "times")
        if times.ndim != 1 or not len(times) or times[0] < 0.0 or (np.diff(times) <= 0.0).any():
            raise ValueError(f"times: expected a rising list of numbers from 0 on, got {times}")
        span = (0.0, times[-1])
        precise = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-13}
        solved = solve_ivp(lambda _, state: self.velocity(state), span, state, t_eval=times, **precise)
        return np.asarray(solved.y.T)


def _check_states(name: str, values: ArrayLike) -> Array:
    states = check_finite(values, name)
    if states.ndim == 0 or states.shape[-1] != 2 or (name == "start" and states.ndim != 1):
        raise ValueError(f"{name}: expected (theta, psi) on the last axis, got shape {states.shape}")
    return states
