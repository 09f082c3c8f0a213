"""What every figure to play with does, wherever it stands; what its numbers are is tested figure by figure."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from drags import mouse, steady, touch
from explorable_reader import STATE, Figure
from page_reader import FRAMES
from playwright.sync_api import Route, expect

DOCS = Path(__file__).resolve().parents[2] / "docs"
FIGURES = [
    (name, path.relative_to(DOCS).with_suffix(".html").as_posix())
    for path in sorted(DOCS.rglob("*.md"))
    for name in re.findall(r"^```\{explorable\} (\w+)", path.read_text(encoding="utf-8"), re.M)
]
KINDS = list(dict(FIGURES).items())  # on one page each
ADDRESSED = [  # the GAN laboratory's addresses hold what the reader has drawn as well: test_gan_laboratory.py
    pair for pair in KINDS if pair[0] != "gan"
]
SCRIPTS = DOCS.parent / "conf/static/explorables"
SHARED = {  # scripts that figures need
    name
    for path in SCRIPTS.glob("*.js")
    for names in re.findall(r"^// needs: (.+)", path.read_text(encoding="utf-8"), re.M)
    for name in ["core", *names.split()]
}
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
every_addressed = pytest.mark.parametrize(("name", "path"), ADDRESSED)


def nudge(figure: Figure, which: int = 0, *, far: bool = False) -> None:
    """Move the slider by a step with the keyboard, or far away: to an end where it is not."""
    slider = figure.root.locator("[type=range]").nth(which)
    slider.focus()
    at_end = slider.evaluate("e => e.value === e.max")
    ways = ("Home", "End") if far else ("ArrowLeft", "ArrowRight")
    figure.page.keyboard.press(ways[0] if at_end else ways[1])


def readouts(figure: Figure) -> list[str]:
    """Return what the figure's numbers are and how they are shown."""
    return figure.root.locator("dd").evaluate_all(READOUTS)


def at_rest(figure: Figure, values: list[str]) -> None:
    """Wait until the address tells the state."""
    figure.page.wait_for_url(f"**#explore?{figure.name}={','.join(values)}*")


def focused(figure: Figure) -> bool:
    return figure.root.evaluate("e => e.contains(document.activeElement)")


def test_all_figures_are_found():
    assert {name for name, _ in FIGURES} == {path.stem for path in SCRIPTS.glob("*.js")} - SHARED


@every_kind
def test_keyboard_reaches_and_moves_every_control_also_from_disk(page, site_file, name, path):
    figure = Figure(page, f"{site_file}/{path}", name).open().unfold()
    for which, slider in enumerate(figure.root.locator("[type=range]").all()):
        figure.changed(lambda which=which: nudge(figure, which))
        said = slider.get_attribute("aria-valuetext")
        assert said and re.search(r"\d", said)
        assert slider.evaluate("e => e.labels.length === 1 && e.labels[0].textContent.trim().length > 2")
    for group in figure.root.locator("fieldset").all():
        assert group.locator("legend").inner_text().strip()
        group.locator(":checked").focus()
        figure.changed(lambda: page.keyboard.press("ArrowDown"))
    for choice in figure.root.locator("select").all():
        assert choice.evaluate("e => e.labels.length === 1 && e.labels[0].textContent.trim().length > 2")
        choice.focus()
        key = "ArrowUp" if choice.evaluate("e => e.selectedIndex") else "ArrowDown"
        figure.changed(lambda key=key: page.keyboard.press(key))
    reached = figure.root.locator("[type=range]:enabled, select, fieldset :checked, button, summary")
    reached.first.focus()
    for _ in range(reached.count()):
        assert focused(figure)
        page.keyboard.press("Tab")
    assert not focused(figure)
    at_rest(figure, figure.state())
    page.reload()
    assert f"={','.join(figure.see().state())}" in page.url
    status = figure.root.locator("[role=status]")
    expect(status).to_be_empty()
    status.evaluate(
        "e => { window.said = 0; new MutationObserver(() => window.said++).observe(e, {childList: true}); }"
    )
    figure.root.locator("[type=range]").last.evaluate(
        """input => { for (let k = 9; k; k--) { input[input.value === input.max ? "stepDown" : "stepUp"]();
                      input.dispatchEvent(new Event("input")); } }"""
    )
    expect(status).not_to_be_empty()  # at rest its numbers are said
    for word in figure.root.locator("dt").all_inner_texts():
        expect(status).to_contain_text(word)
    page.wait_for_timeout(100)  # further messages, if there were any, would follow at once
    assert page.evaluate("window.said") == 1


