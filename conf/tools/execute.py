"""Execute the pages: every page whose cells or whatever they depend on changed, in parallel, one thread each.

The outputs of a page are stored under a digest of everything that they depend on: its cells, the modules of the package that the cells
import (directly or not), the data files, the locks, the Python version and this file. The site is built from the store alone, so that
nothing stale can be shown: what depends on a changed thing has another digest.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import dataclasses
import functools
import hashlib
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook

PACKAGE = "genmodels"
CELL_SECONDS = 300
# the kernel lists the package's modules that it really loaded, to hold the import graph below to the truth
LOADED = f"""\
print(*sorted(name for name in __import__("sys").modules if name.split(".")[0] == "{PACKAGE}"))"""


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


@dataclasses.dataclass(frozen=True)
class Page:
    """A page with code cells."""

    name: str  # as Sphinx names documents: "sheet-2/2a-no-overlap"
    notebook: Any
    digest: str


def read_pages(project: Project) -> list[Page]:
    """All pages under docs/ that have code cells. Raises ExecutionError on cells in a page without the notebook header."""
    found = []
    for path in sorted(project.docs.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        if "{code-cell}" not in text:
            continue
        name = path.relative_to(project.docs).with_suffix("").as_posix()
        if not is_myst_markdown_notebook(text):
            raise ExecutionError(f"{name}: has code cells, but no 'file_format: mystnb' at its top")
        notebook = read_myst_markdown_notebook(text)
        found.append(Page(name, notebook, digest(project, notebook)))
    return found


def code_cells(notebook: Any) -> list[Any]:
    """The notebook's code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def digest(project: Project, notebook: Any) -> str:
    """The digest of all that the outputs of ``notebook`` depend on."""
    sources = [cell.source for cell in code_cells(notebook)]
    modules = imported_modules(project.package, "\n".join(sources))
    parts = [repr(sys.version_info[:3]), json.dumps(sources), _file_digest(Path(__file__))]
    parts += [f"{name} {_file_digest(path)}" for name, path in sorted(modules.items())]
    parts.append(_common_digest(project))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@functools.cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@functools.cache
def _common_digest(project: Project) -> str:
    """The data files and the locks: every page depends on all of them."""
    files = [path for path in (project.package / "data").rglob("*") if path.is_file()]
    files += (project.root / "requirements").glob("*.txt")
    return "\n".join(f"{path.relative_to(project.root).as_posix()} {_file_digest(path)}" for path in sorted(files))


def imported_modules(package: Path, source: str) -> dict[str, Path]:
    """The package's modules that ``source`` imports, directly or not: dotted name -> file."""
    found: dict[str, Path] = {}
    waiting = [(source, PACKAGE)]
    while waiting:
        text, inside = waiting.pop()
        for name in _imports(text, inside):
            path = _module_file(package, name)
            if path is not None and name not in found:
                found[name] = path
                waiting.append((path.read_text(encoding="utf-8"), name if path.stem == "__init__" else name.rpartition(".")[0]))
    return found


def _imports(source: str, inside: str) -> Iterator[str]:
    """Every dotted name of the package that an import anywhere in ``source`` may load, parents included."""
    for node in ast.walk(ast.parse(source)):
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


def _module_file(package: Path, name: str) -> Path | None:
    """The file of the module called ``name``, or None where the name is that of a function or a class."""
    place = package.joinpath(*name.split(".")[1:])
    for candidate in (place / "__init__.py", place.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


class Store:
    """Outputs of executed pages on disk: a file per digest, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, digest: str) -> list[list[Any]] | None:
        """The outputs, a list per code cell, or None where there are none or the file is damaged."""
        try:
            record = json.loads((self.folder / f"{digest}.json").read_bytes())
            if record["check"] != _check(record["outputs"]):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record["outputs"]

    def put(self, page: Page, outputs: list[list[Any]]) -> None:
        """Keep the outputs of ``page``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = {"page": page.name, "check": _check(outputs), "outputs": outputs}
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".part", delete=False, encoding="utf-8") as file:
            json.dump(record, file, sort_keys=True)
        os.replace(file.name, self.folder / f"{page.digest}.json")

    def keep_only(self, digests: Iterable[str]) -> None:
        """Remove what no page needs any longer."""
        wanted = {f"{digest}.json" for digest in digests}
        for path in self.folder.glob("*"):
            if path.name not in wanted:
                path.unlink()


def _check(outputs: Any) -> str:
    return hashlib.sha256(json.dumps(outputs, sort_keys=True).encode()).hexdigest()


