"""Search as a reader uses it: what comes first, from the keyboard, with strange queries, from disk, without a mouse."""

import re
import tomllib
from pathlib import Path
from urllib.parse import quote

import page_reader
import pytest
from playwright.sync_api import Page, expect
from search_queries import ASKED, PAGES, QUERIES, right

PAGE = "/speed.html"  # a short one
RESULTS = "#search-results a"
DIALOG = "#search-dialog"
FOUND = f"{DIALOG} .search-results a"
PLACES = {  # words of askers, and their answers
    "model collapse": "3b-why-collapse.html",
    "same image": "3a-mode-collapse.html#same-picture",
    "only 1s": "3a-mode-collapse.html#only-ones",
    "1.38": "2b-identical.html#stuck-at-1386",
    "sum or mean": "1-vae.html#sum-or-mean",
    "detach": "3-gan-training.html#why-detach",
    "label smoothing": "2-gan.html#label-smoothing",
    "vae": "1-vae.html",
    "gan": "2-gan.html",
    "mean": "1-vae.html#sum-or-mean",
}
STRANGE = [
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "%E0%A4%A %",
    "&amp;<b>",
    "constructor __proto__ toString",
    "日本語 🦆 \u202e",
    "\\frac{p}{q} $x$",
    "a" * 10_000,
    "mode collapse " * 700,
    "* + ? ( [ ~3 ^",
]


def first(page: Page, base: str) -> str:
    """Return the address of the first result, as seen from the site's top."""
    return page.locator(RESULTS).first.evaluate("link => link.href").removeprefix(f"{base}/")


def ask(page: Page, query: str) -> None:
    """Type into the field of the search page and wait until the page has answered."""
    page.locator("#search-form input").fill(query)
    expect(page).to_have_title(re.compile(re.escape(query[:60])))


def open_dialog(page: Page, site: str, query: str = "", path: str = PAGE) -> None:
    """Open a page and search in its dialog."""
    page.goto(site + path)
    page.keyboard.press("Control+k")
    page.keyboard.type(query)
    if query:  # answered are also the beginnings of a query
        expect(page.locator(f"{DIALOG} .search-all")).to_have_attribute("href", re.compile(f"={quote(query)}$"))


@pytest.mark.parametrize("source", ["site", "site_file"])
def test_what_is_typed_finds_its_page_first_in_words_without_code(
    page: Page, source: str, request: pytest.FixtureRequest
) -> None:
    base = request.getfixturevalue(source)
    page.goto(f"{base}/search.html")
    wrong = {}
    for query in list(ASKED)[:: 1 if source == "site" else 4]:  # the same script, and the same ranking
        ask(page, query)
        found = first(page, base) if page.locator(RESULTS).count() else "nothing"
        if not right(query, found):
            wrong[query] = found
        text = page.locator("#search-results").inner_text()
        assert not re.search(r"[\\$#{}]|import |\bdef |Skip to main|\[PST\]", text), query
    assert wrong == {} and len(ASKED) == 20
    for query in ("blurry images", "vanishing gradients", "log 2"):
        ask(page, query)
        assert page.locator(f"{RESULTS} mark").count() >= 3


def searched(page: Page, site: str, queries: list[str]) -> list[list[str]]:
    """The addresses of the first three results of each query."""
    page.goto(f"{site}/search.html")
    ask(page, "gan")  # loads the index
    search = "all => all.map(query => siteSearch.search(query, 40, 6).results.slice(0, 3).map(hit => hit.url))"
    return page.evaluate(search, queries)


def test_every_query_finds_its_page_first(page: Page, site: str) -> None:
    found = dict(zip(QUERIES, searched(page, site, list(QUERIES)), strict=True))
    assert {query: urls for query, urls in found.items() if not right(query, urls[0] if urls else "")} == {}
    found = dict(zip(PLACES, searched(page, site, list(PLACES)), strict=True))
    assert {query: urls for query, urls in found.items() if not urls[0].startswith(f"sheet-2/{PLACES[query]}")} == {}


