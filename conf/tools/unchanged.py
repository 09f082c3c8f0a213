"""Whether a build would make what is there already: then there is nothing to do.

A note in build/ says what the site was made from and what was made. Made from: every file that a build reads, the
history that dates the pages, the packages installed, the place, and the settings in the environment. Made: names,
sizes and times of the files, so that a site or a store that was damaged is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from build_folder import packages
from pages import Project

READ = (".gitignore", "LICENSE", "bench/results", "code", "conf", "docs", "pyproject.toml", "requirements")
SETTINGS = ("READTHEDOCS", "SITE_URL", "SOURCE_DATE_EPOCH")
PASSED_OVER = {"__pycache__", ".ipynb_checkpoints"}


def made_from(project: Project, tags: Sequence[str]) -> str:
    """The digest of all that the site depends on, with Sphinx's tags."""
    settings = sorted(item for item in os.environ.items() if item[0].startswith(SETTINGS))
    whole = hashlib.sha256(repr([str(project.root), list(tags), commit(project.root), settings, packages()]).encode())
    for path in (file for name in READ for file in _files(project.root / name)):
        whole.update(f"{path.relative_to(project.root).as_posix()}\0{path.stat().st_mode & 0o111}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def commit(root: Path) -> str:
    """The commit that dates the pages, and whether what came before it is known; "" without git, or outside of it."""
    head = ["git", "rev-parse", "HEAD", "--is-shallow-repository"]
    try:
        return subprocess.run(head, cwd=root, capture_output=True, text=True).stdout
    except OSError:
        return ""


def _files(place: Path) -> Iterator[Path]:
    """The files of a folder and of those inside it, in order; or the file itself."""
    if place.is_file():
        yield place
    elif place.is_dir() and place.name not in PASSED_OVER:
        for inside in sorted(place.iterdir()):
            yield from _files(inside)


def _made(project: Project) -> str:
    """The digest of names, sizes and times of what a build leaves."""
    found = []
    for place in (project.build / "html", project.store):
        for path in _files(place):
            state = path.stat()
            found.append((path.relative_to(project.build).as_posix(), state.st_size, state.st_mtime_ns))
    return hashlib.sha256(repr(found).encode()).hexdigest()


def holds(project: Project, source: str) -> bool:
    """Whether what is there was made from this, and is as it was made."""
    try:
        note = json.loads(_note(project).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(note == [source, _made(project)])


def remember(project: Project, source: str) -> None:
    """Note that what is there now was made from this. Where that cannot be written, the next build makes it again."""
    with contextlib.suppress(OSError):
        _note(project).write_text(json.dumps([source, _made(project)]), encoding="utf-8")


def _note(project: Project) -> Path:
    return project.build / "made.json"
