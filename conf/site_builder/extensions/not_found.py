"""The page for addresses that lead nowhere: says so, guesses what was meant, and lists all pages.

sphinx-notfound-page makes its addresses absolute, so that it works at any depth; this gives it its content.
"""

from typing import Any

from sphinx.application import Sphinx

from site_builder.extensions.page_names import QUESTION, names, short_link


def add_list(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the page the list of all pages: short link, name, address."""
    if pagename != app.config.notfound_pagename:
        return
    pathto = context["pathto"]
    listed = [
        {"short": short_link(app.config.short_links, page) or "", "name": name, "href": pathto(page)}
        for page, name in names(app.env).items()
    ]
    context["questions"] = [page for page in listed if QUESTION.fullmatch(page["short"])]
    context["others"] = [page for page in listed if page not in context["questions"]]
    context["content_root"] = app.config.notfound_urls_prefix


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the content."""
    app.setup_extension("site_builder.extensions.page_names")
    app.setup_extension("notfound.extension")
    app.connect("html-page-context", add_list, priority=450)  # between notfound's own, and Sphinx's writing of the tags
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
