"""The package's modules as pages, source/genmodels.mlp.html and so on, to which its names in cells lead.

sphinx-codeautolink leads to the documentation alone, and what sphinx.ext.viewcode writes is no valid HTML.
"""

import ast
import functools
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from site_builder.dependencies import PACKAGE, definitions, modules
from site_builder.site_state import site

SAYS = "Source code of {}, of the Python package behind the worked solutions on VAEs and GANs."
# in highlighted code, and neither an attribute nor the name of an argument
NAME = re.compile(r'(?<!<span class="o">\.</span>)<span class="n[ncf]?">([\w.]+)</span>(?!<span class="o">=</span>)')


@functools.cache
def targets(package: Path, code: str) -> Mapping[str, str]:
    """Where modules, and the names that some code imports from them, are defined: page and fragment."""
    paths = modules(package)
    found = {name: f"{name}.html" for name in paths}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (path := paths.get(str(node.module))):
            own = definitions(path)
            for name in node.names:
                here = (
                    f"{node.module}.html#{name.name}" if name.name in own else found.get(f"{node.module}.{name.name}")
                )
                found[name.asname or name.name] = here or targets(package, path.read_text("utf-8")).get(name.name, "")
    return found


def linked(markup: str, known: Mapping[str, str], folder: str) -> str:
    """Highlighted code with links to the known names; the pages of modules lie in ``folder``."""

    def link(match: re.Match[str]) -> str:
        target = known.get(match[1])
        return f'<a class="code-link" href="{folder}{target}">{match[0]}</a>' if target else match[0]

    return NAME.sub(link, markup)


def module_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for each module."""
    package = site(app.config).root / "code" / PACKAGE
    for name, path in modules(package).items():
        code = path.read_text(encoding="utf-8")
        lines = app.builder.highlighter.highlight_block(code, "python").split("\n")  # type: ignore[attr-defined]
        for defined, (first, _) in definitions(path).items():
            lines[first - 1] = f'<span id="{defined}"></span>{lines[first - 1]}'
        markup = "\n".join([f'<h1>{name}</h1><div class="highlight-python">', *lines, "</div>"])
        tags = f'<meta name="description" content="{SAYS.format(name)}">\n'
        body = linked(markup, targets(package, code), "")
        yield f"source/{name}", {"title": name, "body": body, "metatags": tags}, "page.html"


def link_cells(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Link the names in the cells of a page, what these quote among them."""
    made = site(app.config)
    for page in (page for page in made.pages if page.name == pagename):
        quoted = (name.rpartition(".") for cell in page.cells for name in cell.metadata.get("source", ()))
        code = [*(cell.source for cell in page.cells), *(f"from {module} import {name}" for module, _, name in quoted)]
        known = targets(made.root / "code" / PACKAGE, "\n".join(code))
        context["body"] = linked(context["body"], known, posixpath.relpath("source", posixpath.dirname(pagename)) + "/")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the pages and the links."""
    app.connect("html-collect-pages", module_pages)
    app.connect("html-page-context", link_cells)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
