"""A disk that is full, at several moments of a build.

Where the tests may mount (as root, or where users may make namespaces), build/ is a small disk of its own, seen by the
build alone. Everywhere, whatever the rights, the size of files is limited, which fails in the same places: a write ends
with an error of the system. So nothing is skipped, and a machine that forbids mounting still tries the limit.
"""

from __future__ import annotations

import functools
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tried_site import CACHES, TriedSite, cases

BLOCK = 4096
# a disk of $1 bytes takes the place of the folder $2, with all that is in it, while the command runs that follows
ON_SMALL_DISK = """
set -e
size=$1 folder=$2
shift 2
cp -a "$folder" "$folder.real"
mount -t tmpfs -o "size=$size" none "$folder"
cp -a "$folder.real/." "$folder"
rm -rf "$folder.real"
status=0
"$@" || status=$?
cp -a "$folder" "$folder.small"
umount -l "$folder"
find "$folder" -mindepth 1 -delete
cp -a "$folder.small/." "$folder"
rm -rf "$folder.small"
exit $status
"""


@functools.cache
def namespace() -> list[str]:
    """The command under which this user may mount; empty where no user may."""
    for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        with tempfile.TemporaryDirectory() as folder:
            try:
                tried = subprocess.run([*command, "mount", "-t", "tmpfs", "none", folder], capture_output=True)
            except OSError:
                continue
            if tried.returncode == 0:
                return command
    return []


def used(folder: Path) -> int:
    """How many bytes the folder's files take on a disk of blocks."""
    return sum(-(-path.stat().st_size // BLOCK) * BLOCK for path in folder.rglob("*") if path.is_file())


def small_disk(site: TriedSite, room: int) -> dict[str, Any]:
    """So many bytes are free in build/."""
    size = used(site.root / "build") + room
    return {"under": [*namespace(), "sh", "-c", ON_SMALL_DISK, "sh", str(size), str(site.root / "build")]}


def small_files(site: TriedSite, room: int) -> dict[str, Any]:
    """No file may have more than so many bytes."""
    return {"first": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))}


# bytes, and with how many of them a build fails where: as cells run, as outputs are kept, as pages are made
WAYS = {f"files of {room}": (small_files, room) for room in (0, 1_000, 20_000, 100_000, 250_000)}
if namespace():
    WAYS |= {f"{room} left": (small_disk, room) for room in (0, 20_000, 300_000, 1_000_000, 2_000_000)}
ALWAYS = [name for name in WAYS if name in ("files of 0", "0 left", "300000 left")]


@pytest.mark.parametrize(("way", "room"), cases(WAYS, ALWAYS))
def test_a_full_disk_is_named_and_the_next_build_with_room_is_right(site: TriedSite, way, room: int) -> None:
    for name in CACHES:
        shutil.rmtree(site.root / "build" / name)
    what = "disk is full" if way is small_disk else "larger than files may be" if room else "No usable temporary"
    output = site.fails(what, **way(site, room))
    assert len(output.split("Not built")[1].splitlines()) == 1, output
    site.is_right()
