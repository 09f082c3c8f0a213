"""Each executed page as a Jupyter notebook beside it, with its outputs, and the package that it needs.

``{notebooks}`` lists them. A notebook is written from the stored outputs and the page's own source, and runs as it is
where the package is installed; its first cells say how.
"""

from __future__ import annotations

import functools
import hashlib
import html
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from genmodels.site.claims import FIGURE_MIME
from site_builder.dependencies import file_digest
from site_builder.pages import Page
from site_builder.plain_markdown import Known, cited, plain
from site_builder.site_state import site

EPOCH = "1580601600"  # no time of now: hatchling's own default for builds that can be repeated
PACKAGE = "code/genmodels"
PNG = "image/png"
# Jupyter reads no picture's description out: it stands below
FIGURE = "*Figure.* {caption}\n\n<details>\n<summary>The figure in words</summary>\n\n{alt}\n\n</details>"
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python", "nbconvert_exporter": "python"}
LANGUAGE |= {"pygments_lexer": "ipython3", "codemirror_mode": "python"}
TORCH = "%pip install torch --index-url https://download.pytorch.org/whl/cpu"
logger = logging.getLogger(__name__)


@functools.cache
def wheel_name(root: Path) -> str:
    """The package's file name: its version ends in the digest of what is in it, else pip would keep an old one."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    paths = sorted(path for path in (root / PACKAGE).rglob("*") if path.is_file() and path.suffix != ".pyc")
    inside = [project, *((path.relative_to(root).as_posix(), file_digest(path)) for path in [*paths, root / "LICENSE"])]
    digest = hashlib.sha256(json.dumps(inside).encode()).hexdigest()[:8]
    # after a letter: of digits alone, a nought in front would be dropped
    return f"{project['name']}-{project['version']}+c{digest}-py3-none-any.whl"


def build_wheel(root: Path, folder: Path) -> Path:
    """Build the package into ``folder``, from a copy with its full version, without network, the same bytes always."""
    name, copy = wheel_name(root), folder / "source"
    shutil.copytree(root / PACKAGE, copy / PACKAGE, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(root / "LICENSE", copy)
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    text = re.sub(r'(?m)^version = ".*"', f'version = "{name.split("-")[1]}"', text, count=1)
    (copy / "pyproject.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=copy, env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH}, check=True, capture_output=True)
    return folder / name


def known(app: Sphinx) -> Known:
    """What the pages' texts refer to; a site that does not know its address has no links for what is taken away."""
    base = app.config.html_baseurl.rstrip("/")
    equations = {label: str(number) for label, (_, number) in app.env.get_domain("math").data["objects"].items()}
    # private: sphinxcontrib-bibtex hands its entries to nobody else
    citations: list[Any] = app.env.get_domain("cite").citations  # type: ignore[attr-defined]
    persons = {cited.key: (_authors(cited.entry), str(cited.entry.fields["year"])) for cited in citations}
    works = {cited.key: _entry(cited) for cited in citations}
    return Known(site(app.config).ledger, equations, persons, works, lambda name: f"{base}/{name}.html" if base else "")


def _entry(cited: Any) -> str:
    """An entry of the list of literature on one line; full stops and hyphens need no escape."""
    return re.sub(r"\\([.-])", r"\1", cited.formatted_entry.text.render_as("markdown").replace("\n", " "))


def _authors(entry: Any) -> str:
    """Family names as the pages cite them: one, two, or the first of more."""
    names = [
        " ".join(map(str, [*person.rich_prelast_names, *person.rich_last_names])) for person in entry.persons["author"]
    ]
    return names[0] if len(names) == 1 else " and ".join(names) if len(names) == 2 else f"{names[0]} et al."


