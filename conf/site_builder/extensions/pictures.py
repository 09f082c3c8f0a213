"""``{picture} fig-2a-explore 1`` shows panels of a figure once more, small, where a page or a card begins.

Its content says in words what is seen. With ``:to: "#fig-2a-explore"`` it leads there. The figure is explained where it
stands; print, notebooks and the page of all answers show it only there.
"""

import html
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from site_builder.extensions.executed_pages import row
from site_builder.figure_svg import SVG
from site_builder.site_state import site


class Picture(SphinxDirective):
    """Panels of a figure of any page."""

    required_arguments, optional_arguments = 1, 9
    option_spec = {"to": directives.unchanged}  # noqa: RUF012 - docutils' own way
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The picture. A figure or a panel that is not there, and a picture without words, are errors of the page."""
        name, *numbers = self.arguments
        words, wanted = " ".join(self.content), {int(number) for number in numbers}
        drawn = (data for _, cell, data in site(self.config).all_outputs() if cell.metadata.get("name") == name)
        svg = next((data[SVG] for data in drawn if SVG in data), "")
        if not svg or not words:
            raise self.error(f"picture {name}: no such figure, or no words that say what is seen")
        shown = row(self.config, self.env.docname, svg, name, words, wanted)
        if target := self.options.get("to"):
            label = html.escape(f"{words} Go to the figure.", quote=True)
            shown = f'<a class="opening-picture" href="{target}" aria-label="{label}">{shown}</a>'
        return [nodes.raw("", shown.replace(' loading="lazy"', ""), format="html")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("picture", Picture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