def test_questions_that_people_ask_lead_to_their_answer(page: Page, site: str) -> None:
    """Of every other question asked in public: how often an answer is found first, or among the first three."""
    text = Path(__file__).parents[1].joinpath("questions.toml").read_text(encoding="utf-8")
    asked = [(q["answers"], words) for q in tomllib.loads(text)["question"] for words in q["words"]][::2]
    found = searched(page, site, [words for _, words in asked])
    answers = [[answer.partition("#") for answer in places] for places, _ in asked]
    right = [{PAGES[page] + mark + place for page, mark, place in places} for places in answers]
    first = sum(urls[:1] != [] and urls[0] in places for urls, places in zip(found, right, strict=True)) / len(asked)
    three = sum(bool(places & set(urls)) for urls, places in zip(found, right, strict=True)) / len(asked)
    assert first >= 0.8 and three >= 0.95, (first, three)


def test_address_asks_too(page: Page, site: str) -> None:
    page.goto(f"{site}/search.html?q={quote('2 (b)')}")
    expect(page.locator("#search-form input")).to_have_value("2 (b)")
    expect(page.locator(RESULTS).first).to_be_visible()
    assert right("2 (b)", first(page, site))
    ask(page, "log 2")
    assert page.url.endswith("?q=log%202")
    assert "#" in page.locator(RESULTS).nth(1).get_attribute("href")


@pytest.mark.parametrize("source", ["site", "site_file"])
def test_index_is_loaded_once_after_the_page(page: Page, source: str, request: pytest.FixtureRequest) -> None:
    asked: list[str] = []
    page.on("request", lambda loaded: asked.append(loaded.url))
    page.goto(request.getfixturevalue(source) + PAGE)
    page.wait_for_load_state("load")
    page.keyboard.press("Control+k")
    page.keyboard.type("nash equilibrium")
    expect(page.locator(FOUND).first).to_contain_text("2 (b)")
    assert len([url for url in asked if "searchindex" in url]) == 1  # not once more, as what is only loaded ahead
    late = "e => e.startTime >= performance.getEntriesByType('navigation')[0].loadEventStart"
    loaded = "performance.getEntriesByType('resource').filter(e => e.name.includes('searchindex'))"
    assert page.evaluate(f"{loaded}.every({late})")


def test_keyboard_alone(page: Page, site: str) -> None:
    page.goto(site + PAGE)
    for keys in ("Control+k", "Meta+k"):
        button = page.locator(".search-button__button:visible").first
        button.focus()
        page.keyboard.press(keys)
        expect(page.locator(DIALOG)).to_have_attribute("open", "")
        assert page.locator("dialog[open]").count() == 1
        expect(page.locator(f"{DIALOG} input")).to_be_focused()
        page.keyboard.type("log 2")
        page.keyboard.press("Escape")  # at once, not only the field's words
        expect(page.locator(DIALOG)).not_to_have_attribute("open", "")
        expect(button).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("and/or 2a")
    expect(page.locator(f"{DIALOG} input")).to_have_value("and/or 2a")
    expect(page.locator(f"{DIALOG} .search-all")).to_have_attribute("href", re.compile("=and%2For%202a$"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(FOUND).nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator(f"{DIALOG} input")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("2a-no-overlap.html"))


# English, Russian, Dvorak's K and T, and a key that is none, as where a form is filled in
KEYS = [("k", "KeyK", 1), ("л", "KeyK", 1), ("k", "KeyV", 1), ("t", "KeyK", 0), (None, "", 0)]


def test_the_shortcut_is_the_letter_on_every_layout_and_enter_does_not_wait_for_the_list(page: Page, site: str) -> None:
    page.goto(site + PAGE)
    page.keyboard.type("and/or")
    made = "Object.assign(new Event('keydown'), { ctrlKey: true, ...(key && { key, code }) })"
    for key, code, opens in KEYS:
        page.evaluate(f"([key, code]) => dispatchEvent({made})", [key, code])
        assert page.locator(f"{DIALOG}[open]").count() == opens
        page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.locator(f"{DIALOG} input").fill("pacgan")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("3c-packing.html"))


