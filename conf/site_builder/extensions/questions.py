"""``{question}`` is a question that people ask: folded, with an address, and with its askers' words for the search.

``{all-questions} curves`` lists those of all pages that belong to what one sees.
"""

from html import escape
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.nodes import clean_astext
from sphinx_design.dropdown import DropdownDirective

from site_builder.extensions.gathering import Gathering
from site_builder.extensions.page_names import names

SEEN = ("curves", "numbers", "pictures", "code", "ideas")


class Question(DropdownDirective):
    """A dropdown with the question as its title; ``:see:`` tells what its asker sees, ``:words:`` what is typed."""

    required_arguments, optional_arguments = 1, 0
    option_spec = {  # noqa: RUF012 - docutils reads it from the class
        "name": directives.unchanged_required,
        "see": lambda text: directives.choice(text, SEEN),
        "words": directives.unchanged,
    }

    def run_with_defaults(self) -> list[nodes.Node]:
        """The dropdown; what else is said of the question goes to the page's metadata."""
        if missing := {"name", "see"} - self.options.keys():
            raise self.error(f"the question needs {' and '.join(sorted(missing))}")
        (container,) = super().run_with_defaults()
        container["container_classes"] = [*container["container_classes"], "asked"]
        title = container.next_node(nodes.rubric)
        asked = {"id": title["ids"][0], "title": clean_astext(title), "asked": self.options.get("words", "")}
        known = self.env.metadata[self.env.docname].setdefault("questions", [])
        known.append(asked | {"see": self.options["see"]})
        return [container]


class AllQuestions(Gathering):
    """A list of links to questions."""

    required_arguments = 1

    @classmethod
    def gather(cls, app: Sphinx, docname: str, about: str) -> list[nodes.Node]:
        """Every question with this ``see``, in the order of the pages."""
        items = []
        for page, name in names(app.env).items():
            href = app.builder.get_relative_uri(docname, page)
            for asked in app.env.metadata[page].get("questions", []):
                if asked["see"] == about:
                    link = f'<a href="{href}#{asked["id"]}">{escape(asked["title"])}</a>'
                    items.append(f"<li>{link} <small>{escape(name)}</small></li>")
        return [nodes.raw("", f'<ul class="all-questions">{"".join(items)}</ul>', format="html")] if items else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both directives."""
    app.setup_extension("site_builder.extensions.gathering")
    app.setup_extension("sphinx_design")
    app.add_directive("question", Question)
    app.add_directive("all-questions", AllQuestions)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
