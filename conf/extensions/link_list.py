"""``{all-links}`` lists every published place of every question with its short link: sections, formulas, figures."""

from __future__ import annotations

import posixpath
import re
from html import escape
from typing import Any

from docutils import nodes
from page_names import names, sections, short_link
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective


class Place(nodes.General, nodes.Element):
    """Where the list goes once all pages have been read."""


class AllLinks(SphinxDirective):
    """The list's place."""

    def run(self) -> list[nodes.Node]:
        """One empty element, filled when the page is written."""
        return [Place()]


def _figure(title: str) -> str:
    """A figure's name: the first sentence of its caption, which says the point."""
    return "Figure: " + re.split(r"(?<=[^\d\s])[.?!](?:\s|$)", title, maxsplit=1)[0]


def _rows(env: BuildEnvironment, docname: str) -> list[tuple[str, str, str]]:
    """What a page offers: kind, anchor and words of each place."""
    rows = [("section", section.anchor, section.heading) for section in sections(env, docname)]
    labels = env.domains.standard_domain.labels.items()
    equations = env.domains.math_domain.equations.items()
    rows += [("formula", f"equation-{name}", f"Equation ({number})") for name, (doc, number) in equations if doc == docname]
    return rows + [
        ("figure", anchor, _figure(title))
        for _, (doc, anchor, title) in sorted(labels)
        if doc == docname and anchor.startswith("fig-")
    ]


def _item(href: str, short: str, words: str, name: str) -> str:
    return (
        f'<li><a href="{href}" data-copy="{escape(short)}" data-name="{escape(name)}">{escape(words)}</a> '
        f"<code>{escape(short)}</code></li>"
    )


def _block(app: Sphinx, here: str, docname: str, name: str) -> str:
    """A page's heading and its list."""
    short = short_link(app.config.short_links, docname)
    page = posixpath.relpath(app.builder.get_target_uri(docname), posixpath.dirname(here) or ".")
    link = f"{short}.html" if short else page
    items = [_item(page, link, "The whole page", name)]
    if short:
        items += [
            _item(f"{page}#{anchor}", f"{link}#{anchor}", words, f"{name} — {words}")
            for _, anchor, words in _rows(app.env, docname)
        ]
    return f'<h2 id="links-{nodes.make_id(posixpath.basename(link))}">{escape(name)}</h2><ul class="all-links">{"".join(items)}</ul>'


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the list in its place."""
    for place in list(doctree.findall(Place)):
        blocks = [_block(app, docname, page, name) for page, name in names(app.env).items() if page != docname]
        place.replace_self(nodes.raw("", "\n".join(blocks), format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and what fills it."""
    app.setup_extension("page_names")
    app.add_node(Place)
    app.add_directive("all-links", AllLinks)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
