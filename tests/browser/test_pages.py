"""What a reader does, at two widths and in both themes."""

import base64
import io
import re

import page_reader
import pytest
from drags import steady
from every_page import EVERY_PAGE, SOLUTIONS
from fontTools.ttLib import TTFont
from playwright.sync_api import expect

from site_builder import chromium

WIDTHS = (1280, 390, 320)  # pages open at the first

LETTERS = """() => [...new Set([...document.querySelectorAll(".katex-html *")].flatMap(e => {
    const style = getComputedStyle(e);
    const face = [style.fontFamily.split(",")[0], style.fontStyle, style.fontWeight];
    const texts = [...e.childNodes].filter(n => n.nodeType === Node.TEXT_NODE).map(n => n.data.trim());
    return [...texts.join("")].map(c => [...face, c].join(" "));
}))]"""


# nothing sticks out of the text but what scrolls in a box of its own
OUTSIDE = """() => [...document.querySelectorAll("article *")].filter(e => {
    if (e.getBoundingClientRect().right <= innerWidth + 1 || e.closest(".katex-mathml, svg, .headerlink")) return false;
    for (let p = e.parentElement; p; p = p.parentElement)
        if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX)) return false;
    return true;
}).map(e => e.outerHTML.slice(0, 120))"""


# all unfolded and laid out; what was only laid out when it came near hides what leaves it by more than five pixels
UNFOLDED = """() => {
    document.querySelectorAll("details").forEach(part => { part.open = true; });
    for (const part of document.querySelectorAll("article *"))
        if (getComputedStyle(part).contentVisibility === "auto") part.dataset.hides = 5;
    document.querySelectorAll("[data-hides]").forEach(part => { part.style.contentVisibility = "visible"; });
}"""
# parts of formulas that lie outside the window, or a box that hides what leaves it; what scrolls hides nothing
CUT = """() => [...document.querySelectorAll("article .katex-base")].filter(part => {
    const own = part.getBoundingClientRect(), scrolls = {};
    for (let box = part.parentElement; box && own.width; box = box.parentElement) {
        const style = getComputedStyle(box), edge = box.getBoundingClientRect();
        for (const [way, from, to] of [["overflowX", "left", "right"], ["overflowY", "top", "bottom"]]) {
            scrolls[way] ||= ["auto", "scroll"].includes(style[way]);
            const hides = box.dataset.hides || ["hidden", "clip"].includes(style[way]);
            const slack = Number(box.dataset.hides || 1) - (way === "overflowY" ? 3 : 0);
            if (hides && !scrolls[way] && (own[from] < edge[from] - slack || own[to] > edge[to] + slack)) return true;
        }
    }
    return !scrolls.overflowX && own.right > innerWidth + 1;
}).map(part => part.closest(".katex").querySelector("annotation").textContent)"""
SPACED = """p { margin-bottom: 2em !important }
* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"""  # WCAG 1.4.12
LETTERS_OF = """() => [...document.querySelectorAll("article *, nav *")].filter(e => !e.closest("svg, .explorable"))
    .map(e => [e.cloneNode().outerHTML.slice(0, 80), parseFloat(getComputedStyle(e).fontSize)])"""
# text in less than 17 pixels
SMALL = """() => [...document.querySelectorAll("article section > p, article section > :is(ul, ol) > li")]
    .filter(e => !e.closest(".explorable, .claims, [class*=sd-], .page-facts"))
    .filter(e => parseFloat(getComputedStyle(e).fontSize) < 17).map(e => e.outerHTML.slice(0, 100))"""


def visit(open_page, address: str, width: int = 1280, theme: str = "light", **options: object):
    page = open_page(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
    page.goto(address)
    return page


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_pages_fit_their_window_in_letters_that_can_be_read(page, site, name):
    page.goto(f"{site}/{name}")
    page.evaluate(UNFOLDED)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OUTSIDE) == [], width
        assert page.evaluate(CUT) == [], width
        if name in (*SOLUTIONS, "index.html"):
            assert page.evaluate(SMALL) == [], width
    page.add_style_tag(content=SPACED)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT) == []


