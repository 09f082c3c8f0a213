"""Run the pages that are stale: several at a time, each in a process of its own, forked where that is safe.

The processes are those of Python's own multiprocessing: on Linux forks of one that has loaded the large libraries,
elsewhere fresh ones.
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from site_builder import cell_process, dependencies
from site_builder.cell_process import CELL_CHARACTERS
from site_builder.outputs import Store
from site_builder.pages import ExecutionError, Page, read_pages

CELL_SECONDS = 300.0
TELL_EVERY = 10.0  # seconds
Outputs = list[list[dict[str, Any]]]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_stale(root: Path, store: Store, build: Path, jobs: int, seconds: float = CELL_SECONDS) -> list[Page]:
    """Run what is not in the store, telling how far it is; return all pages. The caller holds the build folder.

    Raises ExecutionError with a message for each page that fails; the others are kept.
    """
    pages = read_pages(root)
    stale = [page for page in pages if store.get(page.digest) is None]
    if not stale:
        print(f"Cells: nothing to run, all {len(pages)} executed pages are up to date.", flush=True)
        return pages
    print(f"Cells: running {len(stale)} of {len(pages)} pages, {jobs} at a time.", flush=True)
    failures: list[str] = []

    def finished(page: Page, outputs: Outputs | ExecutionError) -> None:
        if not isinstance(outputs, ExecutionError) and (changed := _changed(root, page)):
            outputs = ExecutionError(
                f"{page.name}: {', '.join(changed)} changed while its cells ran, and nobody knows what they computed "
                "with. Build again"
            )
        if isinstance(outputs, ExecutionError):
            failures.append(str(outputs))
        else:
            store.put(page.digest, outputs)

    # the longest first, as far as the length of the code tells
    order = sorted(stale, key=lambda page: -sum(len(cell.source) for cell in page.cells))
    run_pages(root, build, order, jobs, seconds, finished)
    if failures:
        raise ExecutionError("\n\n".join(failures))
    return pages


def _changed(root: Path, page: Page) -> list[str]:
    """Which of the files that the page's outputs depend on are not what they were when the pages were read."""
    paths = dependencies.files(root, [cell.source for cell in page.cells])
    changed = (path for path in paths if dependencies.current_digest(path) != dependencies.file_digest(path))
    return [path.relative_to(root).as_posix() for path in changed]


