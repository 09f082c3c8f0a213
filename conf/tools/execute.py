"""Execute the pages: every page whose cells or whatever they depend on changed, in parallel, one thread each."""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import advice
import interruption
import kernel
import utf8
from build_folder import locked, scratch_prefix, sweep
from pages import (
    PACKAGE,
    ExecutionError,
    Page,
    Project,
    Store,
    changed,
    code_cells,
    common_libraries,
    imported_modules,
    line_of,
    read_pages,
)
from stages import clock

CELL_SECONDS = 300.0
CELL_CHARACTERS = 200_000  # a reader skips a page of numbers; a browser stumbles over a megabyte
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # IPython colours its tracebacks also where nobody sees it
COUNT = re.compile(r"Cell In\[(\d+)\]")
# the kernel lists the package's modules that it really loaded, to hold the import graph to the truth
LOADED = f"""\
print(*sorted(name for name in __import__("sys").modules if name.split(".")[0] == "{PACKAGE}"))"""


running: dict[Path, Any] = {}  # the kernels by their folders, to be ended at once where the build is interrupted


def execute(
    project: Project, page: Page, command: list[str], report: Any, seconds: float = CELL_SECONDS
) -> list[list[Any]]:
    """Run the cells of ``page`` in a kernel of its own, which ``command`` starts, reporting each; return the outputs.

    No cell may take longer than so many seconds. Raises ExecutionError.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell.source) for cell in code_cells(page.notebook)]
    )
    number = 1

    def begin(cell: Any, cell_index: int) -> None:
        nonlocal number
        number = cell_index
        report(cell_index)

    def finish(cell: Any, cell_index: int, execute_reply: Any) -> None:
        _check_text(fault, cell.outputs)
        if cell is notebook.cells[-1]:
            _end(manager)  # at once: nbclient would kill it, too, and look ten times a second whether it has ended

    def fault(what: str, line: int = 1) -> ExecutionError:
        """What is wrong with the cell that runs, and the place in the page's file, where it is known."""
        cells = len(code_cells(page.notebook))
        place = f"docs/{page.name}.md:{line_of(project, page, number) + line - 1}" if number <= cells else ""
        return ExecutionError(f"{page.name}, cell {number}: {what}" + (f"\n{place}" if place else ""))

    notebook.cells.append(nbformat.v4.new_code_cell(LOADED))
    with tempfile.TemporaryDirectory(prefix=scratch_prefix(project.build)) as scratch:
        notebook.cells.insert(0, nbformat.v4.new_code_cell(_limits(project, scratch)))  # the page's own count from 1
        manager = _manager(command, Path(scratch))
        running[Path(scratch)] = manager
        client = NotebookClient(
            notebook,
            km=manager,
            shutdown_kernel="immediate",
            timeout=seconds,
            record_timing=False,
            resources={"metadata": {"path": scratch}},
            on_cell_start=begin,
            on_cell_executed=finish,
        )
        try:
            with open(os.path.join(scratch, "kernel.log"), "wb") as log:  # what it says as it dies is for no reader
                own = {f"JUPYTER_{what}_DIR": f"{scratch}/jupyter" for what in ("CONFIG", "DATA", "RUNTIME")}
                environment = _kernel_environment(project) | own | {"IPYTHONDIR": f"{scratch}/ipython"}
                client.execute(cleanup_kc=True, env=environment, stdout=log, stderr=log)
        except CellExecutionError as error:
            # the cell of the limits has been counted, too
            told = COUNT.sub(lambda count: f"Cell {int(count[1]) - 1}", COLOUR.sub("", str(error)))
            line = re.search(rf"Cell {number}, line (\d+)", told)
            what = _shortened(f"{error.ename}: {COLOUR.sub('', error.evalue)}\n\n{told}")
            raise fault(what, int(line[1]) if line else 1) from None
        except CellTimeoutError:
            raise fault(
                f"ran longer than {seconds:g} s and was stopped. Do less in it, or allow it more: "
                "conf/tools/build.py --cell-seconds"
            ) from None
        except DeadKernelError:
            raise fault("its Python died (killed for lack of memory, or a crash in compiled code)") from None
        except RuntimeError as error:
            raise ExecutionError(f"{page.name}: its Python did not start: {error}") from None
    if files := changed(project, page):
        raise ExecutionError(
            f"{page.name}: {', '.join(files)} changed while its cells ran, and nobody knows what they computed with. "
            "Build again"
        )
    _, *cells, loaded = notebook.cells
    _hold_imports_to_the_truth(project, page, loaded.outputs[0].text.split())
    return [_plain(cell.outputs) for cell in cells]


