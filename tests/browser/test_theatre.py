"""The figure "Collapse theatre" of questions 3 (b) and 3 (c): what it stores against runs trained anew."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drags import steady
from playwright.sync_api import FloatRect, Locator, Page, expect
from states import follow

from genmodels.ensembles import Training, train
from genmodels.methods import Method
from genmodels.metrics import effective_modes, mode_shares
from genmodels.seeds import seeds
from genmodels.toydata import ring

PATHS = {"3b": "/sheet-2/3b-why-collapse.html", "3c": "/sheet-2/3c-packing.html"}
FIGURE = "[data-explorable=theatre]"
TARGET, LAGGING = ring(modes=8, radius=1, sd=0.05), Method(discriminator_rate=2e-4)
RULES = {"lagging": LAGGING, "packs of 2": replace(LAGGING, pack=2), "balanced": Method()}
SCALES = (0.3, 0.2, 1.0)  # of the logits, black at minus, white at plus


@pytest.fixture(scope="module")
def data(html: Path) -> dict[str, Any]:
    """What the page's cell has handed to the figure."""
    text = (html / "_static/explorables/theatre.data.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix('Explorables.data("theatre",').rstrip().removesuffix(");"))


@pytest.fixture(scope="module")
def runs(data: dict[str, Any]) -> list[Training]:
    """The three runs, trained anew; the map of pairs is probed with the centres as partners."""
    side = data["side"]
    middle = data["reach"] * (2 * np.arange(side) + 1) / side - data["reach"]
    points = np.array([(x, y) for y in middle[::-1] for x in middle])
    pairs = np.array([(point, centre) for point in points for centre in TARGET.centres])
    return [
        train(TARGET, rule, seeds(1), 1500, snapshot_every=5, probes=pairs if rule.pack == 2 else points)
        for rule in RULES.values()
    ]


def visit(page: Page, site: str, state: str, where: str = "3b") -> None:
    """Open the page cold at the figure in the given state."""
    page.goto("about:blank")
    page.goto(f"{site}{PATHS[where]}#explore?theatre={state}")
    page.locator(FIGURE).scroll_into_view_if_needed()
    expect(page.locator(f"{FIGURE} dd").last).to_have_attribute("data-value", re.compile("."))


def state(page: Page) -> list[str]:
    """Return the figure's controls: names, moment."""
    return [
        page.locator(f"{FIGURE} [type=radio]:checked").input_value(),
        page.locator("#theatre-moment").input_value(),
    ]


def shown(page: Page) -> np.ndarray:
    """Return the readouts in full precision: modes in use, then the largest share, of the runs."""
    values = page.locator(f"{FIGURE} dd").evaluate_all("all => all.map(dd => Number(dd.dataset.value))")
    return np.reshape(values, (2, 3))


def pixels(page: Page, panel: int) -> np.ndarray:
    """Return a panel's image as numbers from 0 to 1, row by row from the top."""
    width, height, values = (
        panels(page)
        .nth(panel)
        .locator("xpath=../canvas")
        .evaluate(
            """canvas => [canvas.width, canvas.height,
            [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]]"""
        )
    )
    red, green, blue, alpha = np.reshape(values, (height, width, 4)).transpose(2, 0, 1) / 255
    assert np.array_equal(red, green) and np.array_equal(red, blue) and (alpha == 1).all()
    return red


def panels(page: Page) -> Locator:
    """Return the drawings: three maps, three histograms, three barcodes."""
    return page.locator(f"{FIGURE} .explorable-panels svg[role=img]")


