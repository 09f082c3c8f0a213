"""Execute the pages: every page whose cells or whatever they depend on changed, in parallel, one thread each."""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

import kernel
from pages import (
    PACKAGE,
    ExecutionError,
    Page,
    Project,
    Store,
    code_cells,
    common_libraries,
    imported_modules,
    read_pages,
)
from stages import clock

CELL_SECONDS = 300
INTERRUPTED = "\nInterrupted. Pages that have run are kept, build/html is what it was."
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # IPython colours its tracebacks also where nobody sees it
# the kernel lists the package's modules that it really loaded, to hold the import graph to the truth
LOADED = f"""\
print(*sorted(name for name in __import__("sys").modules if name.split(".")[0] == "{PACKAGE}"))"""


running: dict[Path, Any] = {}  # the kernels by their folders, to be ended at once where the build is interrupted


def execute(project: Project, page: Page, command: list[str], report: Any) -> list[list[Any]]:
    """Run the cells of ``page`` in a kernel of its own, which ``command`` starts, reporting each; return the outputs.

    Raises ExecutionError.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.source) for cell in code_cells(page.notebook)]
    )
    notebook.cells.append(nbformat.v4.new_code_cell(LOADED))
    with tempfile.TemporaryDirectory() as scratch:
        manager = _manager(command, Path(scratch))
        running[Path(scratch)] = manager
        client = NotebookClient(
            notebook,
            km=manager,
            shutdown_kernel="immediate",
            timeout=CELL_SECONDS,
            record_timing=False,
            resources={"metadata": {"path": scratch}},
            on_cell_start=lambda cell, cell_index: report(cell_index + 1),
            on_cell_executed=lambda cell, cell_index, execute_reply: _no_stderr(page, cell_index + 1, cell.outputs),
        )
        try:
            client.execute(cleanup_kc=True, env=_kernel_environment(project) | {"IPYTHONDIR": f"{scratch}/ipython"})
        except CellExecutionError as error:
            number = next(number for number, cell in enumerate(notebook.cells, 1) if _failed(cell))
            what = COLOUR.sub("", f"cell {number}: {error.ename}: {error.evalue}\n\n{error}")
            raise ExecutionError(f"{page.name}, {what}") from None
        except CellTimeoutError:
            raise ExecutionError(f"{page.name}: a cell ran longer than {CELL_SECONDS} s and was stopped") from None
        except DeadKernelError:
            raise ExecutionError(f"{page.name}: the kernel died (out of memory?)") from None
    *cells, loaded = notebook.cells
    _hold_imports_to_the_truth(project, page, loaded.outputs[0].text.split())
    return [_plain(cell.outputs) for cell in cells]


def _failed(cell: Any) -> bool:
    return any(output.output_type == "error" for output in cell.outputs)


def _manager(command: list[str], scratch: Path) -> Any:
    """What starts and ends the kernel: one of this very Python, whatever kernels the user has installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    # sockets in a folder of its own: no port that another process could reach or hold
    manager = AsyncKernelManager(
        connection_file=str(scratch / "kernel.json"), transport="ipc", ip=str(scratch / "kernel")
    )
    manager._kernel_spec = KernelSpec(argv=command, language="python")
    return manager


