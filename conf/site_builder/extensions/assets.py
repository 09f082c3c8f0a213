"""What pages load: one style sheet and one script for the whole site, and nothing that no page needs.

The theme's style sheets hold some 500 kB of rules, of which the pages use a tenth; its scripts load icons, menus and a
search that the site does without. When the pages are written, this extension joins the style sheets, leaves out what
applies to no page, puts the fonts of formulas into it (formula_fonts), joins the scripts, and deletes what nothing
refers to. With `make live` it only joins.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rjsmin import jsmin
from sphinx.application import Sphinx

from site_builder.formula_fonts import embedded
from site_builder.site_state import site
from site_builder.style_pruning import names, pruned, words

STATIC = Path(__file__).parents[2] / "static"
CSS, JS = "_static/site-bundle.css", "_static/site-bundle.js"
EXPLORABLES = "_static/explorables/"  # scripts for pages with a figure to play with
ENGINE, LABORATORY = f"{EXPLORABLES}engine.js", f"{EXPLORABLES}laboratory.css"  # where networks learn
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
# the site's own files, the one script inside the pages, and style attributes, which formulas need
POLICY = (
    "default-src 'none'; script-src 'self'{wasm} 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'"
)
# what makers of pages write against HTML, ARIA or their readers, and how it is mended
MENDS = (
    (r"(?<=[\";])height:-[\d.]+em;?", ""),  # KaTeX, of a box wholly below the line; browsers leave it out
    # myst-nb: a paragraph in a summary, which is called otherwise than it reads
    (
        r'(?s)<details class="admonition hide above-input">\s*<summary.*?(Code[^<]*).*?</summary>',
        r"<details><summary>\1</summary>",
    ),
    (r'<(?:(?:code|pre|kbd)(?=>)|(?:dt|span)(?= class="(?:sig |katex")))', r'\g<0> translate="no"'),  # no words
    (r'role="doc-biblioentry"', 'role="listitem"'),  # docutils, inside a list, whose children must be items
    (r'<span class="(?:n|nn|p|w)">([^<]*)</span>', r"\1"),  # Pygments: a third of the code, in the colour of all code
    (r'class="indextable genindextable"', r'\g<0> role="presentation"'),  # Sphinx's index, a table without data
)


class Assets:
    """Joins what pages load, as the pages say that they load it."""

    def __init__(self) -> None:
        self.sheets: dict[str, None] = {}
        self.scripts: dict[str, None] = {}

    def add_context(self, app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        """Give the frame of the page its style sheet and scripts."""
        sheets, scripts = (_files(context[kind]) for kind in ("css_files", "script_files"))
        self.sheets.update(dict.fromkeys(sheets))
        self.scripts.update(dict.fromkeys(name for name in scripts if _joined(name)))
        own = [name for name in scripts if name.startswith(EXPLORABLES)]
        learns = ENGINE in own
        context["bundled_css"] = [CSS, LABORATORY] if learns else [CSS]
        context["bundled_js"], context["early_script"] = [JS, *own], EARLY_SCRIPT
        if not app.tags.has("live"):  # its server adds a script to each page
            digest = base64.b64encode(hashlib.sha256(EARLY_SCRIPT.encode()).digest()).decode()
            wasm = " 'wasm-unsafe-eval'" if learns else ""  # the engine compiles its kernels
            context["content_security_policy"] = POLICY.format(digest=digest, wasm=wasm)

    def bundle(self, app: Sphinx, error: Exception | None) -> None:
        """Write the two bundles; mend the pages, name the bundles' versions in them, remove what is not referred to."""
        if error is not None:
            return
        out = Path(app.outdir)
        sheets = [out / "_static" / name for name in THEME_CSS] + [out / name for name in self.sheets]
        style = "".join(_relocated(path, out / "_static") for path in dict.fromkeys(sheets) if path.is_file())
        script = "".join(f"{(out / name).read_text(encoding='utf-8').rstrip()}\n;" for name in self.scripts)
        if app.tags.has("live"):
            (out / CSS).write_text(style, encoding="utf-8")
            (out / JS).write_text(script, encoding="utf-8")
        else:
            _publish(app, out, style, jsmin(script, keep_bang_comments=True) + "\n")


def _publish(app: Sphinx, out: Path, style: str, script: str) -> None:
    paths = sorted(path for path in out.rglob("*.html") if "_static" not in path.parts)
    pages = {path: _mended(path.read_text(encoding="utf-8")) for path in paths}
    figures = {  # scripts of the figures to play with, their data, a style sheet
        path.relative_to(out).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(out.glob(f"{EXPLORABLES}*.*s"))
    }
    every_script = script + "".join(text for name, text in figures.items() if not name.endswith((".data.js", ".css")))
    used = words(every_script).union(*map(names, pages.values()))
    recall = site(app.config).memo.recall
    style = embedded(recall(pruned, style, sorted(used)), STATIC, pages.values(), recall)
    made = {CSS: style, JS: script, INDEX: (out / INDEX).read_text(encoding="utf-8")} | figures
    versions = {}
    for name, text in made.items():
        (out / name).write_text(text, encoding="utf-8")
        versions[name] = hashlib.sha256(text.encode()).hexdigest()[:8]
    for path, page in pages.items():
        path.write_text(_versioned(page, versions), encoding="utf-8")
    _remove_unused(out, [*pages.values(), style, every_script])


def _mended(page: str) -> str:
    for what, instead in MENDS:
        page = re.sub(what, instead, page)
    return page


def _versioned(page: str, versions: Mapping[str, str]) -> str:
    """The page with the versions of the files that it loads behind their names."""
    for name, version in versions.items():
        start, *rest = page.split(name)  # which is much faster than a search for an expression
        page = start + "".join(name + VERSION.sub(f'?v={version}"', text, count=1) for text in rest)
    return page


def _files(linked: list[Any]) -> list[str]:
    """The files of the site among style sheets or scripts, without their versions."""
    return [str(file.filename).partition("?")[0] for file in linked if file.filename]


def _joined(script: str) -> bool:
    return not script.startswith(EXPLORABLES) and script.removeprefix("_static/") not in UNUSED_SCRIPTS


def _relocated(path: Path, folder: Path) -> str:
    """A style sheet whose addresses are those seen from ``folder``."""
    depth = path.parent.relative_to(folder).as_posix()
    text = path.read_text(encoding="utf-8")
    if depth == ".":
        return text + "\n"
    return re.sub(r"url\((['\"]?+)(?!data:|https?:|/|#)", rf"url(\1{depth}/", text) + "\n"


def _remove_unused(out: Path, texts: list[str]) -> None:
    """Delete static files whose name stands in no page, style sheet or script."""
    static, keep = out / "_static", {Path(CSS).name, Path(JS).name}
    for text in texts:
        keep.update(name.strip(".-") for name in re.findall(r"[\w-]+\.[\w.-]+", text))
    for path in sorted(static.rglob("*"), reverse=True):
        if path.is_file() and path.name not in keep:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def setup(app: Sphinx) -> dict[str, Any]:
    """Take over what pages load, after every other extension has said what it wants."""
    assets = Assets()
    app.connect("html-page-context", assets.add_context, priority=900)
    app.connect("build-finished", assets.bundle, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
