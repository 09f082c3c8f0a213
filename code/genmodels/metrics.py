"""How good are samples: Frechet distance, precision and recall on the features of a small digit classifier.

The classifier is trained on the spot, so its features are not those of the Inception network: distances compare with
each other on this site, not with published FIDs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from torch import Tensor, nn
from torch.nn import functional

from genmodels.checks import check_at_least

SIDE, CLASSES, FEATURES = 28, 10, 64
EPOCHS, BATCH, RATE = 5, 100, 5e-3  # about 2 CPU seconds for 10,000 images
CHUNK = 1000  # images looked at together


@dataclass(frozen=True)
class Classifier:
    """A small convolutional network: `body` ends in the 64 features, `head` turns them into 10 logits."""

    body: nn.Sequential
    head: nn.Linear

    def features(self, images: ArrayLike) -> NDArray[np.float64]:
        """Return the activations before the last layer, none negative: (n, 28, 28) -> (n, 64).

        Raises ValueError unless images are finite and (n, 28, 28) with n >= 1.
        """
        return self._batched(self.body, images)

    def probabilities(self, images: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each digit: (n, 28, 28) -> (n, 10). Raises ValueError as `features` does."""
        return self._batched(lambda batch: torch.softmax(self.head(self.body(batch)).double(), dim=1), images)

    def accuracy(self, images: ArrayLike, labels: ArrayLike) -> float:
        """Return the share of images (n, 28, 28) whose most probable digit is the label (n,), 0 to 1.

        Raises ValueError as `features` does, or unless labels are n whole numbers from 0 to 9.
        """
        probabilities = self.probabilities(images)
        return float(np.mean(probabilities.argmax(axis=1) == _labels(labels, len(probabilities))))

    def _batched(self, network: Callable[[Tensor], Tensor], images: ArrayLike) -> NDArray[np.float64]:
        with torch.no_grad():
            return torch.cat([network(chunk) for chunk in _images(images).split(CHUNK)]).double().numpy()


def train_classifier(images: ArrayLike, labels: ArrayLike, seed: int) -> Classifier:
    """Train a digit classifier by Adam on the cross-entropy, the rate falling to 0; same seed, same bits.

    images: (n, 28, 28), labels: (n,) whole numbers from 0 to 9. Torch's global random state is left as it was.
    Raises ValueError, naming the argument, on other shapes or labels and on numbers that are not finite.
    """
    inputs = _images(images)
    targets = torch.from_numpy(_labels(labels, len(inputs)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body, head = _network()
        order = torch.cat([torch.randperm(len(inputs)) for _ in range(EPOCHS)])
    parameters = [*body.parameters(), *head.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=RATE, fused=True)
    batches = order.split(BATCH)
    for step, rows in enumerate(batches):
        optimiser.param_groups[0]["lr"] = RATE * (1 - step / len(batches))
        loss = functional.cross_entropy(head(body(inputs[rows])), targets[rows], reduction="mean")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return Classifier(body, head)


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


def _network() -> tuple[nn.Sequential, nn.Linear]:
    body = nn.Sequential(
        nn.Unflatten(1, (1, SIDE)),
        nn.Conv2d(1, 16, kernel_size=5, stride=2),  # 28 -> 12
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=5, stride=2),  # 12 -> 4
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, FEATURES),
        nn.ReLU(),
    )
    return body, nn.Linear(FEATURES, CLASSES)


def _gaussian(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean (d,) and an R (min(n, d), d) with covariance R^T R."""
    mean = features.mean(axis=0)
    root = np.linalg.qr(features - mean, mode="r") / np.sqrt(len(features) - 1)
    return mean, root


def _share_among(points: NDArray[np.float64], support: NDArray[np.float64], neighbours: int) -> float:
    # column k of the sorted distances within the set: column 0 is the point itself
    radii = np.partition(cdist(support, support), neighbours, axis=1)[:, neighbours]
    return float(np.mean(np.any(cdist(points, support) <= radii, axis=1)))


def _images(images: ArrayLike) -> Tensor:
    array = np.asarray(images, dtype=np.float32)
    if array.ndim != 3 or array.shape[1:] != (SIDE, SIDE) or not len(array):
        raise ValueError(f"images: expected shape (n, {SIDE}, {SIDE}) with n >= 1, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("images: expected finite numbers")
    return torch.tensor(array)


def _labels(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.shape != (count,):
        raise ValueError(f"labels: expected shape ({count},), one per image, got {array.shape}")
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= CLASSES:
        raise ValueError(f"labels: expected whole numbers from 0 to {CLASSES - 1}")
    return array.astype(np.int64)


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
