"""``{answers}`` shows the answers of all questions on one page, each taken from its own page when the site is built.

Nothing is copied in the sources: the question and its ``## Answer`` are those of the page, with its numbers, and links
lead where they lead there.
"""

import posixpath
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from site_builder.extensions.gathering import Gathering
from site_builder.site_state import site

QUESTION = re.compile(r"\d[a-z](?=-)")


class Answers(Gathering):
    """A section for each question beside this page."""

    def run(self) -> list[nodes.Node]:
        """The sections, which the list of contents needs at once; what they say is gathered."""
        folder = posixpath.dirname(self.env.docname)
        sections: list[nodes.Node] = []
        for page in site(self.config).pages:
            question = QUESTION.match(posixpath.basename(page.name))
            if question and posixpath.dirname(page.name) == folder:
                title = nodes.title("", site(self.config).titles[page.name].partition(":")[0])
                name = f"answer-{question[0]}"
                sections.append(nodes.section("", title, self.place(page.name), ids=[name], classes=["answer-sheet"]))
        if not sections:
            raise self.error("no question beside this page has cells")
        return sections

    @classmethod
    def gather(cls, app: Sphinx, docname: str, about: str) -> list[nodes.Node]:
        """The question and the answer of one page, and the way to it; nothing where the page has no answer."""
        doctree = app.env.get_doctree(about)
        answer = next((part for part in doctree.findall(nodes.section) if "answer" in part["ids"]), None)
        if answer is None:
            return []
        address = app.builder.get_relative_uri(docname, about)
        question = nodes.container("", *_question(doctree), classes=["question"])
        found = nodes.container("", question, *(node.deepcopy() for node in answer.children[1:]))
        for code in [node for node in found.findall(nodes.container) if "cell_input" in node["classes"]]:
            code.parent.remove(code)  # it draws a figure, which is shown
        _move(found, docname, posixpath.basename(about).partition("-")[0], address)
        link = nodes.reference("", "derivation, evidence, mistakes", refuri=f"{address}#derivation")
        way = nodes.paragraph("", "The full page: ", link, nodes.Text("."), classes=["full-page"])
        return [*found.children, way]


def _move(found: nodes.Element, docname: str, question: str, address: str) -> None:
    """Ids are given the question's name; what leads to a place on the page leads to the page."""
    for node in found.findall(nodes.Element):
        node["ids"] = [f"{question}-{name}" for name in node["ids"]]
        node["names"] = []
        if isinstance(node, addnodes.pending_xref):
            node["refdoc"] = docname
        if isinstance(node, nodes.reference):
            place = f"#{node.attributes.pop('refid')}" if "refid" in node else node.get("refuri", "")
            if place.startswith("#"):
                node["refuri"] = address + place


def _question(doctree: nodes.document) -> list[nodes.Node]:
    """What stands between a page's title and its hint: the points and the question."""
    top = next(doctree.findall(nodes.section))
    said: list[nodes.Node] = []
    for node in top.children[1:]:
        if isinstance(node, nodes.section) or "dropdown" in node.get("design_component", ""):
            break
        if not isinstance(node, nodes.raw):  # the picture, which the answer has too
            said.append(node.deepcopy())
    return said


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.setup_extension("site_builder.extensions.gathering")
    app.add_directive("answers", Answers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