@pytest.fixture(scope="module")
def enlarged(launched):
    """A browser whose reader wants letters of 24 pixels."""
    browser = launched.browser_type.launch(
        executable_path=chromium.find(), args=["--no-sandbox", "--blink-settings=defaultFontSize=24"]
    )
    yield browser
    browser.close()


def test_with_larger_letters_and_spaces_no_formula_is_cut_and_every_letter_is_in_its_font(enlarged, site, html):
    style = (html / "_static" / "site-bundle.css").read_text(encoding="utf-8")
    faces = re.findall(
        r"font-family:(KaTeX_\w+);font-style:(\w+);font-weight:(\w+);src:url\(data:font/woff2;base64,([^)]*)", style
    )
    letters = {
        tuple(face): {chr(code) for code in TTFont(io.BytesIO(base64.b64decode(data))).getBestCmap() or ()}
        for *face, data in faces
    }
    page, shown = enlarged.new_page(viewport={"width": 320, "height": 900}), set()
    for name in EVERY_PAGE:
        page.goto(f"{site}/{name}")
        page.evaluate(UNFOLDED)
        page.add_style_tag(content=SPACED)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert page.evaluate(CUT) == [], name
        shown.update(tuple(one.split(" ", 3)) for one in page.evaluate(LETTERS))
    page.close()
    assert len(shown) > 100
    assert [entry for entry in sorted(shown) if entry[3] not in letters[entry[:3]] | {"\u200b"}] == []


