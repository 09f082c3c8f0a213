"""The pages with code cells, what their outputs depend on, and where the outputs are kept.

The outputs of a page are stored under a digest of everything that they depend on: its cells, the modules of the package
that the cells import (directly or not), the data files, the locks, the Python version and how cells are run. The site
is built from the store alone, so that nothing stale can be shown: what depends on a changed thing has another digest.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from build_folder import clear, packages
from genmodels.claims import MIME
from myst_nb.core.read import MystMetadataParsingError, is_myst_markdown_notebook, read_myst_markdown_notebook

PACKAGE = "genmodels"
Ledger = dict[str, dict[str, Any]]
PARTS = ("pages", "execute", "kernel", "prompt_client", "cell_limits")
RUNNER = tuple(Path(__file__).with_name(f"{name}.py") for name in PARTS)  # what may change outputs


class ExecutionError(Exception):
    """A page cannot be executed; the message says which cell and why."""


@dataclasses.dataclass(frozen=True)
class Project:
    """Where things are."""

    root: Path
    build: Path

    @property
    def docs(self) -> Path:
        """The pages."""
        return self.root / "docs"

    @property
    def package(self) -> Path:
        """The package's folder."""
        return self.root / "code" / PACKAGE

    @property
    def store(self) -> Path:
        """The stored outputs, one file per digest."""
        return self.build / "execution"

    @property
    def parsed(self) -> Path:
        """The pages as notebooks, one file per digest."""
        return self.build / "parsed"

    @property
    def memory(self) -> Path:
        """What else took long to make, one file per digest."""
        return self.build / "memory"


@dataclasses.dataclass(frozen=True)
class Page:
    """A page with code cells."""

    name: str  # as Sphinx names documents: "sheet-2/2a-no-overlap"
    notebook: Any
    digest: str


def read_pages(project: Project) -> list[Page]:
    """All pages under docs/ with code cells.

    Raises ExecutionError on cells without the notebook header, and where a data file is damaged.
    """
    _check_data(project)
    found, parsed, met = [], Store(project.parsed), set()
    for path in sorted(path for path in project.docs.rglob("*.md") if ".ipynb_checkpoints" not in path.parts):
        name = path.relative_to(project.docs).with_suffix("").as_posix()
        try:
            text = path.read_text(encoding="utf-8")
            met.add(_key(text))
            notebook = parsed_page(text, parsed)
        except UnicodeDecodeError as error:
            raise ExecutionError(f"{name}: is not UTF-8 text: {error}") from None
        except TypeError as error:
            raise ExecutionError(f"{name}: what stands at its top must be text, numbers or lists: {error}") from None
        except MystMetadataParsingError as error:
            raise ExecutionError(f"{name}: {error}\n(a caption or alt text with a colon needs quotes)") from None
        if not code_cells(notebook):
            continue
        if not is_myst_markdown_notebook(text):
            raise ExecutionError(f"{name}: has code cells, but no 'file_format: mystnb' at its top")
        for number, cell in enumerate(code_cells(notebook), start=1):
            _parse(cell.source, f"{name}, cell {number}")
        found.append(Page(name, notebook, digest(project, notebook)))
    parsed.keep_only(met)
    return found


def _key(text: str) -> str:
    """Under what a page with this text is kept by this version of what reads it."""
    return hashlib.sha256(json.dumps([text, packages(), _file_digest(Path(__file__))]).encode()).hexdigest()


def parsed_page(text: str, store: Store) -> Any:
    """The page as a notebook that knows its lines, which takes longer to make than to keep."""
    key = _key(text)
    kept = store.get(key)
    if kept is None:
        kept = read_myst_markdown_notebook(text, add_source_map=True)
        store.put(key, kept)
    return nbformat.from_dict(kept)


def _parse(source: str, where: str) -> ast.Module:
    """The syntax tree of plain Python. Raises ExecutionError naming the place."""
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ExecutionError(f"{where}, line {error.lineno}: {error.msg}: {(error.text or '').strip()}") from None


