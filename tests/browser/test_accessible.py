"""WCAG 2.2 AA: what axe-core finds, the keyboard, headings, motion, and lines and letters that read well."""

import statistics

import page_reader
import pytest
from every_page import EVERY_PAGE, SOLUTIONS

# a kind of thing that takes the focus: how to find one
FOCUSABLE = {
    "skip link": ".skip-link",
    "button": "button.bar-button",
    "search": ".search-link",
    "menu": "#site-nav a",
    "contents": "#page-nav a",
    "link in the text": "main p a[href]",
    "checked number": "main a.claim",
    "folded part": "main summary",
    "slider": "main input[type=range]",
    "box that scrolls": "main pre[tabindex], main .formula[tabindex]",
    "next page": ".prev-next-area a",
}


# every page looks like one of these, on which colours are tried, also on a phone, and in both themes
FIVE = ["index.html", "results.html", "sheet-2/2a-no-overlap.html", "gan-laboratory.html", "api/index.html"]
LOOKS = [(name, width) for name in EVERY_PAGE for width in page_reader.WIDTHS[: 2 if name in FIVE else 1]]


@pytest.mark.parametrize(("name", "width"), LOOKS)
def test_axe_finds_nothing_on_the_page_and_its_figures(open_page, site, name, width):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme="light")
    page.goto(f"{site}/{name}")
    page_reader.thinned(page)
    page_reader.scroll_through(page)  # figures to play with are drawn when they are seen
    figures = page.locator("[data-explorable]").count()
    assert page.locator("[data-explorable]:has(dd[data-value])").count() == figures
    page.add_style_tag(content=".copy-link { opacity: 1 !important; }")  # as a reader sees them who points at them
    problems = page_reader.axe_problems(page, without=page_reader.COLOURS)
    for theme in page_reader.THEMES[: 2 if width == 1280 else 1] if name in FIVE or figures else ():
        page_reader.show_theme(page, theme)
        where = None if name in FIVE else "[data-explorable]"
        problems += page_reader.axe_problems(page, where, page_reader.COLOURS)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", ["index.html", "sheet-2/2b-identical.html"])
def test_axe_finds_nothing_on_a_menu_of_a_phone(open_page, site, name):
    page = open_page(viewport={"width": 390, "height": 900})
    page.goto(f"{site}/{name}")
    page_reader.thinned(page)
    for menu in page.locator("[popovertarget]").all():
        place = f"#{menu.get_attribute('popovertarget')}"
        menu.click()
        assert page.locator(place).is_visible()
        for theme in page_reader.THEMES:
            page_reader.show_theme(page, theme)
            assert page_reader.axe_problems(page, place) == []
        page.keyboard.press("Escape")
        assert not page.locator(place).is_visible()


def test_whatever_takes_the_focus_shows_it(open_page, site):
    """Tab through a whole page: every kind of thing is reached, is in view and is drawn otherwise than at rest."""
    page = open_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto(f"{site}/sheet-2/2a-no-overlap.html")
    page.evaluate("document.querySelectorAll('.cell > details').forEach(fold => { fold.open = true; })")
    missing, unseen = dict(FOCUSABLE), []
    for _ in range(600):
        page.keyboard.press("Tab")
        kinds, ringed, where = page.evaluate(
            """kinds => {
                const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
                const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                const inView = box.bottom > 0 && box.top < innerHeight && box.width > 0;
                return [Object.keys(kinds).filter(kind => e.matches(kinds[kind])), (ring || style.boxShadow !== "none")
                    && inView, e.outerHTML.slice(0, 120)];
            }""",
            FOCUSABLE,
        )
        for kind in kinds:
            missing.pop(kind, None)
        if where.startswith("<body") or not (kinds or missing):
            break
        unseen += [] if ringed else [where]
    assert unseen == []
    assert missing == {}, "never reached by Tab"


@pytest.mark.parametrize("name", ["sheet-2/2a-no-overlap.html", "index.html"])
def test_nothing_moves_for_readers_who_asked_for_rest(open_page, site, name):
    page = open_page(reduced_motion="reduce")
    page.goto(f"{site}/{name}")
    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter(e => {
            const style = getComputedStyle(e);
            return style.scrollBehavior === "smooth" || parseFloat(style.transitionDuration) > 0
                || (style.animationName !== "none" && parseFloat(style.animationDuration) > 0);
        }).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert moving == []


# Words of a paragraph are put into lines by where they stand; a formula counts with the letters that are seen of it.
LINES = """() => [...document.querySelectorAll("article section > p")].filter(p => p.checkVisibility()).map(p => {
    const lines = new Map(), range = document.createRange();
    const walker = document.createTreeWalker(p, NodeFilter.SHOW_TEXT);
    if (p.querySelector(".katex, code")) return [];
    for (let text; (text = walker.nextNode());) {
        for (let at = 0; at < text.length; at++) {
            range.setStart(text, at); range.setEnd(text, at + 1);
            const box = range.getBoundingClientRect(), line = Math.round(box.bottom / 6);
            if (box.width) lines.set(line, (lines.get(line) || 0) + 1);
        }
    }
    return [...lines.values()].slice(0, -1);
}).flat()"""


def test_lines_have_65_to_75_characters(open_page, site):
    page = open_page(viewport={"width": 1280, "height": 900})
    lines = []
    for name in SOLUTIONS[:6]:
        page.goto(f"{site}/{name}")
        page_reader.shown_throughout(page)
        lines += page.evaluate(LINES)
    assert len(lines) >= 50
    assert 65 <= statistics.median(lines) <= 75, statistics.median(lines)
    assert max(lines) <= 85