def test_numbers_are_those_of_the_package(page: Page, site: str, data: dict[str, Any], runs: list[Training]) -> None:
    visit(page, site, "shown,0")
    settings = [(names, t) for names in ("shown", "hidden") for t in range(len(data["steps"]))]
    for names, t in settings:
        follow(page, f"explore?theatre={names},{t}")
        assert state(page) == [names, str(t)]
        samples = [run.snapshots[0, data["steps"][t] // 5] for run in runs]
        expected = [[effective_modes(x, TARGET) for x in samples], [mode_shares(x, TARGET).max() for x in samples]]
        np.testing.assert_allclose(shown(page), expected, rtol=0, atol=1e-6, err_msg=str((names, t)))
    assert len(settings) >= 50


def test_stored_runs_are_those_of_the_page(data: dict[str, Any]) -> None:
    assert [run["name"] for run in data["runs"]] == list(RULES)
    np.testing.assert_allclose(data["centres"], TARGET.centres)
    assert data["radius"] == pytest.approx(3 * TARGET.sd)
    assert data["steps"][0] == 0 and data["steps"][-1] == 1500 and data["steps"] == sorted(set(data["steps"]))


@pytest.mark.parametrize("t", [0, 7, 20, 43])
def test_maps_are_the_logits_in_greys(
    page: Page, site: str, data: dict[str, Any], runs: list[Training], t: int
) -> None:
    visit(page, site, f"shown,{t}")
    side = data["side"]
    for i, (run, scale) in enumerate(zip(runs, SCALES, strict=True)):
        logits = run.probed[0, data["steps"][t] // 5].reshape(side, side, -1).mean(axis=2)
        expected = np.clip((logits / scale + 1) / 2, 0, 1)
        # off by half of one of 32 greys, and by half of one of the screen's 256
        np.testing.assert_allclose(pixels(page, i), expected, rtol=0, atol=0.5 / 31 + 0.5 / 255 + 1e-5)


@pytest.mark.parametrize("t", [0, 20, 43])
def test_dots_are_samples_and_circles_are_modes(
    page: Page, site: str, data: dict[str, Any], runs: list[Training], t: int
) -> None:
    visit(page, site, f"shown,{t}")
    reach = data["reach"]
    for i, run in enumerate(runs):
        svg = panels(page).nth(i)
        unit = (svg.evaluate("svg => svg.viewBox.baseVal.width") - 10) / (2 * reach)

        def places(role: str, svg: Locator = svg, unit: float = unit) -> np.ndarray:
            at = svg.locator(f"circle{role}").evaluate_all(
                "all => all.map(one => [one.cx, one.cy].map(n => n.baseVal.value))"
            )
            return np.array(at) / unit * (1, -1) + (-reach, reach)

        samples = run.snapshots[0, data["steps"][t] // 5]
        dots = places(".generator")
        assert len(dots) == 48
        nearest = np.abs(dots[:, None] - np.clip(samples, -reach, reach)).max(axis=2).min(axis=1)
        assert nearest.max() < 0.015  # half of a step of 3.6 / 127
        np.testing.assert_allclose(places(":not(.generator)"), TARGET.centres, atol=1e-3)
        marked = svg.locator("circle:not(.generator)").evaluate_all(
            "all => all.map(one => one.classList[0] === 'marker')"
        )
        shares = mode_shares(samples, TARGET)
        assert marked == (shares == shares.max()).tolist()


def test_bars_and_barcodes_are_the_shares(page: Page, site: str, data: dict[str, Any], runs: list[Training]) -> None:
    visit(page, site, "shown,30")
    times = np.array(data["steps"]) // 5
    for i, run in enumerate(runs):
        shares = mode_shares(run.snapshots[0, times], TARGET)
        np.testing.assert_allclose(pixels(page, 6 + i), np.minimum(2 * shares.T, 1), atol=0.5 / 255 + 1e-9)
        heights = (
            panels(page).nth(3 + i).locator("rect").evaluate_all("all => all.map(one => one.height.baseVal.value)")
        )
        np.testing.assert_allclose(heights, 60 * shares[30], atol=1e-3)
        at = panels(page).nth(6 + i).locator("path.marker").get_attribute("d")
        across = panels(page).nth(6 + i).evaluate("svg => svg.viewBox.baseVal.width") - 10
        assert float(re.findall(r"[\d.]+", at)[0]) == pytest.approx(30.5 * across / len(times), abs=0.06)


def test_names_can_be_hidden(page: Page, site: str) -> None:
    visit(page, site, "hidden,30")
    assert page.locator(f"{FIGURE} .explorable-panels text").all_text_contents() == [""] * 9  # axes without names
    page.locator(FIGURE).get_by_label("shown", exact=True).check()
    texts = page.locator(f"{FIGURE} .explorable-panels text").all_text_contents()
    assert [text for text in texts if text] == list(RULES)


def test_each_page_begins_with_what_it_asks_about(page: Page, site: str, data: dict[str, Any]) -> None:
    for where, expected in (("3b", ["hidden", data["chase"]]), ("3c", ["shown", "0"])):
        visit(page, site, "", where)
        assert state(page) == expected
        page.locator("#theatre-moment").fill("5")
        page.locator(FIGURE).get_by_role("button", name="Reset").click()
        assert state(page) == expected


def test_buttons_jump_to_telling_moments(page: Page, site: str, data: dict[str, Any]) -> None:
    visit(page, site, "shown,7")
    page.locator(FIGURE).get_by_role("button", name="The chase").click()
    assert state(page) == ["shown", data["chase"]]
    assert shown(page)[0, 0] < 2 and shown(page)[0, 1:].min() > 7
    page.locator(FIGURE).get_by_role("button", name="First steps").click()
    assert state(page) == ["shown", "0"]
    assert np.ptp(shown(page), axis=1).max() == 0  # the same generator three times


def test_the_slider_tells_the_training_step(page: Page, site: str, data: dict[str, Any]) -> None:
    visit(page, site, "shown,15")
    assert page.locator("#theatre-moment").get_attribute("aria-valuetext") == f"moment {data['steps'][15]}"
    expect(page.locator(f"{FIGURE} .explorable-slider span")).to_have_text(str(data["steps"][15]))


def test_play_runs_to_the_end_and_pauses(page: Page, site: str, data: dict[str, Any]) -> None:
    last = len(data["steps"]) - 1
    visit(page, site, f"shown,{last - 6}")
    button = page.locator(FIGURE).get_by_role("button").first
    button.click()
    expect(button).to_have_text("Pause")
    expect(page.locator("#theatre-moment")).to_have_value(str(last))
    expect(button).to_have_text("Play")
    button.click()  # from the beginning
    button.click()
    expect(button).to_have_text("Play")
    paused = int(state(page)[1])
    assert 0 <= paused < last
    page.wait_for_timeout(300)
    assert int(state(page)[1]) == paused


@pytest.mark.parametrize(
    ("t", "words"), [(0, "The first weights"), (10, "No run sits on fewer"), (33, "The crowd of A is on a new mode")]
)
def test_note_tells_the_case(page: Page, site: str, t: int, words: str) -> None:
    visit(page, site, f"hidden,{t}")
    expect(page.locator(f"{FIGURE} .explorable-note")).to_contain_text(words)


def test_notes_name_the_crowds_and_their_moves(
    page: Page, site: str, data: dict[str, Any], runs: list[Training]
) -> None:
    visit(page, site, "hidden,1")
    times = np.array(data["steps"]) // 5
    shares = np.array([mode_shares(run.snapshots[0, times], TARGET) for run in runs])
    modes = np.array([effective_modes(run.snapshots[0, times], TARGET) for run in runs])
    for t in range(1, len(times)):
        follow(page, f"explore?theatre=hidden,{t}")
        top = shares[:, t].argmax(axis=1)
        close = data["steps"][t] - data["steps"][t - 1] < 6
        crowds = (shares[:, t].max(axis=1) > 0.5) & (shares[:, t - 1].max(axis=1) > 0.5)
        new = close & crowds & (shares[range(3), t - 1, top] < 0.5)
        named = ["ABC"[i] for i in range(3) if (new if new.any() else modes[:, t] < 2.5)[i]]
        words = "The crowd of {} is on" if new.any() else "One crowd: {}." if named else "No run"
        expect(page.locator(f"{FIGURE} .explorable-note")).to_contain_text(
            words.format((" and " if new.any() else ", ").join(named))
        )


def barcode(page: Page, site: str, data: dict[str, Any], panel: int) -> tuple[FloatRect, float, float]:
    """Return the box of a barcode, how wide a column is, and the height of its middle."""
    visit(page, site, "shown,5")
    box = steady(page, panels(page).nth(panel))
    return box, (box["width"] - 10) / len(data["steps"]), box["y"] + 0.5 * box["height"]


def test_a_barcode_is_dragged_by_mouse_and_arrow_keys_go_on(page: Page, site: str, data: dict[str, Any]) -> None:
    box, column, y = barcode(page, site, data, 7)
    page.mouse.move(box["x"] + 2 + 20.5 * column, y)
    page.mouse.down()
    assert state(page)[1] == "20"
    page.mouse.move(box["x"] + 2 + 31.5 * column, y, steps=4)
    page.mouse.up()
    assert state(page)[1] == "31"
    page.mouse.move(box["x"] + 2, y)
    page.keyboard.press("ArrowLeft")
    assert state(page)[1] == "30"


def test_a_barcode_is_dragged_by_touch(page: Page, site: str, data: dict[str, Any]) -> None:
    box, column, y = barcode(page, site, data, 8)
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, t in (("touchStart", 30), ("touchMove", 25), ("touchMove", 18), ("touchMove", 12)):
        point = {"x": box["x"] + 2 + (t + 0.5) * column, "y": y}
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert state(page)[1] == "12"


@pytest.mark.parametrize("width", [390, 1280])
def test_runs_stand_side_by_side(page: Page, site: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    visit(page, site, "shown,30")
    # at one moment: a page that has just been opened may still move
    boxes = panels(page).evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert len(boxes) == 9
    for row in range(3):
        assert len({round(box["y"]) for box in boxes[3 * row : 3 * row + 3]}) == 1
    assert boxes[0]["width"] > 90
