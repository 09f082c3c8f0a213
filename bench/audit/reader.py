"""What a reader's browser tells of a page: each measure opens it anew and returns numbers or a list of problems.

The tests in tests/browser and the audit measure with the same functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

WIDTHS = (1280, 390)
THEMES = ("light", "dark")
LOCAL = ("data:", "about:", "blob:")
# WCAG 2.2 asks for targets of 24 pixels; axe leaves this rule off unless asked. (Its own loading of styles gets their
# addresses wrong.)
AXE = {"preload": False, "resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# until two frames are drawn: a browser without a screen may draw none, which is not waited for
FRAMES = """() => new Promise(done => {
    requestAnimationFrame(() => requestAnimationFrame(done));
    setTimeout(done, 2000);
})"""
SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""


def context_of(browser: Browser, width: int = 1280, theme: str = "light", **options: Any) -> BrowserContext:
    """A reader of her own: nothing in store, a window of that width, that theme wished for."""
    return browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)  # type: ignore[arg-type]


def scroll_through(page: Page) -> None:
    """See all of the page, as a reader does, so that everything is loaded that waits to be seen."""
    page.evaluate(
        f"""async () => {{
            for (let at = 0; at < document.documentElement.scrollHeight; at += innerHeight) {{
                scrollTo({{ top: at, behavior: "instant" }});
                await ({FRAMES})();
            }}
            await Promise.all([...document.images].map(image => image.complete || new Promise(done => {{
                image.onload = image.onerror = done;
                setTimeout(done, 3000);
            }})));
            scrollTo({{ top: 0, behavior: "instant" }});
        }}"""
    )
    page.wait_for_load_state("networkidle")


class Traffic:
    """Listens to what a page fetches: bytes over the wire, headers and all, and addresses of other hosts."""

    def __init__(self, page: Page, site: str) -> None:
        self.bytes = 0
        self.foreign: list[str] = []
        self.client = page.context.new_cdp_session(page)
        self.client.send("Network.enable")
        self.client.on("Network.loadingFinished", self._count)
        page.on("request", lambda request: self._see(request.url, site))

    def _count(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

    def _see(self, url: str, site: str) -> None:
        if not url.startswith((site, *LOCAL)):
            self.foreign.append(url)


def weights(browser: Browser, site: str, name: str, start: str = "index.html") -> tuple[float, float]:
    """Kilobytes fetched when the page is the first one of the site, and after ``start``: read to its end each time."""
    found = []
    for before in ((), (start,)):
        with context_of(browser) as context:
            page = context.new_page()
            traffic = Traffic(page, site)
            for address in (*before, name):
                traffic.bytes = 0
                page.goto(f"{site}/{address}")
                scroll_through(page)
                page.wait_for_load_state("networkidle")
            found.append(traffic.bytes / 1000)
    return found[0], found[1]


def foreign_requests(browser: Browser, site: str, name: str) -> list[str]:
    """Addresses of other hosts that the page asks for; the site may also be a folder, file:///…/html."""
    with context_of(browser) as context:
        page = context.new_page()
        traffic = Traffic(page, site)
        page.goto(f"{site}/{name}")
        scroll_through(page)
        return traffic.foreign


def layout_shift(browser: Browser, address: str, width: int) -> float:
    """The sum of all shifts while the page loads."""
    with context_of(browser, width) as context:
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.goto(address, wait_until="networkidle")
        return float(page.evaluate("window.shifts.reduce((sum, shift) => sum + shift, 0)"))


def shown_throughout(page: Page) -> None:
    """Lay out also what is far down, which the browser else puts off."""
    page.add_style_tag(content="* { content-visibility: visible !important }")


