"""What every figure to play with does, wherever it stands; what its numbers are is tested figure by figure."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from drags import mouse, steady, touch
from playwright.sync_api import Locator, Page, Route, expect
from reader import FRAMES
from states import follow

DOCS = Path(__file__).resolve().parents[2] / "docs"
FIGURES = [
    (name, path.relative_to(DOCS).with_suffix(".html").as_posix())
    for path in sorted(DOCS.rglob("*.md"))
    for name in re.findall(r"^```\{explorable\} (\w+)", path.read_text(encoding="utf-8"), re.M)
]
KINDS = list(dict(FIGURES).items())  # on one page each
SCRIPTS = DOCS.parent / "conf/static/explorables"
WITH_DATA = {path.stem for path in SCRIPTS.glob("*.js") if "figure.data" in path.read_text(encoding="utf-8")}
ANSWERS: dict[str, Callable[[Route], None]] = {
    "none": lambda route: route.abort(),
    "no script": lambda route: route.fulfill(body="<html>Sign in to the network", content_type="text/javascript"),
}
NONSENSE = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e9",
    "1e0",
    "999999",
    "-999999",
    "",
    "hello",
    "constructor",
    "__proto__",
    "<script>window.owned=1</script>",
    "%3Cimg%20src%3Dx%20onerror%3Dwindow.owned%3D1%3E",
    "%E0%A4%A",
]
STATE = """root => [...root.querySelectorAll("fieldset, .explorable-slider")]
    .map(row => (row.querySelector(":checked") ?? row.querySelector("input")).value)"""
STATES = f"""async (root, fragments) => {{
    const states = [];
    for (const fragment of fragments) {{
        const heard = new Promise((done, fail) => {{
            addEventListener("hashchange", done, {{ once: true }});
            setTimeout(() => fail(new Error(`the page stays at ${{location.hash}}`)), 20000);
        }});
        location.hash = fragment;
        await heard;
        states.push(({STATE})(root));
    }}
    return states;
}}"""
READOUTS = "cells => cells.map(cell => cell.dataset.value + cell.textContent)"
every_figure = pytest.mark.parametrize(("name", "path"), FIGURES)
# what a figure does is the same on each of its pages; where it starts and how much room it has is not
every_kind = pytest.mark.parametrize(("name", "path"), KINDS)


def visit(page: Page, address: str, name: str, state: str = "") -> Locator:
    """Open the page cold at the section of its figures, in the given state, and return the figure."""
    page.goto("about:blank")
    page.goto(f"{address}#explore{f'?{name}={state}' if state else ''}")
    page.keyboard.press("Shift")  # the page no longer holds on to the link's place
    figure = page.locator(f"[data-explorable={name}]")
    see(figure)
    return figure


def see(figure: Locator) -> None:
    """Scroll to the figure and wait until it is drawn."""
    figure.scroll_into_view_if_needed()
    expect(figure.locator("dd").last).to_have_attribute("data-value", re.compile("."))


def nudge(figure: Locator, which: int = 0, *, far: bool = False) -> None:
    """Move the slider by a step with the keyboard, or far away: to an end where it is not."""
    slider = figure.locator("[type=range]").nth(which)
    slider.focus()
    at_end = slider.evaluate("e => e.value === e.max")
    ways = ("Home", "End") if far else ("ArrowLeft", "ArrowRight")
    figure.page.keyboard.press(ways[0] if at_end else ways[1])


def state(figure: Locator) -> list[str]:
    """Return the values of the figure's controls."""
    return list(figure.evaluate(STATE))


def readouts(figure: Locator) -> list[str]:
    """Return what the figure's numbers are and how they are shown."""
    return list(figure.locator("dd").evaluate_all(READOUTS))


def changed(figure: Locator, act: Callable[[], Any]) -> list[str]:
    """Return the state after an act that must change it."""
    before = state(figure)
    act()
    after = state(figure)
    assert after != before
    return after


