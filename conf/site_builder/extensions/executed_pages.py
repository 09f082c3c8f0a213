"""Pages shown with the outputs that their cells gave: the reader of all Markdown files.

The cells were run before Sphinx starts (run_cells.py). This extension puts their outputs in place, and turns figures
into pictures that follow the theme, and claims into a list of checks.
"""

from __future__ import annotations

import ast
import copy
import gc
import html
import posixpath
from collections.abc import Container, Iterable
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

from genmodels.site.claims import FIGURE_MIME
from genmodels.site.claims import MIME as CLAIM
from genmodels.site.palette import stylesheet
from site_builder import figure_svg
from site_builder.extensions.claims_ledger import check_lines
from site_builder.figure_svg import SVG
from site_builder.pages import code_cells, read_notebook
from site_builder.site_state import site

FOLDER = "figures"
logger = logging.getLogger(__name__)


class Reader:
    """Reads the page that Sphinx is about to parse: myst-nb hands over its text alone."""

    config: Config
    docname: str

    def begin(self, app: Sphinx, docname: str, source: list[str]) -> None:
        """Note which page comes."""
        self.docname = docname

    def __call__(self, text: str) -> Any:
        """The page as a notebook with its outputs; a warning and no outputs where its cells were not run."""
        pages = {page.name: page for page in site(self.config).pages}
        page = pages.get(self.docname)
        if page is None or page.text != text:
            notebook, cells, outputs = read_notebook(site(self.config).root, self.docname, text), [], None
        else:
            notebook = copy.deepcopy(page.notebook)
            cells, outputs = code_cells(notebook), site(self.config).store.get(page.digest)
        if outputs is None:
            if code_cells(notebook):
                logger.warning(
                    "the cells have not been run, or were edited since: run 'make html' again", location=self.docname
                )
            return notebook
        notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
        for number, (cell, stored) in enumerate(zip(cells, outputs, strict=True), start=1):
            self._fill(cell, number, stored)
        self._show_claims(notebook, dict(zip(map(id, cells), outputs, strict=True)))
        return notebook

    def _fill(self, cell: Any, number: int, outputs: list[Any]) -> None:
        """Give the cell its outputs, the figures among them themed and captioned."""
        cell.execution_count = number
        if draws_or_checks(cell):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
        seen = (output for output in outputs if not {CLAIM, FIGURE_MIME} & output.get("data", {}).keys())
        cell.outputs = _joined(nbformat.from_dict(output) for output in seen)
        for output in cell.outputs:
            if SVG in output.get("data", {}):
                output["data"] = {"text/html": self._figure(cell, output["data"][SVG])}
                cell.metadata["mystnb"] = {"figure": {key: cell.metadata.get(key, "") for key in ("caption", "name")}}

    def _figure(self, cell: Any, svg: str) -> str:
        """The figure as HTML."""
        missing = [key for key in ("alt", "caption", "name") if not str(cell.metadata.get(key, "")).strip()]
        if missing:
            logger.warning(
                "a figure without %s: give its cell :alt: (what is seen), :caption: and :name:",
                ", ".join(missing),
                location=self.docname,
            )
        name, alt = (str(cell.metadata.get(key, "")) for key in ("name", "alt"))
        return row(self.config, self.docname, svg, name, alt)

    def _show_claims(self, notebook: Any, outputs: dict[int, list[Any]]) -> None:
        """Put the checks that a cell made behind it, in a cell of their own: a caption would go to every output."""
        shown: list[Any] = []
        lines: list[int] = []
        for cell, line in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
            if shown and _folded(shown[-1]) and not shown[-1].outputs and _folded(cell):  # one fold for both
                cell.source = f"{shown.pop().source}\n\n{cell.source}"
                lines.pop()
            if _folded(cell):
                prompt = f"Code, {len(cell.source.splitlines())} lines"
                cell.metadata.setdefault("mystnb", {})["code_prompt_show"] = prompt
            shown.append(cell)
            lines.append(line)
            claims = [output["data"][CLAIM] for output in outputs.get(id(cell), []) if CLAIM in output.get("data", {})]
            if claims:
                text = f"```{{raw}} html\n{check_lines(claims, self.docname)}\n```"
                shown.append(nbformat.v4.new_markdown_cell(text))
                lines.append(line)
        notebook.cells, notebook.metadata["source_map"] = shown, lines