def _end(manager: Any) -> None:
    """Kill the kernel and wait for its end."""
    if manager.has_kernel:
        manager.provisioner.process.kill()
        manager.provisioner.process.wait()


def _shortened(text: str, characters: int = 10_000) -> str:
    """The text, of a longer one its beginning and, the longer part, its end."""
    left_out = len(text) - characters
    if left_out <= 0:
        return text
    return f"{text[: characters // 4]}\n[... {left_out:,} characters left out ...]\n{text[-3 * characters // 4 :]}"


def _limits(project: Project, scratch: str) -> str:
    """The cell that holds the kernel to what cells may do; it leaves no name behind."""
    own = [os.path.realpath(scratch), str(fonts(project))]
    tools = str(Path(__file__).parent)
    return f"""\
__import__("sys").path.insert(0, {tools!r})
__import__("cell_limits").install({own!r}, {CELL_CHARACTERS})
__import__("sys").path.remove({tools!r})"""


def fonts(project: Project) -> Path:
    """Where matplotlib keeps what it knows of fonts, found once; the settings of its user stay out of the figures."""
    return project.build.resolve() / "matplotlib"


def _manager(command: list[str], scratch: Path) -> Any:
    """What starts and ends the kernel: one of this very Python, whatever kernels the user has installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from prompt_client import PromptClient

    # sockets in a folder of its own: no port that another process could reach or hold
    manager = AsyncKernelManager(
        connection_file=str(scratch / "kernel.json"),
        transport="ipc",
        ip=str(scratch / "kernel"),
        client_factory=PromptClient,
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
    # neither the reader's language nor the reader's home: not for reading, not for writing
    environment |= {"LC_ALL": "C", "PYTHONUTF8": "1", "MPLCONFIGDIR": str(fonts(project))}
    return environment | {"CUDA_VISIBLE_DEVICES": ""}


def _hold_imports_to_the_truth(project: Project, page: Page, loaded: list[str]) -> None:
    """Raise where the kernel loaded a module that the digest does not know of (an import by computed name, say)."""
    known = imported_modules(project.package, "\n".join(cell.source for cell in code_cells(page.notebook)))
    unknown = sorted(set(loaded) - set(known))
    if unknown:
        raise ExecutionError(
            f"{page.name}: loads {', '.join(unknown)} without an import statement; its outputs would go stale unseen"
        )


def _check_text(fault: Callable[[str], ExecutionError], outputs: list[Any]) -> None:
    """Raise where a cell wrote to stderr, a warning that would end up on the page, or hands readers too much text."""
    text = 0
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise fault(f"writes to stderr:\n{output.text.rstrip()}")
        text += sum(len(str(output.get("data", {}).get(kind, ""))) for kind in ("text/plain", "text/html"))
    if text > CELL_CHARACTERS:
        raise fault(f"shows {text:,} characters, more than {CELL_CHARACTERS:,}: show what readers need")


def _plain(outputs: list[Any]) -> list[Any]:
    """The outputs as plain JSON, without the running count, which the site gives anew."""
    return [
        {key: value for key, value in json.loads(json.dumps(output)).items() if key != "execution_count"}
        for output in outputs
    ]


def run(
    project: Project,
    store: Store,
    jobs: int,
    seconds: float = CELL_SECONDS,
    meanwhile: Callable[[Iterable[str]], None] = lambda libraries: None,
) -> list[Page]:
    """Execute what is not in the store, showing progress; return all pages. ExecutionError names all that fail.

    ``meanwhile`` is called with the libraries' names while these are loaded for the kernels: of two cores one is idle
    then. The caller holds the build folder.
    """
    sweep(project.build)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it reports what is left of a kernel that was stopped
    pages = read_pages(project)
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
            outputs = execute(project, page, command, functools.partial(progress.cell, page.name), seconds)
            store.put(page.digest, outputs)
            progress.done(page.name)
        except ExecutionError as error:
            failures.append(str(error))
            progress.failed(page.name)
        except OSError:
            progress.failed(page.name)
            raise

    libraries = common_libraries(project, stale)
    stem = kernel.commands(libraries, _kernel_environment(project), scratch_prefix(project.build))
    # at once, for a thread that waits for a cell cannot be interrupted
    ending = interruption.at_once(_end_kernels)
    with ending, progress, stem as command, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        meanwhile(libraries)
        clock.lap("loading")
        # the longest first, as far as the number of cells tells
        list(pool.map(work, sorted(stale, key=lambda page: -len(code_cells(page.notebook)))))
    clock.share(progress.spent)
    if failures:
        raise ExecutionError("\n\n".join(failures))
    return pages


def _end_kernels() -> None:
    for scratch, manager in list(running.items()):
        _end(manager)
        shutil.rmtree(scratch, ignore_errors=True)


class Progress:
    """Prints a line when a page starts, ends, and every few seconds between."""

    SECONDS = 10.0

    def __init__(self, cells: dict[str, int]) -> None:
        self.cells = cells
        self.at = dict.fromkeys(cells, 0)
        self.since: dict[str, float] = {}
        self.spent = {"kernels": 0.0, "cells": 0.0}  # seconds, of all pages together
        self.first: dict[str, float] = {}  # when a page's first cell began
        self.saying = threading.Lock()  # print writes a line and its end one after the other
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
        self._end(name, f"done, {self.cells[name]} cell{'s' * (self.cells[name] != 1)}")

    def failed(self, name: str) -> None:
        """The page has failed, in the cell that it had come to."""
        self._end(name, f"FAILED in cell {self.at[name]} of {self.cells[name]}")

    def _end(self, name: str, how: str) -> None:
        now, since = time.monotonic(), self.since.pop(name)
        first = self.first.get(name, now)
        self.spent["kernels"] += first - since
        self.spent["cells"] += now - first
        self._say(f"  {name}: {how}, {now - since:.0f} s")

    def _say(self, line: str) -> None:
        with self.saying:
            print(line, flush=True)

    def _tick(self) -> None:
        while not self.ended.wait(self.SECONDS):
            for name, since in list(self.since.items()):
                self._say(f"  {name}: cell {self.at[name]} of {self.cells[name]}, {time.monotonic() - since:.0f} s")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of everything that runs pages."""
    parser.add_argument(
        "--jobs", type=_positive(int), default=cores(), help="pages run at a time (default: one a core)"
    )
    parser.add_argument(
        "--cell-seconds",
        type=_positive(float),
        default=CELL_SECONDS,
        metavar="SECONDS",
        help=f"how long a cell may run before its page fails (default: {CELL_SECONDS:g})",
    )


def _positive(number: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of positive numbers."""

    def read(text: str) -> Any:
        if not (value := number(text)) > 0:
            raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
        return value

    return read


def main() -> int:
    """The command line: run what is stale and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    options = parser.parse_args()
    root = Path(__file__).resolve().parents[2]
    project = Project(root, root / "build")
    try:
        with locked(project.build):
            run(project, Store(project.store), options.jobs, options.cell_seconds)
    except ExecutionError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{advice.from_os_error(error, advice.BUILD)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(interruption.INTERRUPTED, file=sys.stderr)
        return interruption.STATUS
    return 0


if __name__ == "__main__":
    utf8.insist()
    sys.exit(main())
