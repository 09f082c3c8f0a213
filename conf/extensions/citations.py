"""Has pybtex look up its styles once a build: it searches all installed packages for them at every citation."""

from __future__ import annotations

import functools
import importlib.metadata
from typing import Any

import pybtex.plugin
from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, Any]:
    """Keep what a search found; what is registered while running is still looked at first."""
    pybtex.plugin.entry_points = functools.cache(importlib.metadata.entry_points)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
