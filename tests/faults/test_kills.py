"""Builds that are killed, at random moments and at the worst: what is published is whole, and the next one goes on."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import build_folder
import pytest
from small_site import Site, wait_for
from tried_site import CACHES, CELL, LONG, TriedSite, contents

SEED = 20261123
TITLES = ("# Page", "# The page")  # the two versions of the site between which the builds go back and forth


def write(site: Site, version: int) -> None:
    """Make the sources those of a version; in both pages the text and the cells differ."""
    for name in ("one", "two"):
        path = site.root / f"docs/{name}.md"
        text = path.read_text(encoding="utf-8")
        text = text.replace(TITLES[1 - version], TITLES[version])
        text = text.replace(f"axes.plot([0, {2 - version}])", f"axes.plot([0, {1 + version}])")
        path.write_text(text, encoding="utf-8")


def alive(site: TriedSite) -> list[int]:
    """The processes that work for a build of this site, on systems where these can be listed."""
    mark = f"TMPDIR={site.outside}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:  # ended, or another user's
            continue
    return found


def wait_for_all_to_end(site: TriedSite, seconds: float = 20) -> None:
    """Kernels end by themselves soon after the build that started them is gone."""
    end = time.monotonic() + seconds
    while running := alive(site):
        assert time.monotonic() < end, running
        time.sleep(0.2)


@pytest.fixture
def versions(tmp_path: Path) -> list[tuple[dict[str, str], float]]:
    """What a build that nobody kills publishes of each version, and how long it takes."""
    found = []
    for version in (0, 1):
        clean = Site(tmp_path / f"clean{version}")
        write(clean, version)
        began = time.monotonic()
        code, output = clean.build()
        assert code == 0, output
        found.append((contents(clean.root / "build/html"), time.monotonic() - began))
    return found


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=LONG)])
def test_builds_killed_at_random_moments_are_continued(site: TriedSite, versions, kills: int) -> None:
    """A build that comes to its end before it is killed is followed by one of the other version, with empty caches."""
    moments, seconds = random.Random(SEED), max(seconds for _, seconds in versions)
    version, killed, published = 1, 0, site.html
    assert published == versions[0][0] != versions[1][0]
    write(site, version)
    while killed < kills:
        process = site.start()
        time.sleep(moments.uniform(0, 1.1 * seconds))
        ended = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        before, published = published, site.html
        assert published in (before, versions[version][0]), f"killed {killed} times before\n{output}"
        if ended:
            assert (process.returncode, published) == (0, versions[version][0]), output
            version = 1 - version
            write(site, version)
            for cache in CACHES:
                shutil.rmtree(site.root / "build" / cache)
        else:
            killed += 1
            print(f"killed {killed} of {kills}", flush=True)
    site.whole = versions[version][0]
    wait_for_all_to_end(site)
    site.is_right()
    names = {path.name for path in (site.root / "build").iterdir()}
    assert not {name for name in names if ".new" in name or ".aside" in name}, names


def test_a_build_killed_while_cells_run_leaves_no_kernel_and_does_not_block_the_next(site: TriedSite) -> None:
    site.edit("docs/one.md", CELL, "import time; time.sleep(50)")
    process = site.start()
    wait_for("running 1 of 2 pages", process)
    time.sleep(3)
    waiting = site.start()
    wait_for("Another build is running here", waiting)
    site.edit("docs/one.md", "import time; time.sleep(50)", CELL)
    began = time.monotonic()
    process.send_signal(signal.SIGKILL)
    output, _ = waiting.communicate(timeout=50)
    assert waiting.returncode == 0 and time.monotonic() - began < 40, output
    process.communicate()
    wait_for_all_to_end(site)
    assert site.html == site.whole
    site.is_right()  # and has cleared away the killed one's temporary files


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder just made, and the one in whose place it belongs."""
    fresh, place = tmp_path / "fresh", tmp_path / "place"
    for folder in (fresh, place):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    return fresh, place


class NoExchange:
    """A system whose libraries know no exchange of two folders."""


class CannotExchange:
    """A file system that does not do it."""

    @staticmethod
    def renameat2(*_: object) -> int:
        ctypes.set_errno(22)
        return -1

    renamex_np = renameat2


@pytest.mark.parametrize("library", [None, NoExchange, CannotExchange])
def test_publishing_puts_the_new_folder_in_place(
    folders, monkeypatch: pytest.MonkeyPatch, library: type | None
) -> None:
    fresh, place = folders
    if library is not None:
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library())
    build_folder.put_in_place(fresh, place)
    assert (place / "name").read_text() == "fresh"
    assert [path.name for path in place.parent.iterdir()] == ["place"]


def test_publishing_is_one_step_where_the_system_offers_it(folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """No moment without a site: nothing is renamed on its way."""
    monkeypatch.setattr(Path, "rename", lambda *_: pytest.fail("there is a moment without a site"))
    build_folder.put_in_place(*folders)


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_publishing_in_two_steps_and_killed_between_is_mended(
    folders, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    fresh, place = folders
    done: Iterator[int] = iter(range(renames))

    def rename(path: Path, target: Path) -> None:
        if next(done, None) is None:
            raise KeyboardInterrupt
        os.rename(path, target)

    with monkeypatch.context() as killed:
        killed.setattr(ctypes, "CDLL", lambda *_, **__: NoExchange())
        killed.setattr(Path, "rename", rename)
        with pytest.raises(KeyboardInterrupt):
            build_folder.put_in_place(fresh, place)
    build_folder.bring_back(place)
    assert (place / "name").read_text() == ("fresh" if renames == 2 else "place")
    assert not list(place.parent.glob("*.aside"))
