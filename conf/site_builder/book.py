"""All solutions as one HTML page, to be printed: assembled from the pages of a built site."""

from __future__ import annotations

import dataclasses
import html
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

from bs4 import BeautifulSoup, Tag

STYLE = Path(__file__).with_name("book.css")
QUESTION = re.compile(r"\d[a-z]-")
NUMBERS = ("aria-labelledby", "aria-describedby", "for")  # attributes that name other elements
LEFT_OUT = (
    ".headerlink, .take-along, .printed-from, .copybtn, .page-facts, .copy-link, .on-dark, script, noscript, template"
)


class BookError(Exception):
    """The site lacks what the book needs; the message says what."""


@dataclasses.dataclass
class Chapter:
    """One page of the site."""

    path: str  # "sheet-2/2a-no-overlap.html"
    title: str
    article: Tag

    @property
    def key(self) -> str:
        """What its ids begin with."""
        return Path(self.path).stem


@dataclasses.dataclass(frozen=True)
class Book:
    """All chapters on one HTML page, and its headings in their order."""

    text: str
    headings: list[str]


def chapters(site: Path) -> list[Chapter]:
    """Notation, the exercises with their questions, the ledger and the literature. Raises BookError."""
    questions = [path.relative_to(site).as_posix() for path in sorted(site.glob("sheet-*/[0-9]*.html"))]
    return [_chapter(site, path) for path in ("notation.html", *questions, "results.html", "literature.html")]


def _chapter(site: Path, path: str) -> Chapter:
    article = _page(site, path).select_one("article")
    if article is None or article.h1 is None:
        raise BookError(f"{path}: no article with a title")
    for part in article.select(LEFT_OUT):
        part.decompose()
    return Chapter(path, article.h1.get_text().strip(), article)


def _page(site: Path, path: str) -> BeautifulSoup:
    if not (site / path).is_file():
        raise BookError(f"{path} is not there")
    return BeautifulSoup((site / path).read_text(encoding="utf-8"), "lxml")


def assemble(site: Path) -> Book:
    """The book, to lie beside the site's index.html; its contents have no page numbers yet. Raises BookError."""
    front = _chapter(site, "index.html")
    guide = front.article.select_one("#how-to-read-a-page")
    if guide is None:
        raise BookError("index.html: no section with the id how-to-read-a-page")
    found = chapters(site)
    known = {chapter.path: chapter.key for chapter in found}
    for chapter in (*found, front):
        _prepare(chapter, known)
    head = "".join(_head(site, [front.path, *known]))
    subtitle = "Worked solutions to the exercise sheet: answers, derivations, and the code that checks them"
    cover = (
        f'<section class="cover"><h1>{html.escape(front.title)}</h1><p class="subtitle">{subtitle}</p>{guide}</section>'
    )
    body = "".join(f'<div class="chapter" id="{c.key}">{c.article.decode_contents()}</div>' for c in found)
    text = (
        f'<!doctype html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>{html.escape(front.title)}</title>{head}<style>{STYLE.read_text(encoding='utf-8')}{_running(found)}</style>"
        f'</head><body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">'
        f'<article class="bd-article">{cover}{_contents(found)}{body}</article></div></div></main></body></html>'
    )
    headings = [front.title, *_headings(guide), "Contents"]
    return Book(text, [*headings, *(heading for chapter in found for heading in _headings(chapter.article))])


def _headings(part: Tag) -> list[str]:
    """The headings in their order, a formula in them as its TeX."""
    found = []
    for heading in part.select("h1, h2, h3, h4, h5, h6"):
        words = BeautifulSoup(str(heading), "lxml")
        for formula in words.select(".katex"):
            formula.replace_with(str(formula["aria-label"]))
        found.append(" ".join(words.get_text().split()))
    return found


def _head(site: Path, paths: list[str]) -> list[str]:
    """The style sheets of all pages, and the scripts that draw the interactive figures, each once."""
    tags: dict[str, None] = {}
    for path in paths:
        page = _page(site, path)
        for sheet in page.select("head link[rel~=stylesheet][href]"):
            tags[f'<link rel="stylesheet" href="{_from_top(path, str(sheet["href"]))}">'] = None
        for script in page.select("script[src*=explorable]"):
            tags[f'<script defer src="{_from_top(path, str(script["src"]))}"></script>'] = None
    return list(tags)


