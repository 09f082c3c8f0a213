"""``{explorable} name`` with JSON settings as its content puts an interactive figure into a page.

The figure is drawn by ``static/explorables/<name>.js`` on the shared ``core.js``, plain scripts that also run from
disk. Without JavaScript the place stays empty: the static figure before it shows the same.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

STATIC = Path(__file__).parents[1] / "static" / "explorables"


class Explorable(SphinxDirective):
    """The place of an interactive figure."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The element that the script fills. An unknown figure and bad settings are errors of the page."""
        name = self.arguments[0]
        if not (STATIC / f"{name}.js").is_file():
            raise self.error(f"no explorable {name!r}: {STATIC.name}/{name}.js does not exist")
        try:
            config = json.loads("\n".join(self.content))
        except ValueError as error:
            raise self.error(f"explorable {name}: its settings are not JSON: {error}") from None
        self.env.metadata[self.env.docname].setdefault("explorables", []).append(name)
        settings = html.escape(json.dumps(config), quote=True)
        markup = f'<div class="explorable" data-explorable="{name}" data-config="{settings}"></div>'
        return [nodes.raw("", markup, format="html")]


def add_scripts(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Load the scripts only where a figure needs them."""
    names = app.env.metadata[pagename].get("explorables", []) if pagename in app.env.metadata else []
    if names:
        for name in ("core", *sorted(set(names))):
            app.add_js_file(f"explorables/{name}.js", defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("explorable", Explorable)
    app.add_css_file("explorables.css")
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
