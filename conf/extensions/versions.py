"""``{versions}`` lists the versions that the site is built with; no times, which would make two builds differ."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "Sphinx",
    "myst-nb",
    "sphinx-book-theme",
    "ipykernel",
    "mini-racer",
)


class Versions(SphinxDirective):
    """A list of names and versions."""

    def run(self) -> list[nodes.Node]:
        """One item for Python and one for each package."""
        lines = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in PACKAGES)]
        return [nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph("", line)) for line in lines))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("versions", Versions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
