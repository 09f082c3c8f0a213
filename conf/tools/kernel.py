#!/usr/bin/env python3
"""Kernels that start at once: forks of one process that has loaded the large libraries.

Python, ipykernel and torch take seconds to load, for every page anew. Here one process, the stem, loads them once.
For each page it forks: the fork has loaded nothing of this package and run no cell, and ends with its page, so that
pages share no state. It runs where forking is safe, on Linux; elsewhere each kernel is a fresh Python.

Jupyter starts, watches and kills a process of its own, the follower. It asks the stem for a fork and lives exactly as
long as that: where one of them ends, the other does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType

REQUEST = 1 << 20  # bytes that a request may have: a command and an environment
# what a kernel loads of its own before its first cell
OWN = ("ipykernel.kernelapp", "ipykernel.debugger", "IPython.core.completerlib", "IPython.extensions.storemagic")
FRESH = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


@contextlib.contextmanager
def commands(modules: Iterable[str], environment: dict[str, str], prefix: str) -> Iterator[list[str]]:
    """Keep a stem that has loaded ``modules``; give the command that starts a kernel, ``{connection_file}`` in it.

    With ``prefix`` begins the name of a temporary folder.
    """
    if sys.platform != "linux":
        yield FRESH
        return
    # the stem removes the folder too, for a build that is killed cannot
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as folder:
        address = str(Path(folder) / "stem")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(address)
        listener.listen()
        # a terminal's Ctrl+C is for the build alone, which then ends the stem by closing its standard input
        stem = subprocess.Popen(
            [sys.executable, "-P", __file__, "stem", str(listener.fileno()), *modules],
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
            env=environment,
            start_new_session=True,
        )
        listener.close()
        try:
            yield [sys.executable, "-IS", "-X", "utf8", __file__, "follow", address, "-f", "{connection_file}"]
        finally:
            stem.communicate()


def follow(address: str, arguments: list[str]) -> int:
    """Ask the stem for a kernel with these arguments, in this folder and environment; end as it ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        line.connect(address)

        def pass_on(number: int, frame: FrameType | None) -> None:
            line.send(b"interrupt")

        signal.signal(signal.SIGINT, pass_on)
        request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(line, [json.dumps(request).encode()], [0, 1, 2])
        answer = line.recv(REQUEST)
    status = int(answer or 1)  # no answer: the stem is gone
    if status < 0:
        os.kill(os.getpid(), -status)
    return status


def stem(listener: socket.socket, modules: list[str]) -> None:
    """Load the modules, then fork a kernel for each follower, until standard input ends."""
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # else the debugger warns: it would miss a reader's breakpoints
    for name in (*OWN, *modules):
        with contextlib.suppress(ImportError):  # the page that imports it will tell
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else the first collection of every fork copies all of it
    kernels: dict[int, tuple[socket.socket, int]] = {}  # by file descriptor, of the line and of the process
    while True:
        for ready in select.select([0, listener.fileno(), *kernels], [], [])[0]:
            if ready == 0:
                _end(kernels)
                shutil.rmtree(Path(listener.getsockname()).parent, ignore_errors=True)
                return
            if ready == listener.fileno():
                line, _ = listener.accept()
                process = _fork(line, [listener, *(other for other, _ in kernels.values())])
                watched = os.pidfd_open(process)
                kernels |= {line.fileno(): (line, process), watched: (line, process)}
            elif ready in kernels:  # not ended by what came before it in this round
                _attend(kernels, ready)


def _attend(kernels: dict[int, tuple[socket.socket, int]], ready: int) -> None:
    """A kernel has ended, or its follower has a message for it or is gone."""
    line, process = kernels[ready]
    if ready == line.fileno():
        message = line.recv(REQUEST)
        os.kill(process, signal.SIGINT if message else signal.SIGKILL)
        if message:
            return
    _, status = os.waitpid(process, 0)
    with contextlib.suppress(OSError):  # the follower is gone
        line.send(str(os.waitstatus_to_exitcode(status)).encode())
    for descriptor in [key for key, (_, other) in kernels.items() if other == process]:
        if descriptor != line.fileno():
            os.close(descriptor)
        del kernels[descriptor]
    line.close()


def _end(kernels: dict[int, tuple[socket.socket, int]]) -> None:
    for process in {process for _, process in kernels.values()}:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _fork(line: socket.socket, others: list[socket.socket]) -> int:
    """Fork a kernel as the follower at the other end asks; return its process number."""
    request, descriptors, _, _ = socket.recv_fds(line, REQUEST, 3)
    process = os.fork()
    if process:
        for descriptor in descriptors:
            os.close(descriptor)
        return process
    status = 1
    try:
        for open_one in [line, *others]:
            open_one.close()
        _become(json.loads(request), descriptors)
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)


def _become(request: dict[str, object], descriptors: list[int]) -> None:
    """Be the kernel that the request describes, as if started by itself."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    folder, environment, arguments = (request[key] for key in ("folder", "environment", "arguments"))
    os.chdir(str(folder))
    os.environ.clear()
    os.environ.update(environment)  # type: ignore[call-overload]
    sys.argv = ["ipykernel_launcher", *arguments]  # type: ignore[misc]
    # NumPy's shared generator is seeded when it is loaded; a page that uses it unseeded must not look repeatable
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    IPKernelApp.launch_instance([*sys.argv[1:], f"--IPKernelApp.parent_handle={os.getppid()}"])


def main(arguments: list[str]) -> int:
    """The command line, which is not for people."""
    role, where, *rest = arguments
    if role == "follow":
        return follow(where, rest)
    stem(socket.socket(fileno=int(where)), rest)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
