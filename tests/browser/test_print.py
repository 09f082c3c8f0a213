"""What comes out of a printer, whatever the screen looked like."""

import functools
import re

import lint
import paper
import pytest
from paper import squeezed
from pypdf import PdfReader

from site_builder import pdf
from site_builder.pdf import finished

A4 = (595, 842)  # points
QUESTIONS = ["sheet-2/2a-no-overlap.html", "sheet-2/3b-why-collapse.html"]
NOT_PRINTED = (
    ".site-bar, nav, footer, .headerlink, .copy-link:not(.eqno *), .take-along, .on-dark, button, .opening-picture"
)
TWO_HEADINGS = "<h1>One and a<br>half</h1><table><tr><th>a<th>b<tr><th>c<td>d</table><p>x<h2>Two</h2>"
BEYOND = """() => [...document.querySelectorAll("article *")]
    .filter(e => !e.closest(".katex-mathml, .explorable-status, svg"))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 100))"""
CUT = """() => [...document.querySelectorAll("article pre, article .formula")]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60))"""
PALE = """() => {
    const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(Number);
        return (.2126 * r + .7152 * g + .0722 * b) / 255;
    };
    const pale = (e) => {
        const style = getComputedStyle(e), paper = style.backgroundColor;
        const words = [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
        return (words && light(style.color) > .5) || (!/, 0\\)$/.test(paper) && light(paper) < .8);
    };
    return [...document.querySelectorAll("body, article, article *")]
        .filter(e => e.checkVisibility() && !e.closest("svg, .katex-mathml"))
        .filter(pale).map(e => e.outerHTML.slice(0, 80));
}"""


@pytest.fixture(scope="module")
def printed(open_shared, site):
    """Prints a page, once."""
    page = open_shared()

    @functools.cache
    def print_(name: str) -> bytes:
        page.goto(f"{site}/{name}")
        return page.pdf(format="A4", prefer_css_page_size=True)

    return print_


@pytest.fixture(scope="module")
def words(printed):
    """What stands on each sheet of a page."""
    return lambda name: paper.texts(printed(name))


def test_the_nine_answers_fit_on_eight_pages_in_letters_that_can_be_read(printed, words, html):
    sheets = words("sheet-2/answers.html")
    assert len(sheets) <= 8
    text = " ".join(" ".join(sheets).split())
    for path in lint.questions(html):
        assert lint.parse(path).h1.get_text().partition(":")[0].rstrip("#") in text
    for letter in paper.letters(printed("sheet-2/answers.html")):
        assert "KaTeX" in letter.font or letter.size >= 8.95, letter  # the indices of formulas are smaller everywhere


@pytest.mark.parametrize("name", ["sheet-2/answers.html", "index.html", *QUESTIONS])
def test_no_sheet_is_empty(words, name):
    assert min(len(sheet.split()) for sheet in words(name)) > 10


@pytest.mark.parametrize("name", ["sheet-2/answers.html", *QUESTIONS])
def test_nothing_leaves_the_paper(printed, open_page, site, name):
    for letter in paper.letters(printed(name)):
        assert 0 < letter.x < A4[0] and 0 < letter.y < A4[1], letter
    page = open_page(viewport={"width": 665, "height": 900})  # what lies between the margins
    page.goto(f"{site}/{name}")
    page.emulate_media(media="print")
    assert page.evaluate(BEYOND) == []
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_page_prints_all_of_its_text_and_no_buttons(words, page, site, html, name):
    assert 8 <= len(words(name)) <= 22
    text = squeezed("".join(words(name)))
    source = lint.parse(html / name)
    # folded parts are there, and every line of code, wrapped or not
    for line in [line for cell in source.select("div.highlight pre") for line in cell.get_text().splitlines()]:
        assert squeezed(line) in text, line
    for row in source.select("#marking td, details.claims li"):
        plain = "".join(str(piece) for piece in row.find_all(string=True) if not piece.find_parent(class_="math"))
        for word in re.findall(r"[A-Za-z]{4,}", plain):
            assert word in text, word
    assert f"{site}/{name}" in text and source.select_one(".eqno").get_text().strip("#") in text
    page.goto(f"{site}/{name}")
    page.emulate_media(media="print")
    for part in page.locator(NOT_PRINTED).all():
        assert not part.is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_paper_is_white_letters_are_dark_and_figures_whole_whatever_the_theme(open_page, site, theme):
    page = open_page(color_scheme=theme, viewport={"width": 665, "height": 900})
    page.goto(f"{site}/{QUESTIONS[0]}")
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    page.emulate_media(media="print")
    figures = page.locator("article figure").evaluate_all(
        "all => all.map(e => [getComputedStyle(e).breakInside, e.getBoundingClientRect().height])"
    )
    assert len(figures) > 3
    # lower than the paper, or they could not stay whole
    assert all(inside == "avoid" and height < 900 for inside, height in figures)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate(PALE) == []


def test_two_prints_of_the_same_are_the_same_bytes_and_keep_their_headings(launched, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><title>t</title>{TWO_HEADINGS}", encoding="utf-8")
    tab = launched.new_page()
    prints = [pdf.print_once(tab, file) for _ in range(2)]
    tab.close()
    one, two = (finished(printed, ["One and a half", "Zwei ü"], "t") for printed in prints)
    assert one == two
    (tmp_path / "one.pdf").write_bytes(one)
    read = PdfReader(tmp_path / "one.pdf", strict=True)
    assert [entry.title for entry in (read.outline[0], read.outline[1][0])] == ["One and a half", "Zwei ü"]
    assert "half" in read.pages[0].extract_text()
    with pytest.raises(ValueError, match="2 entries for 1 headings"):
        finished(prints[0], ["One and a half"], "t")