@every_addressed
def test_mouse_and_finger_move_every_control_and_panel(open_page, site, name, path):
    page = open_page(has_touch=True, viewport={"width": 700, "height": 1200})
    figure = Figure(page, f"{site}/{path}", name).open().unfold()
    for slider in figure.root.locator("[type=range]").all():
        box = steady(page, slider)
        share = slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")
        x, y = box["x"] + (0.25 if share > 0.5 else 0.75) * box["width"], box["y"] + box["height"] / 2
        figure.changed(lambda x=x, y=y: page.mouse.click(x, y))
    for label in figure.root.locator("fieldset label:not(:has(:checked))").all():
        figure.changed(label.element_handle().click)
    panels = figure.root.locator(".explorable-drag, .explorable-free").all()
    assert panels
    for panel, drag in [*((one, mouse) for one in panels), (panels[0], touch), (panels[-1], touch)]:
        figure.press("Reset")
        box = steady(page, panel)
        x, y = box["x"] + 0.55 * box["width"], box["y"] + 0.45 * box["height"]
        free = "explorable-free" in panel.get_attribute("class")
        drag(page, x, y, 0)
        held = figure.state()  # some go to where they are pressed
        figure.press("Reset")
        y, scrolled = steady(page, panel)["y"] + 0.45 * box["height"], page.evaluate("scrollY")
        after = figure.changed(lambda x=x, y=y, free=free, drag=drag: drag(page, x, y, -48, -32 if free else 0))
        assert after != held
        assert focused(figure)  # arrow keys go on from here
        assert page.evaluate("scrollY") == scrolled
        page.mouse.move(x + 50, y + 10)
        assert figure.state() == after  # released


@every_addressed
def test_every_button_leads_to_a_state_and_the_last_one_back(open_page, site, name, path):
    page = open_page(reduced_motion="reduce")
    figure = Figure(page, f"{site}/{path}", name).open().unfold()
    start, numbers = figure.state(), readouts(figure)
    buttons = figure.root.locator(".explorable-jumps").last.get_by_role("button").all()  # above, some train
    assert buttons[-1].inner_text() == "Reset"
    assert len(buttons) > 1
    for button in buttons[:-1]:
        for which in range(figure.root.locator("[type=range]").count()):
            nudge(figure, which)
        figure.changed(button.click)
        buttons[-1].click()
        assert (figure.state(), readouts(figure)) == (start, numbers)


@every_addressed
def test_nonsense_in_the_address_gives_the_default(page, site_file, name, path):
    figure = Figure(page, f"{site_file}/{path}", name).open()
    start = figure.state()
    moved = figure.unfold().changed(lambda: nudge(figure, -1, far=True))
    at_rest(figure, moved)  # from now on the address changes by the links alone
    values = [
        [bad if place == i else value for i, value in enumerate(start)]
        for place in range(len(start))
        for bad in {*NONSENSE[place :: len(start)], "hello"}  # each in some place
    ]
    values += [start[:-1], [*start, "1"], [""]]
    wanted = [(",".join(texts), end) for bad in values for texts, end in ((bad, start), (moved, moved))]
    found = figure.root.evaluate(STATES, [f"explore?{name}={text}" for text, _ in wanted])
    assert [text for (text, end), at in zip(wanted, found, strict=True) if at != end] == []
    assert figure.open(NONSENSE[-3]).state() == start  # cold
    assert page.evaluate("window.owned") is None
    assert figure.root.locator("script, img").count() == 0


BOXES = "all => all.map(e => e.getBoundingClientRect()).map(b => [b.x, b.width, b.height].map(Math.round))"


def boxes(figure: Figure) -> list[list[float]]:
    """Where its panels are once they stand still: a figure is drawn anew in the frame after."""
    seen: list[list[list[float]]] = []
    while len(seen) < 2 or seen[-1] != seen[-2]:
        figure.page.evaluate(FRAMES)
        seen.append(figure.root.locator("svg[role=img]").evaluate_all(BOXES))
        assert len(seen) < 100, "it moves on and on"
    return seen[-1]


