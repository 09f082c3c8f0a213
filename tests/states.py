"""The state of a figure to play with, as a link on the page gives it."""

from __future__ import annotations

from playwright.sync_api import Page


def follow(page: Page, fragment: str) -> None:
    """Follow a link within the page, such as explore?overlap=uniform,1,1, until the page has answered."""
    page.evaluate(
        """fragment => location.hash === `#${fragment}` || new Promise((done, fail) => {
            addEventListener("hashchange", () => done(), { once: true });
            setTimeout(() => fail(new Error(`the page stays at ${location.hash}`)), 20000);
            location.hash = fragment;
        })""",
        fragment,
    )
