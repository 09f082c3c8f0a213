"""Each formula keeps the letters it is set in, and no font more travels with the style sheet."""

import base64
import io
import re
from pathlib import Path

import formula_fonts
import pytest
from fontTools.ttLib import TTFont
from formula_fonts import Face

KATEX = Path(__file__).resolve().parents[2] / "conf" / "static" / "katex"
CSS = (KATEX / "katex.min.css").read_text(encoding="utf-8")
MAIN, MATH = Face(), Face("KaTeX_Math", "400", "italic")


def page(inner: str) -> str:
    """A page with one formula, and text around it that is none."""
    return f'<p>away<span class="katex"><span class="katex-html" aria-hidden="true">{inner}</span></span>away</p>'


def called(make, *inputs):
    return make(*inputs)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ('<span class="mord">1</span>', {MAIN: "1"}),
        ('<span class="mord mathnormal">x</span>', {MATH: "x"}),
        ('<span class="mord mathnormal mtight">x</span>=<span>2</span>', {MATH: "x", MAIN: "=2"}),
        ('<span class="mord mathcal">L</span>', {Face("KaTeX_Caligraphic"): "L"}),
        ('<span class="mord mathbf">v</span>', {Face("KaTeX_Main", "700"): "v"}),
        ('<span class="mop op-symbol large-op">∑</span>', {Face("KaTeX_Size2"): "∑"}),
        ('<span class="delimsizing size3">(</span>', {Face("KaTeX_Size3"): "("}),
        (
            '<span class="delimsizing mult"><span class="delimsizinginner delim-size4"><span>⎧</span></span></span>',
            {Face("KaTeX_Size4"): "⎧"},
        ),
        ('<span class="mord textit"><span class="mord mathrm">a</span></span>', {MAIN: "a"}),
        ('<span class="mrel">&lt;</span>', {MAIN: "<"}),
    ],
)
def test_each_letter_is_asked_of_its_font(inner, expected):
    found = formula_fonts.characters([page(inner)], CSS, called)
    assert found == {face: set(text) for face, text in expected.items()}


def test_a_font_holds_the_letters_shown_and_no_others():
    style = formula_fonts.embedded(CSS, KATEX, [page('a<span class="mathnormal">xy</span>')], called)
    fonts = re.findall(r"font-family:(KaTeX_\w+)[^}]*url\(data:font/woff2;base64,([^)]*)\)", style)
    letters = {name: set(TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap()) for name, data in fonts}
    assert letters == {"KaTeX_Main": {ord("a")}, "KaTeX_Math": {ord("x"), ord("y")}}
    assert style.count("@font-face") == 2 and ".woff2" not in style
    assert style == formula_fonts.embedded(CSS, KATEX, [page('a<span class="mathnormal">xy</span>')], called)


def test_a_formula_in_a_font_that_is_missing_stops_the_build():
    without = re.sub(r"@font-face{[^}]*KaTeX_Caligraphic[^}]*}", "", CSS)
    with pytest.raises(ValueError, match=r"no font for the characters 'L'.*KaTeX_Caligraphic"):
        formula_fonts.embedded(without, KATEX, [page('<span class="mathcal">L</span>')], called)
