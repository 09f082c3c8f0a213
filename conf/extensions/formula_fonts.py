"""The fonts of formulas, inside the style sheet: of each font the few characters that some formula shows in it.

KaTeX's fonts weigh 300 kB. What the pages show of them weighs so little that it travels with the style sheet: formulas
are in their own letters from the first paint on, nothing moves when fonts arrive, and no page asks for a font file.
"""

from __future__ import annotations

import base64
import html
import io
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FORMULA = re.compile(r'<span class="katex-html"')
TOKEN = re.compile(r'<span(?: class="([^"]*)")?[^>]*>|(</span>)|<[^>]*>|([^<]+)')
FACE = re.compile(r"@font-face\s*\{([^}]*)\}")
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
SETS = {"font-family": "family", "font-weight": "weight", "font-style": "style"}


class Face(NamedTuple):
    """One font of a family."""

    family: str = "KaTeX_Main"
    weight: str = "400"
    style: str = "normal"


class Rule(NamedTuple):
    """What a rule of KaTeX's style sheet changes, for an element of these classes inside others of those."""

    own: frozenset[str]
    around: tuple[frozenset[str], ...]
    changes: dict[str, str]


def rules(css: str) -> list[Rule]:
    """The rules that choose a font, the more particular later, as they win; ``>`` is taken for a space."""
    found = []
    for selectors, text in RULE.findall(FACE.sub("", css)):
        changes = {SETS[name]: value for name, value in _declarations(text).items() if name in SETS}
        for selector in selectors.split(",") if changes else ():
            formula, *parts = re.split(r"[ >]+", selector.strip())
            if formula == ".katex" and parts:
                *around, own = (frozenset(re.findall(r"\.([\w-]+)", part)) for part in parts)
                found.append(Rule(own, tuple(around), changes))
    return sorted(found, key=lambda rule: len(rule.own) + sum(map(len, rule.around)))


def _declarations(text: str) -> dict[str, str]:
    pairs = (declaration.partition(":") for declaration in text.split(";"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def characters(pages: Iterable[str], css: str, recall: Callable[..., Any]) -> dict[Face, set[str]]:
    """Of each font of KaTeX the characters that the formulas of these pages show in it.

    ``recall`` calls a function, or remembers what it returned.
    """
    choice = [[sorted(rule.own), [sorted(names) for names in rule.around], rule.changes] for rule in rules(css)]
    found: dict[Face, set[str]] = {}
    for page in pages:
        if FORMULA.search(page):
            for *face, text in recall(shown, page, choice):
                found.setdefault(Face(*face), set()).update(text)
    return found


def shown(page: str, choice: list[Any]) -> list[list[str]]:
    """Of each font that the page's formulas are set in: family, weight, style and characters."""
    chosen = [Rule(frozenset(own), tuple(map(frozenset, around)), changes) for own, around, changes in choice]
    found: dict[Face, set[str]] = {}
    for formula in set(_formulas(page)):
        for face, text in _leaves(formula, chosen):
            found.setdefault(face, set()).update(html.unescape(text))
    return [[*face, "".join(sorted(text))] for face, text in sorted(found.items())]


def _formulas(page: str) -> Iterator[str]:
    """The visible part of each formula, from its first tag to the one that closes it."""
    for start in FORMULA.finditer(page):
        depth = 0
        for token in TOKEN.finditer(page, start.start()):
            depth += token[0].startswith("<span")
            depth -= token[0] == "</span>"
            if not depth:
                yield page[start.start() : token.end()]
                break


def _leaves(formula: str, choice: list[Rule]) -> Iterator[tuple[Face, str]]:
    """Every piece of a formula's text with the font it is set in."""
    inside: list[tuple[frozenset[str], Face]] = [(frozenset(), Face())]
    for token in TOKEN.finditer(formula):
        if token[0].startswith("<span"):
            classes = frozenset((token[1] or "").split())
            changed = inside[-1][1]
            for rule in choice:
                if rule.own <= classes and _lies_in(rule.around, [names for names, _ in inside]):
                    changed = changed._replace(**rule.changes)
            inside.append((classes, changed))
        elif token[2]:
            inside.pop()
        elif token[3]:
            yield inside[-1][1], token[3]


def _lies_in(around: tuple[frozenset[str], ...], inside: list[frozenset[str]]) -> bool:
    ancestors = iter(inside)
    return all(any(wanted <= names for names in ancestors) for wanted in around)


def embedded(css: str, folder: Path, pages: Iterable[str], recall: Callable[..., Any]) -> str:
    """The style sheet with KaTeX's fonts as data: of each what the pages show, and none that they do not.

    ``folder`` is where the addresses in the style sheet start; ``recall`` calls a function, or remembers what it
    returned. Raises ValueError where a formula needs a font that the style sheet does not name.
    """
    wanted = characters(pages, css, recall)
    met: set[Face] = set()

    def face(match: re.Match[str]) -> str:
        values = _declarations(match[1])
        if not values.get("font-family", "").startswith("KaTeX_"):
            return match[0]
        name = Face(values["font-family"], values["font-weight"], values["font-style"])
        met.add(name)
        address = re.search(r"url\(([^)]*\.woff2)\)", match[1])
        if name not in wanted or address is None:
            return ""
        data = recall(packed, str(folder / address[1]), sorted(wanted[name]))
        return match[0].replace(address[0], f"url(data:font/woff2;base64,{data})")

    style = FACE.sub(face, css)
    if missing := set(wanted) - met:
        raise ValueError(f"no font for the characters {''.join(sorted(wanted[min(missing)]))!r} of formulas: {missing}")
    return style


def packed(path: str, letters: list[str]) -> str:
    """A font file of the site's with these characters only, as text."""
    return base64.b64encode(subset(Path(path), set(letters))).decode()


def subset(path: Path, letters: set[str]) -> bytes:
    """A font file with these characters only; the same bytes at every build."""
    import fontTools.subset  # a quarter of a second that most builds do without

    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = fontTools.subset.Options(
        flavor="woff2", hinting=False, desubroutinize=True, notdef_outline=True, bidi_closure=False
    )
    options.recalc_timestamp = False
    font = fontTools.subset.load_font(str(path), options)
    subsetter = fontTools.subset.Subsetter(options)
    subsetter.populate(unicodes=map(ord, letters))
    subsetter.subset(font)
    file = io.BytesIO()
    fontTools.subset.save_font(font, file, options)
    return file.getvalue()
