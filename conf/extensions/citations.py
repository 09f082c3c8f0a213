"""Has pybtex do once what it does again and again: look up its styles, and set the entries of the literature.

Whether the literature has changed is told by what is in its file.
"""

from __future__ import annotations

import base64
import functools
import importlib.metadata
import math
import pickle
from pathlib import Path
from typing import Any

import pybtex.plugin
import sphinxcontrib.bibtex.bibfile
from known_sources import file_digest
from pybtex.style.formatting import BaseStyle
from site_state import site
from sphinx.application import Sphinx

as_it_is = BaseStyle.format_entry


@functools.cache
def _installed() -> Any:
    return importlib.metadata.entry_points()


def format_entry(style: BaseStyle, label: str, entry: Any, bib_data: Any = None) -> Any:
    """The entry as this style sets it; kept from build to build."""

    def make() -> str:
        return base64.b64encode(pickle.dumps(as_it_is(style, label, entry, bib_data))).decode()

    about = [type(style).__module__, type(style).__qualname__, label, repr(entry)]
    return pickle.loads(base64.b64decode(site().memory.remember(["entry", *about], make)))


def content(bibfilename: Path) -> float:
    """A number that changes with what is in a file of literature: its time tells nothing where it was restored."""
    digest = file_digest(bibfilename)
    return float(int(digest[:12], 16)) if digest else -math.inf


def setup(app: Sphinx) -> dict[str, Any]:
    """Keep what a search found; what is registered while running is still looked at first."""
    app.setup_extension("site_state")
    sphinxcontrib.bibtex.bibfile.get_mtime = content
    pybtex.plugin.entry_points = lambda **wanted: _installed().select(**wanted)
    BaseStyle.format_entry = format_entry
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
