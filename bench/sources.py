"""The site's executed pages as other tools take them, and the two edits whose cost is measured.

The site writes each page as a plain notebook. Without its outputs and its two cells on installation, that is Markdown
and Python that every tool understands; jupytext turns it into the text formats.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

INSTALLATION = 2  # cells at the top of a notebook of the site
FORMATS = {".md": "md:myst", ".py": "py:percent", ".ipynb": ""}  # as jupytext calls them
CLAIM = re.compile(r"^ok  ([0-9a-z-]+) = ", re.M)
SENTENCE = "This sentence was added to see how long that takes."
EDITED = "Edited since. "
PRINTING = 'from genmodels import {module}\n\nprint({module}.__doc__.partition("\\n")[0])'


class SourceError(Exception):
    """A page does not have what is needed of it; the message says what."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A page: its name, "2b-identical", its notebook without outputs, and the claims that its cells make."""

    name: str
    notebook: Any
    claims: tuple[str, ...]

    @property
    def question(self) -> str:
        """The number with which its name begins."""
        return self.name.partition("-")[0]


def read(html: Path, questions: Iterable[str]) -> list[Source]:
    """The pages of the built site, all or those of these questions. Raises SourceError where there is none of them."""
    found = {path.stem.partition("-")[0]: path for path in sorted(html.glob("sheet-*/*.ipynb"))}
    if not found:
        raise SourceError(f"There is no built site in {html}: run 'make html' first.")
    wanted = list(questions) or list(found)
    if missing := [question for question in wanted if question not in found]:
        raise SourceError(f"no page with cells is called {', '.join(missing)}: there are {', '.join(found)}")
    return [stripped(found[question]) for question in wanted]


def stripped(path: Path) -> Source:
    """A notebook of the site without outputs, without what differs from run to run, and without its installation."""
    notebook = nbformat.read(path, as_version=4)
    del notebook.cells[:INSTALLATION]
    claims: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                claims += CLAIM.findall(output.get("data", {}).get("text/plain", ""))
            cell.outputs, cell.execution_count = [], None
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    return Source(path.stem, notebook, tuple(claims))


def printing(source: Source, module: str) -> Source:
    """The page with one more cell, which prints the first line of a module's docstring, before its section Explore."""
    notebook = nbformat.from_dict(source.notebook)
    place = next(
        (number for number, cell in enumerate(notebook.cells) if cell.source.startswith("## Explore")),
        len(notebook.cells),
    )
    cell = nbformat.v4.new_code_cell(PRINTING.format(module=module), id="printing")
    notebook.cells.insert(place, cell)
    return dataclasses.replace(source, notebook=notebook)


def write(source: Source, folder: Path, suffix: str, jupytext: Path) -> Path:
    """Write the page in the format of this suffix; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path, original = folder / f"{source.name}{suffix}", folder / f"{source.name}.ipynb"
    nbformat.write(source.notebook, original)
    if suffix != ".ipynb":
        command = [str(jupytext), "--quiet", "--to", FORMATS[suffix], "--output", str(path), str(original)]
        subprocess.run(command, check=True, capture_output=True)
        original.unlink()
    return path


def add_printing(page: Path, module: str) -> None:
    """The same cell for the site's own page."""
    cell = f"```{{code-cell}} python\n{PRINTING.format(module=module)}\n```\n\n"
    _replace(page, "\n## Explore\n", f"\n{cell}## Explore\n")


def edit_prose(page: Path) -> None:
    """Add one sentence to a page, after the heading of its last section, whatever its format."""
    if page.suffix == ".ipynb":
        notebook = nbformat.read(page, as_version=4)
        cell = next((cell for cell in notebook.cells if re.search(r"(?m)^## Further$", cell.source)), None)
        if cell is None:
            raise SourceError(f"{page.name} has no section 'Further', where a sentence could be added")
        cell.source = re.sub(r"(?m)^## Further$", f"## Further\n\n{SENTENCE}", cell.source)
        nbformat.write(notebook, page)
    elif page.suffix == ".py":
        _replace(page, "# ## Further\n", f"# ## Further\n#\n# {SENTENCE}\n")
    else:
        _replace(page, "\n## Further\n", f"\n## Further\n\n{SENTENCE}\n")


def edit_package(package: Path, module: str) -> None:
    """Change what the cell of `printing` prints."""
    _replace(package / f"{module}.py", '"""', f'"""{EDITED}')


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    if old not in text:
        raise SourceError(f"{path.name} has no {old.strip()!r}, where it was to be edited")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def is_stale(page: str, edits: int = 1) -> bool:
    """Whether a built page still shows an older output after the package was edited so many times."""
    return page.count(EDITED.strip()) < edits


def missing_outputs(page: str, claims: Iterable[str]) -> list[str]:
    """The claims whose line a built page does not show, as text or as an item of this site's own list."""
    return [name for name in claims if f"ok  {name} =" not in page and f'id="claim-{name}"' not in page]
