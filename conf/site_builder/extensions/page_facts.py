"""Facts about each page, computed: points and reading time, description, last change, and the link to edit it.

Reading time: 200 words of prose a minute, a formula in the text counted as a word; 12 seconds for a displayed formula,
15 for a figure, 10 for a piece of code. What is folded is not counted, nor are the titles of folded questions, which
are a list to choose from.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from site_builder.extensions.page_names import QUESTION

WORDS_A_MINUTE = 200
SECONDS: dict[type[nodes.Node], int] = {nodes.math_block: 12, nodes.figure: 15, nodes.literal_block: 10}
SILENT = (nodes.raw, nodes.comment, nodes.Invisible)
LENGTHS = range(80, 161)  # of a description: what forums and search engines show of it
# pages without a source of their own
DESCRIPTIONS = {
    "search": "Search the worked solutions on variational autoencoders, GANs and mode collapse, section by section.",
    "genindex": "Index of the functions and classes with which the worked solutions compute their numbers and figures.",
    "404": "There is no page at this address. Here are all questions of the worked solutions, each with its link.",
}
logger = logging.getLogger(__name__)


def seconds(node: nodes.Node) -> float:
    """Return how long a reader needs for a part of a page."""
    about = getattr(node, "attributes", {})
    # of a cell that folds its code, myst-nb wraps the code before pages are written
    folded = getattr(node, "tagname", "") == "HideCodeCellNode" or (
        "cell_input" in about.get("classes", ()) and node.parent.get("hide_mode")
    )
    closed = "dropdown" in about.get("design_component", "") or "asked" in about.get("classes", ())
    if isinstance(node, SILENT) or folded or closed:
        return 0.0
    if isinstance(node, nodes.math):
        return 60 / WORDS_A_MINUTE
    if isinstance(node, nodes.Text):
        return len(re.findall(r"\w[\w'’-]*", node.astext())) * 60 / WORDS_A_MINUTE
    own = SECONDS.get(type(node), 0)
    if isinstance(node, (nodes.math_block, nodes.literal_block)):
        return own
    return own + sum(map(seconds, node.children))


def minutes(node: nodes.Node) -> int:
    """Return how many minutes a reader needs, at least one."""
    return max(1, round(seconds(node) / 60))


def facts(page: nodes.section) -> str:
    """Return what stands under the title: "14 minutes to read, 2 for the answer alone."."""
    whole = minutes(page)
    answer = next((part for part in page.findall(nodes.section) if "answer" in part["ids"]), None)
    alone = f", {minutes(answer)} for the answer alone" if answer is not None else ""
    return f"{whole} minute{'s' * (whole != 1)} to read{alone}."


def add_facts(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the facts under the title of a question; the points, which open its text, go with them."""
    page = doctree.next_node(nodes.section)
    if page is None or not QUESTION.match(docname.rpartition("/")[2]):
        return
    line = nodes.paragraph("", "", classes=["page-facts"])
    first = page.next_node(nodes.paragraph)
    points = first.children[0] if first is not None and first.children else None
    if isinstance(points, nodes.emphasis) and re.fullmatch(r"\d+ points?\.", points.astext()):
        line += [nodes.strong("", points.astext()), nodes.Text(" ")]
        first.remove(points)
        if not first.children:  # the points stood alone
            first.parent.remove(first)
        elif isinstance(first[0], nodes.Text):
            first[0] = nodes.Text(first[0].lstrip())
    line += nodes.Text(facts(page))
    page.insert(page.index(page.next_node(nodes.title)) + 1, line)


def description(app: Sphinx, pagename: str) -> str:
    """Return what a page says of itself in a sentence or two. To say nothing, or too much, is a warning."""
    text = str(app.env.metadata.get(pagename, {}).get("description", DESCRIPTIONS.get(pagename, "")))
    if pagename in app.env.found_docs and len(text) not in LENGTHS:
        logger.warning(
            "its description has %d characters, not %d to %d: say in its front matter what the page answers",
            len(text),
            LENGTHS[0],
            LENGTHS[-1],
            location=pagename,
        )
    return text


def add_context(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Hand the description, the last change and the link to edit the page to its template."""
    if text := description(app, pagename):
        context["description"] = text
        tags = context.get("metatags", "")
        context["metatags"] = tags + f'<meta name="description" content="{escape(text)}" />\n'
    if doctree is not None and app.config.edit_url:
        path = app.env.doc2path(pagename, base=False).as_posix()
        context["edit_link"] = app.config.edit_url.format(path=f"docs/{path}")


def write_robots(app: Sphinx, exception: Exception | None) -> None:
    """Write robots.txt: everything may be read, and where its address is known there is a list of all pages."""
    if exception is None:
        listed = f"Sitemap: {app.config.html_baseurl}sitemap.xml\n" if app.config.html_baseurl else ""
        (app.outdir / "robots.txt").write_text(f"User-agent: *\nDisallow:\n{listed}", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the setting and what looks up, adds and writes the facts."""
    app.setup_extension("sphinx_last_updated_by_git")
    app.add_config_value("edit_url", "", "html")
    app.connect("doctree-resolved", add_facts)
    app.connect("html-page-context", add_context, priority=300)  # before link previews are made of it
    app.connect("build-finished", write_robots)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