def at_rest(page: Page, name: str, values: list[str]) -> None:
    """Wait until the address tells the state."""
    page.wait_for_url(f"**#explore?{name}={','.join(values)}")


def test_all_figures_are_found():
    assert {name for name, _ in FIGURES} == {path.stem for path in SCRIPTS.glob("*.js") if path.stem != "core"}


@every_kind
def test_keyboard_moves_every_control(open_page, site, name, path):
    page = open_page()
    figure = visit(page, f"{site}/{path}", name)
    for which, slider in enumerate(figure.locator("[type=range]").all()):
        changed(figure, lambda which=which: nudge(figure, which))
        said = slider.get_attribute("aria-valuetext")
        assert said and re.search(r"\d", said)
        assert slider.evaluate("e => e.labels.length === 1 && e.labels[0].textContent.trim().length > 2")
    for group in figure.locator("fieldset").all():
        assert group.locator("legend").inner_text().strip()
        group.locator(":checked").focus()
        changed(figure, lambda: page.keyboard.press("ArrowDown"))
    at_rest(page, name, state(figure))
    page.reload()
    see(figure)
    assert page.url.endswith(",".join(state(figure)))


@every_kind
def test_every_control_comes_in_the_order_of_tab(open_page, site, name, path):
    page = open_page()
    figure = visit(page, f"{site}/{path}", name)
    reached = figure.locator("[type=range], fieldset :checked, button")
    order = ["focused"] * reached.count()
    reached.first.focus()
    found = []
    for _ in order:
        found.append("focused" if figure.evaluate("e => e.contains(document.activeElement)") else "lost")
        page.keyboard.press("Tab")
    assert found == order
    assert not figure.evaluate("e => e.contains(document.activeElement)")


@every_kind
@pytest.mark.parametrize("way", ["mouse", "touch"])
def test_mouse_and_finger_move_every_control(open_page, site, name, path, way):
    page = open_page(has_touch=way == "touch", viewport={"width": 700, "height": 900})
    figure = visit(page, f"{site}/{path}", name)
    press = page.touchscreen.tap if way == "touch" else page.mouse.click
    for slider in figure.locator("[type=range]").all():
        box = steady(page, slider)
        share = slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")
        x, y = box["x"] + (0.25 if share > 0.5 else 0.75) * box["width"], box["y"] + box["height"] / 2
        changed(figure, lambda x=x, y=y: press(x, y))
    for label in figure.locator("fieldset label:not(:has(:checked))").all():
        target = label.element_handle()
        changed(figure, lambda target=target: target.tap() if way == "touch" else target.click())


@every_kind
@pytest.mark.parametrize("drag", [mouse, touch])
def test_panels_that_look_so_can_be_dragged(open_page, site, name, path, drag):
    page = open_page()
    figure = visit(page, f"{site}/{path}", name)
    for panel in figure.locator(".explorable-drag, .explorable-free").all():
        figure.get_by_role("button", name="Reset").click()
        box = steady(page, panel)
        x, y = box["x"] + 0.55 * box["width"], box["y"] + 0.45 * box["height"]
        free = "explorable-free" in (panel.get_attribute("class") or "")
        after = changed(figure, lambda x=x, y=y, free=free: drag(page, x, y, -48, -32 if free else 0))
        assert figure.evaluate("e => e.contains(document.activeElement)")  # arrow keys go on from here
        page.mouse.move(x + 50, y + 10)
        assert state(figure) == after  # released


@every_figure
def test_every_button_leads_to_a_state_and_the_last_one_back(open_page, site, name, path):
    page = open_page(reduced_motion="reduce")
    figure = visit(page, f"{site}/{path}", name)
    start, numbers = state(figure), readouts(figure)
    buttons = figure.get_by_role("button").all()
    assert buttons[-1].inner_text() == "Reset"
    assert len(buttons) > 1
    for button in buttons[:-1]:
        for which in range(figure.locator("[type=range]").count()):
            nudge(figure, which)
        changed(figure, button.click)
        buttons[-1].click()
        assert (state(figure), readouts(figure)) == (start, numbers)


