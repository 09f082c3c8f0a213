"""Sharpness of signals and images: power spectra, the share of high frequencies, the steepest slope.

Frequencies are in cycles per pixel, 0 to 1/2 along each axis. Signals and images are taken as periodic. Powers are
normalised so that the sum over all Fourier modes is the mean square of the values (Parseval).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genmodels.checks import check_finite
from genmodels.measures.densities import Array

CUTOFF = 0.25  # half of the highest frequency along an axis: a wave of four pixels


class RadialSpectrum(NamedTuple):
    """Mean power per mode in rings around frequency 0; sum(power * modes) is the mean square of the pixels.

    frequency (K,): radius of the ring in cycles per pixel; power (K,); modes (K,): how many modes the ring holds.
    """

    frequency: Array
    power: Array
    modes: NDArray[np.int64]


def power_spectrum(signals: ArrayLike) -> Array:
    """Return the power of each Fourier mode k = 0, ..., n // 2 of periodic signals: (..., n) -> (..., n // 2 + 1).

    The mode k holds both frequencies k / n and -k / n.
    """
    values = _check_values(signals, "signals")
    n = values.shape[-1]
    # |F_k|^2 / n^2, with -k folded onto k where they differ
    power = np.abs(np.fft.rfft(values)) ** 2 / n**2
    power[..., 1 : (n + 1) // 2] *= 2.0
    return power


def radial_spectrum(images: ArrayLike) -> RadialSpectrum:
    """Return the radially averaged power spectrum of images (n, h, h), averaged over the images.

    Ring k holds the modes whose radius rounds to k cycles per image; the last ones lie in the corners.
    """
    values = _check_values(images, "images")
    side = values.shape[-1]
    if values.ndim != 3 or values.shape[1] != side:
        raise ValueError(f"images: expected square images (n, h, h), got shape {values.shape}")
    frequency, power = _modes(values)
    ring = np.rint(frequency * side).astype(np.int64).ravel()
    modes = np.bincount(ring)
    return RadialSpectrum(np.arange(len(modes)) / side, np.bincount(ring, power.ravel()) / modes, modes)


def high_frequency_power(samples: ArrayLike) -> float:
    """Return the mean power of signals (n, l) or images (n, h, w) in modes above 1/4 cycle per pixel.

    The frequency of an image's mode is the radius of its two frequencies.
    """
    frequency, power = _modes(_check_samples(samples, "samples"))
    return float(power[frequency > CUTOFF].sum())


def high_frequency_share(samples: ArrayLike) -> float:
    """Return `high_frequency_power` as a share of the power in all modes but the constant one, 0 to 1.

    It does not change when all samples become brighter or gain contrast; one of them must not be constant.
    """
    values = _check_samples(samples, "samples")
    # asked of the values: rounding leaves a constant sample some power in other modes
    if not np.ptp(values.reshape(len(values), -1), axis=1).any():
        raise ValueError("samples: expected at least one that is not constant")
    frequency, power = _modes(values)
    return float(power[frequency > CUTOFF].sum() / power[frequency > 0].sum())


def max_slope(signals: ArrayLike) -> Array:
    """Return the largest step between neighbouring pixels of periodic signals: (..., n) -> (...)."""
    values = _check_values(signals, "signals")
    return np.asarray(np.abs(values - np.roll(values, 1, axis=-1)).max(axis=-1))


def neighbour_correlation(residuals: ArrayLike) -> float:
    """Return the correlation of horizontally neighbouring pixels of residuals (n, l) or (n, h, w), -1 to 1.

    Residuals are taken as periodic and of mean 0: sum r_i r_(i+1) / sum r_i^2 over all pixels and samples. No mean is
    subtracted; one that is left over counts as correlation. White noise has 0.
    """
    values = _check_samples(residuals, "residuals")
    if np.ptp(values) == 0:
        raise ValueError("residuals: expected at least two different numbers")
    return float(np.sum(values * np.roll(values, 1, axis=-1)) / np.sum(values**2))


def _modes(samples: Array) -> tuple[Array, Array]:
    """Return radius and mean power of all modes, each of one sample's shape, from (n, ...)."""
    shape = samples.shape[1:]
    axes = np.meshgrid(*(np.fft.fftfreq(length) for length in shape), indexing="ij")
    transformed = np.fft.fftn(samples, axes=range(1, samples.ndim))
    power = (np.abs(transformed) ** 2).mean(axis=0) / np.prod(shape) ** 2
    return np.sqrt(sum(axis**2 for axis in axes)), power


def _check_samples(samples: ArrayLike, name: str) -> Array:
    values = _check_values(samples, name)
    if values.ndim not in (2, 3):
        raise ValueError(f"{name}: expected signals (n, l) or images (n, h, w), got shape {values.shape}")
    return values


def _check_values(values: ArrayLike, name: str) -> Array:
    array = check_finite(values, name)
    if not array.ndim or not array.size:
        raise ValueError(f"{name}: expected at least one axis and one value, got shape {array.shape}")
    return array
