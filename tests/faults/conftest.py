"""A small site that is built once and copied for each test, which does to its building what happens to builds."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_site import build_one, copied
from tried_site import TriedSite


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small site that has been built, once for all tests."""
    return build_one(tmp_path_factory.mktemp("built") / "site")


@pytest.fixture
def outside() -> Iterator[Path]:
    """A home and a folder for temporary files; with a short path, for there are sockets in it."""
    folder = Path(tempfile.mkdtemp(prefix="outside-"))
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def site(built: Path, tmp_path: Path, outside: Path) -> TriedSite:
    """A copy of the built site for one test."""
    made = copied(TriedSite, built, tmp_path / "site")
    made.outside, made.whole = outside, made.html
    return made


@pytest.fixture(scope="session")
def unprivileged() -> Callable[[], None]:
    """What a process does before it becomes the build so that permissions count for it, also where root runs the tests.

    Root without two of its capabilities is a user like others; no other user, no mount and no container is needed.
    """
    if os.geteuid() != 0:
        return lambda: None
    libc = ctypes.CDLL(None, use_errno=True)

    def drop() -> None:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            if libc.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP: gone with the next program that starts
                raise OSError(ctypes.get_errno(), "permissions do not hold back this root: run the tests as a user")

    return drop
