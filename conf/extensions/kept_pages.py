"""Writes only the pages that changed, or whose surroundings did; takes all others as a build before wrote them.

A page is kept under a digest of all that it is written from: what Sphinx read of it, the files and outputs that it was
read from, the day of its last change, and its surroundings, which are the same for all pages: titles, contents, places
that can be referred to, citations, settings, templates and versions. A change in the surroundings makes all pages anew.
So does a build whose address is known, which is made once, in an empty folder.
"""

from __future__ import annotations

import base64
import hashlib
import json
import marshal
import re
from collections.abc import Mapping, Set
from pathlib import Path
from types import CodeType
from typing import Any, cast

from assets import joined
from docutils import nodes
from executed_pages import recorded
from known_sources import known
from pages import Store
from site_state import site
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset_file

MOVING = {"source_map", "wordcount"}  # what an edit of a page's prose changes, and no page shows
logger = logging.getLogger(__name__)
ENVIRONMENT = (
    *("titles", "longtitles", "tocs", "toc_num_entries", "toc_secnumbers", "toc_fignumbers", "toctree_includes"),
    *("glob_toctrees", "numbered_toctrees"),
)


def plain(value: Any) -> Any:
    """The value as JSON can say it, the same in every process, and without the lines on which things stand."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        pairs = [[json.dumps(plain(key)), plain(inside)] for key, inside in value.items()]
        return sorted(pairs, key=lambda pair: str(pair[0]))
    if isinstance(value, Set):
        return sorted(json.dumps(plain(inside)) for inside in value)
    if hasattr(value, "_asdict"):
        return plain({field: inside for field, inside in value._asdict().items() if field != "line"})
    if isinstance(value, list | tuple):
        return [plain(inside) for inside in value]
    if isinstance(value, nodes.Node):
        return value.pformat()
    text = repr(value)
    return plain(vars(value)) if re.search(r" at 0x[0-9a-f]+", text) else text


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def surroundings(builder: StandaloneHTMLBuilder) -> str:
    """The digest of what all pages are written from."""
    env, info = builder.env, builder.build_info
    shared: dict[str, Any] = {name: getattr(env, name) for name in ENVIRONMENT}
    shared |= {"metadata": {name: metadata(env, name) for name in env.metadata}, "images": dict(env.images)}
    # entries of the index are shown on its own page alone; citations are noted in the order in which pages were read
    domains = {name: dict(data) for name, data in env.domaindata.items() if name != "index"}
    cited = domains["cite"].pop("citation_refs")
    shared |= {"domains": domains, "citations": sorted(json.dumps(plain(citation)) for citation in cited)}
    executed = [page.name for page in site().pages]
    return _digest(plain(shared), executed, info.config_hash, info.tags_hash, site().memory.recipe)


def metadata(env: BuildEnvironment, docname: str) -> dict[str, Any]:
    """What stands in a page's front matter."""
    return {key: value for key, value in env.metadata[docname].items() if key not in MOVING}


def keys(builder: StandaloneHTMLBuilder) -> dict[str, str]:
    """Under what each page is kept, but for those that show what stands on others: these are always written."""
    env, around = builder.env, surroundings(builder)
    found = {}
    for name in env.found_docs - gathering(env).keys():
        doctree = hashlib.sha256(Path(env.doctreedir, f"{name}.doctree").read_bytes()).hexdigest()
        read = [known(env).get(name), recorded(env).get(name)]
        date = plain(getattr(env, "git_last_updated", {}).get(name))
        found[name] = _digest(name, around, doctree, read, date)
    return found


def gathering(env: BuildEnvironment) -> dict[str, bool]:
    """The pages whose directives show what stands on other pages; True for those that need what these have noted."""
    if not hasattr(env, "gathering_pages"):
        env.gathering_pages = {}  # type: ignore[attr-defined]
    return env.gathering_pages  # type: ignore[attr-defined]


