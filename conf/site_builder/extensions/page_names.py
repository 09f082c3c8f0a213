"""What pages are called: their names in the menu, their short links, and where those lead.

Nothing is typed twice: a name is what the ``toctree`` says, a short link is the number with which the file's name
begins, or ``answers``.
"""

import functools
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import clean_astext

QUESTION = re.compile(r"\d[a-z]")


def short_links(docs: Path) -> dict[str, str]:
    """Return where each short link leads: "2a" to question 2 (a), "2" to exercise 2, "answers" to all answers."""
    sheets = sorted(docs.glob("sheet-*/[0-9]*-*.md"))
    links = {path.name.partition("-")[0]: f"{path.parent.name}/{path.stem}" for path in sheets}
    return links | {path.stem: f"{path.parent.name}/{path.stem}" for path in sorted(docs.glob("sheet-*/answers.md"))}


def short_link(links: dict[str, str], docname: str) -> str | None:
    """Return the short link that leads to a page."""
    return next((short for short, target in links.items() if target == docname), None)


@functools.lru_cache(maxsize=1)
def names(env: BuildEnvironment) -> dict[str, str]:
    """Return every page's name in the menu, in the menu's order: "2 (a) No overlap" for 2 (a)'s page.

    For when all pages have been read: they are looked up once.
    """
    root = env.config.root_doc
    found = {root: clean_astext(env.titles[root])}

    def follow(docname: str) -> None:
        for toctree in env.tocs[docname].findall(addnodes.toctree):
            for title, target in toctree["entries"]:
                if target in env.titles and target not in found:
                    found[target] = title or clean_astext(env.titles[target])
                    follow(target)

    follow(root)
    return found


def sections(doctree: nodes.document) -> list[tuple[str, str]]:
    """Return id and heading of a page's sections in order, without its title and without the sections inside others."""
    page = doctree.next_node(nodes.section) or nodes.section()
    inside = (part for part in page.children if isinstance(part, nodes.section))
    return [(part["ids"][0], clean_astext(part.next_node(nodes.title))) for part in inside]


def add_names(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Tell the page's template what the page and its neighbours are called and which short link leads to it."""
    if doctree is None:
        return
    called = names(app.env)
    context["page_name"] = called.get(pagename, clean_astext(app.env.titles[pagename]))
    order = list(called)
    place = order.index(pagename) if pagename in called else 0
    context["prev_name"] = called[order[place - 1]] if place else None
    context["next_name"] = called[order[place + 1]] if place + 1 < len(order) else None
    short = short_link(app.config.short_links, pagename)
    context["short_link"] = context["pathto"](f"{short}.html", 1) if short else ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the setting and hand the names to the templates."""
    app.add_config_value("short_links", {}, "html")
    app.connect("html-page-context", add_names)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