reader = Reader()


def read(text: str) -> Any:
    """What myst-nb calls, by its name in the settings."""
    return reader(text)


def row(config: Config, docname: str, svg: str, name: str, alt: str, wanted: Container[int] = range(1, 99)) -> str:
    """A figure, or some of its panels, in a row, below each other where there is no room; one to screen readers."""
    folder = posixpath.relpath(FOLDER, posixpath.dirname(docname) or ".")
    files = enumerate(_files(config, svg, name), start=1)
    shown = "".join(figure_svg.shown(f"{folder}/{file}", panel) for number, (file, panel) in files if number in wanted)
    return f'<div class="panels" role="img" aria-label="{html.escape(alt, quote=True)}">{shown}</div>'


def draws_or_checks(cell: Any) -> bool:
    """Whether a cell is folded: it has a figure's :alt:, ends with ``fig``, or calls ``claims`` outside functions.

    The tag show-input keeps it open.
    """
    top = [node for node in ast.parse(cell.source).body if not isinstance(node, ast.FunctionDef)]
    calls = (node.func for part in top for node in ast.walk(part) if isinstance(node, ast.Call))
    found = (
        "alt" in cell.metadata or cell.source.endswith("\nfig") or {"claim", "claims"} & set(map(ast.unparse, calls))
    )
    return bool(found) and "show-input" not in cell.metadata.get("tags", [])


def _folded(cell: Any) -> bool:
    tags = cell.metadata.get("tags", [])
    return cell.cell_type == "code" and "hide-input" in tags and "remove-input" not in tags


def _joined(outputs: Iterable[Any]) -> list[Any]:
    """The outputs, with printed lines in one block where only claims were made between them."""
    joined: list[Any] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream" and output.name == joined[-1].name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _files(config: Config, svg: str, name: str) -> list[tuple[str, str]]:
    """The files of the figure called ``name``: file name and text."""
    panels = site(config).memo.recall(figure_svg.panels, svg)
    return [(f"{name}-{number}.svg", panel) for number, panel in enumerate(panels, start=1)]


def write_figures(app: Sphinx, error: Exception | None) -> None:
    """Put the figures of all pages beside the pages."""
    if error is not None:
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for _, cell, data in site(app.config).all_outputs():
        if SVG in data:
            for file, panel in _files(app.config, data[SVG], str(cell.metadata.get("name", "figure"))):
                (folder / file).write_text(panel, encoding="utf-8")


def prepare(app: Sphinx, config: Config) -> None:
    """Read all Markdown files; with `make live`, read all again where the site's making or any output has changed."""
    reader.config = config
    config.site_digest = site(config).digest
    app.connect("source-read", reader.begin)
    folder = Path(config.site_build) / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "palette.css").write_text(stylesheet(), encoding="utf-8")
    config.html_static_path.append(str(folder))


def forget(app: Sphinx, error: Exception | None) -> None:
    """Forget what was kept and is not asked for by this build of the whole site."""
    if error is None and not app.tags.has("live"):
        site(app.config).memo.keep_only()
    gc.freeze()  # Python would look through all of it once more as it ends


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the reader for .md files."""
    app.add_config_value("site_root", "", "")
    app.add_config_value("site_build", "", "")
    app.add_config_value("site_digest", "", "env")
    app.connect("config-inited", prepare)
    app.connect("build-finished", write_figures)
    app.connect("build-finished", forget, priority=999)  # when all has been asked for
    app.add_css_file("palette.css")
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
