"""What runs the cells of one page: a process of its own, which shares nothing with other pages.

All that may change a page's outputs, beside what the page imports, stands in this file: its digest is part of theirs.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

CELL_CHARACTERS = 200_000  # a reader skips a page of numbers; a browser stumbles over a megabyte
# loaded once and forked for each page: what takes seconds to load, and does nothing but define
PRELOADED = ["IPython.core.interactiveshell", "matplotlib.figure", "scipy.optimize", "scipy.stats", "torch"]
THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")
READERS_OWN = ("PYTHON", "IPYTHON", "JUPYTER", "MPL", "GENMODELS")  # how names of a user's settings begin
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def surroundings(build: Path) -> Iterator[None]:
    """Give the processes started meanwhile one thread, no user's settings, and the seeds that are shown."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith(READERS_OWN)]:
        del os.environ[name]
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in THREADS} | {"VECLIB_MAXIMUM_THREADS": "1"})
    os.environ.update({"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", "LC_ALL": "C"})
    os.environ.update({"CUDA_VISIBLE_DEVICES": "", "MPLCONFIGDIR": str(build.resolve() / "matplotlib")})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


class TooMuchError(Exception):
    """A cell prints too much."""


class Stream(io.TextIOBase):
    """Standard output or error of a cell, among its outputs."""

    def __init__(self, name: str, outputs: list[dict[str, Any]]) -> None:
        self.stream, self.outputs, self.written = name, outputs, 0

    def write(self, text: str) -> int:
        """Add to what was printed last, unless something else has been shown since."""
        self.written += len(text)
        if self.written > CELL_CHARACTERS:
            raise TooMuchError(f"this cell prints more than {CELL_CHARACTERS:,} characters: print what readers need")
        if not self.outputs or self.outputs[-1].get("name") != self.stream:
            self.outputs.append({"output_type": "stream", "name": self.stream, "text": ""})
        self.outputs[-1]["text"] += text
        return len(text)


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """What is shown, as JSON can say it: pictures in base64."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value for kind, value in data.items()
    }


def _shell(outputs: list[dict[str, Any]]) -> Any:
    """An IPython that puts what cells show into this list, and keeps no history."""
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Publisher(DisplayPublisher):
        def publish(self, data: Any, metadata: Any = None, source: Any = None, **_: Any) -> None:
            outputs.append({"output_type": "display_data", "data": _plain(data), "metadata": metadata or {}})

    class Hook(DisplayHook):
        def write_output_prompt(self) -> None:
            pass

        def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
            shown = {"data": _plain(format_dict), "metadata": md_dict or {}, "execution_count": self.prompt_count}
            outputs.append({"output_type": "execute_result"} | shown)

        def finish_displayhook(self) -> None:
            pass

    class Shell(InteractiveShell):
        display_pub_class = Publisher
        displayhook_class = Hook

    shell: Any = Shell.instance(config=Config({"HistoryManager": {"enabled": False}, "Shell": {"colors": "nocolor"}}))
    drawings = shell.display_formatter.formatters["image/svg+xml"]  # pages take these, notebooks the PNG
    drawings.for_type_by_name("genmodels.site.figures", "Panels", lambda figure: figure.svg())
    return shell


def run_page(cells: list[str], code: str, scratch: str, connection: Connection) -> None:
    """Run the cells in the folder ``scratch``, with the package from the folder ``code``; report each.

    After a cell comes ("outputs", list) or, at the end, ("error", name, message, traceback); after the last one
    ("loaded", the names of the package's modules that were loaded).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl+C is for the build alone, which ends this
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.chdir(scratch)
    os.environ.update({"IPYTHONDIR": scratch, "TMPDIR": scratch})
    sys.path.insert(0, code)
    said = open("stderr", "w+b", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(said.fileno(), 2)
    if "numpy" in sys.modules:  # its shared generator was seeded before the fork: what uses it must not look repeatable
        sys.modules["numpy"].random.seed()
    outputs: list[dict[str, Any]] = []
    shell = _shell(outputs)
    for source in cells:
        outputs.clear()
        printed = [Stream(name, outputs) for name in ("stdout", "stderr")]
        with contextlib.redirect_stdout(printed[0]), contextlib.redirect_stderr(printed[1]):
            result = shell.run_cell(source, store_history=True)
        if error := result.error_before_exec or result.error_in_exec:
            trace = "".join(output.get("text", "") for output in outputs[-1:])
            connection.send(("error", type(error).__name__, str(error), COLOUR.sub("", trace)))
            return
        said.seek(0)
        if text := said.read().decode(errors="replace"):
            said.truncate(0)
            outputs.append({"output_type": "stream", "name": "stderr", "text": text})
        connection.send(("outputs", outputs))
    connection.send(("loaded", [name for name in sys.modules if name.partition(".")[0] == "genmodels"]))


def _end_with_parent() -> None:
    """End at once where the build has been killed."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
