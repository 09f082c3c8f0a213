"""The search index: what it holds, that all of it is text, and that its addresses lead somewhere."""

import gzip
import json
import re
import tomllib
from pathlib import Path

import lint
import pytest
from docutils import nodes

from site_builder import plain_text
from site_builder.extensions import search_index

BYTES_A_PAGE = 8000  # of the script as it is sent, a third of it the words of those who ask; no page waits for it


@pytest.fixture(scope="module")
def script(html: Path) -> str:
    return (html / "searchindex.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def entries(script: str) -> list[dict]:
    data = script[script.rindex("siteSearch.start(") + len("siteSearch.start(") : script.rindex(")")]
    return json.loads(data)["pages"]


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"D^*(x)=\tfrac12", "D*(x) = 1/2"),
        (r"\mathcal L_D=2\log 2", "L_D = 2 log 2"),
        (r"\mathrm{KL}(q(z\mid x)\,\|\,p(z))", "KL(q(z | x) ‖ p(z))"),
        (r"\frac{p_{data}}{p_{data}+0}", "p_data/(p_data+0)"),
        (r"K_{\text{eff}}", "K_eff"),
        (r"\hat x", "x\u0302"),
        (r"\max_D\min_G V", "max_D min_G V"),
        (r"\begin{aligned}a&=b\\[1ex]c&\le d\end{aligned}", "a = b c ≤ d"),
        (r"\begin{cases}1&x\in A\\0&x\notin A\end{cases}", "1 x ∈ A 0 x ∉ A"),
        (r"\text{squared error}\sin x", "squared error sin x"),
        (r"\frac{l_i}{\beta\sigma^2}", "l_i/(βσ^2)"),
        (r"f\circ g", "f ∘ g"),
        (r"10^{-6}", "10^(−6)"),
        (r"\unknown x", "x"),
        (r"\frac{1}", "1/"),
    ],
)
def test_formulas_read_as_text(tex: str, text: str) -> None:
    assert plain_text.readable(tex) == text


def test_text_of_a_section_leaves_out_code_and_sub_sections() -> None:
    section = nodes.section(
        "",
        nodes.paragraph("", "", nodes.Text("Take "), nodes.math("", r"p_{gen}"), nodes.Text(".")),
        nodes.bullet_list("", nodes.list_item("", nodes.paragraph("", "One"))),
        nodes.literal_block("", "import torch\nsoftplus(t)"),
        nodes.section("", nodes.paragraph("", "Elsewhere")),
    )
    assert plain_text.prose(nodes.container("", *section.children)) == "Take p_gen. One"


def test_every_page_and_section_is_in(html: Path, entries: list[dict]) -> None:
    for page in lint.questions(html):
        (entry,) = (entry for entry in entries if entry["url"] == page.relative_to(html).as_posix())
        wanted = ["", *(name for name in lint.SECTIONS if name != "questions")]  # each question is in by itself
        assert [section["id"] for section in entry["sections"] if section["id"] in wanted] == wanted
        assert entry["label"] == page.name[:2]
        assert entry["keywords"], f"{page.name}: no keywords: [one phrase, another] at the top of its source"
        figures = {place[0] for section in entry["sections"] for place in section["places"] if place[1] == "Figure"}
        assert figures == {figure["id"] for figure in lint.parse(page).select("article figure[id]")}


def test_every_address_leads_somewhere(html: Path, entries: list[dict]) -> None:
    known: dict[Path, set[str]] = {}
    places = [
        (entry["url"], name)
        for entry in entries
        for section in entry["sections"]
        for name in [section["id"], *(place[0] for place in section["places"])]
        if name
    ]
    assert len(places) > 500
    assert [place for place in places if place[1] not in lint.anchors(html / place[0], known)] == []


def test_all_of_it_is_text(entries: list[dict]) -> None:
    for entry in entries:
        for section in entry["sections"]:
            for text in [section["title"], section["text"], *(place[2] for place in section["places"])]:
                assert not re.search(r"\\[a-zA-Z]|\$|</\w|_\{|\bimport \w+$|\s\s", text), (entry["url"], text)


def test_all_checks_are_found_by_their_ids(html: Path, entries: list[dict]) -> None:
    claims = json.loads((html / "claims.json").read_text(encoding="utf-8"))["claims"]
    places = {place[0] for entry in entries for section in entry["sections"] for place in section["places"]}
    assert {claim["anchor"] for claim in claims} <= places


def test_words_belong_to_one_line_each() -> None:
    lines = tomllib.loads((search_index.PARTS / "words.toml").read_text(encoding="utf-8"))["same"]
    phrases = [phrase for line in lines for phrase in set(line)]
    assert sorted({phrase for phrase in phrases if phrases.count(phrase) > 1}) == []
    assert all(phrase == phrase.lower() and phrase.strip() == phrase for phrase in phrases)


def test_index_is_small_and_alone(html: Path, script: str, entries: list[dict]) -> None:
    size, limit = len(gzip.compress(script.encode(), 9)), BYTES_A_PAGE * len(entries)
    assert size <= limit, (
        f"the search index has {size} bytes, more than {limit}: are pages too long, or all in it twice?"
    )
    assert len(gzip.compress((search_index.PARTS.parent / "static" / "search.js").read_bytes(), 9)) <= 6000
    assert (
        not list(html.rglob("searchtools.js")) + list(html.rglob("*stemmer.js")) + list(html.rglob("language_data.js"))
    )
    for page in lint.pages(html):
        assert "searchindex.js" not in {script.get("src") for script in lint.parse(page).select("script")}
        assert lint.parse(page).select_one("#search-dialog form[role=search]")


def test_same_pages_give_the_same_bytes(script: str, entries: list[dict]) -> None:
    assert search_index.script(entries) == script