def test_a_formula_too_wide_for_its_text_scrolls_and_can_be_reached(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/2a-no-overlap.html", 390)
    formula = page.locator("article > section > p span.math").first
    formula.evaluate("formula => { formula.querySelector('.katex-base').style.paddingLeft = '400px'; }")
    page.set_viewport_size({"width": 320, "height": 900})  # all is looked at again
    expect(formula).to_have_attribute("tabindex", "0")
    page.evaluate(UNFOLDED)
    assert page.evaluate(CUT) == [] and page.evaluate("document.documentElement.scrollWidth") == 320


def test_letters_grow_with_those_of_the_browser(launched, enlarged, site):
    sizes = []
    for browser in (launched, enlarged):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{site}/sheet-2/2b-identical.html")
        sizes.append(page.evaluate(LETTERS_OF))
        page.close()
    pairs = [(of, before, after) for (of, before), (_, after) in zip(*sizes, strict=True) if before > 1]
    assert [pair for pair in pairs if pair[2] != pytest.approx(1.5 * pair[1], rel=0.01)] == [] and len(pairs) > 100


def test_in_forced_colours_figures_keep_their_own_paper(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/2a-no-overlap.html#explore", theme="dark", forced_colors="active")
    page.evaluate("document.documentElement.dataset.theme = 'light'")  # chosen by the reader, against the system
    page.locator(".explorable text").first.wait_for()
    assert max(luminances(page, ".explorable text:not(.halo)", "fill")) < 0.3
    assert min(luminances(page, ".explorable-panels, .panels", "backgroundColor")) > 0.9


def luminances(page, selector: str, what: str) -> list[float]:
    return page.evaluate(
        """([selector, what]) => [...document.querySelectorAll(selector)].map(e => {
            const [r, g, b] = getComputedStyle(e)[what].match(/[\\d.]+/g).map(v => {
                v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        })""",
        [selector, what],
    )


@pytest.mark.parametrize("theme", page_reader.THEMES)
def test_figures_are_readable_in_both_themes(open_page, site, html, theme):
    page = visit(open_page, f"{site}/index.html", theme=theme)
    (paper,) = luminances(page, "body", "backgroundColor")
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # asked for beside a bare drawing
    lines = words = 0
    for drawing in sorted((html / "figures").glob("*.svg"))[::5]:  # all are made in the same way
        page.goto(f"{site}/figures/{drawing.name}" + "#dark" * (theme == "dark"))
        strokes = luminances(page, 'path[style*="var(--"][style*="stroke-width:2"]', "stroke")
        texts = luminances(page, 'g[style*="fill:var(--ink)"]', "fill")
        for values, least in ((strokes, 3.0), (texts, 4.5)):
            worst = min(((max(v, paper) + 0.05) / (min(v, paper) + 0.05) for v in values), default=least)
            assert worst >= least, (drawing.name, theme, worst)
        lines, words = lines + len(strokes), words + len(texts)
    assert lines > 5 and words > 100


def test_one_of_two_pictures_is_shown_and_both_are_there_after_the_page(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/2a-no-overlap.html")
    expect(page.locator(".panels img[loading=lazy]")).to_have_count(0)
    for theme, other in (("light", "dark"), ("dark", "light")):
        page_reader.show_theme(page, theme)
        decoded = "images => Promise.all(images.map(image => image.decode().then(() => image.naturalWidth > 0)))"
        assert all(page.locator(f"img.on-{theme}").evaluate_all(decoded))
        assert page.locator(f"img.on-{other}:visible").count() == 0
        assert page.locator(f"img.on-{theme}:visible").count() == page.locator(f"img.on-{theme}").count() > 5


def test_folded_parts_open_for_print_and_close_after_it_but_those_that_the_reader_opened(page, site):
    page.goto(f"{site}/sheet-2/2a-no-overlap.html")
    page.locator("#marking summary").first.click()
    folds = "[...document.querySelectorAll('article details')].map(fold => fold.open)"
    before = page.evaluate(folds)
    assert {True, False} == set(before)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")  # some browsers say it twice
    assert all(page.evaluate(folds))
    page.pdf()
    assert page.evaluate(folds) == before


def test_menus_open_on_a_phone_and_fold_on_a_laptop(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/2a-no-overlap.html", 390)
    for button, menu, link in (("All pages", "site-nav", "2 (b) Identical"), ("On this page", "page-nav", "Mistakes")):
        expect(page.locator(f"#{menu}")).to_be_hidden()
        page.get_by_role("button", name=button).click()
        expect(page.locator(f"#{menu}").get_by_role("link", name=link)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(f"#{menu}")).to_be_hidden()
    page.get_by_role("button", name="On this page").click()
    page.locator("#page-nav").get_by_role("link", name="Mistakes").click()
    expect(page.locator("#page-nav")).to_be_hidden()
    expect(page.locator("#mistakes h2")).to_be_in_viewport()
    page.get_by_role("button", name="All pages").click()
    page.locator("#site-nav").get_by_role("link", name="2 (b) Identical").click()
    page.wait_for_url(f"{site}/sheet-2/2b-identical.html")
    page = visit(open_page, f"{site}/sheet-2/2a-no-overlap.html", 1280)
    expect(page.get_by_role("link", name="Notation")).to_be_in_viewport()
    page.get_by_role("button", name="All pages").click()
    expect(page.get_by_role("link", name="Notation")).to_be_hidden()
    page.get_by_role("button", name="All pages").click()
    expect(page.get_by_role("link", name="Notation")).to_be_in_viewport()


# the last heading of the list above the line to which links bring headings, or in the window at the page's end, where
# none comes up to that line any more, and what is marked
MARKED = """() => { const links = [...document.querySelectorAll("#page-nav a")];
    const top = link => document.getElementById(link.hash.slice(1)).querySelector("h2, h3").getBoundingClientRect().top;
    const marked = links.filter(link => link.matches("[aria-current]"));
    const line = scrollY && scrollY + innerHeight >= document.documentElement.scrollHeight - 2 ? innerHeight - 1 : 97;
    return [links.findLast(link => top(link) <= line)?.hash, ...marked.map(link => link.hash)]; }"""


@pytest.mark.parametrize("width", [390, 1280])
def test_the_mark_and_the_bar_say_what_is_being_read(open_page, site, width):
    page = visit(open_page, f"{site}/sheet-2/3c-packing.html", width)
    place, end = page.locator(".bar-place"), page.evaluate("document.documentElement.scrollHeight - innerHeight - 3")
    expect(place).to_be_hidden()
    for top in [*range(0, end, 1700), *range(end, 0, -1300)]:
        page.evaluate(f"scrollTo({{ top: {top}, behavior: 'instant' }})")
        page.evaluate(page_reader.FRAMES)
        read, *marked = page.evaluate(MARKED)
        assert marked == [read] * (read is not None), top
    for link in page.locator("#page-nav a").all():
        page.goto(f"{site}/sheet-2/3c-packing.html{link.get_attribute('href')}")
        expect(link).to_have_attribute("aria-current", "true")
    expect(place).to_have_text("3 (c) PackingMarking")
    place.click()
    expect(page.locator("article h1")).to_be_in_viewport()
    expect(page.locator(".bar-answer")).to_be_visible(visible=width > 600)


def test_colours_follow_the_system_or_the_reader(open_page, site):
    page = visit(open_page, f"{site}/index.html", theme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="Colours").click()  # what the system does not show comes first
    expect(page.get_by_role("button", name="Colours: dark")).to_be_visible()
    assert page.evaluate(theme) == "dark"
    page.goto(f"{site}/notation.html")  # remembered, against the system
    assert page.evaluate(theme) == "dark"
    for said in ("light", "as the system"):
        page.get_by_role("button", name="Colours").click()
        expect(page.get_by_role("button", name=f"Colours: {said}")).to_be_visible()
        assert page.evaluate(theme) == "light"


def test_boxes_that_scroll_can_be_reached_by_keyboard(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/2a-no-overlap.html#evidence", 390)
    expect(page.locator("#evidence pre[tabindex='0']").first).to_be_attached()
    narrow = "box => box.scrollWidth <= box.clientWidth && box.hasAttribute('tabindex')"
    assert not page.locator("#evidence pre").evaluate_all(f"boxes => boxes.some({narrow})")


def test_a_number_leads_to_its_check_in_a_folded_list_and_on_to_the_ledger(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/1b-latent-space.html", 390)
    check = page.locator("details.claims #claim-1b-both-length")
    expect(check).to_be_hidden()
    page.locator('a.claim[href$="#claim-1b-both-length"]').first.click()
    expect(check).to_be_in_viewport()
    check.locator("a").click()
    expect(page.locator("table.ledger :target")).to_be_in_viewport()


def test_folded_code_opens_one_by_one_and_all_at_once_and_the_choice_is_kept(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/2b-identical.html", 390)
    code, switch = page.locator(".cell > details pre"), page.locator("button.code-switch")
    page.locator(".cell > details > summary").first.focus()
    page.keyboard.press("Enter")
    expect(code.first).to_be_visible()
    expect(code.last).to_be_hidden()
    switch.click()
    expect(switch).to_have_text("Hide all code")
    expect(code.last).to_be_visible()
    page.goto(f"{site}/sheet-2/2a-no-overlap.html")
    expect(code.last).to_be_visible()
    switch.click()
    expect(code.last).to_be_hidden()


def test_a_name_in_a_cell_leads_to_its_source(open_page, site):
    page = visit(open_page, f"{site}/sheet-2/3-gan-training.html", 1280)
    page.locator("button.code-switch").click()
    link = page.locator("a.code-link", has_text="discriminator_loss").first
    steady(page, link)
    link.click()
    expect(page.locator("h1")).to_have_text("genmodels.gan.losses")
    expect(page.locator("#discriminator_loss")).to_be_in_viewport()
