"""Can an image be read as one digit? A small network that was shown digits, and images made of pieces of digits.

A classifier must name a digit in every image, so its features say little about images that show none. This network
answers the other question, and it is our own: no published measure. It is trained on blurred and dimmed digits, too, so
that it judges the form alone: how sharp an image is, the module `spectra` tells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.nn import functional

from genmodels.measures.classifier import check_digits, network

STEPS, BATCH, RATE = 600, 50, 4e-3  # about 4 CPU seconds
TILE = 7  # pixels: a digit is cut into 4 x 4 pieces
SPOT = 2.0  # pixels: white noise smoothed by so much has spots about as wide as a stroke
HOLE = (
    -0.3
)  # where it is below so many deviations a digit has a hole: in a good third of the image, so that strokes break
BLUR = 2.0  # pixels: the standard deviation of the strongest blur in training; the eye still reads such digits
GAIN = 0.4, 1.6  # of the brightness in training


@dataclass(frozen=True)
class Reader:
    """A network with one logit for an image (28, 28): above 0, a digit is likelier than a made-up shape."""

    layers: nn.Sequential

    @torch.no_grad()
    def legible(self, images: ArrayLike) -> float:
        """Return the share of images (n, 28, 28) with a logit above 0. Raises ValueError on another shape."""
        logits = self.layers(check_digits(images))
        return float((logits > 0).double().mean())


def train_reader(images: ArrayLike, seed: int) -> Reader:
    """Train on digits (n, 28, 28) and on as many made-up shapes by Adam, the rate falling to 0; same seed, same bits.

    Torch's global random state is left as it was. Raises ValueError on another shape.
    """
    digits = check_digits(images).numpy()
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = nn.Sequential(*network(1), nn.Flatten(0))
    optimizer = torch.optim.Adam(layers.parameters(), RATE, fused=True)
    wanted = torch.cat([torch.ones(BATCH), torch.zeros(BATCH)])
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
        real, pieces = digits[rng.integers(len(digits), size=(2, BATCH))]
        shown = np.concatenate([_disguised(real, rng), _disguised(made_up(pieces, rng), rng)])
        loss = functional.binary_cross_entropy_with_logits(layers(torch.from_numpy(shown)), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Reader(layers)


def made_up(digits: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return shapes (n, 28, 28) with the strokes of digits (n, 28, 28), nearly all of them no digit, of five kinds.

    A weighted mean of two digits; the pieces of one in random order; waves of a digit's strengths with random phases;
    the sum of two digits less a third; a digit with holes. They are what failing generators draw: mixtures, fragments,
    smears, blots, broken strokes. (Two digits of the same kind can make a digit.)
    """
    n = len(digits)
    second, third = digits[rng.permutation(n)], digits[rng.permutation(n)]
    weight = rng.uniform(0.3, 0.7, (n, 1, 1))
    tiles = digits.reshape(n, 4, TILE, 4, TILE).swapaxes(2, 3).reshape(n, 16, TILE, TILE)
    order = rng.random((n, 16)).argsort(axis=1)[:, :, None, None]
    shuffled = np.take_along_axis(tiles, order, axis=1).reshape(n, 4, 4, TILE, TILE).swapaxes(2, 3)
    waves = np.fft.rfft2(rng.standard_normal(digits.shape))
    waves *= abs(np.fft.rfft2(digits)) / abs(waves)
    holes = gaussian_filter(rng.standard_normal(digits.shape), (0, SPOT, SPOT))
    kinds = np.stack(
        [
            weight * digits + (1 - weight) * second,
            shuffled.reshape(digits.shape),
            np.fft.irfft2(waves, s=digits.shape[1:]),
            digits + second - third,
            digits * (holes > HOLE * holes.std()),
        ]
    )
    return np.asarray(kinds[rng.integers(len(kinds), size=n), np.arange(n)].clip(0, 1))


def _disguised(images: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return images (n, h, w), blurred by up to BLUR pixels, and darker or brighter."""
    blur = rng.random((len(images), 1, 1)) ** 2  # mostly little: sharp digits are what is to be told apart
    mixed = (1 - blur) * images + blur * gaussian_filter(images, (0, BLUR, BLUR))
    return (rng.uniform(*GAIN, (len(images), 1, 1)) * mixed).clip(0, 1).astype(np.float32)
