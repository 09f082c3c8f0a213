"""Numbers of a cell, handed to a figure that the reader plays with.

A page shares what a figure needs, ``share("surgery", means=means)``, and the site gives it to the script of that name:
no number that a cell computes is typed in a script.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from genmodels.checks import check_finite, check_positive

MIME = "application/x.genmodels.explorable+json"
NAME = re.compile(r"[a-z]+")


def share(name: str, **data: Any) -> None:
    """Hand ``data`` to the interactive figure ``name``: numbers, texts, lists, dictionaries and NumPy arrays of them.

    ``start``, if given, is the state that the figure begins in, a dictionary by the names of its controls; what the
    page itself says of the start comes first. Raises ValueError on a malformed name and on numbers that are not
    finite, TypeError on what JSON cannot hold.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"name: {name!r} must be lower-case letters")
    text = json.dumps(data, allow_nan=False, default=_plain, separators=(",", ":"))
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return
    payload = {"name": name, "data": json.loads(text)}
    shell.display_pub.publish({MIME: payload, "text/plain": f"handed to the figure {name}: {len(text) / 1000:.1f} kB"})


def in_steps(values: ArrayLike, step: float) -> list[Any]:
    """Return values (...) as whole numbers of steps, in lists of the same shape: times ``step`` off by step / 2.

    Raises ValueError on numbers that are not finite or a step that is not positive.
    """
    check_positive("step", step)
    return list(np.rint(check_finite(values, "values") / step).astype(int).tolist())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"data: JSON cannot hold {type(value).__name__}")
