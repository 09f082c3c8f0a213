"""A small digit classifier, trained on the spot: its features are what metrics compare images by.

They are not those of the Inception network: distances compare with each other on this site, not with published FIDs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional

from genmodels.checks import check_finite

SIDE, CLASSES, FEATURES = 28, 10, 64
EPOCHS, BATCH, RATE = 5, 100, 5e-3  # about 2 CPU seconds for 10,000 images
CHUNK = 1000  # images looked at together


@dataclass(frozen=True)
class Classifier:
    """A small convolutional network: `body` ends in the 64 features, `head` turns them into 10 logits."""

    body: nn.Sequential
    head: nn.Linear

    def features(self, images: ArrayLike) -> NDArray[np.float64]:
        """Return the activations before the last layer, none negative: (n, 28, 28) -> (n, 64)."""
        return self._batched(self.body, images)

    def probabilities(self, images: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each digit: (n, 28, 28) -> (n, 10)."""
        return self._batched(lambda batch: torch.softmax(self.head(self.body(batch)).double(), dim=1), images)

    def accuracy(self, images: ArrayLike, labels: ArrayLike) -> float:
        """Return the share of images (n, 28, 28) whose most probable digit is the label (n,), 0 to 1."""
        probabilities = self.probabilities(images)
        return float(np.mean(probabilities.argmax(axis=1) == _labels(labels, len(probabilities))))

    def _batched(self, network: Callable[[Tensor], Tensor], images: ArrayLike) -> NDArray[np.float64]:
        with torch.no_grad():
            return torch.cat([network(chunk) for chunk in check_digits(images).split(CHUNK)]).double().numpy()


def train_classifier(images: ArrayLike, labels: ArrayLike, seed: int) -> Classifier:
    """Train a digit classifier by Adam on the cross-entropy, the rate falling to 0; same seed, same bits.

    images: (n, 28, 28), labels: (n,) whole numbers from 0 to 9. Torch's global random state is left as it was.
    """
    inputs = check_digits(images)
    targets = torch.from_numpy(_labels(labels, len(inputs)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        body, head = network(CLASSES)
        order = torch.cat([torch.randperm(len(inputs)) for _ in range(EPOCHS)])
    parameters = [*body.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=RATE, fused=True)
    batches = order.split(BATCH)
    for step, rows in enumerate(batches):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / len(batches))
        loss = functional.cross_entropy(head(body(inputs[rows])), targets[rows], reduction="mean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Classifier(body, head)


def network(outputs: int) -> tuple[nn.Sequential, nn.Linear]:
    """Return an untrained network: images (n, 28, 28) -> 64 features -> so many outputs."""
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
    return body, nn.Linear(FEATURES, outputs)


def check_digits(images: ArrayLike) -> Tensor:
    """Return images (n, 28, 28), n >= 1, as float32. Raises ValueError on another shape or on what is not finite."""
    array = np.asarray(images, dtype=np.float32)
    check_finite(array, "images")
    if array.ndim != 3 or array.shape[1:] != (SIDE, SIDE) or not len(array):
        raise ValueError(f"images: expected shape (n, {SIDE}, {SIDE}) with n >= 1, got {array.shape}")
    return torch.tensor(array)


def _labels(labels: ArrayLike, count: int) -> NDArray[np.int64]:
    array = np.asarray(labels)
    if array.shape != (count,):
        raise ValueError(f"labels: expected shape ({count},), one per image, got {array.shape}")
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= CLASSES:
        raise ValueError(f"labels: expected whole numbers from 0 to {CLASSES - 1}")
    return array.astype(np.int64)
