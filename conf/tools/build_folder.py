"""The build folder: one build at a time, nothing half-made where a whole thing belongs, nothing left lying about."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

SEAL = "seal"  # lies in a sealed folder: the digest of all else in it


@contextlib.contextmanager
def locked(build: Path) -> Iterator[None]:
    """Hold the build folder for this process alone; wait, and say so, while another build has it."""
    build.mkdir(parents=True, exist_ok=True)
    if not os.access(build, os.W_OK):  # the file of the lock may be writable all the same
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(build))
    with (build / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another build is running here: waiting for it to end.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def scratch_prefix(build: Path) -> str:
    """How the names of this build folder's temporary folders begin.

    They lie where the system keeps such: sockets need short paths.
    """
    return f"pages-{hashlib.sha256(os.fsencode(build.resolve())).hexdigest()[:12]}-"


def sweep(build: Path) -> None:
    """Remove the temporary folders that a killed build has left; the caller holds the build folder."""
    for leftover in Path(tempfile.gettempdir()).glob(f"{scratch_prefix(build)}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def clear(path: Path) -> None:
    """Remove what is there, a folder or a file, if anything."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put_in_place(fresh: Path, place: Path) -> None:
    """Make ``fresh`` what is at ``place``; whoever looks finds the old folder or the new one, and never none."""
    if place.exists():
        _exchange(fresh, place)
        shutil.rmtree(fresh, ignore_errors=True)  # the site is published; the next build clears away
    else:
        fresh.rename(place)


def _exchange(first: Path, second: Path) -> None:
    """Exchange two folders in one step, which Python's own library does not offer; in two where there is no such."""
    library = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(first), os.fsencode(second)
    if hasattr(library, "renameat2"):
        here = ctypes.c_int(-100)  # AT_FDCWD
        done = library.renameat2(here, names[0], here, names[1], ctypes.c_uint(2))  # RENAME_EXCHANGE
    elif hasattr(library, "renamex_np"):  # macOS
        done = library.renamex_np(*names, ctypes.c_uint(2))  # RENAME_SWAP
    else:
        ctypes.set_errno(errno.ENOSYS)
        done = -1
    if done == 0:
        return
    error = ctypes.get_errno()
    if error not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # a file system that cannot
        raise OSError(error, os.strerror(error), str(second))
    aside = _aside(second)
    second.rename(aside)
    first.rename(second)
    aside.rename(first)


def _aside(place: Path) -> Path:
    return place.with_name(f"{place.name}.aside")


def bring_back(place: Path) -> None:
    """Put back what a build that was killed between two renames has laid aside."""
    if _aside(place).exists():
        if place.exists():
            shutil.rmtree(_aside(place))
        else:
            _aside(place).rename(place)


def packages() -> list[str]:
    """Python and the packages installed, with their versions, as the names of their folders tell them."""
    return [sys.version, *sorted(name for name in os.listdir(sysconfig.get_path("purelib")) if name.endswith("-info"))]


def seal(folder: Path) -> None:
    """Note what is in the folder and what made it."""
    (folder / SEAL).write_text(_digest(folder), encoding="utf-8")


def is_sealed(folder: Path) -> bool:
    """Whether the folder is what it was when it was sealed, and was made by the versions that are installed now."""
    try:
        return (folder / SEAL).read_text(encoding="utf-8") == _digest(folder)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(folder: Path) -> str:
    digest = hashlib.sha256("\n".join(packages()).encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SEAL):
        digest.update(f"{path.relative_to(folder).as_posix()}\n".encode(errors="surrogateescape"))
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
