"""``{all-links}`` lists every published place of every question with its short link: sections, formulas, figures."""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import clean_astext

from site_builder.extensions.gathering import Gathering
from site_builder.extensions.page_names import names, sections, short_link
from site_builder.plain_text import readable

LONGEST = 60  # of a formula in the list, in letters


def _figure(title: str) -> str:
    """A figure's name: the first sentence of its caption, which says the point."""
    return "Figure: " + re.split(r"(?<=[?!])(?:\s|$)|(?<=[^\d\s])\.(?:\s|$)", title, maxsplit=1)[0]


def _formula(text: str) -> str:
    """The beginning of a formula that has been turned into text."""
    text = text.rstrip(" .,;:")
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0] + " …"


def _places(env: BuildEnvironment, docname: str) -> list[tuple[str, str, str]]:
    """A page's sections, questions, equations and figures: anchor, name, and more words of each."""
    doctree, numbers = env.get_doctree(docname), env.domains.math_domain.equations
    equations = [block for block in doctree.findall(nodes.math_block) if block.get("label")]
    figures = [figure for figure in doctree.findall(nodes.figure) if figure["ids"]]
    return [
        *((anchor, heading, "") for anchor, heading in sections(doctree)),
        *((asked["id"], asked["title"], "") for asked in env.metadata[docname].get("questions", [])),
        *(
            (block["ids"][0], f"Equation ({numbers[block['label']][1]})", _formula(readable(block.astext())))
            for block in equations
        ),
        *(
            (figure["ids"][0], _figure(clean_astext(figure.next_node(nodes.caption) or nodes.caption())), "")
            for figure in figures
        ),
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


class AllLinks(Gathering):
    """The list."""

    @classmethod
    def gather(cls, app: Sphinx, docname: str, about: str) -> list[nodes.Node]:
        """A block for each page with a short link, and one for all others."""
        blocks, jumps, others = [], [], []
        for page, name in names(app.env).items():
            href = app.builder.get_relative_uri(docname, page)
            short = short_link(app.config.short_links, page)
            if short is None:
                others.append(_item(href, app.builder.get_target_uri(page), name, name))
                continue
            items = [_item(href, f"{short}.html", name, "The whole page")]
            for anchor, words, more in _places(app.env, page):
                items.append(_item(f"{href}#{anchor}", f"{short}.html#{anchor}", f"{name} — {words}", words, more))
            jumps.append(f'<a href="#{_heading(name)}">{short}</a>')
            blocks.append(_list(name, items))
        if not blocks:
            return []
        jump = f'<nav class="jump" aria-label="Questions">{" ".join(jumps)}</nav>'
        return [nodes.raw("", "\n".join([jump, *blocks, _list("Other pages", others)]), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.setup_extension("site_builder.extensions.gathering")
    app.add_directive("all-links", AllLinks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
