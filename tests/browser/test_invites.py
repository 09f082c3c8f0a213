"""What a reader sees first: a picture, what the page is about, and on the front page three ways in."""

import re

import page_reader
from every_page import EVERY_PAGE, SOLUTIONS

BEGINNINGS = ["index.html", *SOLUTIONS, *(name for name in EVERY_PAGE if re.match(r"sheet-\d+/\d-", name))]
TOP = """() => {
    const seen = e => e.getBoundingClientRect().width > 60 && !e.closest("details:not([open])");
    return [...document.querySelectorAll("article img")].find(seen).getBoundingClientRect().toJSON();
}"""
# pictures of the film that are seen at this moment
FRAME = "all => all.filter(e => getComputedStyle(e).display !== 'none' && getComputedStyle(e).opacity > 0).length"


def test_the_first_picture_is_on_the_first_screen(page, site):
    for name in BEGINNINGS:
        page.goto(f"{site}/{name}")
        page.wait_for_function("() => [...document.images].some(e => e.naturalWidth)")
        for width, height in ((1280, 720), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            box = page.evaluate(TOP)
            assert box["top"] < height - 120, name  # not its upper edge alone
            if name in SOLUTIONS:
                assert 60 < box["height"] <= 230, name
                assert box["bottom"] <= height, name
                assert page.locator("details.hint").get_attribute("open") is None


def test_the_front_page_has_a_figure_that_moves_once_and_stands_still_for_who_wants_it(open_page, site):
    page = open_page()
    page.goto(f"{site}/index.html")
    frames = page.locator(".film img")
    assert frames.evaluate_all(FRAME) == 1
    page.wait_for_timeout(6 * 800 + 500)
    assert frames.evaluate_all(FRAME) == 1
    assert page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length") == 0
    still = open_page(reduced_motion="reduce")
    still.goto(f"{site}/index.html")
    assert still.locator(".film img").evaluate_all(FRAME) == 6


def test_the_front_page_leads_three_ways(open_page, site):
    page = open_page()
    for at, place in enumerate(["answers.html", "1-vae.html", "#figures-to-play-with"]):
        page.goto(f"{site}/index.html")
        page.locator(".routes .sd-card").nth(at).click()
        assert place in page.url
    page_reader.scroll_through(page)
    for figure in page.locator("#figures-to-play-with li a").all():
        place = figure.get_attribute("href")
        assert page.request.get(f"{site}/{place}").ok and place.endswith("#explore")
