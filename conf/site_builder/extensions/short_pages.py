"""Short links for the forum: ``/2a.html`` leads on to question 2 (a), whatever its page is called.

A forum that shows a preview of a link reads the short page and runs no scripts: the short page carries the title, the
description and the picture of the page it leads to. Readers are led on by ``static/redirect.js``, which keeps what
stands behind the address, or by the page's own refresh where scripts are off.
"""

import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.nodes import clean_astext

LEADS_UP = re.compile(r'(?<=content=")(?:\.\./)+')


class ShortPages:
    """Keeps the tags of pages as they are written, for the short pages that lead to them."""

    def __init__(self) -> None:
        self.tags: dict[str, str] = {}

    def remember(self, app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        """Keep a page's tags; its short page lies in the root folder."""
        if pagename in app.config.short_links.values():
            tags = LEADS_UP.sub("", context["metatags"]).splitlines()
            self.tags[pagename] = "\n".join(tag.strip() for tag in tags if tag.strip() and "viewport" not in tag)

    def pages(self, app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
        """The short pages of all pages that were written."""
        for short, target in app.config.short_links.items():
            if target in self.tags:
                context = {
                    "title": clean_astext(app.env.titles[target]),
                    "target": app.builder.get_target_uri(target),
                    "canonical": app.config.html_baseurl + app.builder.get_target_uri(target),
                    "tags": self.tags[target],
                }
                yield short, context, "redirect.html"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what makes the short pages."""
    app.setup_extension("site_builder.extensions.page_names")
    short = ShortPages()
    app.connect("html-page-context", short.remember, priority=900)  # after all tags are there
    app.connect("html-collect-pages", short.pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
