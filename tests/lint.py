"""What every page must have. Each check returns the problems it finds, so that it can be tried on a bad page."""

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag

from bs4 import BeautifulSoup, Tag

from site_builder.pages import code_cells, read_notebook

SECTIONS = ["answer", "mistakes", "explore", "derivation", "evidence", "questions", "further", "marking"]
WORDS, WORDS_PER_POINT, MOST_WORDS = 200, 25, 450  # of an answer: with a figure, two screens; code is not counted
CELL_LINES = 18
QUOTED_LINES = 50  # in a cell that quotes the package
SIDES = re.compile(r"\b(Left|Right|Middle)\b|\bon the (left|right)\b")
ROOT = Path(__file__).resolve().parents[1]
LOADING = dict.fromkeys(("script", "img", "iframe", "source", "video", "audio", "embed"), "src") | {"object": "data"}


def parse(path: Path) -> BeautifulSoup:
    """A built page as a tree, to be read only: who asks for the same page again gets the same tree."""
    state = path.stat()
    return _tree(path, state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=256)  # more than there are pages, or none would be there when it is asked for again
def _tree(path: Path, changed: int, size: int) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")


def pages(html: Path) -> list[Path]:
    """All pages of the built site but the short links."""
    return [
        path
        for path in sorted(html.rglob("*.html"))
        if "_static" not in path.parts and "Short link" not in path.read_text(encoding="utf-8")
    ]


def questions(html: Path) -> list[Path]:
    """The pages that solve a question."""
    return sorted(html.glob("sheet-*/[0-9][a-z]-*.html"))


def section_problems(page: BeautifulSoup) -> list[str]:
    """The eight sections, in order, with their ids and more than a heading; the points; a hint."""
    article = page.select_one("article")
    if article is None:
        return ["no <article>"]
    sections = [
        section for section in article.select("section > section") if section.parent is article.select_one("section")
    ]
    found = [section["id"] for section in sections]
    problems = [] if found == SECTIONS else [f"sections are {found}, not {SECTIONS}"]
    problems += [f"{section['id']} is empty" for section in sections if len(section.find_all(recursive=False)) < 2]
    if not re.match(r"\d \([a-z]\) \S", article.h1.get_text() if article.h1 else ""):
        problems.append("the title does not start with the question's number")
    if not re.search(r"\b\d+ points\.", article.get_text()):
        problems.append("the points are missing")
    if not article.select("details.hint"):
        problems.append("the hint is missing")
    return problems


def answer_problems(page: BeautifulSoup) -> list[str]:
    """The answer has a formula in a box and is not longer than the points allow."""
    answer, points = page.select_one("section#answer"), re.search(r"\b(\d+) points\.", page.get_text())
    if answer is None or points is None:
        return ["no answer or no points"]
    problems = [] if answer.select(".admonition.answer .katex") else ["no formula in a box"]
    text = BeautifulSoup(str(answer), "lxml")
    for left_out in text.select(".math, .cell_input, figure, .claims"):
        left_out.replace_with(" ")
    words = len(re.findall(r"[\w'’-]*[A-Za-z][\w'’-]*", text.get_text(" ")))
    if words > (most := min(WORDS + WORDS_PER_POINT * int(points[1]), MOST_WORDS)):
        problems.append(f"the answer has {words} words; for {points[1]} points it may have {most}")
    return problems


def picture_problems(page: BeautifulSoup) -> list[str]:
    """Every picture says what is seen, in words of its own."""
    problems = []
    for picture in page.select("article [role=img], article img"):
        if picture.find_parent(attrs={"role": "img"}):
            continue  # a panel of a figure, which is described as one
        alt = str(picture.get("aria-label") or picture.get("alt") or "")
        if len(alt.split()) < 5:
            problems.append(f"a picture's alt text is {alt!r}")
    for figure in page.select("article figure"):
        if not figure.figcaption or not figure.figcaption.get_text(strip=True) or not figure.get("id"):
            problems.append("a figure without caption or id")
        elif side := SIDES.search(figure.figcaption.get_text()):
            problems.append(f"a caption says {side[0]!r}, but on a phone panels stand below each other")
    return problems


