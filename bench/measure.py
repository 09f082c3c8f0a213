"""Seconds, CPU seconds and peak memory of a command with everything that it starts.

CPU time is what the kernel accounts to a process when it is waited for, children included. A process whose parent has
gone becomes a child of this one, which waits for it: no kernel of a notebook is missed. Memory is the sum of the
proportional set sizes of all of them, so that shared pages count once. To look it up takes longer the more memory there
is: it is looked up ten times a second at most, and so seldom that the looking takes a hundredth of a core. Otherwise it
would slow down a build that uses all cores, and no other. For Linux only.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

BETWEEN = 0.1  # seconds from one look at the memory to the next, at least
SHARE = 0.01  # of a core, that looking may take
GRACE = 10.0  # seconds that processes left behind have to end
LONGEST = 3600.0
SET_CHILD_SUBREAPER = 36  # of prctl(2)


class MeasureError(Exception):
    """Nothing can be measured here; the message says why."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a command took, and what it said."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    peak: float  # megabytes
    code: int
    output: str


class Memory(threading.Thread):
    """Watches how much memory all processes below this one use; ``peak`` is the most, in megabytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        """Look until told to stop."""
        pause = BETWEEN
        while not self._over.wait(pause):
            before = time.thread_time()
            self.peak = max(self.peak, sum(map(_proportional, psutil.Process().children(recursive=True))))
            pause = max(BETWEEN, (time.thread_time() - before) / SHARE)

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self.join()


def _proportional(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.Error:  # it has ended meanwhile
        return 0.0


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Measured:
    """Run a command in a folder to its end, at most an hour. Raises MeasureError where this system is not Linux."""
    adopt_orphans()
    memory = Memory()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        limit = threading.Timer(LONGEST, os.killpg, (process.pid, signal.SIGKILL))
        limit.daemon = True
        limit.start()
        memory.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl+C does not reach the command, which is in a session of its own
            os.killpg(process.pid, signal.SIGKILL)
            raise
        wall = time.monotonic() - started
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime + _wait_for_orphans()
        memory.stop()
        said.seek(0)
        return Measured(wall, cpu, memory.peak, process.returncode, said.read())


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends. Raises MeasureError."""
    if sys.platform != "linux":
        raise MeasureError("Processes can be measured on Linux only: run this there, in a virtual machine for example.")
    if ctypes.CDLL(None, use_errno=True).prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise MeasureError(f"prctl: {os.strerror(ctypes.get_errno())}")


def _wait_for_orphans() -> float:
    """The CPU seconds of processes that the command left behind; those that do not end by themselves are ended."""
    total, patient_until = 0.0, time.monotonic() + GRACE
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return total
        total += usage.ru_utime + usage.ru_stime
        if pid == 0:
            if time.monotonic() > patient_until:
                for process in psutil.Process().children(recursive=True):
                    process.kill()
            time.sleep(BETWEEN)