def execute(project: Project, page: Page, report: Any) -> list[list[Any]]:
    """Run the cells of ``page`` in a fresh kernel and return their outputs. Raises ExecutionError; calls ``report(cell number)``."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.source) for cell in code_cells(page.notebook)])
    notebook.cells.append(nbformat.v4.new_code_cell(LOADED))
    with tempfile.TemporaryDirectory() as scratch:
        client = NotebookClient(
            notebook,
            km=_kernel(project, Path(scratch)),
            timeout=CELL_SECONDS,
            record_timing=False,
            resources={"metadata": {"path": scratch}},
            on_cell_start=lambda cell, cell_index: report(cell_index + 1),
            on_cell_executed=lambda cell, cell_index, execute_reply: _no_stderr(page, cell_index + 1, cell.outputs),
        )
        try:
            client.execute(cleanup_kc=True, env=_kernel_environment(project, Path(scratch)))
        except CellExecutionError as error:
            raise ExecutionError(f"{page.name}: a cell failed\n{error}") from None
        except CellTimeoutError:
            raise ExecutionError(f"{page.name}: a cell ran longer than {CELL_SECONDS} s and was stopped") from None
        except DeadKernelError:
            raise ExecutionError(f"{page.name}: the kernel died (out of memory?)") from None
    *cells, loaded = notebook.cells
    _hold_imports_to_the_truth(project, page, loaded.outputs[0].text.split())
    return [_plain(cell.outputs) for cell in cells]


def _kernel(project: Project, scratch: Path) -> Any:
    """A kernel of this very Python, whatever kernels the user has installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # sockets in a folder of its own: no port that another process could reach or hold
    manager = AsyncKernelManager(connection_file=str(scratch / "kernel.json"), transport="ipc", ip=str(scratch / "kernel"))
    manager._kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python")
    return manager


def _kernel_environment(project: Project, scratch: Path) -> dict[str, str]:
    """One thread, no user settings, the package from this checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IPYTHON", "JUPYTER", "MPL"))}
    threads = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
    environment |= {f"{library}_NUM_THREADS": "1" for library in threads} | {"VECLIB_MAXIMUM_THREADS": "1"}
    environment |= {"PYTHONPATH": str(project.root / "code"), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return environment | {"IPYTHONDIR": str(scratch / "ipython"), "CUDA_VISIBLE_DEVICES": ""}


def _hold_imports_to_the_truth(project: Project, page: Page, loaded: list[str]) -> None:
    """Raise where the kernel loaded a module that the digest does not know of (an import by computed name, say)."""
    known = imported_modules(project.package, "\n".join(cell.source for cell in code_cells(page.notebook)))
    unknown = sorted(set(loaded) - set(known))
    if unknown:
        raise ExecutionError(f"{page.name}: loads {', '.join(unknown)} without an import statement; its outputs would go stale unseen")


def _no_stderr(page: Page, number: int, outputs: list[Any]) -> None:
    """Raise where a cell wrote to stderr: a warning is a fault of the page, and its text would end up on it."""
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise ExecutionError(f"{page.name}: cell {number} writes to stderr:\n{output.text.rstrip()}")


def _plain(outputs: list[Any]) -> list[Any]:
    """The outputs as plain JSON, without the running count, which the site gives anew."""
    return [{key: value for key, value in json.loads(json.dumps(output)).items() if key != "execution_count"} for output in outputs]


def run(project: Project, jobs: int) -> list[Page]:
    """Execute what is not in the store, showing progress; return all pages. Raises ExecutionError naming every page that failed."""
    pages, store = read_pages(project), Store(project.store)
    stale = [page for page in pages if store.get(page.digest) is None]
    if not stale:
        print(f"Cells: nothing to run, all {len(pages)} executed pages are up to date.", flush=True)
        return pages
    print(f"Cells: running {len(stale)} of {len(pages)} pages, {jobs} at a time.", flush=True)
    progress = Progress({page.name: len(code_cells(page.notebook)) for page in stale})
    failures: list[str] = []

    def work(page: Page) -> None:
        progress.start(page.name)
        try:
            store.put(page, execute(project, page, functools.partial(progress.cell, page.name)))
            progress.done(page.name, "done")
        except ExecutionError as error:
            failures.append(str(error))
            progress.done(page.name, "FAILED")

    with progress, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # the longest first, as far as the number of cells tells
        list(pool.map(work, sorted(stale, key=lambda page: -len(code_cells(page.notebook)))))
    if failures:
        raise ExecutionError("\n\n".join(failures))
    return pages


class Progress:
    """Prints a line when a page starts, ends, and every few seconds between."""

    SECONDS = 10.0

    def __init__(self, cells: dict[str, int]) -> None:
        self.cells = cells
        self.at = dict.fromkeys(cells, 0)
        self.since: dict[str, float] = {}
        self.ended = threading.Event()
        self.ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        self.ticker.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.ticker.join()

    def start(self, name: str) -> None:
        """The page is about to run."""
        self.since[name] = time.monotonic()

    def cell(self, name: str, number: int) -> None:
        """The page has come to this cell."""
        self.at[name] = min(number, self.cells[name])

    def done(self, name: str, how: str) -> None:
        """The page has ended."""
        print(f"  {name}: {how}, {self.cells[name]} cells, {time.monotonic() - self.since.pop(name):.0f} s", flush=True)

    def _tick(self) -> None:
        while not self.ended.wait(self.SECONDS):
            for name, since in list(self.since.items()):
                print(f"  {name}: cell {self.at[name]} of {self.cells[name]}, {time.monotonic() - since:.0f} s", flush=True)


def main() -> int:
    """The command line: run what is stale and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="pages run at a time (default: one per core)")
    options = parser.parse_args()
    try:
        run(Project(root, root / "build"), options.jobs)
    except ExecutionError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
