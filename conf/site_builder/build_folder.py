"""The build folder: one build at a time, and a published site that is always a whole one."""

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(build: Path) -> Iterator[int]:
    """Hold the build folder for this process alone; wait, and say so, while another build has it.

    Gives the lock's file descriptor: a process that inherits it holds the folder, too, until it ends.
    """
    build.mkdir(parents=True, exist_ok=True)
    if not os.access(build, os.W_OK):  # the file of the lock may be writable all the same
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(build))
    with (build / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another build is running here: waiting for it to end.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def clear(path: Path) -> None:
    """Remove what is there, a folder or a file, if anything."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put_in_place(fresh: Path, place: Path) -> None:
    """Make ``fresh`` what is at ``place``. Killed half-way, `bring_back` mends it."""
    old = place.with_name(f"{place.name}.old")
    clear(old)
    if place.exists():
        place.rename(old)
    fresh.rename(place)
    shutil.rmtree(old, ignore_errors=True)  # the site is published; the next build clears away


def bring_back(place: Path) -> None:
    """Put back what a build that was killed while it published has laid aside."""
    old = place.with_name(f"{place.name}.old")
    if old.exists() and not place.exists():
        old.rename(place)
