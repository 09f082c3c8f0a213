"""The seeds that the pages show, and others in their place when the margins of the claims are measured."""

from __future__ import annotations

import os

SHOWN = 200
REPEAT = "GENMODELS_REPEAT"  # set by site_builder/margins.py only: the build takes it out of the environment


def seeds(count: int) -> range:
    """Return the ``count`` seeds of an experiment on a page: 200, 201, …, the same at every build.

    In the k-th repetition of a page, k = 1, 2, …, they are 1000 k, 1000 k + 1, …: a claim's margin has to hold for them
    as well.
    """
    if not 1 <= count <= 100:
        raise ValueError(f"count: expected 1 to 100, got {count}")
    repeat = int(os.environ.get(REPEAT, "0"))
    first = SHOWN if repeat == 0 else 1000 * repeat
    return range(first, first + count)
