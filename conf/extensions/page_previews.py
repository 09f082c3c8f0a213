"""What a forum shows of a link to a page: title, description and a picture, made for each page.

sphinxext-opengraph writes the tags; here stand the picture and what the tags need to be true: where the site's address
is not known, no page claims one, and its picture is named relative to the page.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from drawings import SVG
from page_names import names, short_link
from pages import code_cells
from site_state import site
from sphinx.application import Sphinx
from sphinx.util.nodes import clean_astext

FOLDER = "_static/previews"
PANEL = re.compile(r'<svg class="panel".*?</svg>', re.S)
WIDTH, HEIGHT = 1200, 630  # pixels, as forums ask for
NAMESPACES = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '


class Card(NamedTuple):
    """What is written on a page's picture, and the figure beside it: an SVG panel, or none."""

    number: str
    title: str
    description: str
    facts: str
    site: str
    panel: str = ""


def _panel(app: Sphinx, pagename: str) -> str:
    """The first panel of the figure that the page's front matter names as its preview, else of its first; or ""."""
    named = app.env.metadata[pagename].get("preview")
    for page in site().pages:
        if page.name == pagename:
            cells = zip(code_cells(page.notebook), site().store.get(page.digest) or [], strict=False)
            drawings = [
                output["data"][SVG]
                for cell, outputs in cells
                for output in outputs
                if SVG in output.get("data", {}) and named in (None, cell.metadata.get("name"))
            ]
            panels = [PANEL.search(drawing) for drawing in drawings]
            return next((panel[0].replace("<svg ", NAMESPACES, 1) for panel in panels if panel), "")
    return ""


def _card(app: Sphinx, pagename: str, description: str, doctree: nodes.document) -> Card:
    """What is written on a page's picture."""
    title = clean_astext(app.env.titles[pagename])
    question = re.match(r"(\d \([a-z]\)|\d) (?=\S)", title)
    facts = [line.astext() for line in doctree.findall(nodes.paragraph) if "page-facts" in line["classes"]]
    return Card(
        number=question[1] if question else "",
        title=title.removeprefix(question[0]) if question else title,
        description=description,
        facts="".join(facts),
        site=app.config.project,
        panel=_panel(app, pagename),
    )


def _drawn(*card: str) -> str:
    """The picture's bytes, as text."""
    import preview_card  # which loads what draws

    return base64.b64encode(preview_card.drawn(Card(*card))).decode()


def add_preview(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Say what is on the page's picture, and where it is."""
    if doctree is None:
        return
    short = short_link(app.config.short_links, pagename) or pagename.replace("/", "-")
    picture = f"{FOLDER}/{short}.png"
    card = _card(app, pagename, context.get("description", ""), doctree)
    site().noted["preview"][pagename] = [picture, *card]
    base = app.config.html_baseurl
    context["meta"] = {
        **(context["meta"] or {}),
        "og:description": card.description,
        "og:image": base + picture if base else context["pathto"](picture, 1),
        "og:image:alt": f"Title card: {names(app.env).get(pagename, card.title)}",
        "og:image:width": str(WIDTH),
        "og:image:height": str(HEIGHT),
    }


def draw_ahead(app: Sphinx, error: Exception | None) -> None:
    """Have the pictures drawn while the build goes on."""
    if error is None:
        site().memory.ahead(_drawn, [card for _, *card in site().noted["preview"].values()])


def draw(app: Sphinx, error: Exception | None) -> None:
    """Put the pictures of all pages where their tags say."""
    if error is None:
        site().memory.wait()
        for picture, *card in site().noted["preview"].values():
            path = Path(app.outdir) / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(site().memory.recall(_drawn, *card)))


def drop_unknown_address(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Claim no address of the page where the site's is not known."""
    if doctree is not None and not app.config.html_baseurl:
        context["metatags"] = re.sub(r'<meta property="og:url"[^>]*>\s*', "", context["metatags"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what stands before and after sphinxext-opengraph."""
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("page_names")
    app.setup_extension("site_state")
    app.connect("html-page-context", add_preview, priority=400)
    app.connect("build-finished", draw_ahead, priority=10)
    app.connect("build-finished", draw, priority=940)
    app.connect("html-page-context", drop_unknown_address, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
