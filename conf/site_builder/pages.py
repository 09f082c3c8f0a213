"""The pages with code cells: read from docs/, each with the digest of all that its outputs depend on."""

import ast
import dataclasses
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from myst_nb.core.read import (  # private: the only reader that gives what myst-nb makes of a page
    MystMetadataParsingError,
    is_myst_markdown_notebook,
    read_myst_markdown_notebook,
)

from genmodels.site.claims import MIME
from site_builder import dependencies
from site_builder.outputs import Store

ROOT = Path(__file__).resolve().parents[2]
Ledger = dict[str, dict[str, Any]]


class ExecutionError(Exception):
    """A page cannot be executed; the message says which cell and why."""


@dataclasses.dataclass(frozen=True)
class Page:
    """A page with code cells."""

    name: str  # as Sphinx names documents: "sheet-2/2a-no-overlap"
    text: str
    notebook: Any
    digest: str

    @property
    def cells(self) -> list[Any]:
        """The code cells, in order."""
        return code_cells(self.notebook)

    def line_of(self, root: Path, number: int, line: int = 1) -> int:
        """Where a line of a cell stands in the page's file, or the cell, for one that is quoted; all count from 1."""
        lines = (root / "docs" / f"{self.name}.md").read_text(encoding="utf-8").split("\n")
        cell = self.cells[number - 1]
        code = cell.source.split("\n")[: cell.metadata.get("typed_lines")]
        fence = self.notebook.metadata["source_map"][self.notebook.cells.index(cell)]
        # its options, as many lines as they may have, stand between
        first = next((n for n in range(fence, len(lines)) if lines[n : n + len(code)] == code), fence)
        return first + line if line <= len(code) else fence + 1


def code_cells(notebook: Any) -> list[Any]:
    """The notebook's code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs_store(build: Path) -> Store:
    """Where the outputs of pages are kept: for each page a list of outputs per code cell."""
    return Store(build / "outputs")


def read_notebook(root: Path, name: str, text: str) -> Any:
    """A page's text as a notebook that knows its lines; to cells with :source: the code that this names is added.

    Raises ExecutionError where the package does not define it.
    """
    notebook = read_myst_markdown_notebook(text, add_source_map=True)
    for number, cell in enumerate(code_cells(notebook), start=1):
        if "source" not in cell.metadata:
            continue
        names, typed = str(cell.metadata["source"]).replace(",", " ").split() or [""], [cell.source] * bool(cell.source)
        cell.metadata |= {"source": names, "typed_lines": len("".join(typed).splitlines())}
        try:
            cell.source = "\n\n".join([*typed, *(dependencies.source_of(root, one) for one in names)])
        except (LookupError, SyntaxError) as error:
            raise ExecutionError(f"{name}, cell {number}: :source: {error}") from None
    return notebook


def read_pages(root: Path) -> list[Page]:
    """All pages under docs/ with code cells.

    Raises ExecutionError on cells that do not parse or lack the notebook header, and where a data file is damaged.
    """
    _check_data(root)
    paths = sorted(path for path in (root / "docs").rglob("*.md") if ".ipynb_checkpoints" not in path.parts)
    found = (_read(root, path) for path in paths)
    return [page for page in found if page is not None]


def _read(root: Path, path: Path) -> Page | None:
    """The page in a file; None where it has no cells."""
    name = path.relative_to(root / "docs").with_suffix("").as_posix()
    try:
        text = path.read_text(encoding="utf-8")
        if "{code-cell}" not in text:
            return None
        notebook = read_notebook(root, name, text)
        json.dumps(notebook.metadata)
    except UnicodeDecodeError as error:
        raise ExecutionError(f"{name}: is not UTF-8 text: {error}") from None
    except TypeError as error:
        raise ExecutionError(f"{name}: what stands at its top must be text, numbers or lists: {error}") from None
    except MystMetadataParsingError as error:
        raise ExecutionError(
            f"{name}: {error}\n(a text with a colon needs quotes; in double quotes a backslash is doubled)"
        ) from None
    cells = [cell.source for cell in code_cells(notebook)]
    if not cells:
        return None
    if not is_myst_markdown_notebook(text):
        raise ExecutionError(f"{name}: has code cells, but no 'file_format: mystnb' at its top")
    try:
        for number, cell in enumerate(cells, start=1):
            ast.parse(cell, f"{name}, cell {number}")
        return Page(name, text, notebook, dependencies.digest(root, cells))
    except SyntaxError as error:
        where = f"{error.filename}, line {error.lineno}"
        raise ExecutionError(f"{where}: {error.msg}: {(error.text or '').strip()}") from None


def _check_data(root: Path) -> None:
    """Raise ExecutionError where a data file is not the one whose checksum the note beside it tells."""
    for path in dependencies.data_files(root):
        note, seen = path.with_suffix(".md"), path.relative_to(root).as_posix()
        if path == note:
            continue
        text = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else ""
        told = re.search(r"sha256 `([0-9a-f]{64})`", text)
        if told is None:
            raise ExecutionError(f"{seen}: beside it there must be {note.name} with its sha256")
        if told[1] != dependencies.file_digest(path):
            raise ExecutionError(
                f"{seen} is damaged: its sha256 is not the one that {note.name} tells. Restore both: "
                f"git checkout -- {path.parent.relative_to(root).as_posix()}"
            )


def collect_claims(pages: Iterable[Page], store: Store) -> Ledger:
    """All claims of all pages: id -> record. Raises ExecutionError where two claims share an id."""
    ledger: Ledger = {}
    for page in pages:
        for output in (output for cell in store.get(page.digest) or [] for output in cell):
            record = output.get("data", {}).get(MIME)
            if record is None:
                continue
            if (other := ledger.get(record["id"])) is not None:
                raise ExecutionError(f"claim {record['id']} is made twice: on {other['page']} and on {page.name}")
            ledger[record["id"]] = record | {"page": page.name, "anchor": f"claim-{record['id']}"}
    return ledger