def fits(figure: Figure, width: int, room: float) -> None:
    """It takes the room that was kept for it, and sticks out nowhere."""
    assert figure.root.evaluate("e => e.getBoundingClientRect().height") == pytest.approx(room, abs=1), (
        f"give {figure.name} its room in conf/static/explorables.css: --wide and --narrow, in rem of 16 pixels"
    )
    filled = figure.root.evaluate(
        """e => Math.max(...[...e.querySelectorAll(":scope > :not(.explorable-status), .explorable-controls > *")]
                   .map(c => c.getBoundingClientRect().bottom)) - e.getBoundingClientRect().top"""
    )
    assert filled > room - 64, "more room than the figure needs"
    assert width < 1280 or room <= (700 if figure.name == "dirac" else 660), "not whole in the window of a laptop"
    sides = figure.root.locator("svg, canvas, button, input, dd, p:not(.explorable-status)").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert all(left >= 0 and right <= width for left, right in sides)


@every_figure
def test_fits_the_screen_turned_or_not_and_the_paper_without_having_been_seen(open_page, site, name, path):
    page = open_page(viewport={"width": 1280, "height": 800})
    figure, rooms, drawn = Figure(page, f"{site}/{path}", name), {}, {}
    page.goto(f"{site}/{path}")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        rooms[width] = figure.root.evaluate("e => e.getBoundingClientRect().height")
    assert figure.root.locator("dd").count() == 0
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        figure.see().root.evaluate("e => e.scrollIntoView({ block: 'end' })")  # nothing sticks to the window's end
        drawn[width] = boxes(figure)
        fits(figure, width, rooms[width])
    page.set_viewport_size({"width": 390, "height": 800})
    assert boxes(figure) == drawn[390]
    # anew, and drawn for the printer alone
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("about:blank")
    page.goto(f"{site}/{path}")
    assert figure.root.locator("dd").count() == 0
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(figure.root.locator("dd").last).to_have_attribute("data-value", re.compile("."))
    assert boxes(figure) == drawn[1280]
    page.emulate_media(media="print")
    assert not figure.root.locator("button, input").first.is_visible()
    page.set_viewport_size({"width": 665, "height": 900})  # between the margins of A4, without a redraw
    on_paper = figure.root.locator("svg[role=img]:visible, canvas:visible").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(box => [box.height, box.right])"
    )
    assert on_paper and all(10 < height < 800 and right <= 665 for height, right in on_paper)


def test_data_that_do_not_come_are_told(launched, site):
    name, path = next((name, path) for name, path in KINDS if name in WITH_DATA)
    for answer in ANSWERS.values():
        with launched.new_context() as context:
            page = context.new_page()
            page.route(f"**/{name}.data.js*", answer)
            figure = Figure(page, f"{site}/{path}", name)
            page.goto(f"{site}/{path}")
            figure.root.scroll_into_view_if_needed()
            expect(figure.root).to_contain_text("could not be loaded")
            page.unroute(f"**/{name}.data.js*")
            page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
            page.wait_for_timeout(300)
            figure.see()  # and now they do come


def test_what_plays_stops_where_the_reader_takes_over(page, site):
    figure = Figure(page, f"{site}/sheet-2/3b-why-collapse.html", "theatre").open()
    start = figure.state()
    figure.press("First steps")

    def drag() -> None:
        box = steady(page, figure.root.locator(".explorable-drag").first)
        mouse(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, -1)

    for act in (lambda: figure.press("Reset"), lambda: figure.follow(f"{start[0]},3"), drag):
        figure.press("Play")
        act()
        expect(figure.root.get_by_role("button", name="Play")).to_be_visible()
        at = figure.state()
        page.wait_for_timeout(400)
        assert figure.state() == at
        figure.press("First steps")


def test_a_link_followed_soon_after_a_change_is_not_replaced_by_the_state_before_it(page, site):
    figure = Figure(page, f"{site}/sheet-2/3b-why-collapse.html", "theatre").open()
    figure.root.locator("[type=range]").evaluate(
        """input => { input.stepUp(); input.dispatchEvent(new Event("input"));
                      for (const end = performance.now() + 500; performance.now() < end;); // its state is due now
                      const { port1, port2 } = new MessageChannel();
                      port1.onmessage = () => { location.hash = "explore?theatre=shown,3"; };
                      port2.postMessage(""); }"""
    )
    page.wait_for_timeout(600)
    assert page.url.endswith("=shown,3") and figure.state() == ["shown", "3"]


def test_a_still_picture_that_repeats_its_figure_shows_only_where_it_is_needed(open_page, site):
    address, still = f"{site}/sheet-2/1b-latent-space.html", "#fig-1b-explore"
    page = open_page()
    page.goto(address)
    expect(page.locator(still)).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(still)).to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("place => { location.hash = place; }", still)
    expect(page.locator(still)).to_be_visible()
    without = open_page(java_script_enabled=False)
    without.goto(address)
    expect(without.locator(still)).to_be_visible()
