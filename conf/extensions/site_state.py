"""What the extensions share during a build: the executed pages, their outputs and the ledger of their claims."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from pages import Ledger, Page, Project, Store, collect_claims, read_pages
from sphinx.application import Sphinx


@dataclasses.dataclass(frozen=True)
class Site:
    """The executed pages of one build."""

    app: Sphinx
    project: Project
    pages: list[Page]
    store: Store
    ledger: Ledger

    @property
    def titles(self) -> dict[str, str]:
        """The first heading of every executed page."""
        headings = ((page.name, re.search(r"^# (.+)$", page.notebook.cells[0].source, re.M)) for page in self.pages)
        return {name: heading[1] if heading else name for name, heading in headings}


_current: list[Site] = []


def site() -> Site:
    """The site being built."""
    return _current[-1]


def begin(app: Sphinx) -> None:
    """Take stock before anything is read."""
    root = Path(app.config.site_root)
    project = Project(root, Path(app.config.site_build))
    pages, store = read_pages(project), Store(project.store)
    _current[:] = [Site(app, project, pages, store, collect_claims(pages, store))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the two folders and take stock when the builder is ready."""
    app.add_config_value("site_root", "", "")
    app.add_config_value("site_build", "", "")
    app.connect("builder-inited", begin)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
