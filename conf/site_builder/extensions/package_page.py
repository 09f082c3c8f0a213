"""The package's page in a reader's words: short types, magnitudes as bars, and no member that says nothing."""

from typing import Any, Generic, TypeVar

import numpy.typing
from sphinx.application import Sphinx

Scalar = TypeVar("Scalar")


class NDArray(Generic[Scalar]):
    """A name for numpy.typing.NDArray: the alias itself is shown as what it stands for, over a line long."""

    __module__ = "numpy.typing"


def escape_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Have every bar taken literally: |x| is a magnitude in a docstring, not a reStructuredText substitution."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def skip_fields(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out what Python says of a named tuple's fields, "Alias for field number 0": their class explains them."""
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Stand in for the aliases before the package is imported, and register what is done to docstrings."""
    array_like = type("ArrayLike", (), {"__module__": "numpy.typing"})
    numpy.typing.NDArray, numpy.typing.ArrayLike = NDArray, array_like  # type: ignore  # private
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("autodoc-skip-member", skip_fields)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
