"""The search index: what each section says, in one script that a page loads when its reader first searches.

Sphinx's own index holds TeX and code and ranks by substrings; it is neither made nor shipped. ``searchindex.js`` holds,
in this order, the engine (MiniSearch), Sphinx's English stemmer, the ranking (conf/search/ranking.js), the words that
students use (conf/search/words.toml) and the text of all pages. A classic script, it loads from disk as well.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import sphinx.search
from docutils import nodes
from rjsmin import jsmin
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from site_builder.plain_text import alt_text, checks, prose, readable

PARTS = Path(__file__).parents[2] / "search"
STEMMER = Path(sphinx.search.__file__).parent / "minified-js"  # private: where Sphinx keeps its stemmers
NAMED = ("function", "class", "data", "exception")  # of the package: no methods and attributes
Entry = dict[str, Any]


def page_entry(app: Sphinx, docname: str, doctree: nodes.document) -> Entry:
    """All that is searched of a page: its title, question, key words, sections, and places in them."""
    title = doctree.next_node(nodes.title) or nodes.title("", docname)
    name = prose(title)
    label = re.match(r"(\d) (?:\(([a-z])\) )?", name)
    return {
        "url": app.builder.get_target_uri(docname),
        "title": name,
        "label": "".join(part or "" for part in label.groups()) if label else "",
        # that of the first pattern that fits
        "weight": next(
            (weight for pattern, weight in app.config.search_weights if re.fullmatch(pattern, docname)), 1.0
        ),
        # the list in the front matter, which MyST hands over as JSON
        "keywords": " . ".join(json.loads(app.env.metadata[docname].get("keywords", "[]"))),
        "sections": [*_sections(app.env, doctree), *_questions(app.env, docname)],
    }


def _questions(env: BuildEnvironment, docname: str) -> list[Entry]:
    """The questions that people ask on a page (see questions.py), each a section: its title and words are enough."""
    known = env.metadata[docname].get("questions", [])
    return [{name: asked[name] for name in ("id", "title", "asked")} | {"text": "", "places": []} for asked in known]


def _sections(env: BuildEnvironment, doctree: nodes.document) -> list[Entry]:
    """The sections of a page in reading order; the first is the page."""
    found = [_section(env, section) for section in doctree.findall(nodes.section) if section["ids"]]
    # without its own text, such as the tables of the results page, a section is no answer to anything
    return [section for section in found if section["text"] or section["places"] or not section["id"]]


def _section(env: BuildEnvironment, section: nodes.section) -> Entry:
    """A section's anchor, title and text without its sub-sections, and the places in it that have an address."""
    others = (nodes.section, nodes.title)  # and questions, which are sections of their own
    own = [part for part in section.children if not isinstance(part, others) and "asked" not in part["classes"]]
    open_ = [part for part in own if "sd-dropdown" not in part["classes"]]  # a fold is a place of its own
    return {
        "id": "" if isinstance(section.parent, nodes.document) else section["ids"][0],
        "title": prose(section.next_node(nodes.title)),
        "text": prose(*open_),
        "places": [place for child in own for place in _places(env, child)],
    }


def _places(env: BuildEnvironment, part: nodes.Node) -> Iterator[list[str]]:
    """The places in a part of a section that have an address: anchor, name, text."""
    for node in part.findall(lambda node: isinstance(node, nodes.Element)):
        if isinstance(node, nodes.figure) and node["ids"]:
            caption = node.next_node(nodes.caption) or nodes.caption()
            yield [node["ids"][0], "Figure", f"{prose(caption)}. {alt_text(node)}"]
        elif isinstance(node, nodes.math_block) and node.get("label"):
            number = env.domains.math_domain.equations[node["label"]][1]
            yield [node["ids"][0], f"Equation ({number})", readable(node.astext())]
        elif isinstance(node, nodes.raw):
            yield from ([anchor, "Check", text] for anchor, text in checks(node.astext()))
        elif "sd-dropdown" in node["classes"] and node["ids"]:
            yield [node["ids"][0], prose(node[0]), prose(*node[1:])]
        elif isinstance(node, nodes.citation) and node["ids"]:
            text = prose(node.children[-1])
            yield [node["ids"][0], text.partition(". ")[0], text]
        elif isinstance(node, addnodes.desc_signature) and node["ids"] and node.parent["objtype"] in NAMED:
            yield [node["ids"][0], node["ids"][0].removeprefix("genmodels."), ""]


def script(pages: list[Entry]) -> str:
    """The script ``searchindex.js`` that holds all of search."""
    sources = [PARTS / "minisearch.min.js", STEMMER / "base-stemmer.js", STEMMER / "english-stemmer.js"]
    words = tomllib.loads((PARTS / "words.toml").read_text(encoding="utf-8"))
    data = json.dumps({"words": words, "pages": pages}, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    parts = [jsmin(source.read_text(encoding="utf-8")) for source in [*sources, PARTS / "ranking.js"]]
    return ";\n".join([*parts, f"siteSearch.start({data})"]) + ";\n"


def section_of(node: nodes.Node) -> nodes.section:
    """The innermost section around it."""
    return node if isinstance(node, nodes.section) else section_of(node.parent)


def name_folds(app: Sphinx, doctree: nodes.document) -> None:
    """Give each fold an address by its section and its title, so that a search leads into it."""
    taken = {name for node in doctree.findall(nodes.Element) for name in node["ids"]}
    for fold in doctree.findall(nodes.container):
        title = fold.next_node(nodes.rubric) if fold.get("design_component") == "dropdown" else None
        if title is not None and not title["ids"] and "hint" not in fold["container_classes"]:
            name = f"{section_of(fold)['ids'][0]}-{nodes.make_id(prose(title))}"
            title["ids"].append(next(each for n in count(1) if (each := f"{name}-{n}" if n > 1 else name) not in taken))
            taken.update(title["ids"])


class Index:
    """Collects the pages' entries as the pages are written."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def collect(self, app: Sphinx, doctree: nodes.document, docname: str) -> None:
        """Take a page's entry."""
        self.entries[docname] = page_entry(app, docname, doctree)

    def write(self, app: Sphinx, exception: Exception | None) -> None:
        """Write the script, once all pages have been written: with `make live` it is that of the first build."""
        if exception is None and self.entries.keys() >= app.env.found_docs:
            pages = [entry for _, entry in sorted(self.entries.items()) if entry["weight"]]
            (app.outdir / "searchindex.js").write_text(script(pages), encoding="utf-8")


def begin(app: Sphinx) -> None:
    """Have Sphinx make no index of its own, which takes a second and would be thrown away."""
    app.builder.search = False  # type: ignore[attr-defined]  # private


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page of results, which Sphinx makes only beside its own index."""
    yield ("search", {"title": "Search"}, "search.html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the index."""
    index = Index()
    app.add_config_value("search_weights", [], "env")
    app.connect("builder-inited", begin)
    app.connect("doctree-read", name_folds)
    app.connect("doctree-resolved", index.collect, priority=400)  # before punctuation moves into the formulas
    app.connect("html-collect-pages", search_page)
    app.connect("build-finished", index.write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
