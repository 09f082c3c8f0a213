"""A real Chromium, the site over http and from disk, and pages that tolerate neither errors nor foreign requests."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from static_host import serve

from site_builder import chromium


@pytest.fixture(scope="session")
def site(html: Path) -> Iterator[str]:
    """The address of the built site, served on this machine alone, as a static host does."""
    with serve(html) as address:
        yield address


@pytest.fixture(scope="session")
def site_file(html: Path) -> str:
    """The address of the built site on disk."""
    return html.as_uri()


@pytest.fixture(scope="session")
def launched() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def watched(launched: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens pages with the given context options; at the end none may have had an error or asked another host."""
    contexts, problems = [], []

    def open_(**options: object) -> Page:
        context = launched.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: problems.append(f"{message.text} {message.location}") if message.type == "error" else None,
        )
        page.on("request", lambda request: None if allowed(request.url) else problems.append(f"request: {request.url}"))
        return page

    def allowed(url: str) -> bool:
        return url.startswith((site, "file://", "data:", "about:", "blob:"))

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def open_page(launched: Browser, site: str) -> Iterator[Callable[..., Page]]:
    with watched(launched, site) as open_:
        yield open_


@pytest.fixture(scope="module")
def open_shared(launched: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """As open_page, for pages that the tests of a file share."""
    with watched(launched, site) as open_:
        yield open_


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()
