"""Leave out of a style sheet what cannot apply to any page of the site."""

import re
from collections.abc import Collection, Iterable
from typing import Any

import tinycss2

# a variable's declaration; its value may be a quoted text with any marks in it
VARIABLE = re.compile(r"(?<=[{;])\s*(--[\w-]+)\s*:(?:[^;{}\"']|\"[^\"]*\"|'[^']*')*(?:;|(?=}))")


def names(page: str) -> list[str]:
    """The tags, classes and ids of a page."""
    found = set(re.findall(r"<([a-z][a-z0-9]*)", page))
    for values in re.findall(r'\b(?:class|id)="([^"]*)"', page):
        found.update(values.split())
    return sorted(found)


def words(scripts: str) -> set[str]:
    """Every word of the scripts, which may make what no page has."""
    return set(re.findall(r"[A-Za-z][\w-]*", scripts)) | {"html", "root", "dark", "light"}


def pruned(css: str, used: Collection[str]) -> str:
    """The style sheet without comments, rules that match no page, and fonts and variables that nothing asks for."""
    used = set(used)
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    kept = [text for rule in rules if (text := _rule(rule, used))]
    fonts = [text for text in kept if text.startswith("@font-face")]
    asked_for = "".join(text for text in kept if text not in fonts)
    left = (text for text in kept if text not in fonts or _family(text) in asked_for)
    return _without_idle_variables("\n".join(left)) + "\n"


def _without_idle_variables(css: str) -> str:
    """The style sheet without variables that no rule uses, until none is left."""
    asked_for = set(re.findall(r"var\(\s*(--[\w-]+)", css))
    fewer = VARIABLE.sub(lambda variable: variable[0] if variable[1] in asked_for else "", css)
    if fewer != css:
        return _without_idle_variables(fewer)
    return re.sub(r"[^{};\n]+{\s*}", "", css)


def _family(font_face: str) -> str:
    found = re.search(r"font-family:\s*[\"']?([^;\"'}]*)", font_face)
    return found[1] if found else ""


def _rule(rule: Any, used: set[str]) -> str:
    """A rule as text, or nothing where it does not apply."""
    if rule.type == "at-rule" and rule.content is not None and rule.lower_at_keyword in ("media", "supports"):
        inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
        kept = "".join(text for part in inner if (text := _rule(part, used)))
        return f"@{rule.at_keyword}{_text(rule.prelude)}{{{kept}}}" if kept else ""
    if rule.type == "at-rule":
        if rule.lower_at_keyword in ("charset", "import"):
            return ""
        content = ";" if rule.content is None else f"{{{_text(rule.content)}}}"
        return f"@{rule.at_keyword}{_text(rule.prelude)}{content}"
    if rule.type != "qualified-rule":
        return ""
    selectors = [_text(part).strip() for part in _split(rule.prelude)]
    kept = ",".join(selector for selector in selectors if applies(selector, used))
    return f"{kept}{{{_text(rule.content)}}}" if kept else ""


def _split(prelude: Iterable[Any]) -> list[list[Any]]:
    """The selectors of a list that is separated by commas; those inside brackets do not count."""
    parts: list[list[Any]] = [[]]
    for token in prelude:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def applies(selector: str, used: set[str]) -> bool:
    """Whether all classes, ids and tags that the selector asks for occur somewhere; what it excludes does not count."""
    selector = re.sub(r":(not|is|where|has)\((?:[^()]|\([^()]*\))*\)", "", selector)
    selector = re.sub(r"\[[^\]]*\]|::?[\w-]+(\([^)]*\))?", "", selector)
    names = re.findall(r"[.#]?((?:[A-Za-z_]|\\.|-)(?:[\w-]|\\.)*)", selector)
    return all(name.replace("\\", "") in used for name in names)


def _text(tokens: Iterable[Any]) -> str:
    """Tokens as text, without comments and superfluous space."""
    text = tinycss2.serialize([token for token in tokens if token.type != "comment"])
    return re.sub(r"\s+", " ", text)
