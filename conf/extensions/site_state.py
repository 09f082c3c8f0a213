"""What the extensions share during a build: the executed pages, their outputs and the ledger of their claims."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
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

    def recall(self, make: Callable[..., Any], *inputs: Any) -> Any:
        """What ``make`` returns for these inputs, made now or by a build before; JSON must be able to say both.

        ``make`` depends on its inputs alone, and on what the recipe names: the site's tools, packages and palette.
        """
        # a long text is not spelt out: its digest says as much
        about = [_sha256(text) if isinstance(text, str) and len(text) > 1000 else text for text in inputs]
        return self.remember([make.__module__, make.__qualname__, about], lambda: make(*inputs))

    def remember(self, about: Any, make: Callable[[], Any]) -> Any:
        """What ``make`` returns, made now or by a build before with the same ``about``: all that it is made from."""
        digest = _sha256(json.dumps([self.recipe, about], sort_keys=True))
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
