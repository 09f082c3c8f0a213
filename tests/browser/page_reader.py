"""What a reader's browser tells of a page: numbers, or a list of problems."""

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

WIDTHS = (1280, 390)
THEMES = ("light", "dark")
# WCAG 2.2 asks for targets of 24 pixels; axe leaves this rule off unless asked. (Its own loading of styles gets their
# addresses wrong.)
AXE: dict[str, Any] = {"preload": False, "resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
COLOURS = ("color-contrast", "link-in-text-block")
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
    """See every figure and wait for every picture, as a reader does, until all is there that waits to be seen."""
    page.evaluate(
        f"""async () => {{
            const end = performance.now() + 20000, shown = part => part.checkVisibility();
            const pictures = [...document.querySelectorAll("article img")].filter(shown);
            for (const picture of pictures) picture.loading = "eager";
            const until = async there => {{ while (!there() && performance.now() < end) await ({FRAMES})(); }};
            for (const figure of [...document.querySelectorAll("[data-explorable]")].filter(shown)) {{
                figure.scrollIntoView({{ block: "center", behavior: "instant" }});
                await until(() => figure.querySelector("dd[data-value]"));
            }}
            await until(() => pictures.every(picture => picture.complete));
            scrollTo({{ top: 0, behavior: "instant" }});
        }}"""
    )


def weights(browser: Browser, site: str, name: str, start: str = "index.html") -> tuple[float, float]:
    """Kilobytes on the wire, headers and all, where the page is the first of the site, and where it follows ``start``.

    It is read to its end each time.
    """
    found = []
    for before in ((), (start,)):
        with context_of(browser) as context:
            page, arrived = context.new_page(), []
            client = context.new_cdp_session(page)
            client.send("Network.enable")
            client.on("Network.loadingFinished", lambda event, to=arrived: to.append(event["encodedDataLength"]))
            for address in (*before, name):
                arrived.clear()
                page.goto(f"{site}/{address}")
                scroll_through(page)
                page.wait_for_load_state("networkidle")
                page.wait_for_function("() => window.siteSearch")  # it comes when the page is at rest
            found.append(sum(arrived) / 1000)
    return found[0], found[1]


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
    of program text one of each colour stays, of tables, lists and the package's functions the first few.
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
            for (const e of document.querySelectorAll("main :is(tr:nth-child(n+12), li:nth-child(n+8))")) e.remove();
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


def show_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)


def axe_problems(
    page: Page, context: str | None = None, rules: Sequence[str] = (), without: Sequence[str] = ()
) -> list[str]:
    """What axe-core finds on the page as it is now, one line for each element; by these rules alone, if there are any.

    What a theme changes, COLOURS find; they take most of the time.
    """
    options = AXE | ({"runOnly": list(rules)} if rules else {})
    options["rules"] = AXE["rules"] | {name: {"enabled": False} for name in without}
    violations = Axe().run(page, context=context, options=options).response["violations"]
    return [f"{found['id']}: {' '.join(node['html'].split())[:160]}" for found in violations for node in found["nodes"]]


def open_search(page: Page) -> None:
    """Open the search dialog by its key."""
    page.keyboard.press("Control+k")
    page.locator("dialog[open]").first.wait_for()


UNREADABLE = """() => {
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


def unreadable(page: Page) -> list[str]:
    """Sections, formulas, pictures and derivation steps that do not show, as where JavaScript is off."""
    return page.evaluate(UNREADABLE)
