"""Search as readers use it: which page comes first, and how long after the last key its first result is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from urllib.parse import quote

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError
from reader import context_of, open_search

WATCH = """
window.answered = null;
addEventListener("input", () => { window.typed = performance.now(); }, true);
new MutationObserver(() => {
  const result = document.querySelector("#search-dialog .search-results a");
  if (result && window.typed && window.answered === null) window.answered = performance.now() - window.typed;
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""


@dataclasses.dataclass(frozen=True)
class Answer:
    """For one query: its right page's place among the pages found, 0 where it is missing, and the dialog's ms."""

    rank: int
    dialog_rank: int
    ms: float


def _rank(found: list[str], wanted: list[str]) -> int:
    """The first right page's place among the different pages found."""
    pages = list(dict.fromkeys(address.partition("#")[0].partition("?")[0] for address in found))
    places = [place for place, page in enumerate(pages, 1) if any(page.endswith(f"/{name}") for name in wanted)]
    return places[0] if places else 0


def ask(browser: Browser, site: str, queries: Mapping[str, list[str]]) -> dict[str, Answer]:
    """Ask each query on the search page and, in a page opened for it alone, in the dialog."""
    answers = {}
    for query, wanted in queries.items():
        with context_of(browser) as context:
            page = context.new_page()
            try:
                page.goto(f"{site}/search.html?q={quote(query)}")
                links = page.locator("#search-results a[href*='.html']")
                links.first.wait_for(timeout=5000)
                rank = _rank(links.evaluate_all("links => links.map(link => link.href)"), wanted)
            except PlaywrightError:
                rank = 0
            answers[query] = _in_dialog(page, site, query, wanted, rank)
    return answers


def _in_dialog(page: Page, site: str, query: str, wanted: list[str], rank: int) -> Answer:
    try:
        page.goto(f"{site}/index.html")
        page.evaluate(WATCH)
        open_search(page)
        page.keyboard.insert_text(query)
        page.locator("#search-dialog .search-results a").first.wait_for(timeout=5000)
        links = page.locator("#search-dialog .search-results a").evaluate_all("links => links.map(link => link.href)")
        return Answer(rank, _rank(links, wanted), float(page.evaluate("window.answered")))
    except PlaywrightError:
        return Answer(rank, 0, float("inf"))