def id_problems(page: BeautifulSoup) -> list[str]:
    """No id twice, and every reference inside a drawing has its target."""
    ids = Counter(str(tag["id"]) for tag in page.find_all(id=True))
    problems = [f"id {name!r} is there twice" for name in sorted(ids) if ids[name] > 1]
    for use in page.select("svg use, svg [clip-path]"):
        target = str(use.get("xlink:href") or use.get("href") or use.get("clip-path")).removeprefix("url(").rstrip(")")
        if target.removeprefix("#") not in ids:
            problems.append(f"a drawing refers to {target}, which is not there")
    return problems


def request_problems(page: BeautifulSoup) -> list[str]:
    """Nothing is loaded from another host."""
    loads = [str(tag.get(LOADING[tag.name], "")) for tag in page.find_all(list(LOADING))]
    loads += [str(link["href"]) for link in page.select("link[href]") if "canonical" not in (link.get("rel") or [])]
    return [f"loads {address}" for address in loads if re.match(r"(https?:)?//", address)]


def formula_problems(page: BeautifulSoup) -> list[str]:
    """No formula is left as TeX, none failed, and each has MathML."""
    problems = [f"bad formula: {error.get_text()}" for error in page.select(".katex-error")]
    problems += ["a formula without MathML" for formula in page.select(".katex") if not formula.find("math")]
    text = "".join(_plain(page.article)) if page.article else ""
    return problems + [f"raw TeX: {match}" for match in re.findall(r"\$\$?[^$\n]+\$|\\[a-z]+\{[^}]*\}", text)]


def _plain(tag: Tag) -> Iterator[str]:
    """The strings of a page but those of code and those that give a formula's TeX."""
    for part in tag.children:
        if not isinstance(part, Tag):
            yield str(part)
        elif part.name not in ("annotation", "pre", "code", "script"):
            yield from _plain(part)


def link_problems(html: Path, path: Path, page: BeautifulSoup, targets: dict[Path, set[str]]) -> list[str]:
    """Every link inside the site leads to a page and to a place on it."""
    problems = []
    for link in page.select("a[href]"):
        address, fragment = urldefrag(str(link["href"]))
        if re.match(r"[a-z]+:", address):
            continue
        # the page for lost addresses has absolute ones, from the root of the site
        target = (html / address[1:] if address.startswith("/") else path.parent / unquote(address)).resolve()
        target = target if address else path.resolve()
        if not target.is_file():
            problems.append(f"link to {address}, which is not there")
        elif fragment and target.suffix == ".html" and unquote(fragment) not in anchors(target, targets):
            problems.append(f"link to {address}#{fragment}: no such place")
    return problems


def anchors(path: Path, known: dict[Path, set[str]]) -> set[str]:
    """All ids of a page, read once."""
    if path not in known:
        known[path] = {str(tag["id"]) for tag in parse(path).find_all(id=True)}
    return known[path]


def anchor_problems(html: Path, published: list[str]) -> list[str]:
    """Every published anchor still resolves."""
    known: dict[Path, set[str]] = {}
    problems = []
    for line in published:
        address, fragment = urldefrag(line)
        path = html / address
        if not path.is_file() or (fragment and fragment not in anchors(path, known)):
            problems.append(f"{line} was published and is gone")
    return problems


def ledger_problems(html: Path) -> list[str]:
    """claims.json is complete and true, and the pages show what it says."""
    known: dict[Path, set[str]] = {}
    problems = []
    claims = json.loads((html / "claims.json").read_text(encoding="utf-8"))["claims"]
    for claim in claims:
        low, high = (claim[end] if claim[end] is not None else claim["value"] for end in ("low", "high"))
        if not (claim["ok"] and low <= claim["value"] <= high):
            problems.append(f"{claim['id']} is off")
        if claim["anchor"] not in anchors(html / f"{claim['page']}.html", known):
            problems.append(f"{claim['id']}: its page does not show it")
        if claim["kind"] == "published" and not claim["source"]:
            problems.append(f"{claim['id']}: published where?")
        if claim["id"] not in anchors(html / "results.html", known):
            problems.append(f"{claim['id']} is not on the results page")
    return problems if claims else ["no claims at all"]


