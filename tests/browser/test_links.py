"""Links: short ones, copied ones, ones that lead into folded parts, previous and next, and ones that lead nowhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from drags import steady
from page_reader import FRAMES, WIDTHS
from playwright.sync_api import Page, expect

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = (ROOT / "tests/published-anchors.txt").read_text(encoding="utf-8").split()
QUESTION = "sheet-2/2a-no-overlap.html"
LOST = {
    "/2A": "2 (a) No overlap",
    "/2a": "2 (a) No overlap",
    "/2a.htm#answer": "2 (a) No overlap",
    "/sheet-2/2a": "2 (a) No overlap",
    "/sheet-1/2-B.html": "2 (b) Identical",
    "/question%202%20(b)": "2 (b) Identical",
    "/a/b/c/d/3c/x": "3 (c) Packing",
    "/sheet-2/1d-blurred.html": "1 (d) Blur",
    "/exercise_3": "3 GAN training",
    "/sheet-2/vae.html": "1 VAE",
    "/mode-collapse": "3 (a) Mode collapse",
    "/latent_space.html": "1 (b) Latent space",
    "/notations.html": "Notation",
    "/%E0%A4%A-2a": "2 (a) No overlap",
}
CLIPBOARD = ["clipboard-read", "clipboard-write"]
READ = """async () => {
    const [item] = await navigator.clipboard.read();
    const parts = item.types.map(async (type) => [type, await (await item.getType(type)).text()]);
    return Object.fromEntries(await Promise.all(parts));
}"""
# the place, its whole start, between the header that covers the top and the window's end; nothing around it is folded
IN_VIEW = """(id) => {
    const place = document.getElementById(id);
    for (let part = place; part; part = part.parentElement)
        if (part.tagName === "DETAILS" && !part.open) return "folded";
    const header = document.querySelector(".site-bar").getBoundingClientRect();
    const covered = Math.max(0, header.bottom);
    const { top, width } = place.getBoundingClientRect();
    const last = document.documentElement.scrollHeight - innerHeight - scrollY < 2;
    if (!width) return "not shown";
    if (top < covered - 1) return `behind the header: ${top} < ${covered}`;
    return top < innerHeight - 40 && (last || top < innerHeight / 2 || scrollY === 0) ? "" : `below the window: ${top}`;
}"""


def opened(open_page, address: str, width: int = 1280, **options: object) -> Page:
    (page := open_page(viewport={"width": width, "height": 900}, **options)).goto(address)
    return page


# ---- short links


@pytest.mark.parametrize("place", ["site", "site_file"])
def test_a_short_link_keeps_what_stands_behind_it(page, request, place):
    root = request.getfixturevalue(place)
    for rest in ("", "?from=forum#further", "#explore?overlap=uniform,0.5,1", "#answer:~:text=points"):
        page.goto("about:blank")
        page.goto(f"{root}/2a.html{rest}")
        page.wait_for_url(f"{root}/{QUESTION}{rest}")
        expect(page.locator("article h1")).to_contain_text("No overlap")


# ---- published anchors


@pytest.mark.parametrize("width", WIDTHS)
def test_a_published_link_shows_its_place(open_page, site, width):
    """Every other one where there is least room, once its page was opened; in a wide window those of one page, anew."""
    page = open_page(viewport={"width": width, "height": 900})
    narrow = width == min(WIDTHS)
    for line in PUBLISHED[::2] if narrow else [line for line in PUBLISHED if line.startswith(QUESTION)]:
        name, _, anchor = line.partition("#")
        if narrow and page.url.partition("#")[0] == f"{site}/{name}":
            page.evaluate("anchor => { location.hash = anchor; }", anchor)
        else:
            page.goto("about:blank")
            page.goto(f"{site}/{line}")
        if anchor:
            page.evaluate(FRAMES)
            assert page.evaluate(IN_VIEW, anchor) == "", line


def push(page: Page) -> None:
    """Let something above the place become larger, as a late figure would, and wait for two frames."""
    page.evaluate(
        """() => {
            const late = document.createElement("div");
            late.style.height = "700px";
            late.style.overflowAnchor = "none";
            // a browser without anchoring of its own, such as Safari
            document.documentElement.style.overflowAnchor = document.body.style.overflowAnchor = "none";
            document.querySelector("#answer").before(late);
        }"""
    )
    page.evaluate(FRAMES)
    page.wait_for_timeout(100)


def test_a_place_stays_in_view_while_the_page_settles_but_not_against_the_reader(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}#evidence")
    push(page)
    assert page.evaluate(IN_VIEW, "evidence") == ""
    page.mouse.move(640, 500)
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(500)
    before = page.evaluate("scrollY")
    push(page)
    assert page.evaluate("scrollY") == pytest.approx(before, abs=2)


def test_a_link_opens_what_it_leads_into_but_not_the_answer_to_a_task(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}#explore")
    expect(page.locator("#explore > h2")).to_be_in_viewport()
    expect(page.locator("#explore > details")).not_to_have_attribute("open", "")
    inside = page.locator("#marking details table").first
    expect(inside).to_be_hidden()
    inside.evaluate("place => { place.id ||= 'inside'; location.hash = place.id; }")
    expect(inside).to_be_in_viewport()
    page.goto("about:blank")
    page.goto(f"{site}/{QUESTION}#marking")  # folded as a whole
    expect(page.locator("#marking > details")).to_have_attribute("open", "")


def test_a_question_is_copied_as_a_link_that_opens_it_unfolded_and_in_view(open_page, site):
    address = f"{site}/sheet-2/2b-identical.html#stuck-at-1386"
    page = opened(open_page, address)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#stuck-at-1386 .copy-link").click()
    expect(page.locator(".copied-note")).to_contain_text("Copied: 2 (b) Identical — My losses are stuck at 1.386")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{site}/2b.html#stuck-at-1386"
    for width in (390, 1280):
        fresh = open_page(viewport={"width": width, "height": 800})
        fresh.goto(link)
        fresh.wait_for_url(address)
        expect(fresh.locator("#stuck-at-1386 .sd-summary-content")).to_be_in_viewport()
        assert fresh.evaluate(IN_VIEW, "stuck-at-1386") == ""
        assert fresh.locator("details.asked[open]").count() == 1


# what is read near the top of the window, and where
READING = """() => {
    const shown = [...document.querySelectorAll("article :is(p, h2, h3)")].filter(e => e.checkVisibility());
    const read = shown.find(e => e.getBoundingClientRect().top > 60);
    return [read.textContent.slice(0, 60), read.getBoundingClientRect().top];
}"""


@pytest.mark.parametrize("place", ["#explore?overlap=uniform,0.5,1", ""])
def test_a_page_loaded_again_or_come_back_to_is_where_the_reader_was(open_page, site, place):
    page = opened(open_page, f"{site}/{QUESTION}{place}")
    page.mouse.move(500, 500)
    page.mouse.wheel(0, 10)  # the reader's turn
    page.evaluate("document.querySelectorAll('#evidence details').forEach(fold => { fold.open = true; })")
    page.evaluate("document.querySelector('#further p').scrollIntoView({ behavior: 'instant' })")
    page.wait_for_timeout(400)
    text, top = page.evaluate(READING)
    leave, jump = lambda: page.goto(f"{site}/notation.html"), lambda: page.evaluate("location.hash = 'answer'")
    for steps in ([page.reload], [leave, page.go_back], [jump, page.go_back]):
        for step in steps:
            step()
            page.wait_for_timeout(400)
        assert page.evaluate(READING) == [text, pytest.approx(top, abs=3)], steps


# a section, and words of another; as some mail programs write it
WRITTEN = {
    "evidence:~:text=need%20the%20loss%20of%20the%20sheet": "#marking details table",
    "explore%3Foverlap%3Duniform%2C0.5%2C1": "#explore > p",
    "%65vidence": "#evidence h2",
    "%E0%A4%A": "h1",
}


def test_a_link_leads_where_it_says_however_it_is_written(page, site):
    for address, place in WRITTEN.items():
        page.goto("about:blank")
        page.goto(f"{site}/{QUESTION}#{address}")
        page.wait_for_timeout(400)  # the browser looks for words when it has shown the page
        expect(page.locator(place).first).to_be_in_viewport()
        if "explore" in address:
            expect(page.locator(".explorable input[type=range]").first).to_have_value("0.5")


# ---- copying


def test_formulas_are_copied_once_as_tex(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}", permissions=CLIPBOARD)

    def copied_of(select: str) -> dict[str, str]:
        page.evaluate(f"getSelection().{select}")
        page.keyboard.press("Control+c")
        return page.evaluate(READ)

    place = "document.querySelector('#answer {}')".format
    within = f"setBaseAndExtent({place('p .mord')}, 0, {place('.formula .mrel')}, 0)"  # two formulas, both whole
    text, html = map(copied_of(within).get, ("text/plain", "text/html"))
    assert text.startswith("$p_{gen}(x)=0$, so $D^*(x)=") and text.count("p_{gen}(x)=0$") == 1
    assert "losses:\n\nValues at convergence\n\n$$\\begin{aligned}" in text and text.rstrip().endswith("$$")
    assert "$p_{gen}(x)=0$" in html and "katex" not in html
    html = copied_of("selectAllChildren(document.querySelector('#derivation'))")["text/html"]
    assert {address[:4] for address in re.findall(r'(?:href|src)="([^"]*)', html)} == {"http"}
    assert copied_of(f"selectAllChildren({place('h2')})")["text/plain"].strip() == "Answer"  # as the browser does it


TOLD = """() => {
    const note = document.querySelector(".copied-note[role=status]");
    window.told = new Promise(done => {
        new MutationObserver(() => note.textContent && done(note.textContent)).observe(note, { childList: true });
        setTimeout(() => done("nothing was said"), 20000);
    });
}"""


def told(page: Page, name: str) -> str:
    """Press the button and return what is said then: it is soon taken back, which looking now and then would miss."""
    button = page.get_by_role("link", name=name, exact=True).first
    steady(page, button)  # a press on what moves away is none
    page.evaluate(TOLD)
    button.click()
    return page.evaluate("window.told")


def copied(page: Page, name: str) -> dict[str, str]:
    assert told(page, name).startswith("Copied")
    return page.evaluate(READ)


def test_buttons_copy_links_for_every_editor(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}", permissions=CLIPBOARD)
    for part, place in {
        "": "",
        "Derivation": "#derivation",
        "Equation (2a.1)": "#equation-eq-a-d-star",
        "Figure: The cliff": "#fig-2a-cliff",
    }.items():
        name, address = "2 (a) No overlap" + (part and f" — {part}"), f"{site}/2a.html{place}"
        formats = copied(page, f"Copy link to {part or name}")
        assert formats["text/plain"] == address
        assert f'<a href="{address}">{name}</a>' in formats["text/html"]
    mark = page.get_by_role("link", name="Copy link to Derivation")
    with page.context.expect_page() as other:  # it is a link
        mark.click(modifiers=["Control"])
    other.value.wait_for_url(f"{site}/{QUESTION}#derivation")
    page.goto(f"{site}/notation.html?x=1#exercise-1")  # a page without a short link is copied by its own
    said = copied(page, "Copy link to Exercise 2")["text/plain"]
    assert said == f"{site}/notation.html#exercise-2"
    page.goto(f"{site}/links.html")
    name = "3 (c) Packing — Mistakes"
    assert copied(page, f"Copy link to {name}")["text/plain"] == f"{site}/3c.html#mistakes"
    expect(page.locator(".all-links .copy-link")).to_have_count(page.locator(".all-links li").count())


def test_an_older_way_copies_where_the_new_one_is_missing_and_where_there_is_none_the_link_is_shown(open_page, site):
    page = open_page(permissions=CLIPBOARD)
    page.goto(f"{site}/{QUESTION}")
    read_on = page.context.new_page()
    read_on.goto(f"{site}/notation.html")
    page.bring_to_front()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#answer > p'))")
    selected = page.evaluate("String(getSelection())")
    assert told(page, "Copy link to Further") == "Copied: 2 (a) No overlap — Further"
    assert page.evaluate("String(getSelection())") in (selected, "")  # a click may end a selection, copying may not
    read_on.bring_to_front()
    formats = read_on.evaluate(READ)
    assert formats["text/plain"] == f"{site}/2a.html#further"
    assert f'<a href="{site}/2a.html#further">2 (a) No overlap — Further</a>' in formats["text/html"]
    page.bring_to_front()
    page.evaluate("document.execCommand = () => false")
    said = told(page, "Copy link to Answer")
    assert said.startswith(f"Not copied: this browser does not allow it. The link is {site}/2a")


def copied_from_disk(page: Page) -> str:
    # listeners run in their order: this one sees what the page's own, added at the click, has not yet set
    page.evaluate("addEventListener('copy', (e) => { window.plain = e.clipboardData.getData('text/plain'); })")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("link", name="Copy link to Answer").click()
    return page.evaluate("window.plain")


def test_from_disk_the_address_there_is_copied_or_that_on_the_web_where_it_is_known(page, site_file, html, tmp_path):
    page.goto(f"{site_file}/{QUESTION}")
    assert copied_from_disk(page) == f"{site_file}/2a.html#answer"
    text = (html / QUESTION).read_text(encoding="utf-8")
    address = f"https://example.org/en/latest/{QUESTION}"
    text = text.replace("</head>", f'<link rel="canonical" href="{address}" /></head>')
    text = text.replace('"../', f'"{html.as_uri()}/').replace(f'href="{html.as_uri()}/2a.html"', 'href="../2a.html"')
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    assert copied_from_disk(page) == "https://example.org/en/latest/2a.html#answer"


def test_a_link_is_copied_by_keyboard_and_the_note_goes_away(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}", permissions=CLIPBOARD)
    button = page.get_by_role("link", name="Copy link to Answer")
    assert button.evaluate("b => getComputedStyle(b).opacity") == "0"
    page.get_by_role("link", name="Copy link to 2 (a) No overlap", exact=True).focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    expect(button).to_be_focused()
    expect(button).to_have_css("opacity", "1")
    assert button.evaluate("b => getComputedStyle(b).outlineStyle") != "none"
    page.evaluate(TOLD)
    page.keyboard.press("Enter")
    assert page.evaluate("window.told") == "Copied: 2 (a) No overlap — Answer"
    expect(page.locator(".copied-note[role=status]")).to_be_empty(timeout=10_000)
    assert page.evaluate(READ)["text/plain"] == f"{site}/2a.html#answer"


def test_buttons_are_shown_where_nothing_can_point_at_them(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}", 390, has_touch=True, is_mobile=True)
    shown = page.locator("article .copy-link").evaluate_all("all => all.map(one => getComputedStyle(one).opacity)")
    assert len(shown) >= 20 and set(shown) == {"1"}


# ---- around the page


def test_the_skip_link_leads_past_the_menu_and_a_heading_is_called_by_its_words_alone(open_page, site):
    page = opened(open_page, f"{site}/{QUESTION}")
    expect(page.get_by_role("heading", name="Derivation", exact=True)).to_have_count(1)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


# ---- lost addresses


@pytest.fixture
def lost_page(launched) -> Iterator[Page]:
    """A page that may be answered with an error, if it is the site's own."""
    with launched.new_context() as context:
        page, problems = context.new_page(), []
        page.on("pageerror", lambda error: problems.append(str(error)))
        # what a reader leaves before it has come is no problem
        page.on("requestfailed", lambda it: "ABORTED" in (it.failure or "") or problems.append(it.url))
        yield page
        assert problems == []


def test_a_lost_address_is_guessed(lost_page, site):
    for address, meant in LOST.items():
        lost_page.goto(f"{site}{address}")
        link = lost_page.locator("#guess a")
        expect(link).to_have_text(meant)
        leads = link.evaluate("link => link.href")
        assert lost_page.request.get(leads).ok and leads.partition("#")[2] == address.partition("#")[2]
    link.click()
    expect(lost_page.locator("article h1")).to_contain_text("No overlap")


def test_nothing_is_guessed_without_a_reason(lost_page, site):
    for address in ("/", "/nothing-of-the-kind", "/1999", "/sheet-2/", "/sheet-2/9z.html"):
        lost_page.goto(f"{site}/nowhere/at/all{address}")
        expect(lost_page.locator("ul.found").first).to_be_visible()
        expect(lost_page.locator("#guess")).to_be_empty()


def test_a_lost_reader_without_javascript_finds_the_list_and_a_short_link_leads_on(launched, site):
    with launched.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site}/some/where/2A")
        page.get_by_role("main").get_by_role("link", name="2 (a) No overlap").click()
        assert page.url == f"{site}/{QUESTION}"
        page.goto(f"{site}/2b.html")
        page.wait_for_url(f"{site}/sheet-2/2b-identical.html")
