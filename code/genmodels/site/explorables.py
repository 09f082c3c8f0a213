"""Numbers of a cell, handed to a figure that the reader plays with.

A page shares what a figure needs, ``share("surgery", means=means)``, and the site gives it to the script of that name:
no number that a cell computes is typed in a script.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genmodels.checks import check_finite, check_positive
from genmodels.site.claims import FIGURE_MIME, publish

NAME = re.compile(r"[a-z]+")
DAMPING = 1e-6  # of the mean diagonal; the paper takes 1e-2, for inputs that are not all that will come


def share(name: str, **data: Any) -> None:
    """Hand ``data`` to the interactive figure ``name``: numbers, texts, lists, dictionaries and NumPy arrays of them.

    ``start``, if given, is the state that the figure begins in, a dictionary by the names of its controls; what the
    page itself says of the start comes first. Raises TypeError on what JSON cannot hold.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"name: {name!r} must be lower-case letters")
    text = json.dumps(data, allow_nan=False, default=_plain, separators=(",", ":"))
    line = f"handed to the figure {name}: {len(text) / 1000:.1f} kB"
    publish(FIGURE_MIME, {"name": name, "data": json.loads(text)}, line)


def in_steps(values: ArrayLike, step: float) -> list[Any]:
    """Return values (...) as whole numbers of steps, in lists of the same shape, off by half a step."""
    check_positive("step", step)
    return list(np.rint(check_finite(values, "values") / step).astype(int).tolist())


def in_letters(values: ArrayLike) -> str:
    """Return whole numbers (...), row by row, as a text with one letter for each, which packs better than digits.

    A letter tells the difference d from the number before: letter number 35 + 2 d, or 34 - 2 d for d < 0, where 92, the
    backslash, is left out. Differences must be below 900.
    """
    numbers = check_finite(values, "values")
    differences = np.diff(numbers.ravel(), prepend=0)
    if (numbers != np.rint(numbers)).any() or (abs(differences) >= 900).any():
        raise ValueError("values: expected whole numbers that differ from the one before by less than 900")
    letters = np.where(differences < 0, -2 * differences - 1, 2 * differences).astype(int) + 35
    return "".join(map(chr, letters + (letters >= 92)))


def round_together(inputs: ArrayLike, weights: ArrayLike, step: float) -> NDArray[np.int64]:
    """Return weights (d, m) as whole numbers of steps, chosen so that inputs (n, d) @ weights changes little.

    One row after the other is rounded, that of the largest inputs first, and the rows that are left make up for what
    its rounding changed at these inputs, by least squares.
    Source: Frantar, Ashkboos, Hoefler, Alistarh 2023, GPTQ, section 3.
    """
    x = check_finite(inputs, "inputs")
    left = check_finite(weights, "weights")
    check_positive("step", step)
    if x.ndim != 2 or left.ndim != 2 or x.shape[1] != len(left):
        raise ValueError(f"inputs, weights: expected (n, d) and (d, m), got {x.shape} and {left.shape}")
    order = np.argsort(-(x**2).sum(axis=0))
    gram, left = x.T[order] @ x[:, order], left[order]
    if not gram.any():
        raise ValueError("inputs: expected at least one that is not 0")
    # H^-1 = U^T U; a little more on the diagonal, for inputs that do not span all d dimensions
    upper = np.linalg.cholesky(np.linalg.inv(gram + DAMPING * np.trace(gram) / len(gram) * np.eye(len(gram)))).T
    whole = np.zeros(left.shape, dtype=np.int64)
    for row, factors in enumerate(upper):
        whole[order[row]] = np.rint(left[row] / step)
        # w_j <- w_j - (w_i - q_i) U_ij / U_ii for j >= i
        left -= np.outer(factors / factors[row], left[row] - step * whole[order[row]])
    return whole


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"data: JSON cannot hold {type(value).__name__}")