@every_kind
def test_a_turned_phone_shows_what_a_fresh_page_shows(open_page, site, name, path):
    def boxes(figure):
        seen = []  # until they stand still: a figure is drawn anew in the frame after
        while len(seen) < 3 or seen[-1] != seen[-3]:
            figure.page.wait_for_timeout(50)
            seen.append(
                figure.locator("svg[role=img]").evaluate_all(
                    "all => all.map(e => e.getBoundingClientRect()).map(b => [b.x, b.width, b.height].map(Math.round))"
                )
            )
            assert len(seen) < 100, "it moves on and on"
        return seen[-1]

    page = open_page(viewport={"width": 390, "height": 800})
    visit(page, f"{site}/{path}", name)
    seen = {}
    for width in (800, 390):
        page.set_viewport_size({"width": width, "height": 800})
        seen[width] = boxes(page.locator(f"[data-explorable={name}]"))
    for width, turned in seen.items():
        page = open_page(viewport={"width": width, "height": 800})
        assert boxes(visit(page, f"{site}/{path}", name)) == turned


@every_kind
def test_nonsense_in_the_address_gives_the_default(open_page, site, name, path):
    page = open_page()
    figure = visit(page, f"{site}/{path}", name)
    start = state(figure)
    nudge(figure, -1, far=True)
    moved = state(figure)
    assert moved != start
    at_rest(page, name, moved)  # from now on the address changes by the links alone
    values = [
        [bad if place == i else value for i, value in enumerate(start)]
        for place in range(len(start))
        for bad in NONSENSE
    ]
    values += [start[:-1], [*start, "1"], [""]]
    wanted = [(",".join(texts), end) for bad in values for texts, end in ((bad, start), (moved, moved))]
    found = figure.evaluate(STATES, [f"explore?{name}={text}" for text, _ in wanted])
    assert [text for (text, end), at in zip(wanted, found, strict=True) if at != end] == []
    figure = visit(page, f"{site}/{path}", name, NONSENSE[-3])  # cold
    assert state(figure) == start
    assert page.evaluate("window.owned") is None
    assert figure.locator("script, img").count() == 0


@every_kind
def test_accessible(open_page, site, name, path):
    page = open_page()
    figure = visit(page, f"{site}/{path}", name)
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        nudge(figure)
        results = Axe().run(page, context=f"[data-explorable={name}]", options={"preload": False})
        assert results.violations_count == 0, results.generate_report()


@every_figure
@pytest.mark.parametrize("width", [390, 1280])
def test_fits_the_screen_and_the_room_kept_for_it(open_page, site, name, path, width):
    page = open_page(viewport={"width": width, "height": 800})
    page.goto(f"{site}/{path}")
    figure = page.locator(f"[data-explorable={name}]")
    assert figure.locator("dd").count() == 0
    room = figure.evaluate("e => e.getBoundingClientRect().height")
    see(figure)
    page.evaluate(FRAMES)
    assert figure.evaluate("e => e.getBoundingClientRect().height") == pytest.approx(room, abs=1)
    filled = figure.evaluate(
        """e => Math.max(...[...e.children].filter(c => !c.matches(".explorable-status"))
                   .map(c => c.getBoundingClientRect().bottom)) - e.getBoundingClientRect().top"""
    )
    assert filled > room - 64, "more room than the figure needs"
    boxes = figure.locator("svg, canvas, button, input, dd, p:not(.explorable-status)").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert all(left >= 0 and right <= width for left, right in boxes)
    targets = figure.locator("button, label:has(input), [type=range]").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect().height)"
    )
    assert min(targets) >= 24


