"""Checks of arguments that several modules share. Their messages name the argument and say what was expected."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_finite(values: ArrayLike, name: str = "x") -> NDArray[np.float64]:
    """Return the values as float64. Raises ValueError unless all are finite."""
    array = np.asarray(values, dtype=float)
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: expected finite numbers, got {array}")
    return array


def check_at_least(name: str, value: int, least: int) -> None:
    """Raise ValueError unless value is a whole number and not below least."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise ValueError(f"{name}: expected a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}")


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise ValueError unless seeds is a sequence of at least one whole number from 0 on, none twice."""
    if not isinstance(seeds, Sequence) or isinstance(seeds, str) or not seeds:
        raise ValueError(f"seeds: expected at least one, in a list such as [0, 1], got {seeds!r}")
    for seed in seeds:
        check_at_least("seeds", seed, 0)
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds: expected different ones, got {list(seeds)}")


def check_not_negative(name: str, value: float) -> None:
    """Raise ValueError unless value is finite and at least 0."""
    if not 0.0 <= value < math.inf:
        raise ValueError(f"{name}: expected a finite number that is not negative, got {value}")


def check_positive(name: str, value: float) -> None:
    """Raise ValueError unless value is finite and above 0."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name}: expected a positive finite number, got {value}")


def check_shares(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return (..., n) as float64. Raises ValueError unless none is negative and rows sum to one, up to 1e-6."""
    shares = np.asarray(values, dtype=float)
    if shares.ndim == 0 or not (shares >= 0).all() or (np.abs(shares.sum(axis=-1) - 1.0) > 1e-6).any():
        raise ValueError(f"{name}: expected numbers that are not negative and sum to one, got {shares}")
    return shares


def check_square_images(images: ArrayLike, multiple: int = 1) -> NDArray[np.float32]:
    """Return one or more square images (n, h, h) as float32.

    Raises ValueError unless h is a multiple of ``multiple`` and all values lie in [0, 1].
    """
    try:
        array = np.asarray(images, dtype=np.float32)
    except (TypeError, ValueError) as error:  # such as images and labels in one tuple
        raise ValueError(f"images: expected one array of numbers (n, h, h), got {type(images).__name__}") from error
    if array.ndim != 3 or array.shape[1] != array.shape[2] or array.shape[1] % multiple or array.size == 0:
        size = f", h a multiple of {multiple}" if multiple > 1 else ""
        raise ValueError(f"images: expected square images (n, h, h), n >= 1{size}, got shape {array.shape}")
    if not ((array >= 0.0) & (array <= 1.0)).all():
        raise ValueError(f"images: expected values in [0, 1], got {array.min():g} to {array.max():g}")
    return array
