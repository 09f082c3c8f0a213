"""What the extensions share: the executed pages, their outputs, and the ledger of their claims."""

import dataclasses
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.config import Config

from site_builder.dependencies import current_digest
from site_builder.outputs import Store, digest
from site_builder.pages import Ledger, Page, collect_claims, outputs_store, read_pages


@dataclasses.dataclass(frozen=True)
class Site:
    """The executed pages of one build."""

    root: Path
    pages: list[Page]
    ledger: Ledger
    memo: Store  # what pure functions of the site's making returned in this build or one before
    recipe: str  # the digest of all that pages are made with, beside Sphinx and what they say
    store: Store

    @functools.cached_property
    def outputs(self) -> dict[str, list[list[dict[str, Any]]]]:
        """Of each page what each cell gave; nothing where it has not been run, which is said when it is read."""
        return {page.name: self.store.get(page.digest) or [[] for _ in page.cells] for page in self.pages}

    def all_outputs(self) -> Iterator[tuple[Page, Any, dict[str, Any]]]:
        """Every output: its page, its cell, and what was shown, by MIME types."""
        for page in self.pages:
            for cell, outputs in zip(page.cells, self.outputs[page.name], strict=True):
                yield from ((page, cell, output.get("data", {})) for output in outputs)

    @functools.cached_property
    def titles(self) -> dict[str, str]:
        """The first heading of every executed page."""
        headings = ((page.name, re.search(r"^# (.+)$", page.notebook.cells[0].source, re.M)) for page in self.pages)
        return {name: heading[1] if heading else name for name, heading in headings}

    @property
    def digest(self) -> str:
        """The digest of all that a page may show of others and of the cells; a page's own text is not in it."""
        return digest(self.recipe, json.dumps([[page.name, page.digest] for page in self.pages]))


def site(config: Config) -> Site:
    """The site that Sphinx makes with this configuration, as it was when the build began."""
    return _read(Path(config.site_root), Path(config.site_build))


@functools.cache
def _read(root: Path, build: Path) -> Site:
    pages, store, recipe = read_pages(root), outputs_store(build), _recipe(root)
    return Site(root, pages, collect_claims(pages, store), Store(build / "memo", recipe), recipe, store)


def _recipe(root: Path) -> str:
    files = [path for path in (root / "conf").rglob("*") if path.suffix in (".py", ".js", ".bib")]
    files += [*(root / "requirements").glob("*.txt"), root / "code/genmodels/site/palette.py"]
    return digest(*(f"{path.name} {current_digest(path)}" for path in sorted(files)))
