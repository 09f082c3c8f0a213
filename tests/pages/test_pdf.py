"""All solutions as one PDF: whole, linked, and with nothing cut off."""

import re
from pathlib import Path

import lint
import paper
import pytest
from paper import squeezed
from pypdf import PdfReader

from site_builder import book, pdf


@pytest.fixture(scope="module")
def reader(html: Path) -> PdfReader:
    if not (html / pdf.NAME).is_file():
        pytest.fail("this site was built without its PDF: 'make pdf' first ('make test' does it)", pytrace=False)
    return PdfReader(html / pdf.NAME, strict=True)


@pytest.fixture(scope="module")
def sheets(html: Path) -> list[str]:
    """The text of each page."""
    return [squeezed(text) for text in paper.texts((html / pdf.NAME).read_bytes())]


def outline(reader: PdfReader) -> list[tuple[str, int, list[str]]]:
    """Each chapter: its title, its first page, counted from 1, and its sections."""
    found: list[tuple[str, int, list[str]]] = []
    for entry in reader.outline:
        if isinstance(entry, list):
            found[-1][2].extend(part.title for part in entry if not isinstance(part, list))
        else:
            found.append((entry.title, reader.get_destination_page_number(entry) + 1, []))
    return found


def test_it_can_be_printed_and_sent_and_the_front_page_says_how_large_it_is(reader, html):
    size = (html / pdf.NAME).stat().st_size / 1e6
    assert len(reader.pages) <= 80 and size <= 6
    said = re.search(r"about (\d+) pages, (\d+) MB", lint.parse(html / "index.html").select_one("#take-it-along").text)
    assert abs(int(said[1]) - len(reader.pages)) <= 5 and abs(int(said[2]) - size) <= 1, (
        said[0],
        len(reader.pages),
        size,
    )


def test_no_letter_lies_beyond_the_paper(reader, html):
    width, height = map(float, reader.pages[0].mediabox[2:])
    for letter in paper.letters((html / pdf.NAME).read_bytes()):
        assert 0 < letter.x < width and 0 < letter.y < height, letter


def test_every_question_is_in_the_outline_with_its_sections(reader, html):
    chapters = {title: sections for title, _, sections in outline(reader)}
    titles = [lint.parse(path).h1.get_text().rstrip("#") for path in lint.questions(html)]
    assert [title for title in chapters if title in titles] == titles
    there = [section for section in lint.SECTIONS if section not in ("answer", "explore")]
    for title in titles:
        assert [section.lower() for section in chapters[title]] == there


def test_the_contents_say_where_each_chapter_begins(reader, sheets):
    contents, chapters = sheets[0], [(title, page) for title, page, _ in outline(reader)[1:]]
    assert len(chapters) >= 14
    for title, page in chapters:
        assert f"{squeezed(title)}{page}" in contents, title
        assert squeezed(title) in sheets[page - 1]


def test_every_link_leads_to_a_page_or_to_the_world(reader):
    inside = outside = 0
    for sheet in reader.pages:
        for annotation in sheet.get("/Annots", []):
            link = annotation.get_object()
            if "/Dest" in link:
                assert str(link["/Dest"]).lstrip("/") in {name.lstrip("/") for name in reader.named_destinations}
                inside += 1
            elif "/A" in link:
                assert re.match(r"https?://(?!127\.|localhost)", str(link["/A"]["/URI"])), link["/A"]
                outside += 1
    assert inside > 300 and outside > 20