def code_cells(notebook: Any) -> list[Any]:
    """The notebook's code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def line_of(project: Project, page: Page, number: int) -> int:
    """The line of the page's file on which the code of a cell begins; cells count from 1."""
    lines = (project.docs / f"{page.name}.md").read_text(encoding="utf-8").split("\n")
    cell = code_cells(page.notebook)[number - 1]
    code, fence = cell.source.split("\n"), page.notebook.metadata["source_map"][page.notebook.cells.index(cell)]
    # its options, as many lines as they may have, stand between
    return next((n for n in range(fence, len(lines)) if lines[n : n + len(code)] == code), fence) + 1


def digest(project: Project, notebook: Any) -> str:
    """The digest of all that the outputs of ``notebook`` depend on."""
    sources = [cell.source for cell in code_cells(notebook)]
    parts = [repr(sys.version_info[:3]), json.dumps(sources), *map(_file_digest, RUNNER)]
    parts += [f"{name} {_file_digest(path)}" for name, path in sorted(_files(project, sources).items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def changed(project: Project, page: Page) -> list[str]:
    """Which of the files that the page's outputs depend on are not what they were when the pages were read."""
    files = _files(project, [cell.source for cell in code_cells(page.notebook)])
    return sorted(
        _seen(project, path)
        for path in files.values()
        if not path.is_file() or _file_digest.__wrapped__(path) != _file_digest(path)
    )


def _files(project: Project, sources: Iterable[str]) -> dict[str, Path]:
    """The files that outputs of these cells depend on: the modules that they import, all data files and the locks."""
    files = [*_data_files(project), *(project.root / "requirements").glob("*.txt")]
    named = {_seen(project, path): path for path in files}
    return named | imported_modules(project.package, "\n".join(sources))


@functools.cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _data_files(project: Project) -> list[Path]:
    return [path for path in (project.package / "data").rglob("*") if path.is_file()]


def _check_data(project: Project) -> None:
    """Raise ExecutionError where a data file is not the one whose checksum the note beside it tells."""
    for path in _data_files(project):
        note = path.with_suffix(".md")
        if path == note:
            continue
        text = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else ""
        told = re.search(r"sha256 `([0-9a-f]{64})`", text)
        if told is None:
            raise ExecutionError(f"{_seen(project, path)}: beside it there must be {note.name} with its sha256")
        if told[1] != _file_digest(path):
            raise ExecutionError(
                f"{_seen(project, path)} is damaged: its sha256 is not the one that {note.name} tells. Restore both: "
                f"git checkout -- {_seen(project, path.parent)}"
            )


def _seen(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix()


def imported_modules(package: Path, source: str) -> dict[str, Path]:
    """The package's modules that ``source`` imports, directly or not: dotted name -> file."""
    found: dict[str, Path] = {}
    files = _modules(package)
    waiting = [*_imports(_parse(source, "a cell"), PACKAGE)]
    while waiting:
        name = waiting.pop()
        path = files.get(name)  # None where the name is that of a function or a class
        if path is not None and name not in found:
            found[name] = path
            waiting += _imports_of_module(path, name if path.stem == "__init__" else name.rpartition(".")[0])
    return found


@functools.cache
def _imports_of_module(path: Path, inside: str) -> list[str]:
    """What the module in a file imports; ``inside`` is the package that it belongs to."""
    return [*_imports(_parse(path.read_text(encoding="utf-8"), path.name), inside)]


def _imports(tree: ast.Module, inside: str) -> Iterator[str]:
    """Every dotted name of the package that an import anywhere in ``tree`` may load, parents included."""
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = inside.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            steps = name.split(".")
            if steps[0] == PACKAGE:
                yield from (".".join(steps[: end + 1]) for end in range(len(steps)))


def _statements(block: ast.AST) -> Iterator[ast.AST]:
    """All statements inside, at any depth; imports are statements, and most of a tree is expressions."""
    for parts in ("body", "orelse", "handlers", "finalbody", "cases"):
        inside = getattr(block, parts, [])
        for statement in inside if isinstance(inside, list) else []:  # that of a lambda is an expression
            yield statement
            yield from _statements(statement)


def common_libraries(project: Project, pages: Iterable[Page]) -> list[str]:
    """What pages import from elsewhere, directly or not: of each library the modules that all its users import.

    A process that has loaded them gives no page a module of a library that the page uses and forgot to import.
    """
    users: dict[str, list[set[str]]] = {}
    for page in pages:
        source = "\n".join(cell.source for cell in code_cells(page.notebook))
        modules = imported_modules(project.package, source).values()
        names = _external(source).union(*(_external(path.read_text(encoding="utf-8")) for path in modules))
        for library in {name.partition(".")[0] for name in names}:
            users.setdefault(library, []).append({name for name in names if f"{name}.".startswith(f"{library}.")})
    return sorted(name for used in users.values() for name in set.intersection(*used))


@functools.cache
def _external(source: str) -> frozenset[str]:
    """The modules that ``source`` imports from outside the package and Python itself."""
    names: set[str] = set()
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return frozenset(name for name in names if name.partition(".")[0] not in {PACKAGE, *sys.stdlib_module_names})


def _modules(package: Path) -> dict[str, Path]:
    """The package and its modules: dotted name -> file."""
    found = {}
    # in this order a package hides a module of the same name
    for path in sorted(package.rglob("*.py"), key=lambda path: path.name == "__init__.py"):
        steps = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(steps[:-1] if steps[-1] == "__init__" else steps)] = path
    return found


class Store:
    """Outputs of executed pages, or what else is expensive, on disk: a file per digest, written whole or not at all.

    A file's first line is the checksum of its name and of what follows: checking it takes no longer than reading it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, Any] = {}

    def get(self, digest: str) -> Any:
        """What was put, of a page a list of outputs per code cell; None where it is not there or damaged.

        It is the same object each time: not to be changed.
        """
        if digest not in self._read:
            try:
                check, _, record = (self.folder / f"{digest}.kept").read_bytes().partition(b"\n")
                if check != _checksum(digest, record):
                    return None
                self._read[digest] = json.loads(record)
            except (OSError, ValueError):
                return None
        return self._read[digest]

    def put(self, digest: str, outputs: Any) -> None:
        """Keep the outputs of a page, or what else JSON can say."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = json.dumps(outputs, sort_keys=True).encode()
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
            try:
                file.write(_checksum(digest, record) + b"\n" + record)
                file.flush()
                if (place := self.folder / f"{digest}.kept").is_dir():
                    clear(place)
                os.replace(file.name, place)
            except BaseException:
                os.unlink(file.name)  # on a full disk it would be in the way
                raise

    def keep_only(self, digests: Iterable[str]) -> None:
        """Remove what nothing needs any longer."""
        wanted = {f"{digest}.kept" for digest in digests}
        for path in self.folder.glob("*"):
            if path.name not in wanted:
                clear(path)


def _checksum(digest: str, record: bytes) -> bytes:
    return hashlib.sha256(digest.encode() + record).hexdigest().encode()


def collect_claims(pages: Iterable[Page], store: Store) -> Ledger:
    """All claims of all pages: id -> record. Raises ExecutionError where two claims share an id."""
    ledger: Ledger = {}
    for page in pages:
        for output in (output for cell in store.get(page.digest) or [] for output in cell):
            record = output.get("data", {}).get(MIME)
            if record is None:
                continue
            other = ledger.get(record["id"])
            if other is not None:
                raise ExecutionError(f"claim {record['id']} is made twice: on {other['page']} and on {page.name}")
            ledger[record["id"]] = record | {"page": page.name, "anchor": f"claim-{record['id']}"}
    return ledger
