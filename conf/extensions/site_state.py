"""What the extensions share during a build: the executed pages, their outputs and the ledger of their claims."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genmodels.claims import MIME
from pages import Page, Project, Store, read_pages
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

Ledger = dict[str, dict[str, Any]]


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


def collect(pages: Iterable[Page], store: Store) -> Ledger:
    """All claims of all pages: id -> record. Raises ExtensionError where two claims share an id."""
    ledger: Ledger = {}
    for page in pages:
        for output in (output for cell in store.get(page.digest) or [] for output in cell):
            record = output.get("data", {}).get(MIME)
            if record is None:
                continue
            if record["id"] in ledger:
                raise ExtensionError(
                    f"claim {record['id']} is made twice: on {ledger[record['id']]['page']} and on {page.name}"
                )
            ledger[record["id"]] = record | {"page": page.name, "anchor": f"claim-{record['id']}"}
    return ledger


def begin(app: Sphinx) -> None:
    """Take stock before anything is read."""
    root = Path(app.config.site_root)
    project = Project(root, Path(app.config.site_build))
    pages, store = read_pages(project), Store(project.store)
    _current[:] = [Site(app, project, pages, store, collect(pages, store))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the two folders and take stock when the builder is ready."""
    app.add_config_value("site_root", "", "")
    app.add_config_value("site_build", "", "")
    app.connect("builder-inited", begin)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": False}
