"""The fonts of formulas, inside the style sheet: of each font that some formula may be set in, the characters in use.

KaTeX's fonts weigh 300 kB. What the pages show of them weighs so little that it travels with the style sheet: formulas
are in their own letters from the first paint on, nothing moves when fonts arrive, and no page asks for a font file.
"""

import base64
import html
import io
import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FACE = re.compile(r"@font-face\s*\{([^}]*)\}")
RULE = re.compile(r"\.katex[^{}]*\{([^{}]*)\}")
PROPERTIES = {"font-family": "KaTeX_Main", "font-weight": "400", "font-style": "normal"}  # and what they are unsaid


def embedded(css: str, folder: Path, pages: Iterable[str], recall: Callable[..., Any]) -> str:
    """The style sheet with KaTeX's fonts as data, and without those that no rule asks for.

    ``folder`` is where the addresses in the style sheet start. Characters that no page shows are left out. ``recall``
    calls a function, or remembers what it returned.
    """
    letters = sorted(set(html.unescape("".join(pages))))
    wanted = {_font(rule) for rule in RULE.findall(FACE.sub("", css))}

    def face(match: re.Match[str]) -> str:
        address = re.search(r"url\(([^)]*\.woff2)\)", match[1])
        if address is None or "KaTeX_" not in match[1]:
            return match[0]
        if _font(match[1]) not in wanted:
            return ""
        data = recall(subset, str(folder / address[1]), letters)
        return match[0].replace(address[0], f"url(data:font/woff2;base64,{data})")

    return FACE.sub(face, css)


def _font(declarations: str) -> tuple[str, ...]:
    """Family, weight and style that some declarations give."""
    pairs = (declaration.partition(":") for declaration in declarations.split(";"))
    said = {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}
    return tuple(said.get(name, unsaid) for name, unsaid in PROPERTIES.items())


def subset(path: str, letters: list[str]) -> str:
    """A font file with these characters only, as text; the same bytes at every build."""
    import fontTools.subset  # a quarter of a second that `make live` does without

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = fontTools.subset.Options(
        flavor="woff2", hinting=False, desubroutinize=True, notdef_outline=True, bidi_closure=False
    )
    options.recalc_timestamp = False
    font = fontTools.subset.load_font(path, options)
    subsetter = fontTools.subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, letters))
    subsetter.subset(font)
    file = io.BytesIO()
    fontTools.subset.save_font(font, file, options)
    return base64.b64encode(file.getvalue()).decode()
