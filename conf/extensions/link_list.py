"""``{all-links}`` lists every published place of every question with its short link: sections, formulas, figures."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from kept_pages import gathering
from page_names import names, sections, short_link
from site_state import site
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

LONGEST = 60  # of a formula in the list, in letters


class Place(nodes.General, nodes.Element):  # type: ignore[misc]  # docutils is not typed
    """Where the list goes once all pages have been read."""


class AllLinks(SphinxDirective):
    """The list's place."""

    def run(self) -> list[nodes.Node]:
        """One empty element, filled when the page is written."""
        gathering(self.env)[self.env.docname] = True
        return [Place()]


def _figure(title: str) -> str:
    """A figure's name: the first sentence of its caption, which says the point."""
    return "Figure: " + re.split(r"(?<=[?!])(?:\s|$)|(?<=[^\d\s])\.(?:\s|$)", title, maxsplit=1)[0]


def _formula(text: str) -> str:
    """The beginning of a formula that has been turned into text."""
    text = text.rstrip(" .,;:")
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0] + " …"


class Known:
    """The equations and the labels of all pages, page by page."""

    def __init__(self, env: BuildEnvironment) -> None:
        self.equations: dict[str, list[tuple[str, int]]] = {}
        self.titles: dict[str, dict[str, str]] = {}
        for name, (page, number) in env.domains.math_domain.equations.items():
            self.equations.setdefault(page, []).append((name, number))
        for page, anchor, words in env.domains.standard_domain.labels.values():
            self.titles.setdefault(page, {})[anchor] = words


def _places(env: BuildEnvironment, docname: str, known: Known) -> list[tuple[str, str, str]]:
    """The places of a page that have an address: anchor, name, and more words, of sections, equations and figures."""
    noted = [place for section in site().noted["search"][docname]["sections"] for place in section["places"]]
    formulas = {anchor: text for anchor, _, text in noted}
    titles = known.titles.get(docname, {})
    figures = [anchor for anchor, kind, _ in noted if kind == "Figure" and anchor in titles]
    return [
        *((section.anchor, section.heading, "") for section in sections(env, docname)),
        *(
            (f"equation-{name}", f"Equation ({number})", _formula(formulas[f"equation-{name}"]))
            for name, number in known.equations.get(docname, [])
        ),
        *((anchor, _figure(titles[anchor]), "") for anchor in figures),
    ]


def _item(href: str, short: str, name: str, words: str, more: str = "") -> str:
    """A line: the link, called ``words``; beside it ``more``; ``name`` is what is copied with it."""
    return (
        f'<li><a href="{href}" data-copy="{escape(short)}" data-name="{escape(name)}">{escape(words)}</a> '
        + (f'<span class="formula-text">{escape(more)}</span> ' if more else "")
        + f"<code>{escape(short)}</code></li>"
    )


def _heading(title: str) -> str:
    return f"links-{nodes.make_id(title)}"


def _list(title: str, items: list[str]) -> str:
    heading = f'<h2 id="{_heading(title)}">{escape(title)}</h2>'
    return f'{heading}<ul class="all-links">{"".join(items)}</ul>'


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the list in its place: a block for each page with a short link, and one for all others."""
    for place in list(doctree.findall(Place)):
        blocks, jumps, others = [], [], []
        known = Known(app.env)
        for page, name in names(app.env).items():
            href = app.builder.get_relative_uri(docname, page)
            short = short_link(app.config.short_links, page)
            if short is None:
                others.append(_item(href, app.builder.get_target_uri(page), name, name))
                continue
            items = [_item(href, f"{short}.html", name, "The whole page")]
            for anchor, words, more in _places(app.env, page, known):
                items.append(_item(f"{href}#{anchor}", f"{short}.html#{anchor}", f"{name} — {words}", words, more))
            jumps.append(f'<a href="#{_heading(name)}">{short}</a>')
            blocks.append(_list(name, items))
        jump = f'<nav class="jump" aria-label="Questions">{" ".join(jumps)}</nav>'
        place.replace_self(nodes.raw("", "\n".join([jump, *blocks, _list("Other pages", others)]), format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and what fills it."""
    app.setup_extension("kept_pages")
    app.setup_extension("page_names")
    app.setup_extension("search_index")  # which notes what is found on the pages
    app.add_node(Place)
    app.add_directive("all-links", AllLinks)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
