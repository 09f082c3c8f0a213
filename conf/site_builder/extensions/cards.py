"""Cards: what a link to another page's check, equation or reference leads to, for the script that shows it (cards.js).

What stands on the same page the script copies from there; of others only what is referred to comes along, as templates.
"""

from html import escape
from typing import Any

from docutils import nodes
from pybtex.backends.html import Backend
from sphinx.application import Sphinx

from site_builder.extensions.claims_ledger import check
from site_builder.extensions.katex_math import render
from site_builder.site_state import site


def _card(app: Sphinx, docname: str, link: nodes.reference) -> str:
    """What a link to another page leads to, as HTML; nothing where that is neither check nor equation nor reference."""
    anchor = link["refuri"].rpartition("#")[2]
    if "claim" in link["classes"]:
        return check(site(app.config).ledger[anchor.removeprefix("claim-")], docname)
    for label, (page, _) in app.env.domains.math_domain.equations.items():
        if anchor == nodes.make_id(f"equation-{label}"):
            blocks = app.env.get_doctree(page).findall(nodes.math_block)
            return next(render(block.astext(), True) for block in blocks if anchor in block["ids"])
    citations = app.env.get_domain("cite").citations  # type: ignore[attr-defined]
    return next((one.formatted_entry.text.render(Backend()) for one in citations if one.citation_id == anchor), "")


def add_cards(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Hand a page's template the cards of all that its text links to on other pages."""
    links = {link["refuri"]: link for link in doctree.findall(nodes.reference) if "refuri" in link} if doctree else {}
    found = {escape(to): _card(app, pagename, link) for to, link in sorted(links.items()) if to.find("#") > 0}
    context["cards"] = "".join(f'\n<template data-card="{to}">{card}</template>' for to, card in found.items() if card)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what makes the cards."""
    app.connect("html-page-context", add_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
