"""Cards: a number's check, an equation and a reference are read where they are mentioned; the answer, over the page."""

import re

import page_reader
import pytest
from playwright.sync_api import expect

PAGE = "sheet-2/3c-packing.html"
KINDS = {  # the link: what its card says, and how it leads on
    "a.claim": (r"= .+expected .+\(", "Show the check"),
    ".bibtex-citation a": (r"Arjovsky.+2017", "Show it in the list of literature"),
    "a[href$='b-why-collapse.html#equation-eq-why-best']": (r"E", "Show equation (3b.1)"),
    "p a[href^='#equation-']": (r"log", "Show equation (3c."),
}
INSIDE = """e => { const { left, right, top, bottom } = e.getBoundingClientRect();
    return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight; }"""
IDS = (
    "(all => all.length - new Set(all.map(e => e.id)).size)([...document.querySelectorAll('[id]')])"  # that stand twice
)


@pytest.mark.parametrize("way", ["hover", "focus", "tap", "disk"])
def test_a_card_says_what_its_link_leads_to(open_page, site, site_file, way):
    page = open_page(viewport={"width": 320 if way == "tap" else 1280, "height": 844}, has_touch=way == "tap")
    page.goto(f"{site_file if way == 'disk' else site}/{PAGE}")
    card, before, ids = page.locator("#link-card"), page.url, page.evaluate(IDS)
    for selector, (says, leads) in KINDS.items():
        link = page.locator("article").locator(selector).locator("visible=true").first
        page.keyboard.press("Shift")  # what is focused next is reached by keyboard
        getattr(link, "hover" if way == "disk" else way)()
        expect(card).to_contain_text(leads)
        expect(card).to_contain_text(re.compile(says, re.DOTALL))
        expect(link).to_have_attribute("aria-describedby", "link-card")
        assert card.evaluate(INSIDE) and page.evaluate(IDS) == ids and page.url == before
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        page.mouse.move(0, 0)
    link.hover()
    more = card.get_by_role("link")
    more.hover()
    page.wait_for_timeout(500)  # stays while the pointer is on it
    more.click()
    expect(page.locator("div.math.display:target")).to_be_in_viewport()
    expect(more).to_be_hidden()


@pytest.mark.parametrize("theme", page_reader.THEMES)
def test_the_answer_lies_over_the_page_and_cards_are_for_everyone(open_page, site, theme):
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=theme)
    page.goto(f"{site}/{PAGE}#further")
    page.locator(".bar-answer").click()
    expect(page.get_by_role("dialog", name="Answer")).to_contain_text("Why it helps")
    page_reader.thinned(page)
    assert page_reader.axe_problems(page, "#link-card, .site-bar") == []
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#further h2")).to_be_in_viewport()
    page.locator("#further a.claim, #further .bibtex-citation a").locator("visible=true").first.hover()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page_reader.axe_problems(page, "#link-card") == []
