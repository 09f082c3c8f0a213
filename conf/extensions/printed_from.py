"""Each page ends with a line that only paper shows: the address that it was printed from.

The site's own address where it is known; where it is not, site.js writes the one in the browser's bar.
"""

from __future__ import annotations

import html
from typing import Any

from sphinx.application import Sphinx


def add_line(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the line at the end of the page's text."""
    base = app.config.html_baseurl.rstrip("/")
    if doctree is not None:
        address = html.escape(f"{base}/{app.builder.get_target_uri(pagename)}") if base else ""
        context["body"] += f'<p class="printed-from">{address}</p>'


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the line."""
    app.connect("html-page-context", add_line, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
