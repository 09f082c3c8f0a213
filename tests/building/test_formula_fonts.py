"""Formulas keep the fonts that they are set in, with the letters that pages show, and no font more travels along."""

import base64
import io
import re
from pathlib import Path

from fontTools.ttLib import TTFont

from site_builder import formula_fonts

KATEX = Path(__file__).resolve().parents[2] / "conf" / "static" / "katex"
CSS = (KATEX / "katex.min.css").read_text(encoding="utf-8")


def fonts(style: str) -> dict[str, set[str]]:
    """The fonts inside a style sheet: the name of each file, and its letters."""
    found = {}
    for data in re.findall(r"data:font/woff2;base64,([^)]*)", style):
        font = TTFont(io.BytesIO(base64.b64decode(data)))
        found[font["name"].getDebugName(6)] = set(map(chr, font.getBestCmap() or ()))
    return found


def called(make, *inputs):
    return make(*inputs)


def test_a_font_that_a_rule_asks_for_comes_with_the_letters_of_the_pages():
    style = formula_fonts.embedded(CSS, KATEX, ["<b>xy &lt;</b>", "α"], called)
    assert style == formula_fonts.embedded(CSS, KATEX, ["<b>xy &lt;</b>", "α"], called)
    found = fonts(style)
    assert {"KaTeX_Main-Regular", "KaTeX_Math-Italic", "KaTeX_Main-Bold"} <= found.keys()
    assert {"x", "y"} <= found["KaTeX_Math-Italic"] <= set("xy <>b;&lgt/α")
    assert "α" in found["KaTeX_Math-Italic"] and "<" in found["KaTeX_Main-Regular"]


def test_a_font_that_no_rule_asks_for_does_not():
    rules = re.sub(r"\.katex \.math(cal|bf|scr|frak)[^{}]*\{[^}]*\}", "", CSS)
    without = fonts(formula_fonts.embedded(re.sub(r"[^{}]*\{[^}]*KaTeX_Size4[^}]*\}", "", rules), KATEX, ["x"], called))
    assert not any("Size4" in name for name in without) and "KaTeX_Main-Regular" in without


def test_a_font_of_others_is_left_as_it_is():
    other = "@font-face{font-family:Other;src:url(other.woff2)}"
    assert formula_fonts.embedded(other, KATEX, ["x"], called) == other
