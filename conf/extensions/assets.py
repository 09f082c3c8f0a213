"""What pages load: one style sheet and one script for the whole site, and nothing that no page needs.

The theme's style sheets hold some 500 kB of rules, of which the pages use a tenth; its scripts load icons, menus and a
search that the site does without. When the pages are written, this extension joins the style sheets, leaves out what
applies to no page, puts the fonts of formulas into it (formula_fonts), joins the scripts, and deletes what nothing
refers to.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docutils import nodes
from formula_fonts import embedded
from minify import minified
from site_state import site
from sphinx.application import Sphinx
from style_pruning import names, pruned, words
from valid_html import mended

CSS, JS = "_static/site-bundle.css", "_static/site-bundle.js"
EXPLORABLES = "_static/explorables.js"  # for pages with a figure to play with
INDEX = "searchindex.js"  # made by search_index; like the bundles, an old one must not outlive the pages in a cache
THEME_CSS = ("basic.css", "styles/theme.css", "styles/pydata-sphinx-theme.css")  # the first is imported by the second
# scripts of Sphinx, the theme and extensions that the site does without
UNUSED_SCRIPTS = {
    "doctools.js",  # keyboard shortcuts
    "sphinx_highlight.js",  # marks words that Sphinx's own search found
    "design-tabs.js",  # no page has tabs
    "scripts/sphinx-book-theme.js",  # menus of the theme's frame
}
# after the style sheet and before anything is painted: the theme that the reader chose last, else the system's, and the
# fonts of formulas, or the first lines would break anew when these are unpacked
EARLY_SCRIPT = (
    "(function(h){var m;try{m=localStorage.getItem('mode')}catch(e){}"
    "h.dataset.mode=m=m==='light'||m==='dark'?m:'auto';"
    "h.dataset.theme=m!=='auto'?m:matchMedia('(prefers-color-scheme: dark)').matches?'dark':'light';"
    "document.fonts.forEach(function(f){f.load()})})(document.documentElement)"
)
VERSION = re.compile(r'\A(\?v=\w*)?"')
POLICY = (
    "default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'"
)


def content_security_policy() -> str:
    """Allow the site's own files, the one script inside the pages, and style attributes, which formulas need."""
    return POLICY.format(digest=base64.b64encode(hashlib.sha256(EARLY_SCRIPT.encode()).digest()).decode())


def add_context(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the frame of the page its style sheet and scripts."""
    own = [js.filename for js in context["script_files"] if str(js.filename).startswith(EXPLORABLES)]
    context["bundled_css"], context["bundled_js"] = [CSS], [JS, *own]
    context["content_security_policy"] = content_security_policy()
    context["early_script"] = EARLY_SCRIPT


def bundle(app: Sphinx, error: Exception | None) -> None:
    """Write the two bundles, mend the pages, name the bundles' versions in them, remove what is not referred to."""
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    paths = sorted(path for path in out.rglob("*.html") if "_static" not in path.parts)
    pages = {path: mended(path.read_text(encoding="utf-8")) for path in paths}
    scripts = [_path(out, js.filename) for js in app.builder._js_files if _wanted(js.filename)]  # type: ignore[attr-defined]
    script = "".join(f"{path.read_text(encoding='utf-8').rstrip()}\n;" for path in scripts if path.is_file())
    memory = site().memory
    script = memory.recall(minified, script)
    figures = {  # the script of the figures to play with, and their data
        path.relative_to(out).as_posix(): path.read_text(encoding="utf-8")
        for path in (out / EXPLORABLES, *sorted((out / "_static/explorables").glob("*.data.js")))
        if path.is_file()
    }
    every_script = script + figures.get(EXPLORABLES, "")
    sheets = [out / "_static" / name for name in THEME_CSS]
    sheets += [_path(out, css.filename) for css in app.builder._css_files]  # type: ignore[attr-defined]
    style = "".join(_relocated(path, out / "_static") for path in dict.fromkeys(sheets) if path.is_file())
    used = words(every_script).union(*(memory.recall(names, page) for page in pages.values()))
    style = memory.recall(pruned, style, sorted(used))
    style = embedded(style, out / "_static", pages.values(), memory.recall)
    made = {CSS: style, JS: script, INDEX: (out / INDEX).read_text(encoding="utf-8")} | figures
    for name, text in made.items():
        (out / name).write_text(text, encoding="utf-8")
    versions = {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in made.items()}
    for path, page in pages.items():
        path.write_text(_versioned(page, versions), encoding="utf-8")
    _remove_unused(out, [*pages.values(), style, every_script])


def _versioned(page: str, versions: Mapping[str, str]) -> str:
    """The page with the versions of the files that it loads behind their names."""
    for name, version in versions.items():
        start, *rest = page.split(name)  # which is much faster than a search for an expression
        page = start + "".join(name + VERSION.sub(f'?v={version}"', text, count=1) for text in rest)
    return page


def joined(builder: Any) -> set[str]:
    """The static files that the bundles are made of."""
    named = [css.filename for css in builder._css_files] + [js.filename for js in builder._js_files]
    return {*THEME_CSS, *(str(name).partition("?")[0].removeprefix("_static/") for name in named if _wanted(name))}


def _wanted(filename: Any) -> bool:
    name = str(filename or "").removeprefix("_static/")
    return bool(name) and name not in UNUSED_SCRIPTS and not name.startswith(("explorables.js", "http"))


def _path(out: Path, filename: Any) -> Path:
    return out / str(filename).partition("?")[0]


def _relocated(path: Path, folder: Path) -> str:
    """A style sheet whose addresses are those seen from ``folder``."""
    depth = path.parent.relative_to(folder).as_posix()
    text = path.read_text(encoding="utf-8")
    if depth == ".":
        return text + "\n"
    return re.sub(r"url\((['\"]?+)(?!data:|https?:|/|#)", rf"url(\1{depth}/", text) + "\n"


def file_names(text: str) -> list[str]:
    """What can be a file's name in a text."""
    return sorted({name.strip(".-") for name in re.findall(r"[\w.-]+", text) if "." in name})


def _remove_unused(out: Path, texts: list[str]) -> None:
    """Delete static files whose name stands in no page, style sheet or script."""
    static = out / "_static"
    keep = {Path(CSS).name, Path(JS).name}
    keep.update(*(site().memory.recall(file_names, text) for text in texts))
    for path in sorted(static.rglob("*"), reverse=True):
        if path.is_file() and path.name not in keep:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def setup(app: Sphinx) -> dict[str, Any]:
    """Take over what pages load, after every other extension has said what it wants."""
    app.connect("html-page-context", add_context, priority=900)
    app.setup_extension("site_state")
    app.connect("build-finished", bundle, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
