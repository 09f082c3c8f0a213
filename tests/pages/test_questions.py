"""The questions that people ask: each answered briefly, with an address, listed by what one sees, and in the search."""

import json
import re
import tomllib
from pathlib import Path

import lint
from bs4 import BeautifulSoup, Tag
from search_queries import PAGES

from site_builder.extensions.questions import SEEN

ROOT = Path(__file__).resolve().parents[2]
WORDS = range(35, 190)  # of an answer
COLLECTION = tomllib.loads((ROOT / "tests/questions.toml").read_text(encoding="utf-8"))["question"]


def folds(html: Path) -> dict[str, Tag]:
    """Every question of the site by its address, "sheet-2/2b-identical.html#dead"."""
    return {
        f"{path.relative_to(html).as_posix()}#{fold['id']}": fold
        for path in lint.pages(html)
        for fold in lint.parse(path).select("details.asked")
    }


def problems(fold: Tag) -> list[str]:
    """What is wrong with a question and its answer."""
    text = BeautifulSoup(str(fold.select_one(".sd-summary-content")), "lxml")
    for formula in text.select(".katex"):
        formula.replace_with("x")
    words, found = len(text.get_text(" ").split()), []
    if words not in WORDS:
        found.append(f"its answer has {words} words")
    if not fold.summary or not re.search(r"[?.”]$", fold.summary.get_text(strip=True)):
        found.append("its title is no sentence")
    return found + (["it is open"] if fold.has_attr("open") else [])


def test_every_question_is_answered_briefly_and_folded(html):
    found = folds(html)
    assert len(found) >= 100
    assert {address: wrong for address, fold in found.items() if (wrong := problems(fold))} == {}


def test_problems_are_found():
    answer = " ".join(["word"] * 40)
    fold = "<details {}><summary>{}</summary><div class='sd-summary-content'>{}</div></details>"
    good, *bad = (
        BeautifulSoup(fold.format(*parts), "lxml").details
        for parts in (("", "Why?", answer), ("", "Why?", "So."), ("", "Why", answer), ("open", "Why?", answer))
    )
    assert good and problems(good) == [] and [len(problems(one)) for one in bad if one] == [1, 1, 1]


def test_every_page_of_the_sheet_has_some(html):
    for path in html.glob("sheet-*/[0-9]*.html"):
        assert len(lint.parse(path).select("section#questions details.asked")) >= 4, path.name


def test_each_is_listed_once_by_what_one_sees(html):
    page = lint.parse(html / "sheet-2/training-log.html")
    lists = page.select("#questions .all-questions")
    listed = [f"sheet-2/{link['href']}" for one in lists for link in one.select("a")]
    assert len(lists) == len(SEEN) and sorted(listed) == sorted(folds(html))


def test_each_has_a_link_to_paste(html):
    links = {str(link["href"]) for link in lint.parse(html / "links.html").select(".all-links a")}
    assert set(folds(html)) <= links


def test_the_address_of_each_is_published(html):
    published = (ROOT / "tests/published-anchors.txt").read_text(encoding="utf-8").split()
    missing = sorted(set(folds(html)) - set(published))
    assert not missing, "append to tests/published-anchors.txt:\n" + "\n".join(missing)


def test_search_knows_each_with_the_words_of_its_askers(html):
    script = (html / "searchindex.js").read_text(encoding="utf-8")
    pages = json.loads(script[script.rindex("siteSearch.start(") + len("siteSearch.start(") : script.rindex(")")])[
        "pages"
    ]
    known = {f"{page['url']}#{part['id']}": part for page in pages for part in page["sections"] if "asked" in part}
    assert known.keys() == folds(html).keys()
    assert [address for address, part in known.items() if not part["asked"]] == []


def test_the_collection_leads_to_places_of_the_site(html):
    """Each question asked in public has a place that answers it, nearly always a question of the site."""
    assert len({question["url"] for question in COLLECTION}) == len(COLLECTION) >= 120
    known: dict[Path, set[str]] = {}
    places = [answer.partition("#") for question in COLLECTION for answer in question["answers"]]
    lost = [at for at in places if at[2] and at[2] not in lint.anchors(html / PAGES[at[0]], known)]
    assert lost == [] and all(question["answers"] for question in COLLECTION)
    ours = folds(html)
    first = [question["answers"][0].partition("#") for question in COLLECTION]
    assert sum(f"{PAGES[page]}#{anchor}" in ours for page, _, anchor in first) > 0.9 * len(first)
