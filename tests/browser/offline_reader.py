"""A page whose network was cut after it had loaded, or that lies on a disk: what a reader then tries, in turn."""

from collections.abc import Callable

from page_reader import context_of, open_search, scroll_through
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

PATIENCE = 3000  # ms
# what a page fetches by itself when it has been shown and the browser is idle: pictures far down, the search index
FETCHED = """async limit => {
  const there = () => [...document.images].every(image => image.complete && image.loading !== "lazy")
    && performance.getEntriesByType("resource").some(entry => entry.name.includes("searchindex.js"));
  const until = performance.now() + limit;
  while (!there() && performance.now() < until) await new Promise(done => setTimeout(done, 50));
  return there();
}"""


def pictures(page: Page) -> None:
    """Every picture is there."""
    scroll_through(page)
    page.wait_for_load_state("networkidle")  # those of the other theme come when the page is at rest
    missing = page.evaluate("[...document.images].filter(e => !e.naturalWidth).map(e => e.src)")
    assert missing == [], f"not loaded: {missing}"


def theme(page: Page) -> None:
    """The theme button changes the theme."""
    seen = {page.evaluate("document.documentElement.dataset.theme")}
    for _ in range(3):  # it goes round: light, dark, the system's
        page.locator(".theme-button").click()
        seen.add(page.evaluate("document.documentElement.dataset.theme"))
    assert seen == {"light", "dark"}, f"the theme was only {seen}"


def explorable(page: Page) -> None:
    """The figure to play with, where there is one, moves."""
    slider = page.locator(".explorable input[type=range]").first
    if slider.count():
        readouts = page.locator(".explorable dl").first
        before = readouts.inner_text()
        slider.focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert readouts.inner_text() != before, "the interactive figure does not answer"


def sidebar(page: Page) -> None:
    """The list of pages folds and comes back, or opens on a phone."""
    pages = page.locator("#site-nav")
    before = pages.is_visible()
    page.locator(".primary-toggle").click()
    assert pages.is_visible() != before, "the list of pages does not move"
    page.locator(".primary-toggle").click() if before else page.keyboard.press("Escape")
    assert pages.is_visible() == before, "the list of pages does not move back"


def search(page: Page) -> None:
    """The dialog answers."""
    open_search(page)
    page.keyboard.type("mode collapse definition")
    page.locator("dialog[open] a[href*='3a-mode-collapse']").first.wait_for(timeout=PATIENCE)
    page.keyboard.press("Escape")


STEPS: tuple[Callable[[Page], None], ...] = (pictures, theme, explorable, sidebar, search)


def problems(browser: Browser, address: str, width: int) -> list[str]:
    """What does not work any more once the network is cut."""
    with context_of(browser, width) as context:
        page, found = context.new_page(), []
        page.on("pageerror", lambda error: found.append(f"error: {error}"))
        page.goto(address)
        assert page.evaluate(FETCHED, 5 * PATIENCE), "the page does not fetch by itself what it will need"
        context.set_offline(True)
        for step in STEPS:
            try:
                step(page)
            except (AssertionError, PlaywrightError) as error:
                found.append(f"{step.__name__}: {str(error).splitlines()[0]}")
    return found
