"""Ctrl+C ends a build, also where a library would catch it: Sphinx takes it for a fault of the module it imports."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

INTERRUPTED = "\nInterrupted. Pages that have run are kept, build/html is what it was."
STATUS = 130  # as shells say it: 128, and the number of the signal


@contextlib.contextmanager
def at_once(tidy: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Inside, an interruption ends this process as a kill would, after ``tidy``; nothing catches it on its way.

    What is published survives kills, and so do the caches. Where Ctrl+C is ignored, or someone else sees to it, nothing
    changes; neither does it in a thread.
    """

    def end(*_: object) -> None:
        tidy()
        os.write(2, f"{INTERRUPTED}\n".encode())  # print may have been what was interrupted, and refuse
        os._exit(STATUS)

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
