"""The package's page in a reader's words: short types, magnitudes as bars, and no member that says nothing."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from known_sources import file_digest, known
from site_state import site
from sphinx.application import Sphinx

Scalar = TypeVar("Scalar")


class NDArray(Generic[Scalar]):
    """A name for numpy.typing.NDArray: the alias itself is shown as what it stands for, over a line long."""

    __module__ = "numpy.typing"


def name_arrays(app: Sphinx, docname: str, source: list[str]) -> None:
    """Stand in for the alias before the package is imported to be documented."""
    if "automodule" in source[0]:
        import numpy.typing  # a tenth of a second that most builds do without

        numpy.typing.NDArray = NDArray  # type: ignore[assignment]
        # what is documented may be inherited or computed in a module that is not: all are noted
        package = site().project.package
        known(app.env)[docname].update({str(path): file_digest(path) for path in sorted(package.rglob("*.py"))})


def escape_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Have every bar taken literally: |x| is a magnitude in a docstring, not a reStructuredText substitution."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def skip_fields(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Leave out what Python says of a named tuple's fields, "Alias for field number 0": their class explains them."""
    return True if (getattr(obj, "__doc__", None) or "").startswith("Alias for field number") else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what is done before the package is documented."""
    app.setup_extension("known_sources")
    app.setup_extension("site_state")
    app.connect("source-read", name_arrays)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("autodoc-skip-member", skip_fields)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