def _kernel_environment(project: Project) -> dict[str, str]:
    """One thread, no user settings, the seeds that are shown, the package from this checkout."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "IPYTHON", "JUPYTER", "MPL", "GENMODELS"))
    }
    threads = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
    environment |= {f"{library}_NUM_THREADS": "1" for library in threads} | {"VECLIB_MAXIMUM_THREADS": "1"}
    environment |= {"PYTHONPATH": str(project.root / "code"), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    return environment | {"CUDA_VISIBLE_DEVICES": ""}


def _hold_imports_to_the_truth(project: Project, page: Page, loaded: list[str]) -> None:
    """Raise where the kernel loaded a module that the digest does not know of (an import by computed name, say)."""
    known = imported_modules(project.package, "\n".join(cell.source for cell in code_cells(page.notebook)))
    unknown = sorted(set(loaded) - set(known))
    if unknown:
        raise ExecutionError(
            f"{page.name}: loads {', '.join(unknown)} without an import statement; its outputs would go stale unseen"
        )


def _no_stderr(page: Page, number: int, outputs: list[Any]) -> None:
    """Raise where a cell wrote to stderr: a warning is a fault of the page, and its text would end up on it."""
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise ExecutionError(f"{page.name}: cell {number} writes to stderr:\n{output.text.rstrip()}")


def _plain(outputs: list[Any]) -> list[Any]:
    """The outputs as plain JSON, without the running count, which the site gives anew."""
    return [
        {key: value for key, value in json.loads(json.dumps(output)).items() if key != "execution_count"}
        for output in outputs
    ]


def run(project: Project, jobs: int) -> list[Page]:
    """Execute what is not in the store, showing progress; return all pages. ExecutionError names all that fail."""
    pages, store = read_pages(project), Store(project.store)
    stale = [page for page in pages if store.get(page.digest) is None]
    clock.lap("looking for changes")
    if not stale:
        print(f"Cells: nothing to run, all {len(pages)} executed pages are up to date.", flush=True)
        return pages
    print(f"Cells: running {len(stale)} of {len(pages)} pages, {jobs} at a time.", flush=True)
    progress = Progress({page.name: len(code_cells(page.notebook)) for page in stale})
    failures: list[str] = []

    def work(page: Page) -> None:
        progress.start(page.name)
        try:
            outputs = execute(project, page, command, functools.partial(progress.cell, page.name))
            store.put(page.digest, page.name, outputs)
            progress.done(page.name)
        except ExecutionError as error:
            failures.append(str(error))
            progress.failed(page.name)

    stem = kernel.commands(common_libraries(project, stale), _kernel_environment(project))
    with progress, stem as command, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        try:
            # the longest first, as far as the number of cells tells
            list(pool.map(work, sorted(stale, key=lambda page: -len(code_cells(page.notebook)))))
        except KeyboardInterrupt:
            _leave()
    clock.share(progress.spent)
    if failures:
        raise ExecutionError("\n\n".join(failures))
    return pages


def _leave() -> NoReturn:
    """End the kernels and this process at once: a thread that waits for a cell cannot be interrupted."""
    for scratch, manager in running.items():
        if manager.has_kernel:
            manager.provisioner.process.kill()
        shutil.rmtree(scratch, ignore_errors=True)
    print(INTERRUPTED, file=sys.stderr, flush=True)
    os._exit(130)


class Progress:
    """Prints a line when a page starts, ends, and every few seconds between."""

    SECONDS = 10.0

    def __init__(self, cells: dict[str, int]) -> None:
        self.cells = cells
        self.at = dict.fromkeys(cells, 0)
        self.since: dict[str, float] = {}
        self.spent = {"kernels": 0.0, "cells": 0.0}  # seconds, of all pages together
        self.first: dict[str, float] = {}  # when a page's first cell began
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
        self.first.setdefault(name, time.monotonic())

    def done(self, name: str) -> None:
        """The page has run."""
        self._end(name, f"done, {self.cells[name]} cells")

    def failed(self, name: str) -> None:
        """The page has failed, in the cell that it had come to."""
        self._end(name, f"FAILED in cell {self.at[name]} of {self.cells[name]}")

    def _end(self, name: str, how: str) -> None:
        now, since = time.monotonic(), self.since.pop(name)
        first = self.first.get(name, now)
        self.spent["kernels"] += first - since
        self.spent["cells"] += now - first
        print(f"  {name}: {how}, {now - since:.0f} s", flush=True)

    def _tick(self) -> None:
        while not self.ended.wait(self.SECONDS):
            for name, since in list(self.since.items()):
                print(
                    f"  {name}: cell {self.at[name]} of {self.cells[name]}, {time.monotonic() - since:.0f} s",
                    flush=True,
                )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> int:
    """The command line: run what is stale and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--jobs", type=int, default=cores(), help="pages run at a time (default: one per core)")
    options = parser.parse_args()
    if options.jobs < 1:
        parser.error("--jobs must be at least 1")
    try:
        run(Project(root, root / "build"), options.jobs)
    except ExecutionError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
