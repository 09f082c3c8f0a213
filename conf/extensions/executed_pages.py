"""Pages shown with the outputs that their cells gave: the reader of all Markdown files.

The cells were run before Sphinx starts (conf/tools/execute.py). This extension puts their outputs in place, turns
figures into pictures that follow the theme and claims into a list of checks, and has Sphinx read a page again when
its outputs change.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from claims_ledger import check_lines
from drawings import SVG, figure
from genmodels.claims import FIGURE_MIME
from genmodels.claims import MIME as CLAIM
from genmodels.palette import stylesheet
from pages import Store, code_cells, digest, parsed_page
from site_state import site
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)


def read(text: str) -> Any:
    """The page as a notebook with outputs ready to be shown; a warning and no outputs where its cells were not run."""
    notebook = parsed_page(text, Store(site().project.parsed))
    cells = code_cells(notebook)
    if not cells:
        return notebook
    docname = site().app.env.docname
    key = digest(site().project, notebook)
    outputs = site().store.get(key)
    if outputs is None:
        logger.warning("the cells have not been run, or were edited since: run 'make html' again", location=docname)
        return notebook
    recorded(site().app.env)[docname] = key
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    for number, (cell, stored) in enumerate(zip(cells, outputs, strict=True), start=1):
        _fill(cell, number, stored, docname)
    _show_claims(notebook, dict(zip(map(id, cells), outputs, strict=True)), docname)
    return notebook


def _joined(outputs: Iterable[Any]) -> list[Any]:
    """The outputs, with printed lines in one block where only claims were made between them."""
    joined: list[Any] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _fill(cell: Any, number: int, outputs: list[Any], docname: str) -> None:
    """Give the cell its outputs, the figures among them themed and captioned."""
    cell.execution_count = number
    seen = (output for output in outputs if not {CLAIM, FIGURE_MIME} & output.get("data", {}).keys())
    cell.outputs = _joined(nbformat.from_dict(output) for output in seen)
    for output in cell.outputs:
        if SVG in output.get("data", {}):
            output["data"] = {"text/html": _figure(cell, output["data"][SVG], docname)}
            cell.metadata["mystnb"] = {"figure": {key: cell.metadata.get(key, "") for key in ("caption", "name")}}
        if output["output_type"] == "execute_result":
            output["execution_count"] = number


def _show_claims(notebook: Any, outputs: dict[int, list[Any]], docname: str) -> None:
    """Put the checks that a cell made behind it, in a cell of their own: a caption would go to every output."""
    shown, lines = [], []
    for cell, line in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        shown.append(cell)
        lines.append(line)
        claims = [output["data"][CLAIM] for output in outputs.get(id(cell), []) if CLAIM in output.get("data", {})]
        if claims:
            shown.append(nbformat.v4.new_markdown_cell(f"```{{raw}} html\n{check_lines(claims, docname)}\n```"))
            lines.append(line)
    notebook.cells, notebook.metadata["source_map"] = shown, lines


def _figure(cell: Any, svg: str, docname: str) -> str:
    """The figure as HTML: panels, alt text, caption."""
    missing = [key for key in ("alt", "caption", "name") if not str(cell.metadata.get(key, "")).strip()]
    if missing:
        logger.warning(
            "a figure without %s: give its cell :alt: (what is seen), :caption: and :name:",
            ", ".join(missing),
            location=docname,
        )
    return figure(svg, str(cell.metadata.get("name", "figure")), str(cell.metadata.get("alt", "")), docname)


def recorded(env: BuildEnvironment) -> dict[str, str]:
    """The digest of the outputs that each page was read with."""
    if not hasattr(env, "executed_digests"):
        env.executed_digests = {}  # type: ignore[attr-defined]
    return env.executed_digests  # type: ignore[attr-defined]


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages whose outputs are not those that they were read with."""
    current = {page.name: page.digest for page in site().pages}
    return [name for name, key in recorded(env).items() if name not in removed and current.get(name) != key]


def add_palette(app: Sphinx) -> None:
    """Make the palette's style sheet one of the static files."""
    folder = Path(app.config.site_build) / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "palette.css").write_text(stylesheet(), encoding="utf-8")
    app.config.html_static_path.append(str(folder))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the reader for .md files."""
    app.setup_extension("site_state")
    app.setup_extension("drawings")
    app.connect(
        "config-inited",
        lambda app, config: config.nb_custom_formats.update({".md": ["executed_pages.read", {}, False]}),
    )
    app.connect("env-get-outdated", outdated)
    app.connect("builder-inited", add_palette, priority=400)
    app.add_css_file("palette.css")
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
