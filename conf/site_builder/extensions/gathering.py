"""Directives that show what stands on other pages, such as all answers and all links.

When a directive runs, other pages may not have been read. A `Gathering` leaves a mark, and is asked for its nodes when
all pages have been read, before references are resolved. To write one: subclass it, write ``gather``, and register it
in a ``setup`` as link_list.py does. What another page says is in ``app.env.get_doctree(name)``; `page_names.names`
lists all pages. To find nothing is a warning, and so fails the build.
"""

from abc import abstractmethod
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)


class gathered(nodes.General, nodes.Element):  # type: ignore[misc]  # noqa: N801 - docutils names its nodes so
    """The place of what a directive gathers."""


class Gathering(SphinxDirective):
    """A directive that shows what stands on other pages."""

    def run(self) -> list[nodes.Node]:
        """What is there at once: one place, for what the argument names, if there is one."""
        return [self.place(*self.arguments)]

    def place(self, about: str = "") -> gathered:
        """A place for what is gathered about something; with `make live` its page is read again at every change."""
        self.env.note_reread()
        place = gathered("", by=type(self), about=about)
        self.set_source_info(place)
        return place

    @classmethod
    @abstractmethod
    def gather(cls, app: Sphinx, docname: str, about: str) -> list[nodes.Node]:
        """What stands in a place on the page ``docname``; links may still be pending references."""


class Fill(SphinxPostTransform):
    """Has the directives gather, before references are resolved."""

    default_priority = 1
    app: Sphinx  # set below: Sphinx 9 no longer hands it to transforms

    def run(self, **kwargs: Any) -> None:
        """Replace each mark."""
        for place in list(self.document.findall(gathered)):
            found = place["by"].gather(self.app, self.env.current_document.docname, place["about"])
            if not found:
                logger.warning("%s finds nothing to show %s", place["by"].__name__, place["about"], location=place)
            place.replace_self(found)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the mark and what replaces it."""
    app.add_node(gathered)
    Fill.app = app
    app.add_post_transform(Fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