def name_pictures(app: Sphinx, env: BuildEnvironment) -> None:
    """Have pictures keep the names of their files, which Sphinx numbers where two are called the same."""
    for path, (docnames, _) in list(env.images.items()):
        namesakes = [other for other in env.images if Path(other).name == Path(path).name]
        if len(namesakes) > 1:
            logger.warning("pictures of the same name: %s", ", ".join(sorted(namesakes)), location=sorted(docnames)[0])
        env.images[path] = (docnames, Path(path).name)


def keep_templates(app: Sphinx) -> None:
    """Have templates compiled once, and not at every build."""
    environment, memory = app.builder.templates.environment, site().memory
    compile_now = environment.compile

    def compiled(source: str, name: str | None = None, filename: str | None = None) -> CodeType:
        about = ["template", source, name, filename]
        code = memory.remember(about, lambda: base64.b64encode(marshal.dumps(compile_now(*about[1:]))).decode())
        return cast(CodeType, marshal.loads(base64.b64decode(code)))

    environment.compile = compiled


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    """Forget what a page said before it is read again."""
    gathering(env).pop(docname, None)


class PageBuilder(StandaloneHTMLBuilder):
    """Sphinx's builder of HTML, which takes pages that have not changed from the builds before."""

    def init(self) -> None:
        """Know nothing yet."""
        super().init()
        self._keys: dict[str, str] = {}
        self._written: dict[str, dict[str, Any]] = {}

    def write_documents(self, docnames: Set[str]) -> None:
        """Put the kept pages in their places and write all others."""
        self._kept = Store(site().project.build / "written")
        if not self.config.html_baseurl:
            self._keys = keys(self)
        # all, whatever Sphinx asks for
        last = {name for name, needs_notes in gathering(self.env).items() if needs_notes}
        for name in sorted(self.env.found_docs, key=lambda name: (name in last, name)):
            page = self._kept.get(self._keys[name]) if name in self._keys else None
            if page is None:
                self._write(name)
            else:
                self._put(name, page)

    def _write(self, name: str) -> None:
        """Write a page; note its pictures and what it took from memory, for builds that take it as it is."""
        memory = site().memory
        used, memory.used = memory.used, set()
        images, self.images = self.images, {}
        super().write_documents({name})
        site().noted["used"][name] = sorted(memory.used)
        site().noted["images"][name] = {str(path): file for path, file in self.images.items()}
        memory.used |= used
        self.images = images | self.images
        if name in self._keys:
            noted = {kind: pages[name] for kind, pages in site().noted.items() if name in pages}
            html = Path(self.get_output_path(name)).read_text(encoding="utf-8")
            self._written[name] = {"html": html, "noted": noted}

    def _put(self, docname: str, page: dict[str, Any]) -> None:
        path = Path(self.get_output_path(docname))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page["html"], encoding="utf-8")
        for kind, value in page["noted"].items():
            site().noted[kind][docname] = value
        site().memory.used.update(page["noted"]["used"])
        self.images |= page["noted"]["images"]

    def copy_theme_static_files(self, context: dict[str, Any]) -> None:
        """Copy of the theme what the bundles are made of; all else, hundreds of files, would only be deleted."""
        wanted = joined(self)
        for folder in reversed(self.theme.get_theme_dirs()):
            for path in (Path(folder, "static", name + ending) for name in wanted for ending in ("", ".jinja", "_t")):
                target = self._static_dir / path.relative_to(Path(folder, "static")).parent
                target.mkdir(parents=True, exist_ok=True)
                copy_asset_file(path, target, context=context, renderer=self.templates, force=True)

    def cleanup(self) -> None:
        """At the end of a build without a warning keep its pages: a page that is kept would not warn again."""
        super().cleanup()
        if self._app._warncount == 0 and self._keys:
            for name, page in self._written.items():
                self._kept.put(self._keys[name], page)
            self._kept.keep_only(self._keys.values())


def setup(app: Sphinx) -> dict[str, Any]:
    """Put the builder in the place of Sphinx's own."""
    app.setup_extension("site_state")
    app.add_builder(PageBuilder, override=True)
    app.connect("builder-inited", keep_templates, priority=600)  # when the memory is there
    app.connect("env-purge-doc", purge)
    app.connect("env-updated", name_pictures)
    return {"version": "1", "env_version": 1, "parallel_read_safe": False, "parallel_write_safe": False}