def prose(source: str) -> str:
    """A page's source without front matter, code, formulas, roles, addresses and comments; lines stay lines."""
    blank = lambda match: "\n" * match[0].count("\n")  # noqa: E731
    source = re.sub(r"\A---\n.*?\n---\n", blank, source, flags=re.S)
    source = re.sub(r"^(?P<fence>`{3,})\{code-cell\}.*?^(?P=fence)$", _captions, source, flags=re.S | re.M)
    source = re.sub(r"^(`{3,}).*?^\1$", blank, source, flags=re.S | re.M)
    source = re.sub(r"\$\$.*?\$\$(\s*\([\w-]+\))?", blank, source, flags=re.S)
    source = re.sub(r"\$[^$]+\$", blank, source)
    source = re.sub(r"<!--.*?-->|^:words:.*?$", blank, source, flags=re.S | re.M)
    source = re.sub(r"(\{[\w:]+\})?`[^`]*`", blank, source)
    return re.sub(r"\]\([^)]*\)|<[^>]*>", "]", source)


def _captions(cell: re.Match[str]) -> str:
    """Of a cell, its alt text and caption only: these are prose."""
    return "\n".join(line if re.match(r":(alt|caption):", line) else "" for line in cell[0].split("\n"))


def typed_decimals(source: str) -> list[str]:
    """Decimals that were typed into the prose instead of computed."""
    lines = enumerate(prose(source).split("\n"), start=1)
    return [
        f"line {number}: {decimal} is typed: let a cell claim it, and quote the claim"
        for number, line in lines
        for decimal in re.findall(r"(?<![\w.])\d*[.,]\d+(?![\w.]|\d)", line)
    ]


def cell_problems(source: str) -> list[str]:
    """Cells that are too long to be read, with what they quote from the package."""
    problems = []
    for cell in code_cells(read_notebook(ROOT, "page", source)):
        lines = [line for line in cell.source.split("\n") if line.strip()]
        most = QUOTED_LINES if "source" in cell.metadata else CELL_LINES
        if len(lines) > most:
            problems.append(
                f"a cell of {len(lines)} lines, blank ones and options not counted; at most {most}: {lines[0]}"
            )
    return problems


def head_tags(page: BeautifulSoup) -> dict[str, str]:
    """What a page's head says of it, by kind: "meta og:title", "link canonical", "title"."""
    said = {"title": page.head.title.get_text()} if page.head.title else {}
    for meta in page.head.select("meta"):
        name = next((name for name in ("name", "property", "http-equiv", "charset") if meta.has_attr(name)), "")
        said["meta charset" if name == "charset" else f"meta {meta.get(name)}"] = str(meta.get("content"))
    return said | {f"link {' '.join(link['rel'])}": str(link["href"]) for link in page.head.select("link")}


# hues, which mean a role of the palette; black, white and grey are what an image or a map shows
HUES = (
    "blue red green orange yellow purple violet magenta pink teal turquoise cyan brown gold golden crimson scarlet "
    "indigo lilac bluish reddish greenish yellowish"
)
HUE = re.compile(rf"\b({HUES.replace(' ', 's?|')})\b", re.I)


def named_colours(source: str) -> list[tuple[int, str]]:
    """Line and word of each hue in a caption or an alt text: by a colour alone not every reader finds a line."""
    words = []
    for number, line in enumerate(source.split("\n"), start=1):
        said = line if re.match(r"\s*:?(alt|caption):", line) else " ".join(re.findall(r"!\[([^\]]*)\]", line))
        words += [(number, word) for word in HUE.findall(said)]
    return words
