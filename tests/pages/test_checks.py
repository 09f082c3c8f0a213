"""Each check finds the fault that it is there for, on a page that has it."""

import json
import re
from pathlib import Path

import lint
import pytest
from bs4 import BeautifulSoup


def soup(markup: str) -> BeautifulSoup:
    return BeautifulSoup(markup, "lxml")


@pytest.fixture(scope="module")
def question(html: Path) -> str:
    return lint.questions(html)[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("section", lint.SECTIONS)
def test_an_empty_section_and_a_missing_one_are_found(question, section):
    page = soup(question)
    for part in page.select_one(f"section#{section}").find_all(recursive=False)[1:]:
        part.decompose()
    assert lint.section_problems(page) == [f"{section} is empty"]
    page = soup(question)
    page.select_one(f"section#{section}").unwrap()
    assert lint.section_problems(page) != []


def test_a_missing_hint_title_and_points_are_found(question):
    page = soup(question)
    page.select_one(".hint").decompose()
    assert lint.section_problems(page) == ["the hint is missing"]
    page = soup(re.sub(r"<h1>\d \(a\)", "<h1>", question))
    assert lint.section_problems(page) == ["the title does not start with the question's number"]
    assert "the points are missing" in lint.section_problems(soup(re.sub(r"\d+ points", "some points", question)))


def test_a_long_answer_and_one_without_formula_are_found(question):
    page = soup(question)
    page.select_one("section#answer p").append(" word" * 300)
    assert any("words" in problem for problem in lint.answer_problems(page))
    page = soup(question)
    page.select_one(".admonition.answer").decompose()
    assert lint.answer_problems(page) == ["no formula in a box"]


@pytest.mark.parametrize(
    ("markup", "check"),
    [
        ('<article><div role="img" aria-label=""></div></article>', lint.picture_problems),
        ('<article><img src="a.svg" alt="a.svg"></article>', lint.picture_problems),
        ('<article><figure id="f"></figure></article>', lint.picture_problems),
        ('<p id="a"></p><p id="a"></p>', lint.id_problems),
        ('<svg><use xlink:href="#gone"/></svg>', lint.id_problems),
        ('<svg><g clip-path="url(#gone)"/></svg>', lint.id_problems),
        ('<script src="https://elsewhere.example/a.js"></script>', lint.request_problems),
        ('<link rel="stylesheet" href="//elsewhere.example/a.css">', lint.request_problems),
        (r"<article><p>\mathcal{L}</p></article>", lint.formula_problems),
        ("<article><p>$x$</p></article>", lint.formula_problems),
        ('<article><span class="katex">x</span></article>', lint.formula_problems),
    ],
)
def test_a_bad_page_is_found(markup, check):
    assert check(soup(markup)) != []


def test_dead_links_and_dead_anchors_are_found(tmp_path):
    page = tmp_path / "a.html"
    page.write_text('<p id="here"></p>', encoding="utf-8")
    dead = soup('<a href="b.html">x</a><a href="a.html#there">x</a><a href="#there">x</a>')
    alive = soup('<a href="a.html#here">x</a><a href="#here">x</a><a href="https://elsewhere.example">x</a>')
    assert len(lint.link_problems(tmp_path, page, dead, {})) == 3
    assert lint.link_problems(tmp_path, page, alive, {}) == []
    assert lint.anchor_problems(tmp_path, ["a.html", "a.html#here"]) == []
    assert len(lint.anchor_problems(tmp_path, ["b.html", "a.html#there"])) == 2


def test_a_false_ledger_is_found(tmp_path):
    claim = {
        "id": "x",
        "page": "p",
        "anchor": "claim-x",
        "value": 1.0,
        "low": 0.0,
        "high": 2.0,
        "ok": True,
        "kind": "published",
        "source": "here",
    }
    (tmp_path / "p.html").write_text('<li id="claim-x">', encoding="utf-8")
    (tmp_path / "results.html").write_text('<p id="x">', encoding="utf-8")

    def problems(**changes: object) -> list[str]:
        (tmp_path / "claims.json").write_text(json.dumps({"claims": [claim | changes]}), encoding="utf-8")
        return lint.ledger_problems(tmp_path)

    assert problems() == []
    for change in ({"value": 3.0}, {"ok": False}, {"source": ""}, {"anchor": "claim-y"}, {"id": "y"}):
        assert len(problems(**change)) == 1, change


@pytest.mark.parametrize(
    "text",
    [
        "about 0.693 nats",
        "it is .5",
        "a loss of 1,386",
        "# Title\n\nsee **12.5**",
        "```{code-cell} python\n:caption: it is 0.5\nx\n```",
    ],
)
def test_a_typed_decimal_is_found(text):
    assert len(lint.typed_decimals(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "$0.5$",
        "`0.5`",
        "{claim}`a .3f`",
        "$$\n0.5\n$$ (eq-x)",
        "```python\n0.5\n```",
        "---\na: 0.5\n---\nx",
        "question 2 (a).",
        "1. one\n2. two",
        "[x](https://a.example/1.2)",
        "```{code-cell} python\n:alt: a line\n0.5\n```",
    ],
)
def test_formulas_code_and_references_are_no_typed_decimals(text):
    assert lint.typed_decimals(text) == []


def test_a_long_cell_is_found():
    cell = "```{code-cell} python\n:alt: x\n" + "x = 1\n" * (lint.CELL_LINES + 1) + "```\n"
    assert len(lint.cell_problems(cell)) == 1
    assert lint.cell_problems(cell.replace("x = 1\n", "", 1)) == []


def test_a_cell_that_quotes_the_package_may_be_longer():
    cell = "```{code-cell} python\n:source: genmodels.gan.train.train_step\n```\n"
    assert lint.cell_problems(cell) == []
    assert len(lint.cell_problems(cell.replace("train_step", "train_step, genmodels.gan.train.GANRuns"))) == 1
