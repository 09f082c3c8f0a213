"""The list of all pages on every page, made once for each folder: Sphinx would resolve all of it for each page anew.

Between pages of one folder it differs in one thing: what leads to the page itself is marked, and what that stands in.
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

TAG = re.compile(r"<(/?)(?:ul|li)\b[^>]*>")
NOWHERE = "-"  # no page is called so: seen from it, nothing is marked


def marked(menu: str, address: str) -> str | None:
    """The menu on the page at this address, marked as Sphinx does it; None where the address is not there just once."""
    link = f'<a class="reference internal" href="{address}">'
    before, found, after = menu.partition(link)
    if not found or link in after:
        return None
    around: list[re.Match[str]] = []
    for tag in TAG.finditer(before):
        if tag[1]:
            around.pop()
        else:
            around.append(tag)
    for tag in reversed(around):
        mark = '<ul class="current">' if tag[0] == "<ul>" else tag[0].replace('">', ' current">')
        before = before[: tag.start()] + mark + before[tag.end() :]
    return before + '<a class="current reference internal" href="#">' + after


def _menu(app: Sphinx, pagename: str, own: Callable[..., str], **options: Any) -> str:
    """What the template's call of ``toctree`` gives: that of the folder, marked, or Sphinx's own."""
    seen_from = posixpath.join(posixpath.dirname(pagename), NOWHERE)
    known = _menus(app)
    key = (seen_from, repr(sorted(options.items())))
    if key not in known:
        known[key] = app.builder._get_local_toctree(seen_from, **options)  # type: ignore[attr-defined]
    menu = marked(known[key], app.builder.get_relative_uri(seen_from, pagename))
    return own(**options) if menu is None else menu


def _menus(app: Sphinx) -> dict[tuple[str, str], str]:
    if not hasattr(app, "menus_of_folders"):
        app.menus_of_folders = {}  # type: ignore[attr-defined]
    return app.menus_of_folders  # type: ignore[attr-defined]


def add_menu(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Hand it to the template in the place of Sphinx's own."""
    if doctree is not None:
        context["toctree"] = functools.partial(_menu, app, pagename, context["toctree"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what hands it over."""
    app.connect("html-page-context", add_menu)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