@pytest.mark.parametrize("width", [1280, 390])
def test_every_search_button_opens(open_page, site: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    page.goto(site + PAGE)
    buttons = page.locator(".search-button__button:visible")
    assert buttons.count() >= 1
    for button in buttons.all():
        button.click()
        expect(page.locator(f"{DIALOG} input")).to_be_focused()
        if width == 390:
            assert page.locator(DIALOG).bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 800}
        page.locator(".search-close").click()
        expect(page.locator(DIALOG)).to_be_hidden()


def test_result_opens_what_is_folded(page: Page, site: str) -> None:
    open_dialog(page, site, "2a-mnist-fall-least")
    page.locator(FOUND).first.click()
    page.wait_for_url(re.compile("#claim-2a-mnist-fall-least$"))
    expect(page.locator("#claim-2a-mnist-fall-least")).to_be_in_viewport()


def test_result_on_the_same_page_closes_the_dialog(page: Page, site: str) -> None:
    open_dialog(page, site, "marking scheme 2b", "/sheet-2/2b-identical.html")
    page.locator(FOUND, has_text="Marking").first.click()
    expect(page.locator(DIALOG)).to_be_hidden()
    expect(page.locator("#marking")).to_be_in_viewport()


def test_strange_queries_do_no_harm(page: Page, site: str) -> None:
    for at, query in enumerate(STRANGE):
        if at < 4:  # these also in the address
            page.goto(f"{site}/search.html?q={query if '%' in query else quote(query)}")
            expect(page.locator(".search-page .search-status")).not_to_be_empty()
            page.keyboard.press("Control+k")
        page.locator(f"{DIALOG} input").fill("")
        expect(page.locator(f"{DIALOG} .search-status")).to_be_empty()
        page.locator(f"{DIALOG} input").fill(query)
        expect(page.locator(f"{DIALOG} .search-status")).not_to_be_empty()
        assert page.evaluate("window.owned") is None
        lists = page.locator(".search-results, .search-status")
        assert lists.locator("script, img, b:has(b), [onerror]").count() == 0, query[:40]


def test_where_nothing_is_found_or_fits_what_is_near_is_offered(page: Page, site: str) -> None:
    page.goto(f"{site}/search.html?q=qqqqqq")
    expect(page.locator(".search-page .search-status")).to_contain_text("Nothing found")
    assert page.locator(RESULTS).count() == 0
    expect(page.locator(".search-elsewhere a").first).to_be_visible()
    ask(page, "transformer attention heads")
    expect(page.locator(".search-page .search-status")).to_contain_text("Nothing here seems to be about this")
    assert 1 <= page.locator(RESULTS).count() <= 3
    page.locator(RESULTS).first.click()
    expect(page.locator("details.asked:target, details.asked[open]").first).to_be_in_viewport()
    page.goto(f"{site}/search.html?q={quote('label smoothing')}")
    expect(page.locator(".search-page .search-status")).to_contain_text("results")


@pytest.mark.parametrize("width", page_reader.WIDTHS)
def test_axe_finds_nothing(open_page, site: str, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    for query in ("qqqqqq", "mode collapse"):
        open_dialog(page, site, query)
        assert page_reader.axe_problems(page, DIALOG) == [], query
    page_reader.show_theme(page, "dark")
    assert page_reader.axe_problems(page, DIALOG, page_reader.COLOURS) == []
    page.goto(f"{site}/search.html?q={quote('mode collapse')}")
    expect(page.locator(RESULTS).first).to_be_visible()
    assert page_reader.axe_problems(page, "main") == []
    page_reader.show_theme(page, "dark")
    assert page_reader.axe_problems(page, "main", page_reader.COLOURS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_search_says_what_else_there_is(open_page, site: str) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"{site}/search.html")
    assert "Search needs JavaScript" in page.locator("article").inner_text()
    assert page.locator("#search-form:visible").count() == 0
    assert page.locator("a.search-button__button").get_attribute("href")
    for name in ("index", "notation", "results", "genindex"):
        assert page.locator(f"article a[href='{name}.html']:visible").count() == 1