@every_figure
def test_printed_without_having_been_seen(open_page, site, name, path):
    page = open_page()
    page.goto(f"{site}/{path}", wait_until="networkidle")
    figure = page.locator(f"[data-explorable={name}]")
    assert figure.locator("dd").count() == 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(figure.locator("dd").last).to_have_attribute("data-value", re.compile("."))
    page.emulate_media(media="print")
    assert not figure.locator("button, input").first.is_visible()
    page.set_viewport_size({"width": 665, "height": 900})  # between the margins of A4, without a redraw
    drawn = figure.locator("svg[role=img], canvas").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(box => [box.height, box.right])"
    )
    assert drawn and all(10 < height < 800 and right <= 665 for height, right in drawn)


@every_kind
def test_works_from_disk(open_page, site_file, name, path):
    page = open_page()
    figure = visit(page, f"{site_file}/{path}", name)
    after = changed(figure, lambda: nudge(figure, -1, far=True))
    at_rest(page, name, after)
    figure = visit(page, f"{site_file}/{path}", name, ",".join(after))
    assert state(figure) == after


@every_kind
def test_a_screen_reader_hears_the_numbers_once_at_rest(open_page, site, name, path):
    page = open_page()
    figure = visit(page, f"{site}/{path}", name)
    status = figure.locator("[role=status]")
    expect(status).to_be_empty()
    status.evaluate(
        "e => { window.said = 0; new MutationObserver(() => window.said++).observe(e, {childList: true}); }"
    )
    figure.locator("[type=range]").last.evaluate(
        """input => { for (let k = 9; k; k--) { input[input.value === input.max ? "stepDown" : "stepUp"]();
                      input.dispatchEvent(new Event("input")); } }"""
    )
    expect(status).not_to_be_empty()
    for word in figure.locator("dt").all_inner_texts():
        expect(status).to_contain_text(word)
    page.wait_for_timeout(100)  # further messages, if there were any, would follow at once
    assert page.evaluate("window.said") == 1


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(("name", "path"), [(name, path) for name, path in KINDS if name in WITH_DATA])
def test_data_that_do_not_come_are_told(launched, site, name, path, answer):
    with launched.new_context() as context:
        page = context.new_page()
        page.route(f"**/{name}.data.js*", ANSWERS[answer])
        page.goto(f"{site}/{path}")
        figure = page.locator(f"[data-explorable={name}]")
        figure.scroll_into_view_if_needed()
        expect(figure).to_contain_text("could not be loaded")
        page.unroute(f"**/{name}.data.js*")
        page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
        page.wait_for_timeout(300)
        see(figure)  # and now they do come


def test_what_plays_stops_where_the_reader_takes_over(open_page, site):
    page = open_page()
    figure = visit(page, f"{site}/sheet-2/3b-why-collapse.html", "theatre")
    start = state(figure)
    figure.get_by_role("button", name="First steps").click()
    for act in (
        figure.get_by_role("button", name="Reset").click,
        lambda: follow(page, f"explore?theatre={start[0]},3"),
        lambda: mouse(page, *middle(steady(page, figure.locator(".explorable-drag").first)), -1),
    ):
        figure.get_by_role("button", name="Play").click()
        act()
        expect(figure.get_by_role("button", name="Play")).to_be_visible()
        at = state(figure)
        page.wait_for_timeout(400)
        assert state(figure) == at
        figure.get_by_role("button", name="First steps").click()


def middle(box):
    """Return the middle of a box."""
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_figure_stands_twice_in_a_book(open_page, site, html):
    """As in the PDF: two figures of one name keep their controls apart."""
    page = open_page()
    figure = visit(page, f"{site}/sheet-2/2a-no-overlap.html", "overlap")
    page.evaluate(
        """figure => { const twin = figure.cloneNode(); twin.className = "explorable twin"; figure.after(twin);
                       document.dispatchEvent(new Event("DOMContentLoaded")); }""",
        figure.element_handle(),
    )
    twin = page.locator(".twin")
    see(twin)
    for one in (page.locator(".explorable:not(.twin)"), twin):
        assert one.locator(":checked").count() == 1
    ids = page.locator("[data-explorable] [id]").evaluate_all("all => all.map(e => e.id)")
    assert len(set(ids)) == len(ids) == 4
