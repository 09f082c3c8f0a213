"""``{explorable} name`` with JSON settings as its content puts an interactive figure into a page.

The figure is drawn by ``static/explorables/<name>.js`` on the shared ``core.js``; a page loads the two as plain
scripts, which also run from disk. What a cell of any page shares with a figure (``genmodels.site.explorables.share``)
becomes a script of its own, which the page fetches after it has been shown. Without JavaScript the place stays empty:
the still pictures of the page show the same.
"""

import html
import json
import posixpath
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from rjsmin import jsmin
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from genmodels.site.claims import FIGURE_MIME
from site_builder.build_folder import clear
from site_builder.site_state import site

SOURCES = Path(__file__).parents[2] / "static" / "explorables"
DATA = "_static/explorables/{}.data.js"
logger = logging.getLogger(__name__)


def shared(config: Config) -> dict[str, Any]:
    """What the cells of all pages share, by the figure's name; a warning where there is no such figure, or two do."""
    found: dict[str, Any] = {}
    for page, _, data in site(config).all_outputs():
        if (record := data.get(FIGURE_MIME)) is None:
            continue
        name = record["name"]
        if not (SOURCES / f"{name}.js").is_file():
            logger.warning("shares data with %r, but there is no such figure", name, location=page.name)
        if name in found:
            logger.warning("shares data with the figure %s, as another cell does", name, location=page.name)
        found[name] = record["data"]
    return found


def write_scripts(app: Sphinx) -> None:
    """Make the figures' scripts, their data and a style sheet static files."""
    folder, data = Path(app.config.site_build) / "generated" / "explorables", shared(app.config)
    clear(folder)
    folder.mkdir(parents=True)
    app.config.explorables_with_data = sorted(data)
    for name, values in data.items():
        text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
        script = f'Explorables.data("{name}",{text});\n'
        (folder / Path(DATA.format(name)).name).write_text(script, encoding="utf-8")
    for path in SOURCES.glob("*.js"):
        script = jsmin(path.read_text(encoding="utf-8"), keep_bang_comments=True)
        (folder / path.name).write_text(script, encoding="utf-8")
    shutil.copy(SOURCES / "laboratory.css", folder)


class Explorable(SphinxDirective):
    """The place of an interactive figure."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The element that the script fills. An unknown figure and bad settings are errors of the page."""
        name = self.arguments[0]
        source = SOURCES / f"{name}.js"
        if not source.is_file():
            raise self.error(f"no explorable {name!r}: {SOURCES.name}/{name}.js does not exist")
        try:
            config = json.loads("\n".join(self.content) or "{}")
        except ValueError as error:
            raise self.error(f"explorable {name}: its settings are not JSON: {error}") from None
        with_data = name in self.config.explorables_with_data
        if not with_data and "figure.data" in source.read_text(encoding="utf-8"):
            raise self.error(
                f"explorable {name}: no cell of any page shares data with it (genmodels.site.explorables.share)"
            )
        self.env.metadata[self.env.docname].setdefault("interactive", []).append(name)
        settings = html.escape(json.dumps(config), quote=True)
        folder = posixpath.dirname(self.env.docname) or "."
        address = f' data-source="{posixpath.relpath(DATA.format(name), folder)}"' if with_data else ""
        markup = f'<div class="explorable" data-explorable="{name}" data-config="{settings}"{address}></div>'
        return [nodes.raw("", markup, format="html")]


def add_script(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the scripts only where there is a figure."""
    if pagename in app.env.metadata and (figures := app.env.metadata[pagename].get("interactive")):
        needed = (name for figure in figures for name in (*_needs(figure), figure))
        for script in dict.fromkeys(("core", *needed)):
            app.add_js_file(f"explorables/{script}.js", defer="defer")


def _needs(figure: str) -> list[str]:
    """The scripts that a figure's own says it needs, in a line ``// needs: engine game``."""
    found = re.search(r"^// needs: (.*)$", (SOURCES / f"{figure}.js").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1].split() if found else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and write the scripts."""
    app.add_config_value("explorables_with_data", [], "")
    app.add_directive("explorable", Explorable)
    app.add_css_file("explorables.css")
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
