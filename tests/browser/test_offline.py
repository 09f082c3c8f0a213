"""Without the network, from disk, and without JavaScript: what readers still have."""

import lint
import offline_reader
import page_reader
import pytest
from every_page import EVERY_PAGE, LONGEST, SOLUTIONS

# a busy machine asks for a picture long after the page and its network have been quiet
LOADED = "() => [...document.querySelectorAll('article img')].every(img => img.naturalWidth)"


def test_every_page_comes_from_disk_without_an_error_or_a_request_to_another_host(open_page, site_file):
    """From a host, test_accessible reads every page to its end."""
    page = open_page(viewport={"width": 1280, "height": 900})
    for name in EVERY_PAGE:
        if name == "404.html":
            continue  # only a host shows it, at any address, so it names its files from the host's root
        page.goto(f"{site_file}/{name}")
        page_reader.scroll_through(page)
        assert page.locator("article h1").is_visible(), name


@pytest.mark.parametrize(("name", "width"), zip(LONGEST, [390, 1280, 390], strict=True))
def test_everything_works_when_the_network_is_cut(launched, site, name, width):
    assert offline_reader.problems(launched, f"{site}/{name}", width) == []


@pytest.mark.parametrize("name", ["sheet-2/2a-no-overlap.html", "index.html"])
def test_everything_works_from_disk(open_page, site_file, name):
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto(f"{site_file}/{name}")
    for step in offline_reader.STEPS:
        step(page)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_without_javascript_everything_is_readable(open_page, site, name):
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/{name}")
    page.wait_for_function(LOADED)
    assert page_reader.unreadable(page) == []
    for section in lint.SECTIONS:
        assert page.locator(f"section#{section}").is_visible(), section
    assert page.locator("#answer .katex-html").first.is_visible()
    assert page.locator("article .panels img:visible").count() == page.locator("article .panels img").count() / 2
    assert not page.locator(".explorable:visible, .theme-button:visible").count()