def thinned(page: Page) -> None:
    """Leave out what looks like something else on the page, for axe takes minutes over thousands of boxes.

    A formula becomes plain text of the same width, for it has the colour of the text around it. Of the coloured words
    of program text one of each colour stays, of a table the first rows, of the package's functions the first few.
    """
    shown_throughout(page)
    page.evaluate(
        """() => {
            const formulas = [...document.querySelectorAll(".katex")];
            const widths = formulas.map(formula => formula.getBoundingClientRect().width);
            formulas.forEach((formula, at) => {
                const text = document.createElement("span");
                text.textContent = formula.querySelector("annotation")?.textContent ?? "x";
                text.style.cssText = `display: inline-block; width: ${widths[at]}px; overflow: clip; text-wrap: nowrap`;
                formula.replaceWith(text);
            });
            for (const row of document.querySelectorAll("tr:nth-child(n + 12)")) row.remove();
            const listed = {};
            for (const entry of document.querySelectorAll("dl.py")) {
                listed[entry.className] = (listed[entry.className] ?? 0) + 1;
                if (listed[entry.className] > 6) entry.remove();
            }
            const seen = new Set();
            for (const word of document.querySelectorAll("pre span[class]")) {
                if (seen.has(word.className)) word.replaceWith(word.textContent);
                seen.add(word.className);
            }
        }"""
    )


def axe_problems(page: Page, context: str | None = None) -> list[str]:
    """What axe-core finds on the page as it is now, one line for each element."""
    violations = Axe().run(page, context=context, options=AXE).response["violations"]
    return [f"{found['id']}: {' '.join(node['html'].split())[:160]}" for found in violations for node in found["nodes"]]


def open_search(page: Page) -> None:
    """Open the search dialog by its key."""
    page.keyboard.press("Control+k")
    page.locator("dialog[open]").first.wait_for()


def axe_everywhere(browser: Browser, address: str, dialog: bool = True) -> list[str]:
    """What axe-core finds in both themes, at both widths, with the search dialog closed and then open."""
    problems = []
    for width in WIDTHS:
        for theme in THEMES:
            with context_of(browser, width, theme) as context:
                page = context.new_page()
                page.goto(address)
                scroll_through(page)
                found = axe_problems(page)
                if dialog:
                    open_search(page)
                    found += [f"search open, {problem}" for problem in axe_problems(page, "dialog[open]")]
                problems += [f"{width} px, {theme}: {problem}" for problem in found]
    return problems


def unreadable_without_scripts(browser: Browser, address: str) -> list[str]:
    """Sections, formulas, pictures and derivation steps that do not show where JavaScript is off."""
    with context_of(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address, wait_until="networkidle")
        return list(
            page.evaluate(
                """() => {
                    const folded = e => e.closest("details:not([open])") && !e.closest("summary");
                    const shown = e => e.checkVisibility({ checkVisibilityCSS: true, checkOpacity: true });
                    // of a figure's two pictures, one for each theme, one shows
                    const other = e => e.matches("img") &&
                        [e.previousElementSibling, e.nextElementSibling].some(twin => twin && shown(twin));
                    const parts = "section, h1, h2, h3, p, .katex-html, figure, table, pre, img, .panels, svg.panel";
                    const gone = [...document.querySelectorAll(parts)].filter(e => e.closest("article"))
                        .filter(e => !e.closest(".explorable, dialog, :empty:not(img)") && !folded(e))
                        .filter(e => !shown(e) && !other(e));
                    const blank = [...document.querySelectorAll("article img")]
                        .filter(e => !folded(e) && shown(e) && !e.naturalWidth);
                    return [...gone, ...blank].map(e => e.outerHTML.slice(0, 160));
                }"""
            )
        )


def anchor_problems(browser: Browser, site: str, anchors: Sequence[str]) -> list[str]:
    """Published anchors that, opened cold, do not show their target: unfolded, in view, not under the header."""
    problems = []
    for width in WIDTHS:
        with context_of(browser, width) as context:
            page = context.new_page()
            for anchor in anchors:
                page.goto("about:blank")
                page.goto(f"{site}/{anchor}", wait_until="networkidle")
                fragment = anchor.partition("#")[2]
                seen = not fragment or page.evaluate(
                    """name => {
                        const target = document.getElementById(name);
                        if (!target || !target.checkVisibility()) return false;
                        const box = target.getBoundingClientRect();
                        return box.top >= -1 && box.top < innerHeight - 20;
                    }""",
                    fragment,
                )
                problems += [] if seen else [f"{width} px: {anchor}"]
    return problems
