"""Cards: what a link to another page's check, equation or reference leads to, for the script that shows it (cards.js).

What stands on the same page is copied from there by the script; of another page only what is referred to comes along,
each once, in a ``template`` behind the text, which shows nothing by itself.
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from pybtex.backends.html import Backend
from sphinx.application import Sphinx

from site_builder.extensions.claims_ledger import check
from site_builder.extensions.katex_math import render
from site_builder.site_state import site


def _card(app: Sphinx, docname: str, anchor: str) -> str:
    """What a place on another page says, as HTML; nothing where it is neither check nor equation nor reference."""
    record = site(app.config).ledger.get(anchor.removeprefix("claim-"))
    if record is not None and anchor == record["anchor"]:
        return check(record, docname)
    if anchor.startswith("equation-"):
        places = app.env.domains.math_domain.equations.items()
        pages = [page for label, (page, _) in places if anchor == nodes.make_id(f"equation-{label}")]
        blocks = (block for page in pages for block in app.env.get_doctree(page).findall(nodes.math_block))
        return next((render(block.astext(), True) for block in blocks if anchor in block["ids"]), "")
    citations = app.env.get_domain("cite").citations  # type: ignore[attr-defined]
    entries = (citation.formatted_entry.text for citation in citations if citation.citation_id == anchor)
    return next((entry.render(Backend()) for entry in entries), "")


def add_cards(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Hand a page's template the cards of all that its text links to on other pages; the ledger's table needs none."""
    if doctree is None:
        return
    links = {
        link["refuri"]: "claim" in link["classes"] for link in doctree.findall(nodes.reference) if "refuri" in link
    }
    made = []
    for link, quoted in sorted(links.items()):
        page, _, anchor = link.partition("#")
        if page and anchor and quoted == anchor.startswith("claim-") and (card := _card(app, pagename, anchor)):
            made.append(f'\n<template data-card="{escape(link)}">{card}</template>')
    context["cards"] = "".join(made)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what makes the cards."""
    app.connect("html-page-context", add_cards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
