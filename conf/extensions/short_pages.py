"""Short links for the forum: ``/2a.html`` leads on to question 2 (a), whatever its page is called.

A forum that shows a preview of a link reads the short page and runs no scripts: the short page carries the title, the
description and the picture of the page it leads to. Readers are led on by ``static/redirect.js``, which keeps what
stands behind the address, or by the page's own refresh where scripts are off.

The same short names are labels for other Sphinx sites, by way of objects.inv: ``2a``, ``2a-derivation``,
``eq-a-cliff``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from page_names import sections
from site_state import site
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import clean_astext

LEADS_UP = re.compile(r'(?<=content=")(?:\.\./)+')


def remember(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Keep a page's tags for the short page that leads to it, which lies in the root folder."""
    if pagename in app.config.short_links.values():
        tags = LEADS_UP.sub("", context["metatags"]).splitlines()
        site().noted["tags"][pagename] = "\n".join(tag.strip() for tag in tags if tag.strip() and "viewport" not in tag)


def pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The short pages."""
    for short, target in app.config.short_links.items():
        context = {
            "title": clean_astext(app.env.titles[target]),
            "target": app.builder.get_target_uri(target),
            "canonical": app.config.html_baseurl + app.builder.get_target_uri(target),
            "tags": site().noted["tags"][target],
        }
        yield short, context, "redirect.html"


def label(app: Sphinx, env: BuildEnvironment) -> None:
    """Give pages, their sections and their equations labels that other Sphinx sites can refer to."""
    labels = env.domains.standard_domain.labels
    before = set(labels)
    for short, target in app.config.short_links.items():
        labels[short] = (target, "", clean_astext(env.titles[target]))
        for section in sections(env, target):
            labels.setdefault(f"{short}-{section.anchor}", (target, section.anchor, section.heading))
    for name, (docname, number) in env.domains.math_domain.equations.items():
        labels.setdefault(name, (docname, f"equation-{name}", f"({number})"))
    env.short_labels = set(labels) - before  # type: ignore[attr-defined]


def forget_labels(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Take out what a build before has added: it would be in the way of pages that have changed."""
    for name in getattr(env, "short_labels", ()):
        env.domains.standard_domain.labels.pop(name, None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the labels and what makes the short pages."""
    app.setup_extension("page_names")
    app.setup_extension("site_state")
    app.connect("env-before-read-docs", forget_labels)
    app.connect("env-updated", label)
    app.connect("html-page-context", remember, priority=900)  # after all tags are there
    app.connect("html-collect-pages", pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
