"""Has pybtex do once what it does again and again: look up its styles, and set the entries of the literature."""

from __future__ import annotations

import base64
import functools
import importlib.metadata
import pickle
from typing import Any, NamedTuple

import pybtex.plugin
from pybtex.style.formatting import BaseStyle
from site_state import site
from sphinx.application import Sphinx

as_it_is = BaseStyle.format_entry


class _Loaded(NamedTuple):
    """An entry point that has been loaded."""

    plugin: Any

    def load(self) -> Any:
        return self.plugin


def _loaded(**wanted: str) -> list[_Loaded]:
    found: Any = importlib.metadata.entry_points(**wanted)
    return [_Loaded(entry_point.load()) for entry_point in found]


def format_entry(style: BaseStyle, label: str, entry: Any, bib_data: Any = None) -> Any:
    """The entry as this style sets it; kept from build to build."""

    def make() -> str:
        return base64.b64encode(pickle.dumps(as_it_is(style, label, entry, bib_data))).decode()

    about = [type(style).__module__, type(style).__qualname__, label, repr(entry)]
    return pickle.loads(base64.b64decode(site().memory.remember(["entry", *about], make)))


def setup(app: Sphinx) -> dict[str, Any]:
    """Keep what a search found; what is registered while running is still looked at first."""
    app.setup_extension("site_state")
    pybtex.plugin.entry_points = functools.cache(_loaded)
    BaseStyle.format_entry = format_entry
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
