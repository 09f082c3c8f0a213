"""Which pages are read again: those whose sources changed, by what is in the files.

Sphinx compares times. These tell nothing where a clock was set back, a file was restored from a copy, or was edited
while it was being read.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

Digests = dict[str, str]  # of files by their paths; of a file that there is not, ""


def file_digest(path: str | Path) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def known(env: BuildEnvironment) -> dict[str, Digests]:
    """Of each page the files that it was made from: its own, and those that it depends on."""
    if not hasattr(env, "known_sources"):
        env.known_sources = {}  # type: ignore[attr-defined]
    return env.known_sources  # type: ignore[attr-defined]


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """The pages made from files that have changed."""
    current: Digests = {path: file_digest(path) for path in {path for files in known(env).values() for path in files}}
    # the contents of the first page name the others: it is read again when one is gone, and what Sphinx says of it said
    first = {app.config.root_doc} if removed else set()
    return [
        name
        for name in env.found_docs
        if name in first
        or (name not in added and any(current[path] != digest for path, digest in known(env).get(name, {}).items()))
    ]


def note_sources(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Take the digests before the pages are read: an edit meanwhile is found by the next build."""
    for name in docnames:
        path = str(env.doc2path(name))
        known(env)[name] = {path: file_digest(path)}


def note_dependencies(app: Sphinx, doctree: Any) -> None:
    """Take the digests of what else the page was made from, which is known when it has been read."""
    env = app.env
    for path in env.dependencies[env.docname]:
        full = str(Path(env.srcdir, path))
        known(env)[env.docname][full] = file_digest(full)


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget a page that is gone; one that is read again was noted before."""
    if docname not in env.found_docs:
        known(env).pop(docname, None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what notes and compares."""
    app.connect("env-get-outdated", outdated)
    app.connect("env-before-read-docs", note_sources, priority=900)  # when it is settled which are read
    app.connect("doctree-read", note_dependencies)
    app.connect("env-purge-doc", purge)
    return {"version": "1", "env_version": 1, "parallel_read_safe": False, "parallel_write_safe": True}
