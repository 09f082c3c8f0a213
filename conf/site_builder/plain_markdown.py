"""Turns a page's Markdown into the plain kind that Jupyter shows, its numbers, references and citations filled in.

What stands on no list here is an error: nothing of the site's own syntax may reach a notebook unturned.
"""

import dataclasses
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from site_builder.extensions.claims_ledger import quoted

FENCE = re.compile(r"(?P<mark>:{3,}|`{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<title>.*)")
FORMULA = re.compile(r"\$\$(?P<tex>.*?)\$\$(?:[ ]*\((?P<label>[\w-]+)\))?", re.S)
ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]+)`")
LINK = re.compile(r"(?<=\]\()(?P<page>[^()\s:#]+)\.md(?P<anchor>#[\w-]+)?(?=\))")

NOWHERE = re.compile(r"\[([^\[\]]+)\]\((?:#[\w-]*)?\)")  # a link whose page has no address


@dataclasses.dataclass(frozen=True)
class Known:
    """What the text refers to."""

    ledger: Mapping[str, Mapping[str, Any]]
    equations: Mapping[str, str]  # label -> "2a.4"
    persons: Mapping[str, tuple[str, str]]  # key -> ("Arjovsky and Bottou", "2017")
    works: Mapping[str, str]  # key -> the entry of the list of literature
    address: Callable[[str], str]  # a page's address by its name, or nothing where the site does not know its own


def plain(text: str, page: str, known: Known) -> str:
    """The text as plain Markdown. Raises ValueError naming a directive, a role or a label that it does not know."""
    text = re.sub(r"\n?<!--.*?-->\n?", "\n", text, flags=re.S)
    text = "\n".join(_blocks(iter(text.split("\n")), known.address(page)))
    text = FORMULA.sub(lambda match: _formula(match, known), text)
    text = ROLE.sub(lambda match: _role(match["role"], match["text"], known), text)
    text = LINK.sub(lambda match: _link(match, page, known), text)
    return NOWHERE.sub(r"\1", text).strip()


def cited(texts: Iterable[str], known: Known) -> list[str]:
    """The entries of the works that the texts cite, in the list's order."""
    roles = (match for text in texts for match in ROLE.finditer(text) if match["role"].startswith("cite"))
    keys = {key.strip() for match in roles for key in match["text"].split(",")}
    return [entry for key, entry in known.works.items() if key in keys]


def _blocks(lines: Iterator[str], here: str, end: str = "") -> Iterator[str]:
    """The lines with directives turned, up to the closing fence of the one that they stand in."""
    for line in lines:
        fence = FENCE.fullmatch(line)
        if end and line.strip() == end:
            return
        if fence is None:
            yield line
        else:
            yield from _directive(fence, lines, here)


def _directive(fence: re.Match[str], lines: Iterator[str], here: str) -> Iterator[str]:
    """A box gets its title in bold, a folded part stays folded, an interactive figure is on the site."""
    body = list(_blocks(lines, here, fence["mark"]))
    options = [line for line in body if re.fullmatch(r":[\w-]+:.*", line)]
    text = "\n".join(line for line in body if line not in options).strip()
    if fence["name"] == "admonition":
        yield from (f"**{fence['title']}**", "", text)
    elif fence["name"] in ("dropdown", "question"):
        yield from ("<details>", f"<summary>{fence['title']}</summary>", "", text, "", "</details>")
    elif fence["name"] == "explorable":
        yield f"*(Here the [page on the site]({here}#explore) has an interactive figure.)*"
    elif fence["name"] not in ("toctree", "all-questions", "picture"):  # which show nothing
        raise ValueError(f"a notebook cannot show the directive {{{fence['name']}}}")


def _formula(match: re.Match[str], known: Known) -> str:
    if match["label"] is None:
        return match[0]
    tex, indent = match["tex"].rstrip(" \n"), re.search(r"\n([ ]*)\Z", match["tex"])
    return f"$$%s \\tag{{{known.equations[match['label']]}}}\n{indent[1] if indent else ''}$$" % tex


def _role(role: str, text: str, known: Known) -> str:
    """What the site shows for a role."""
    if role == "claim":
        claim, _, spec = text.partition(" ")
        return quoted(known.ledger[claim], spec)
    if role == "eq":
        return f"({known.equations[text]})"
    if role in ("cite:p", "cite:t"):
        cited = [known.persons[key.strip()] for key in text.split(",")]
        if role == "cite:p":
            return f"[{'; '.join(f'{authors}, {year}' for authors, year in cited)}]"
        return ", ".join(f"{authors} [{year}]" for authors, year in cited)
    raise ValueError(f"a notebook cannot show the role {{{role}}}")


def _link(match: re.Match[str], page: str, known: Known) -> str:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match["page"]))
    return known.address(target) + (match["anchor"] or "")