@dataclasses.dataclass
class Running:
    """A page that runs."""

    page: Page
    process: Any
    connection: Connection
    scratch: tempfile.TemporaryDirectory[str]
    began: float
    deadline: float
    outputs: Outputs = dataclasses.field(default_factory=list)

    @property
    def number(self) -> int:
        """The cell that runs, counted from 1."""
        return min(len(self.outputs) + 1, len(self.page.cells))

    def end(self) -> None:
        """Stop the process, if it has not ended, and clear away what it wrote."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.scratch.cleanup()


def run_pages(
    root: Path,
    build: Path,
    pages: list[Page],
    jobs: int,
    seconds: float,
    finished: Callable[[Page, Outputs | ExecutionError], None],
) -> None:
    """Run these pages and hand over what each gave; no cell may take longer than so many seconds."""
    waiting, running = list(pages), dict[Connection, Running]()
    context = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
    context.set_forkserver_preload(_preloaded(root, pages))
    tell = time.monotonic() + TELL_EVERY
    with cell_process.surroundings(build):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    one = _start(context, root, waiting.pop(0), seconds)
                    running[one.connection] = one
                now = time.monotonic()
                soon = min(tell, *(one.deadline for one in running.values()))
                ready = wait(list(running), timeout=max(0.0, soon - now))
                for connection in list(running):
                    one = running[connection]
                    result = _attend(root, one, connection in ready, seconds)
                    if result is not None:
                        del running[connection]
                        one.end()
                        _say_end(one, result)
                        finished(one.page, result)
                if time.monotonic() >= tell:
                    tell += TELL_EVERY
                    for one in running.values():
                        _say(one, f"cell {one.number} of {len(one.page.cells)}")
        finally:
            for one in running.values():
                one.end()


def _preloaded(root: Path, pages: list[Page]) -> list[str]:
    """Of the large libraries those that some page uses, directly or not."""
    cells = [cell.source for page in pages for cell in page.cells]
    modules = (path for path in dependencies.files(root, cells) if path.suffix == ".py")
    text = "\n".join([*cells, *(path.read_text(encoding="utf-8") for path in modules), "import IPython"])
    return [
        name for name in cell_process.PRELOADED if re.search(rf"^(from|import) {name.partition('.')[0]}", text, re.M)
    ]


def _start(context: Any, root: Path, page: Page, seconds: float) -> Running:
    scratch = tempfile.TemporaryDirectory(prefix="page-", ignore_cleanup_errors=True)
    ours, theirs = context.Pipe(duplex=False)
    work = ([cell.source for cell in page.cells], str(root / "code"), scratch.name, theirs)
    process = context.Process(target=cell_process.run_page, args=work)
    process.start()
    theirs.close()
    now = time.monotonic()
    return Running(page, process, ours, scratch, now, now + seconds)


def _attend(root: Path, one: Running, ready: bool, seconds: float) -> Outputs | ExecutionError | None:
    """Take what the page has to say; return all its outputs, or what is wrong with it, once it has ended."""
    if not ready:
        if time.monotonic() < one.deadline:
            return None
        return _fault(root, one, f"ran longer than {seconds:g} s and was stopped. Do less in it, or allow it more: "
                      "python -m site_builder html --cell-seconds")  # fmt: skip
    try:
        kind, *said = one.connection.recv()
    except EOFError:
        return _fault(root, one, "its Python died (killed for lack of memory, or a crash in compiled code)")
    if kind == "error":
        name, message, trace = said
        line = re.search(rf"Cell In\[{one.number}\], line (\d+)", trace)
        what = _shortened(f"{name}: {message}\n\n{trace}")
        return _fault(root, one, what, int(line[1]) if line else 1)
    if kind == "loaded":
        return _unknown_imports(root, one.page, said[0]) or one.outputs
    if fault := _too_much(said[0]):
        return _fault(root, one, fault)
    one.outputs.append(said[0])
    one.deadline = time.monotonic() + seconds
    return None


def _fault(root: Path, one: Running, what: str, line: int = 1) -> ExecutionError:
    """What is wrong with the cell that runs, and the place in the page's file."""
    place = f"docs/{one.page.name}.md:{one.page.line_of(root, one.number, line)}"
    return ExecutionError(f"{one.page.name}, cell {one.number}: {what}\n{place}")


def _shortened(text: str, characters: int = 10_000) -> str:
    """The text, of a longer one its beginning and, the longer part, its end."""
    left_out = len(text) - characters
    if left_out <= 0:
        return text
    return f"{text[: characters // 4]}\n[... {left_out:,} characters left out ...]\n{text[-3 * characters // 4 :]}"


def _too_much(outputs: list[dict[str, Any]]) -> str:
    """What is wrong with a cell that warns, which would end up on the page, or hands readers too much text."""
    text = 0
    for output in outputs:
        if output.get("name") == "stderr":
            return f"writes to stderr:\n{output['text'].rstrip()}"
        text += sum(len(str(output.get("data", {}).get(kind, ""))) for kind in ("text/plain", "text/html"))
    return (
        f"shows {text:,} characters, more than {CELL_CHARACTERS:,}: show what readers need"
        if text > CELL_CHARACTERS
        else ""
    )


def _unknown_imports(root: Path, page: Page, loaded: list[str]) -> ExecutionError | None:
    """Where the page loaded a module that its digest does not know of (an import by computed name, say)."""
    source = "\n".join(cell.source for cell in page.cells)
    unknown = sorted(set(loaded) - set(dependencies.imported_modules(root / "code" / dependencies.PACKAGE, source)))
    if not unknown:
        return None
    return ExecutionError(
        f"{page.name}: loads {', '.join(unknown)} without an import statement; its outputs would go stale unseen"
    )


def _say(one: Running, what: str) -> None:
    print(f"  {one.page.name}: {what}, {time.monotonic() - one.began:.0f} s", flush=True)


def _say_end(one: Running, result: Outputs | ExecutionError) -> None:
    cells = len(one.page.cells)
    if isinstance(result, ExecutionError):
        _say(one, f"FAILED in cell {one.number} of {cells}")
    else:
        _say(one, f"done, {cells} cell{'s' * (cells != 1)}")
