"""``{answers}`` shows the answers of all questions on one page, each taken from its own page when the site is built.

Nothing is copied in the sources: the question and its ``## Answer`` are those of the page, with its numbers, and links
lead where they lead there.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any

from claims_ledger import quote
from docutils import nodes
from kept_pages import gathering
from site_state import site
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

QUESTION = re.compile(r"\d[a-z](?=-)")


class answer_of(nodes.Element):  # type: ignore[misc]  # noqa: N801 - docutils names its nodes so
    """The place of one page's answer."""


class Answers(SphinxDirective):
    """A section for each question beside this page."""

    def run(self) -> list[nodes.Node]:
        """The sections, still empty: the other pages may not have been read."""
        folder = posixpath.dirname(self.env.docname)
        gathering(self.env)[self.env.docname] = False
        quote(self.env, "all titles")
        sections: list[nodes.Node] = []
        for page in site().pages:
            name = QUESTION.match(posixpath.basename(page.name))
            if name and posixpath.dirname(page.name) == folder:
                title = nodes.title("", site().titles[page.name].partition(":")[0])
                place = answer_of("", page=page.name, question=name[0])
                sections.append(nodes.section("", title, place, ids=[f"answer-{name[0]}"], classes=["answer-sheet"]))
        return sections


class FillAnswers(SphinxPostTransform):
    """Puts the answers in place, before references are resolved."""

    default_priority = 1

    def run(self, **kwargs: Any) -> None:
        """Replace each place by what its page says."""
        for place in list(self.document.findall(answer_of)):
            page = place["page"]
            doctree = self.env.get_doctree(page)
            answer = next((part for part in doctree.findall(nodes.section) if "answer" in part["ids"]), None)
            if answer is None:
                raise ValueError(f"{page}: has no '## Answer', which {self.env.current_document.docname} is to show")
            question = nodes.container("", *_question(doctree), classes=["question"])
            found = nodes.container("", question, *(node.deepcopy() for node in answer.children[1:]))
            self._move(found, page, place["question"])
            place.replace_self([*found.children, self._way(page)])

    def _move(self, found: nodes.Element, page: str, question: str) -> None:
        """Ids are given the question's name; what leads to a place on the page leads to the page."""
        for node in found.findall(nodes.Element):
            node["ids"] = [f"{question}-{name}" for name in node["ids"]]
            node["names"] = []
            if isinstance(node, addnodes.pending_xref):
                node["refdoc"] = self.env.current_document.docname
            if isinstance(node, nodes.reference):
                place = f"#{node.attributes.pop('refid')}" if "refid" in node else node.get("refuri", "")
                if place.startswith("#"):
                    node["refuri"] = self._address(page) + place

    def _address(self, page: str) -> str:
        builder = self.app.builder
        return builder.get_relative_uri(self.env.current_document.docname, page)

    def _way(self, page: str) -> nodes.paragraph:
        """The line that leads to the whole page."""
        link = nodes.reference("", "derivation, evidence, mistakes", refuri=f"{self._address(page)}#derivation")
        return nodes.paragraph("", "The full page: ", link, nodes.Text("."), classes=["full-page"])


def _question(doctree: nodes.document) -> list[nodes.Node]:
    """What stands between a page's title and its hint: the points and the question."""
    top = next(doctree.findall(nodes.section))
    said: list[nodes.Node] = []
    for node in top.children[1:]:
        if isinstance(node, nodes.section | nodes.Admonition):
            break
        said.append(node.deepcopy())
    return said


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and what fills it."""
    app.setup_extension("kept_pages")
    app.setup_extension("site_state")
    app.add_node(answer_of)
    app.add_directive("answers", Answers)
    app.add_post_transform(FillAnswers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
