"""How good are samples: Frechet distance, precision and recall on features; in the plane, what is said of the modes.

The metrics of modes take samples (n, 2) or stacks of sets of them, (..., n, 2), and give one result per set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from scipy.special import entr

from genmodels.checks import check_at_least, check_positive
from genmodels.data.toy import GaussianModes
from genmodels.measures.divergences import kl_discrete


def frechet_distance(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """Return |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of the Gaussians fitted to two sets of features.

    features: (n, d) and (m, d), n, m >= 2; m and C are the sample means and unbiased covariances, in float64. The
    square of the Wasserstein-2 distance between the two Gaussians; covariances may be singular.
    Raises ValueError, naming the argument, on other shapes and on numbers that are not finite.
    Source: Dowson & Landau 1982; Heusel et al. 2017, there on Inception features.
    """
    a, b = _feature_pair(features_a, features_b, "features_a", "features_b", least=2)
    (mean_a, root_a), (mean_b, root_b) = _gaussian(a), _gaussian(b)
    # with C = R^T R: tr (C_a C_b)^(1/2) = sum of the singular values of R_a R_b^T; no root of a covariance is taken
    cross = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    squared = np.sum((mean_a - mean_b) ** 2) + np.sum(root_a**2) + np.sum(root_b**2) - 2 * cross
    return max(float(squared), 0.0)  # rounding can leave it just below zero


def precision_recall(real_features: ArrayLike, fake_features: ArrayLike, neighbours: int = 3) -> tuple[float, float]:
    """Return the share of fakes that lie among the reals (precision), and of reals among the fakes (recall).

    "Among" a set: in the ball around at least one of its points that reaches to that point's k-th nearest other point
    of the set, k = neighbours. features: (n, d) and (m, d), more than k of each; all n m distances are held in memory.
    Raises ValueError, naming the argument, on other shapes, neighbours < 1 and numbers that are not finite.
    Source: Kynkäänniemi et al. 2019, where k = 3.
    """
    check_at_least("neighbours", neighbours, 1)
    least = neighbours + 1
    real, fake = _feature_pair(real_features, fake_features, "real_features", "fake_features", least)
    return _share_among(fake, real, neighbours), _share_among(real, fake, neighbours)


def confidence(probabilities: ArrayLike) -> float:
    """Return the mean over images of the largest class probability: (n, classes) -> 1/classes to 1.

    Raises ValueError unless the rows are probability distributions.
    """
    rows = np.asarray(probabilities, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"probabilities: expected shape (n, classes) with n >= 1, got {rows.shape}")
    if not (np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1, rtol=0, atol=1e-6)):
        raise ValueError("probabilities: expected rows that are not negative and sum to 1")
    return float(rows.max(axis=1).mean())


def modes_captured(samples: ArrayLike, target: GaussianModes, within: float = 3.0) -> NDArray[np.int64]:
    """Return how many modes are the nearest one of at least one sample within so many standard deviations of it.

    Shapes: samples (..., n, 2) -> (...). One lucky sample is enough, and a mode's share does not count.
    Raises ValueError unless samples are finite and (..., n, 2) with n >= 1, and within is positive.
    Source: Srivastava et al. 2017 (VEEGAN); Lin et al. 2018 (PacGAN), whose published code counts strictly below 3.
    """
    mode, distance = _nearest_modes(samples, target)
    check_positive("within", within)
    return np.count_nonzero(_counts(mode, len(target.centres), distance <= within * target.sd), axis=-1)


def high_quality_share(samples: ArrayLike, target: GaussianModes, within: float = 3.0) -> NDArray[np.float64]:
    """Return the share of samples within so many standard deviations of their nearest mode, 0 to 1.

    Shapes: samples (..., n, 2) -> (...). The target's own share is 1 - exp(-within^2 / 2), where modes are far apart.
    Raises ValueError as `modes_captured` does. Source: as there.
    """
    _, distance = _nearest_modes(samples, target)
    check_positive("within", within)
    return np.asarray(np.mean(distance <= within * target.sd, axis=-1))


def mode_shares(samples: ArrayLike, target: GaussianModes) -> NDArray[np.float64]:
    """Return the share of samples whose nearest mode is k, however far: (..., n, 2) -> (..., K).

    Raises ValueError unless samples are finite and (..., n, 2) with n >= 1.
    """
    mode, _ = _nearest_modes(samples, target)
    return _counts(mode, len(target.centres), np.ones(mode.shape, dtype=bool)) / mode.shape[-1]


def kl_over_modes(samples: ArrayLike, target: GaussianModes) -> NDArray[np.float64]:
    """Return KL(nearest-mode shares of the samples || shares of the target) in nats, 0 to -log(least share).

    Shapes: samples (..., n, 2) -> (...). Of n samples of a target whose K modes are far apart the mean is not 0 but
    about (K - 1) / (2 n). Raises ValueError as `mode_shares` does.
    Source: Lin et al. 2018 (PacGAN), where it is called the reverse KL. All samples are counted; whether their Table 1
    counts only high-quality ones is not known.
    """
    shares = mode_shares(samples, target)
    return kl_discrete(shares, np.broadcast_to(target.shares, shares.shape))


def effective_modes(samples: ArrayLike, target: GaussianModes) -> NDArray[np.float64]:
    """Return exp(H) of the nearest-mode shares: how many modes with equal shares have the same entropy, 1 to K.

    Shapes: samples (..., n, 2) -> (...). Raises ValueError as `mode_shares` does.
    """
    # H = -sum_k r_k log r_k
    return np.asarray(np.exp(entr(mode_shares(samples, target)).sum(axis=-1)))


def _gaussian(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (d,) and an R (min(n, d), d) with covariance R^T R."""
    mean = features.mean(axis=0)
    root = np.linalg.qr(features - mean, mode="r") / np.sqrt(len(features) - 1)
    return mean, root


def _share_among(points: NDArray[np.float64], support: NDArray[np.float64], neighbours: int) -> float:
    # column k of the sorted distances within the set: column 0 is the point itself
    radii = np.partition(cdist(support, support), neighbours, axis=1)[:, neighbours]
    return float(np.mean(np.any(cdist(points, support) <= radii, axis=1)))


def _nearest_modes(samples: ArrayLike, target: GaussianModes) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each sample's nearest mode and its distance from that centre: (..., n, 2) -> two of (..., n)."""
    points = np.asarray(samples, dtype=np.float64)
    if points.ndim < 2 or points.shape[-1] != 2 or not points.shape[-2]:
        raise ValueError(f"samples: expected shape (..., n, 2) with n >= 1, got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("samples: expected finite numbers")
    distance, mode = KDTree(target.centres).query(points)
    return mode, distance


def _counts(mode: NDArray[np.int64], modes: int, counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many of the counted samples each mode has: two of (..., n) -> (..., K)."""
    one_hot = (mode[..., None] == np.arange(modes)) & counted[..., None]
    return np.count_nonzero(one_hot, axis=-2)


def _feature_pair(
    first: ArrayLike, second: ArrayLike, first_name: str, second_name: str, least: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as float64 (n, d) and (m, d), checked; the names are those of the caller's arguments."""
    arrays = []
    for name, features in ((first_name, first), (second_name, second)):
        array = np.asarray(features, dtype=np.float64)
        if array.ndim != 2 or len(array) < least or not array.shape[1]:
            raise ValueError(f"{name}: expected shape (n, d) with n >= {least} and d >= 1, got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}: expected finite numbers")
        arrays.append(array)
    a, b = arrays
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"{second_name}: expected {a.shape[1]} features as {first_name} has, got {b.shape[1]}")
    return a, b
