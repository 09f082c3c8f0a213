"""All solutions as one PDF: whole, linked, and with nothing cut off."""

from __future__ import annotations

import io
import re
import unicodedata
from pathlib import Path

import lint
import pytest
from pypdf import PdfReader, PdfWriter

from site_builder import book, pdf


def squeezed(text: str) -> str:
    """Without blanks and line ends, and with ff as two letters."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))


@pytest.fixture(scope="module")
def reader(html: Path) -> PdfReader:
    if not (html / pdf.NAME).is_file():
        pytest.fail("this site was built without its PDF: 'make pdf' first ('make test' does it)", pytrace=False)
    return PdfReader(html / pdf.NAME, strict=True)


@pytest.fixture(scope="module")
def sheets(reader: PdfReader) -> list[str]:
    """The text of each page; none of it stands beyond the paper."""
    return [_text(sheet) for sheet in reader.pages]


def _text(sheet) -> str:
    width, height = float(sheet.mediabox.width), float(sheet.mediabox.height)

    def note(text, cm, tm, font, size):
        x, y = (tm[4] * cm[i] + tm[5] * cm[2 + i] + cm[4 + i] for i in (0, 1))
        assert not text.strip() or (0 < x < width and 0 < y < height), text

    return squeezed(sheet.extract_text(visitor_text=note))


def outline(reader: PdfReader) -> list[tuple[str, int, list[str]]]:
    """Each chapter: its title, its first page, counted from 1, and its sections."""
    found: list[tuple[str, int, list[str]]] = []
    for entry in reader.outline:
        if isinstance(entry, list):
            found[-1][2].extend(part.title for part in entry if not isinstance(part, list))
        else:
            found.append((entry.title, reader.get_destination_page_number(entry) + 1, []))
    return found


def test_every_question_is_in_the_outline_with_its_sections(reader, html):
    chapters = {title: sections for title, _, sections in outline(reader)}
    titles = [lint.parse(path).h1.get_text().rstrip("#") for path in lint.questions(html)]
    assert [title for title in chapters if title in titles] == titles
    for title in titles:
        assert [section.lower() for section in chapters[title]] == lint.SECTIONS


def test_the_contents_say_where_each_chapter_begins(reader, sheets):
    contents = next(sheet for sheet in sheets if sheet.startswith("2Contents") or "Contents" in sheet[:12])
    chapters = [(title, page) for title, page, _ in outline(reader) if page > sheets.index(contents) + 1]
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
    assert inside > 500 and outside > 20


def test_every_answer_and_every_line_of_code_is_there(reader, sheets, html):
    starts = {title: page for title, page, _ in outline(reader)}
    ends = sorted(starts.values())
    for path in lint.questions(html):
        page = lint.parse(path)
        first = starts[page.h1.get_text().rstrip("#")]
        after = next(start for start in ends if start > first)
        text = "".join(re.sub(r"^\d+", "", sheet) for sheet in sheets[first - 1 : after - 1])
        answer = page.select_one("section#answer")
        words = [word for word in answer.find_all(string=True) if not word.find_parent(class_="math")]
        for part in (part for word in words for part in word.split() if len(part) > 3):
            assert squeezed(part) in text, (path.name, part)
        lost = []
        for line in [line for cell in page.select("div.cell_input pre") for line in cell.get_text().splitlines()]:
            lost += [line] if squeezed(line) not in text else []
        assert lost == []


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
    print(f"{len(reader.pages)} pages, {(html / pdf.NAME).stat().st_size / 1e6:.1f} MB")


def test_a_finished_pdf_has_the_headings_and_forgets_when_it_was_printed():
    writer, printed = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    chapter = writer.add_outline_item(title="2 (a) Nooverlap", page_number=0)
    writer.add_outline_item(title="AnswerAnswer", page_number=0, parent=chapter)
    writer.add_outline_item(title="Results", page_number=0)
    writer.metadata = {"/CreationDate": "D:20240101000000", "/Producer": "a browser", "/Title": "book.html"}
    writer.write(printed)
    headings = ["2 (a) No overlap", "Answer: \u03b2 < 1", "Results"]
    made = pdf.finished(printed.getvalue(), headings, "All of it")
    reader = PdfReader(io.BytesIO(made), strict=True)
    assert outline(reader) == [(headings[0], 1, [headings[1]]), (headings[2], 1, [])]
    assert reader.metadata.title == "All of it" and "/CreationDate" not in reader.metadata
    assert pdf.finished(printed.getvalue(), headings, "All of it") == made
    with pytest.raises(ValueError, match="3 entries for 2 headings"):
        pdf.finished(printed.getvalue(), headings[:2], "All of it")


def test_links_inside_the_book_stay_inside_and_dead_ones_become_text(tmp_path):
    (tmp_path / "sheet-1").mkdir()
    pages = {
        "index.html": '<h1>All</h1><section id="how-to-read-a-page"><h2>How</h2></section>',
        "notation.html": "<h1>Notation</h1>",
        "sheet-1/1a-x.html": '<h1>1 (a) X: y</h1><p id="p"><a href="#p">a</a><a href="../notation.html">b</a>'
        '<a href="../results.html#r?s=1">c</a><a href="../claims.json">d</a><a href="https://e.example">e</a></p>'
        '<details><summary>s</summary></details><img src="f.svg#dark" loading="lazy" alt="">'
        '<svg><g id="g"/><use href="#g"/><path clip-path="url(#g)"/></svg>',
        "results.html": '<h1>Results</h1><p id="r"></p>',
        "literature.html": "<h1>Literature</h1>",
    }
    for name, body in pages.items():
        (tmp_path / name).write_text(f"<html><body><article>{body}</article></body></html>", encoding="utf-8")
    made = book.assemble(tmp_path)
    page = lint.BeautifulSoup(book.numbered(made.text, {"1a-x": 7}), "lxml")
    chapter = page.select_one('[id="1a-x"]')
    links = [link["href"] for link in chapter.select("a")]
    assert links == ["#1a-x--p", "#notation", "#results--r", "https://e.example"]
    assert chapter.img["src"] == "sheet-1/f.svg#dark" and chapter.img["loading"] == "eager"
    assert chapter.details.has_attr("open")
    assert lint.id_problems(page) == []
    assert page.select_one('[data-page-of="1a-x"]').get_text() == "7"
    assert made.headings == ["All", "How", "Contents", "Notation", "1 (a) X: y", "Results", "Literature"]
    (tmp_path / "index.html").write_text("<article><h1>All</h1></article>", encoding="utf-8")
    with pytest.raises(book.BookError, match="how-to-read-a-page"):
        book.assemble(tmp_path)