def notebook(page: Page, title: str, outputs: list[list[Any]], references: Known, install: str) -> Any:
    """The page as a notebook. Raises ValueError or KeyError on what cannot be shown."""
    cells, remaining, executed = _how_to_run(page, references, install), iter(outputs), 0
    for cell in page.notebook.cells:
        if cell.cell_type == "code":
            executed += 1
            made = [nbformat.from_dict(_described(output, cell)) for output in next(remaining)]
            cells.append(nbformat.v4.new_code_cell(cell.source, execution_count=executed, outputs=made))
            words = FIGURE.format_map(cell.metadata) if "caption" in cell.metadata else ""
        else:
            words = cell.source
        if text := plain(words, page.name, references):
            cells.append(nbformat.v4.new_markdown_cell(text))
    if works := cited((cell.source for cell in page.notebook.cells), references):
        cells.append(nbformat.v4.new_markdown_cell("\n".join(["## Works cited", "", *(f"- {work}" for work in works)])))
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": LANGUAGE, "title": title}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _described(output: dict[str, Any], cell: Any) -> dict[str, Any]:
    """The output; of a figure the PNG, which is shown also where nobody trusts the notebook, and its description.

    What is handed to a figure of the site stays there: it can be as large as all the rest.
    """
    data = output.get("data", {})
    if FIGURE_MIME in data:
        return output | {"data": {"text/plain": data["text/plain"]}}
    if PNG not in data:
        return output
    alt = str(cell.metadata.get("alt", "")).strip()
    about = output["metadata"].get(PNG, {}) | {"alt": alt}
    return output | {"data": {PNG: data[PNG], "text/plain": alt}, "metadata": {PNG: about}}


def _how_to_run(page: Page, references: Known, install: str) -> list[Any]:
    """The first two cells: what this is, and what it needs."""
    address = references.address(page.name)
    title = "Deep generative models, solved"
    words = (
        f"*A page of {f'[{title}]({address})' if address else title} with the outputs that its cells gave.* "
        "To read it, nothing is needed. To run it, Python 3.11 or newer and the package `genmodels`: take the `#` away "
        "in the next cell (its first line only saves space: PyTorch without GPU) and run it once. "
    )
    if not address:
        words += f"The file `{install}` lies on the site, where this notebook was: put it into the notebook's folder."
    code = f"# {TORCH}\n# %pip install {install}"  # a remark behind them would go to pip
    return [nbformat.v4.new_markdown_cell(words.strip()), nbformat.v4.new_code_cell(code)]


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the notebooks, and the package into each folder that has some."""
    if exception is not None or app.tags.has("live"):
        return
    made, base = site(app.config), app.config.html_baseurl.rstrip("/")
    name, references = wheel_name(made.root), known(app)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(made.root, Path(scratch))
        for folder in {app.outdir / posixpath.dirname(page.name) for page in made.pages}:
            shutil.copyfile(wheel, folder / name)
    for page in made.pages:
        install = f"{base}/{posixpath.join(posixpath.dirname(page.name), quote(name))}" if base else name
        try:
            written = notebook(page, made.titles[page.name], made.outputs[page.name], references, install)
        except (KeyError, ValueError) as error:
            what = f"the page refers to {error}, which is not there" if isinstance(error, KeyError) else error
            logger.warning("no notebook: %s", what, location=page.name)
            continue
        nbformat.write(written, app.outdir / f"{page.name}.ipynb", version=4)


class Notebooks(SphinxDirective):
    """Links to all notebooks and to the package."""

    def run(self) -> list[nodes.Node]:
        """A list with an item per page."""
        here, made = posixpath.dirname(self.env.docname) or ".", site(self.config)
        if not made.pages:
            raise self.error("no page has cells")
        items, name = [], wheel_name(made.root)
        for page in made.pages:
            words = html.escape(made.titles[page.name].partition(":")[0])
            items.append(f"<li>{_download(posixpath.relpath(page.name, here) + '.ipynb', words)}</li>")
        folders = sorted({posixpath.dirname(page.name) for page in made.pages})
        wheels = ", ".join(_download(posixpath.relpath(posixpath.join(folder, name), here), name) for folder in folders)
        markup = f'<ul class="notebooks">{"".join(items)}</ul><p>To be run they need the package: {wheels}.</p>'
        return [nodes.raw("", markup, format="html")]


def _download(address: str, words: str) -> str:
    return f'<a class="reference" download href="{quote(address)}">{words}</a>'


def link_from_page(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """At the end of an executed page, the way to its notebook."""
    if doctree is not None and any(page.name == pagename for page in site(app.config).pages):
        link = _download(f"{posixpath.basename(pagename)}.ipynb", "this page as a Jupyter notebook")
        context["body"] += f'<p class="take-along">Take it along: {link}, with its outputs.</p>'


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, the link and the writing."""
    app.add_directive("notebooks", Notebooks)
    app.connect("html-page-context", link_from_page)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
