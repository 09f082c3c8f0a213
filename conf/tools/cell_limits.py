"""What the cells of a page may not do: write outside their own folder, and print without end.

Loaded into each kernel before the first cell. A write is refused before anything is changed, in the cell that tried
it, so that the culprit is known however many pages run at a time. This keeps mistakes from doing harm, and is no
fence against malice: compiled code and other programs are not watched.
"""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# of the events that Python reports before it changes a file: where among the arguments the paths are, and for each the
# folder that it is seen from
CHANGES: dict[str, tuple[tuple[int, int | None], ...]] = {
    "os.chmod": ((0, 2),),
    "os.chown": ((0, 3),),
    "os.link": ((1, 3),),
    "os.mkdir": ((0, 2),),
    "os.remove": ((0, 1),),
    "os.rename": ((0, 2), (1, 3)),
    "os.rmdir": ((0, 1),),
    "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),),
    "os.utime": ((0, 3),),
    "sqlite3.connect": ((0, None),),
}
# of these, the ones that change a link itself and not what it leads to
ON_LINKS = {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"}


class OutsideError(PermissionError):
    """A cell would have changed a file outside its folder."""


class TooMuchError(Exception):
    """A cell prints too much."""


def install(own: Sequence[str], characters: int) -> None:
    """Hold this process to its limits: it changes only what lies in the folders ``own``, and prints little in a cell.

    The first of the folders is for temporary files.
    """
    tempfile.tempdir = os.environ["TMPDIR"] = own[0]
    _watch_files(tuple(map(os.path.realpath, own)))
    _watch_prints(characters)


def _watch_files(own: tuple[str, ...]) -> None:
    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if flags & WRITING:
                refuse(path, None, follow=True)
        elif event in CHANGES:
            for place, seen_from in CHANGES[event]:
                folder = None if seen_from is None else arguments[seen_from]
                refuse(arguments[place], folder, follow=event not in ON_LINKS)

    def refuse(path: Any, folder: int | None, follow: bool) -> None:
        if isinstance(path, int) or path in (":memory:", ""):  # open already, or no file
            return
        real = _real(os.fsdecode(path), folder, follow)
        if not f"{real}{os.sep}".startswith(("/dev/", *(place + os.sep for place in own))):
            raise OutsideError(f"a cell may change files in its working folder alone; this one would change {real}")

    sys.addaudithook(hook)


def _real(path: str, folder: int | None, follow: bool) -> str:
    """The path without links; seen from a folder's descriptor, or from the current folder."""
    if folder is not None and folder >= 0:
        seen_from = (
            os.fsdecode(fcntl.fcntl(folder, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))  # type: ignore[attr-defined]
            if sys.platform == "darwin"
            else os.readlink(f"/proc/self/fd/{folder}")
        )
        path = os.path.join(seen_from, path)
    if follow:
        return os.path.realpath(path)
    parent, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(parent), name)


def _watch_prints(characters: int) -> None:
    from IPython.core.getipython import get_ipython

    def watch(*_: Any) -> None:
        write, printed = sys.stdout.write, 0

        def counted(text: str) -> int:
            nonlocal printed
            printed += len(text)
            if printed > characters:
                raise TooMuchError(f"this cell prints more than {characters:,} characters: print what readers need")
            return write(text)

        sys.stdout.write = counted  # type: ignore[method-assign]

    # anew for each cell: IPython puts the stream's own method back when a cell has ended
    shell: Any = get_ipython()
    shell.events.register("pre_run_cell", watch)