def test_the_answers_come_first_then_all_else_but_folded_code_and_checks(reader, sheets, html):
    starts = [page for _, page, _ in outline(reader)]
    assert starts[1] == 2
    answers, rest = (
        "".join(re.sub(r"\d+$", "", sheet) for sheet in part) for part in (sheets[: starts[2] - 1], sheets)
    )
    folded = 0
    for path in lint.questions(html):
        page = lint.BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")  # of its own, for parts are taken out
        for part in page.select("#explore, .claims, [popover], .hint, template, .math, .panels, .copy-link"):
            part.extract()
        for section in page.select("section > section"):
            text = answers if section["id"] == "answer" else rest
            words = {word for part in section.select("p, li, td") for word in part.get_text(" ").split()}
            for word in (word for word in words if len(word) > 3):
                assert squeezed(word) in text, (path.name, section["id"], word)
        for line in [line for cell in page.select(".cell > .cell_input pre") for line in cell.text.splitlines()]:
            assert squeezed(line) in rest, (path.name, line)
        folded += sum("fig=panels(" in squeezed(cell.text) for cell in page.select(".cell > details pre"))
    assert folded > 20 and "fig=panels(" not in rest and "allhold" not in rest


def test_figures_are_drawn_and_formulas_have_their_letters(reader):
    fonts = {str(font.get_object().get("/BaseFont")) for sheet in reader.pages for font in _fonts(sheet)}
    assert sum("KaTeX" in font for font in fonts) >= 5
    raster = [image for sheet in reader.pages for image in sheet["/Resources"].get("/XObject", {}).values()]
    assert len(raster) < 400  # images within figures; the figures themselves are lines


def _fonts(sheet):
    return sheet["/Resources"].get("/Font", {}).values()


def test_the_time_of_printing_is_not_in_it(reader, html):
    assert reader.metadata is not None and "/CreationDate" not in reader.metadata
    assert b"D:20" not in (html / pdf.NAME).read_bytes()


def test_links_inside_the_book_stay_inside_and_dead_ones_become_text(tmp_path):
    (tmp_path / "sheet-1").mkdir()
    pages = {
        "index.html": "<h1>All</h1>",
        "notation.html": "<h1>Notation</h1>",
        "sheet-1/answers.html": '<h1>Answers</h1><section id="answer-1a"><h2>1 (a)</h2><p id="1a-fig"></p></section>',
        "sheet-1/1a-x.html": '<h1>1 (a) X: y</h1><p id="p"><a href="#p">a</a><a href="../notation.html">b</a>'
        '<a href="../literature.html#r?s=1">c</a><a href="../claims.json">d</a><a href="https://e.example">e</a>'
        '<a href="#answer">f</a><a href="1a-x.html#fig">g</a><a href="#explore">h</a>'
        '<a href="../results.html#n">7</a></p>'
        '<details><summary>s</summary></details><img src="f.svg" loading="lazy" alt="">'
        '<section id="answer"><p id="fig"></p></section><section id="explore"></section>'
        '<div class="cell"><details><summary>Code</summary></details><div class="cell_input">open</div></div>',
        "literature.html": '<h1>Literature</h1><p id="r"></p>',
    }
    for name, body in pages.items():
        (tmp_path / name).write_text(f"<html><body><article>{body}</article></body></html>", encoding="utf-8")
    made = book.assemble(tmp_path)
    page = lint.BeautifulSoup(book.numbered(made.text, {"1a-x": 7}), "lxml")
    chapter = page.select_one('[data-key="1a-x"]')
    links = [link["href"] for link in chapter.select("a")]
    inside = ["#1a-x--p", "#notation", "#literature--r", "https://e.example", "#answers--answer-1a", "#answers--1a-fig"]
    assert links == inside and chapter.p.get_text() == "abcdefgh7"
    assert chapter.img["src"] == "sheet-1/f.svg" and chapter.img["loading"] == "eager"
    assert chapter.details.has_attr("open") and chapter.select_one(".cell").get_text() == "open"
    assert lint.id_problems(page) == []
    assert page.select_one('[data-page-of="1a-x"]').get_text() == "7"
    assert made.headings == ["All", "Answers", "1 (a)", "1 (a) X: y", "Notation", "Literature"]
    (tmp_path / "literature.html").write_text("<article><p></p></article>", encoding="utf-8")
    with pytest.raises(book.BookError, match=r"literature\.html: no article with a title"):
        book.assemble(tmp_path)