def _from_top(path: str, address: str) -> str:
    """An address found on the page at ``path``, seen from the top of the site."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), address.partition("?")[0]))


def _prepare(chapter: Chapter, known: dict[str, str]) -> None:
    """Ids become unique, links lead inside the book, folded parts open, pictures load, formulas are said once."""
    for formula in chapter.article.select(".katex"):
        _say_once(formula)
    for tag in chapter.article.find_all(True):
        _rename(tag, chapter.key)
        if tag.name == "details":
            tag["open"] = ""
        elif tag.name == "img":
            tag["src"] = _with_fragment(chapter.path, str(tag["src"]))
            tag["loading"] = "eager"
        elif tag.name == "a" and tag.has_attr("href"):
            _lead(tag, chapter, known)
        elif tag.has_attr("data-source"):
            tag["data-source"] = _from_top(chapter.path, str(tag["data-source"]))


def _say_once(formula: Tag) -> None:
    """One formula, seen as KaTeX sets it and read aloud as its TeX: text twice would be found and copied twice."""
    tex, hidden, seen = (formula.select_one(part) for part in ("annotation", ".katex-mathml", ".katex-html"))
    if tex is None or hidden is None or seen is None:
        return
    formula["role"], formula["aria-label"] = "img", tex.get_text()
    hidden.decompose()
    del seen["aria-hidden"]


def _rename(tag: Tag, key: str) -> None:
    """Give ids, and what refers to them, the chapter's name."""
    for name, value in list(tag.attrs.items()):
        text = " ".join(value) if isinstance(value, list) else str(value)
        if name == "id":
            tag[name] = f"{key}--{text}"
        elif name in NUMBERS:
            tag[name] = " ".join(f"{key}--{part}" for part in text.split())
        elif name in ("href", "xlink:href") and tag.name != "a" and text.startswith("#"):
            tag[name] = f"#{key}--{text[1:]}"
        elif "url(#" in text:
            tag[name] = text.replace("url(#", f"url(#{key}--")


def _with_fragment(path: str, address: str) -> str:
    if re.match(r"[a-z]+:", address):
        return address
    file, fragment = urldefrag(address)
    return _from_top(path, file) + (f"#{fragment}" if fragment else "")


def _lead(link: Tag, chapter: Chapter, known: dict[str, str]) -> None:
    """Have a link lead inside the book or to the world; one to what the book has not is text."""
    address, fragment = urldefrag(str(link["href"]))
    if re.match(r"[a-z]+:", address):
        return
    target = known.get(_from_top(chapter.path, unquote(address)) if address else chapter.path)
    if target is None:
        link.unwrap()
    else:
        link["href"] = f"#{target}--{fragment.partition('?')[0]}" if fragment else f"#{target}"


def _contents(found: list[Chapter]) -> str:
    """The list of chapters, each with a place for its page number."""
    lines = []
    for chapter in found:
        kind = "question" if QUESTION.match(chapter.key) else "page"
        lines.append(
            f'<li class="{kind}"><a href="#{chapter.key}"><span>{html.escape(chapter.title)}</span>'
            f'<span class="dots"></span><span data-page-of="{chapter.key}"></span></a></li>'
        )
    return f'<section class="contents"><h1>Contents</h1><ol>{"".join(lines)}</ol></section>'


def numbered(text: str, pages: dict[str, int]) -> str:
    """The book with page numbers in its contents: ``pages`` says on which page each chapter begins."""
    return re.sub(r'(<span data-page-of="([^"]+)">)[^<]*', lambda place: f"{place[1]}{pages.get(place[2], '')}", text)


def _running(found: list[Chapter]) -> str:
    """The title of each chapter at the head of its pages."""
    rules = []
    for number, chapter in enumerate(found):
        title = chapter.title.partition(":")[0].replace("\\", r"\\").replace('"', r"\"")
        rules.append(
            f"#\\{ord(chapter.key[0]):x} {chapter.key[1:]} {{ page: c{number} }} "
            f'@page c{number} {{ @top-right {{ content: "{title}"; font: 9pt sans-serif; color: #444; }} }}'
        )
    return "".join(rules)
