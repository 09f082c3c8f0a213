"""How good are samples: Frechet distance, precision and recall on features; in the plane, what is said of the modes.

The metrics of modes take samples (n, 2) or stacks of sets of them, (..., n, 2), and give one result per set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from scipy.special import entr

from genmodels.checks import check_at_least, check_finite, check_shares
from genmodels.data.toy import GaussianModes
from genmodels.measures.densities import Array
from genmodels.measures.divergences import kl_discrete

WITHIN = 3.0  # standard deviations of a mode: a sample within them is of high quality
FOUND = 0.25  # of its share of the samples within so many: a mode is found


def frechet_distance(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """Return |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)) of the Gaussians fitted to two sets of features.

    features: (n, d) and (m, d), n, m >= 2; m and C are the sample means and unbiased covariances, in float64. The
    square of the Wasserstein-2 distance between the two Gaussians; covariances may be singular.
    Source: Dowson & Landau 1982; Heusel et al. 2017, there on Inception features.
    """
    a, b = _features(2, features_a=features_a, features_b=features_b)
    mean_a, root_a = _gaussian(a)
    mean_b, root_b = _gaussian(b)
    # with C = R^T R: tr (C_a C_b)^(1/2) = sum of the singular values of R_a R_b^T; no root of a covariance is taken
    cross = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    squared = np.sum((mean_a - mean_b) ** 2) + np.sum(root_a**2) + np.sum(root_b**2) - 2 * cross
    return max(float(squared), 0.0)  # rounding can leave it just below zero


def precision_recall(real_features: ArrayLike, fake_features: ArrayLike, neighbours: int = 3) -> tuple[float, float]:
    """Return the share of fakes that lie among the reals (precision), and of reals among the fakes (recall).

    "Among" a set: in the ball around at least one of its points that reaches to that point's k-th nearest other point
    of the set, k = neighbours. features: (n, d) and (m, d), more than k of each; all n m distances are held in memory.
    Source: Kynkäänniemi et al. 2019, where k = 3.
    """
    check_at_least("neighbours", neighbours, 1)
    real, fake = _features(neighbours + 1, real_features=real_features, fake_features=fake_features)
    return _share_among(fake, real, neighbours), _share_among(real, fake, neighbours)


def confidence(probabilities: ArrayLike) -> float:
    """Return the mean over images of the largest class probability: (n, classes) -> 1/classes to 1."""
    rows = check_shares(probabilities, "probabilities")
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"probabilities: expected shape (n, classes) with n >= 1, got {rows.shape}")
    return float(rows.max(axis=1).mean())


def modes_captured(samples: ArrayLike, target: GaussianModes) -> NDArray[np.int64]:
    """Return how many modes are the nearest one of at least one sample within 3 standard deviations of it.

    Shapes: samples (..., n, 2) -> (...). One lucky sample is enough, and a mode's share does not count.
    Source: Srivastava et al. 2017 (VEEGAN); Lin et al. 2018 (PacGAN), whose published code counts strictly below 3.
    """
    nearest, close = _nearest_modes(samples, target)
    return np.asarray((nearest & close[..., None]).any(axis=-2).sum(axis=-1))


def modes_found(samples: ArrayLike, target: GaussianModes) -> NDArray[np.int64]:
    """Return how many modes have at least a quarter of their share of the samples within 3 standard deviations.

    Shapes: samples (..., n, 2) -> (...). Unlike `modes_captured`, one lucky sample is not enough, and unlike
    `effective_modes` samples far from every mode count for none.
    """
    nearest, close = _nearest_modes(samples, target)
    inside = (nearest & close[..., None]).mean(axis=-2)  # (..., K)
    return np.asarray((inside >= FOUND * target.shares).sum(axis=-1))


def high_quality_share(samples: ArrayLike, target: GaussianModes) -> Array:
    """Return the share of samples within 3 standard deviations of their nearest mode, 0 to 1.

    Shapes: samples (..., n, 2) -> (...). The target's own is 1 - exp(-3^2 / 2), where modes are far apart.
    Source: as of `modes_captured`.
    """
    _, close = _nearest_modes(samples, target)
    return np.asarray(close.mean(axis=-1))


def mode_shares(samples: ArrayLike, target: GaussianModes) -> Array:
    """Return the share of samples whose nearest mode is k, however far: (..., n, 2) -> (..., K)."""
    nearest, _ = _nearest_modes(samples, target)
    return np.asarray(nearest.mean(axis=-2))


def kl_over_modes(samples: ArrayLike, target: GaussianModes) -> Array:
    """Return KL(nearest-mode shares of the samples || shares of the target) in nats, 0 to -log(least share).

    Shapes: samples (..., n, 2) -> (...). Of n samples of a target whose K modes are far apart the mean is not 0 but
    about (K - 1) / (2 n).
    Source: Lin et al. 2018 (PacGAN), where it is called the reverse KL. All samples are counted; whether their Table 1
    counts only high-quality ones is not known.
    """
    shares = mode_shares(samples, target)
    return kl_discrete(shares, np.broadcast_to(target.shares, shares.shape))


def effective_modes(samples: ArrayLike, target: GaussianModes) -> Array:
    """Return exp(H), H = -sum_k r_k log r_k, of the nearest-mode shares r: (..., n, 2) -> (...), 1 to K.

    So many modes with equal shares have the same entropy.
    """
    return np.asarray(np.exp(entr(mode_shares(samples, target)).sum(axis=-1)))


def _gaussian(features: Array) -> tuple[Array, Array]:
    """Return the mean (d,) and an R (min(n, d), d) with covariance R^T R."""
    mean = features.mean(axis=0)
    root = np.linalg.qr(features - mean, mode="r") / np.sqrt(len(features) - 1)
    return mean, root


def _share_among(points: Array, support: Array, neighbours: int) -> float:
    # column k of the sorted distances within the set: column 0 is the point itself
    radii = np.partition(cdist(support, support), neighbours, axis=1)[:, neighbours]
    return float(np.mean(np.any(cdist(points, support) <= radii, axis=1)))


def _nearest_modes(samples: ArrayLike, target: GaussianModes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which mode is the nearest, (..., n, 2) -> (..., n, K), and whether it is close, (..., n)."""
    points = check_finite(samples, "samples")
    if points.ndim < 2 or points.shape[-1] != 2 or not points.shape[-2]:
        raise ValueError(f"samples: expected shape (..., n, 2) with n >= 1, got {points.shape}")
    distance, mode = KDTree(target.centres).query(points)
    return mode[..., None] == np.arange(len(target.centres)), distance <= WITHIN * target.sd


def _features(least: int, **named: ArrayLike) -> list[Array]:
    """Return two sets of features as float64, (n, d) and (m, d) with n, m >= least."""
    arrays = [check_finite(features, name) for name, features in named.items()]
    width = arrays[0].shape[-1:]
    for name, array in zip(named, arrays, strict=True):
        if array.ndim != 2 or len(array) < least or array.shape[1:] != width or not array.size:
            raise ValueError(f"{name}: expected (n, d), n >= {least}, the same d >= 1, got {array.shape}")
    return arrays
