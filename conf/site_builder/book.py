"""All solutions as one HTML page, to be printed: assembled from the pages of a built site, the answers first."""

import dataclasses
import html
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag

from bs4 import BeautifulSoup, Tag

STYLE = Path(__file__).with_name("book.css")
QUESTION = re.compile(r"\d[a-z](?=-)")
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="  # one white pixel
# what paper cannot do, folded code, the checks, and the answers, which have a chapter of their own
LEFT_OUT = (
    ".headerlink, .take-along, .printed-from, .copybtn, .copy-link, .page-facts, .full-page, .on-dark, .hint, "
    ".explorable, .claims, .cell > details, #answer, #explore, #where-each-part-looks, [popover], dialog, "
    ".opening-picture, script, noscript, template"
)


class BookError(Exception):
    """The site lacks what the book needs; the message says what."""


@dataclasses.dataclass
class Chapter:
    """One page of the site."""

    path: str  # "sheet-2/2a-no-overlap.html"
    title: str
    article: Tag
    styles: list[str]

    @property
    def key(self) -> str:
        """What its ids begin with."""
        return Path(self.path).stem

    @property
    def kind(self) -> str:
        """A question begins below the one before, another page on a sheet of its own."""
        return "question" if QUESTION.match(self.key) else "page"


@dataclasses.dataclass(frozen=True)
class Book:
    """All chapters on one HTML page, and its headings in their order."""

    text: str
    headings: list[str]


def chapters(site: Path) -> list[Chapter]:
    """All answers, the exercises with their questions, notation and literature. Raises BookError."""
    answers, pages = (sorted(site.glob(f"sheet-*/{name}.html")) for name in ("answers", "[0-9]*"))
    found = [path.relative_to(site).as_posix() for path in (*answers, *pages)]
    return [_chapter(site, path) for path in (*found, "notation.html", "literature.html")]


def _chapter(site: Path, path: str) -> Chapter:
    if not (site / path).is_file():
        raise BookError(f"{path} is not there")
    page = BeautifulSoup((site / path).read_text(encoding="utf-8"), "lxml")
    article, sheets = page.select_one("article"), page.select("head link[rel~=stylesheet][href]")
    if article is None or article.h1 is None:
        raise BookError(f"{path}: no article with a title")
    for part in article.select(LEFT_OUT):
        part.decompose()
    styles = [f'<link rel="stylesheet" href="{_from_top(path, str(sheet["href"]))}">' for sheet in sheets]
    return Chapter(path, article.h1.get_text().strip(), article, styles)


def assemble(site: Path) -> Book:
    """The book, to lie beside the site's index.html; its contents have no page numbers yet. Raises BookError."""
    title, found = _chapter(site, "index.html").title, chapters(site)
    for chapter in found:
        _prepare(chapter)
    ids = {chapter.key for chapter in found}
    ids |= {str(tag["id"]) for chapter in found for tag in chapter.article.select("[id]")}
    for chapter in found:
        for link in chapter.article.select("a[href]"):
            _lead(link, chapter, found, ids)
    styles = "".join(dict.fromkeys(style for chapter in found for style in chapter.styles))
    body = "".join(
        f'<div class="chapter {c.kind}" data-key="{c.key}">{c.article.decode_contents()}</div>' for c in found
    )
    text = (
        f'<!doctype html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>{styles}"
        f"<style>{STYLE.read_text(encoding='utf-8')}{_running(found)}</style></head>"
        f'<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">'
        f'<article class="bd-article">{_contents(title, found)}{body}</article></div></div></main></body></html>'
    )
    return Book(text, [title, *(heading for chapter in found for heading in _headings(chapter.article))])


def _headings(part: Tag) -> list[str]:
    """The headings in their order, a formula in them as its TeX."""
    found = []
    for heading in part.select("h1, h2, h3, h4, h5, h6"):
        words = BeautifulSoup(str(heading), "lxml")
        for formula in words.select(".katex"):
            formula.replace_with(str(formula.select("img")[0]["alt"]))
        found.append(" ".join(words.get_text().split()))
    return found


def _from_top(path: str, address: str) -> str:
    """An address found on the page at ``path``, seen from the top of the site."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), address.partition("?")[0]))


def _prepare(chapter: Chapter) -> None:
    """Ids become unique, folded parts open, pictures load, formulas are read aloud as their TeX, and copied once."""
    for tag in chapter.article.find_all(True):
        if tag.name == "h1":
            tag["id"] = chapter.key  # not around it: a heading may begin on the next sheet
        elif "id" in tag.attrs:
            tag["id"] = f"{chapter.key}--{tag['id']}"
        if tag.name == "details":
            tag["open"] = ""
        elif tag.name == "img":
            tag["src"], tag["loading"] = _from_top(chapter.path, str(tag["src"])), "eager"
    for tex in chapter.article.select(".katex-mathml annotation"):
        # letters that a screen reader gets one by one would make the file half as large again
        spoken = BeautifulSoup().new_tag("img", attrs={"alt": tex.get_text(), "src": DOT, "class": "spoken"})
        tex.find_parent(class_="katex-mathml").replace_with(spoken)  # type: ignore[union-attr]


def _lead(link: Tag, chapter: Chapter, found: list[Chapter], ids: set[str]) -> None:
    """Have a link lead inside the book, also to an answer, or to the world; one to what the book has not is text."""
    address, fragment = urldefrag(str(link["href"]))
    if re.match(r"[a-z]+:", address):
        return
    path, place = _from_top(chapter.path, unquote(address)) if address else chapter.path, fragment.partition("?")[0]
    target = next((other.key for other in found if other.path == path), "")
    question = QUESTION.match(target)
    places = [f"{target}--{place}"] if place else [target]
    if question:
        places += [f"answers--{place}-{question[0]}", f"answers--{question[0]}-{place}"]
    lead = next((place for place in places if place in ids), None)
    if lead:
        link["href"] = f"#{lead}"
    else:
        link.unwrap()


def _contents(title: str, found: list[Chapter]) -> str:
    """The first page: what this is, and the chapters, each with a place for its page number."""
    lines = []
    for chapter in found:
        lines.append(
            f'<li class="{chapter.kind}"><a href="#{chapter.key}"><span>{html.escape(chapter.title)}</span>'
            f'<span class="dots"></span><span data-page-of="{chapter.key}"></span></a></li>'
        )
    return (
        f'<section class="contents"><h1>{html.escape(title)}</h1>'
        "<p>Worked solutions to the exercise sheet. All answers come first: they are what earns full marks. Then each "
        "question has its mistakes, derivation, experiments, questions that people ask, and marking. The figures to "
        "play with, the code that draws, and the checks behind the numbers are on the website only.</p>"
        f"<ol>{''.join(lines)}</ol></section>"
    )


def numbered(text: str, pages: dict[str, int]) -> str:
    """The book with page numbers in its contents: ``pages`` says on which page each chapter begins."""
    return re.sub(r'(<span data-page-of="([^"]+)">)[^<]*', lambda place: f"{place[1]}{pages.get(place[2], '')}", text)


def _running(found: list[Chapter]) -> str:
    """The title of each exercise at the head of its pages; where the kind of page changes, a new sheet begins."""
    rules, number = [], 0
    for chapter in found:
        if chapter.kind == "page":
            number, title = number + 1, chapter.title.replace("\\", r"\\").replace('"', r"\"")
            head = f'@top-right {{ content: "{title}"; font: 9pt sans-serif; color: #444; }}'
            rules.append(f"@page c{number} {{ {head} }}")
        rules.append(f'[data-key="{chapter.key}"] {{ page: c{number} }}')
    return "".join(rules)
