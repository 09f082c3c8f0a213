"""What the extensions share during a build: the executed pages, their outputs and the ledger of their claims."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from build_folder import packages
from pages import Ledger, Page, Project, Store, collect_claims, read_pages
from sphinx.application import Sphinx


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Memory:
    """What took long to make, kept from build to build under a digest of all that it is made from."""

    def __init__(self, folder: Path, recipe: str) -> None:
        self._store, self.recipe, self.used = Store(folder), recipe, set[str]()
        self._helpers: list[subprocess.Popen[bytes]] = []

    def recall(self, make: Callable[..., Any], *inputs: Any) -> Any:
        """What ``make`` returns for these inputs, made now or by a build before; JSON must be able to say both.

        ``make`` depends on its inputs alone, and on what the recipe names: the site's tools, packages and palette.
        """
        return self.remember(self._about(make, inputs), lambda: make(*inputs))

    def ahead(self, make: Callable[..., Any], calls: Iterable[Sequence[Any]]) -> None:
        """Have another process make, for a later `recall`, what is not there for these inputs."""
        missing = [inputs for inputs in calls if self._store.get(self._digest(self._about(make, inputs))) is None]
        if not missing:
            return
        work = {"module": make.__module__, "name": make.__qualname__, "calls": missing}
        with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
            json.dump(work | {"folder": str(self._store.folder), "recipe": self.recipe}, file)
            file.seek(0)
            # it says nothing: what it cannot make is made here, and fails here. Ctrl+C is for the build alone
            command = [sys.executable, str(Path(__file__).with_name("made_ahead.py"))]
            silent = subprocess.DEVNULL
            helper = subprocess.Popen(command, stdin=file, stdout=silent, stderr=silent, start_new_session=True)
        self._helpers.append(helper)

    def wait(self) -> None:
        """Wait for all that is made ahead."""
        while self._helpers:
            self._helpers.pop().wait()

    def _about(self, make: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
        # a long text is not spelt out: its digest says as much
        about = [_sha256(text) if isinstance(text, str) and len(text) > 1000 else text for text in inputs]
        return [make.__module__, make.__qualname__, about]

    def _digest(self, about: Any) -> str:
        return _sha256(json.dumps([self.recipe, about], sort_keys=True))

    def remember(self, about: Any, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, made now or by a build before with the same ``about``: all that it is made from."""
        digest = self._digest(about)
        self.used.add(digest)
        found = self._store.get(digest)
        if found is None:
            found = make()
            self._store.put(digest, found)
        return found

    def forget_unused(self) -> None:
        """Remove what this build did not ask for."""
        self._store.keep_only(self.used)


@dataclasses.dataclass(frozen=True)
class Site:
    """The executed pages of one build."""

    app: Sphinx
    project: Project
    pages: list[Page]
    store: Store
    ledger: Ledger
    memory: Memory
    # of each page what extensions note while it is written, for use once all are: kind -> page -> what JSON can say
    noted: defaultdict[str, dict[str, Any]] = dataclasses.field(default_factory=lambda: defaultdict(dict))

    @functools.cached_property
    def titles(self) -> dict[str, str]:
        """The first heading of every executed page."""
        headings = ((page.name, re.search(r"^# (.+)$", page.notebook.cells[0].source, re.M)) for page in self.pages)
        return {name: heading[1] if heading else name for name, heading in headings}


_current: list[Site] = []
_handed: list[tuple[list[Page], Store]] = []


@contextlib.contextmanager
def handed_over(pages: list[Page], store: Store) -> Iterator[None]:
    """Have a build by Sphinx use the pages that were just executed, instead of reading them once more."""
    _handed.append((pages, store))
    try:
        yield
    finally:
        _handed.pop()


def site() -> Site:
    """The site being built."""
    return _current[-1]


def begin(app: Sphinx) -> None:
    """Take stock before anything is read."""
    root = Path(app.config.site_root)
    project = Project(root, Path(app.config.site_build))
    pages, store = _handed[-1] if _handed else (read_pages(project), Store(project.store))
    recipe = [app.config.site_recipe, *packages()]
    memory = Memory(project.memory, "\n".join(recipe))
    _current[:] = [Site(app, project, pages, store, collect_claims(pages, store), memory)]


def end(app: Sphinx, error: Exception | None) -> None:
    """Tidy up once all is made."""
    if error is None:
        site().memory.forget_unused()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the two folders and take stock when the builder is ready."""
    app.add_config_value("site_root", "", "")
    app.add_config_value("site_build", "", "")
    app.connect("builder-inited", begin)
    app.connect("build-finished", end, priority=950)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
