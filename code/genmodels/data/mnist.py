"""The shipped digits: a seeded random part of MNIST, 10,000 training and 2,000 test images.

Origin, licence and the way it was chosen: mnist.md beside this module.
"""

from __future__ import annotations

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PATH = Path(__file__).with_name("mnist.npz")
SHA256 = "cf93991bcf89967c9606521155575d4cb41e68793043aa2631a220d344eb0e28"
SPLITS = ("train", "test")
REMEDY = "restore it with `git checkout -- code/genmodels/data/mnist.npz` or install the package again"


class DataError(OSError):
    """A shipped data file is missing or damaged; the message names the file and the remedy."""


def load(split: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return images and labels of one split, "train" (10,000) or "test" (2,000), in random order.

    Returns images (n, 28, 28), ink 1 on paper 0, and labels 0 to 9 (n,); the arrays are the caller's own.
    Raises DataError when the file is missing or damaged.
    Source: LeCun, Cortes, Burges, The MNIST database of handwritten digits.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {SPLITS}, got {split!r}")
    arrays = _read(PATH)
    images = arrays[f"{split}_images"].astype(np.float32) / np.float32(255)
    return images, arrays[f"{split}_labels"].astype(np.int64)


@lru_cache(maxsize=1)
def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read all arrays of the file, once per process, after its checksum was compared."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"the digits' file {path} cannot be read ({error.strerror}): {REMEDY}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataError(f"the digits' file {path} is damaged (its sha256 is {found}, not {SHA256}): {REMEDY}")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
