"""The figure "Dirac-GAN" of question 3 (b): its paths against the package's, and every way to move it."""

from __future__ import annotations

import re
from itertools import product
from typing import get_args

import numpy as np
import pytest
from drags import steady, touch
from playwright.sync_api import Page, expect
from states import follow

from genmodels.dirac import DiracGAN, Loss

PATH = "/sheet-2/3b-why-collapse.html"
FIGURE = "[data-explorable=dirac]"
STEPS, REACH, MARGINS = 200, 2.6, 40  # of the figure: steps of a path, end of its axes, pixels beside them
WAYS = ("simultaneous", "alternating")
SETTINGS = [
    *product(get_args(Loss), WAYS, (0, 2), (0.05, 1), ((2, -2),)),
    *product(get_args(Loss), WAYS, (0.5, 1), (0.2, 0.4), ((1, 0), (-0.75, 1.35))),
    ("saturating", "simultaneous", 0.05, 0.2, (1, 1)),
    ("wasserstein", "simultaneous", 0.2, 0.2, (0, -1.5)),
    ("non-saturating", "alternating", 0, 0.4, (0, 0)),
]
NOTES = {
    "saturating,simultaneous,0,0.4,0,0": "nothing moves",
    "saturating,simultaneous,0,0.4,1,0": "straight on where the circle bends",
    "wasserstein,simultaneous,0,0.05,1,0": "straight on where the circle bends",
    "saturating,simultaneous,0.05,1,1,0": "too large for this penalty",
    "saturating,alternating,2,1,1,0": "too large for this penalty",
    "saturating,alternating,0,1,1,0": "round and round",
    "saturating,simultaneous,0.05,0.2,1,0": "round and round",
    "non-saturating,alternating,0,0.4,1,0": "draws it in",
    "saturating,simultaneous,0.5,0.4,1,0": "becomes a spiral",
    "saturating,simultaneous,1,0.4,1,0": "Critical",
    "wasserstein,simultaneous,1,0.4,1,0": "becomes a spiral",
    "wasserstein,simultaneous,2,0.4,1,0": "Critical",
    "saturating,alternating,2,0.4,1,0": "without turning",
}


def visit(page: Page, site: str, state: str = "saturating,simultaneous,0,0.4,1,0") -> None:
    """Open the page cold at the figure in the given state."""
    page.goto("about:blank")
    page.goto(f"{site}{PATH}#explore?dirac={state}")
    expect(page.locator(f"{FIGURE} dd").last).to_have_attribute("data-value", re.compile("."))


def state(page: Page) -> list[str]:
    """Return the figure's controls: loss, updates, gamma, rate, theta, psi."""
    chosen = page.locator(f"{FIGURE} [type=radio]:checked").evaluate_all("all => all.map(one => one.value)")
    return [
        *chosen,
        *(page.locator(f"#dirac-{name}").input_value() for name in ("gamma", "rate", "theta", "psi")),
    ]


def shown(page: Page) -> dict[str, float]:
    """Return the readouts in full precision."""
    pairs = page.locator(f"{FIGURE} dd").evaluate_all("all => all.map(dd => [dd.dataset.name, dd.dataset.value])")
    return {name: float(value) for name, value in pairs}


def factor(game: DiracGAN, h: float, alternating: bool) -> float:
    """Return the largest modulus of an eigenvalue of one step at the equilibrium."""
    tiny = 1e-8
    ends = [game.descend(tiny * unit, h, 1, alternating=alternating)[1] / tiny for unit in np.eye(2)]
    return float(np.abs(np.linalg.eigvals(np.transpose(ends))).max())


def test_numbers_are_those_of_the_package(page: Page, site: str) -> None:
    visit(page, site)
    for loss, way, gamma, h, start in SETTINGS:
        text = f"{loss},{way},{gamma},{h},{start[0]},{start[1]}"
        follow(page, f"explore?dirac={text}")
        assert state(page) == text.split(",")
        game = DiracGAN(loss, gamma)
        path = game.descend(start, h, STEPS, alternating=way == "alternating")
        end = np.hypot(*path[-1])
        got = shown(page)
        assert got["start"] == pytest.approx(np.hypot(*start), abs=1e-12), text
        assert got["factor"] == pytest.approx(factor(game, h, way == "alternating"), abs=1e-6), text
        if end < 1e6:
            assert got["end"] == pytest.approx(end, abs=1e-6, rel=1e-6), text
        else:
            assert np.isnan(got["end"]), text
            assert page.locator(f"{FIGURE} dd[data-name=end]").inner_text() == "over a million"
    assert len(SETTINGS) >= 50


def test_path_is_drawn_where_the_package_has_it(page: Page, site: str) -> None:
    visit(page, site, "non-saturating,alternating,0.2,0.35,-1.2,1.5")
    path = DiracGAN("non-saturating", 0.2).descend((-1.2, 1.5), 0.35, STEPS, alternating=True)
    svg = page.locator(f"{FIGURE} .explorable-panels svg[role=img]")
    across = svg.first.evaluate("svg => svg.viewBox.baseVal.width") - MARGINS
    drawn = np.array(re.findall(r"[-\d.]+", svg.first.locator("path.walk").get_attribute("d")), float).reshape(-1, 2)
    expected = (path * (1, -1) + REACH) * across / (2 * REACH)
    np.testing.assert_allclose(drawn, expected, rtol=0, atol=0.051)
    # and the distance from the goal, in powers of ten from -3 to 2.2
    drawn = np.array(re.findall(r"[-\d.]+", svg.last.locator("path.walk").get_attribute("d")), float).reshape(-1, 2)
    expected = (2.2 - np.log10(np.hypot(*path.T))) * (260 - 42) / 5.2
    np.testing.assert_allclose(drawn[:, 1], expected, rtol=0, atol=0.051)


def test_note_tells_the_case(page: Page, site: str) -> None:
    visit(page, site)
    for at, words in NOTES.items():
        follow(page, f"explore?dirac={at}")
        expect(page.locator(f"{FIGURE} .explorable-note")).to_contain_text(words)


def test_buttons_jump_to_telling_states(page: Page, site: str) -> None:
    visit(page, site, "non-saturating,alternating,1.3,0.7,0.5,-1.5")
    press = page.locator(FIGURE).get_by_role("button", name="Simultaneous", exact=True)
    press.click()
    assert state(page) == ["non-saturating", "simultaneous", "0", "0.4", "1", "0"]
    assert shown(page)["factor"] > 1
    page.locator(FIGURE).get_by_role("button", name="Alternating", exact=True).click()
    assert state(page)[1:3] == ["alternating", "0"]
    assert shown(page)["factor"] == pytest.approx(1, abs=1e-12)
    page.locator(FIGURE).get_by_role("button", name="R1", exact=True).click()
    assert state(page)[1:3] == ["simultaneous", "0.5"]
    assert shown(page)["factor"] < 1
    page.locator(FIGURE).get_by_role("button", name="Reset", exact=True).click()
    assert state(page) == ["saturating", "simultaneous", "0", "0.4", "1", "0"]


def plane(page: Page) -> tuple[float, float, float]:
    """Return where the plane's equilibrium is on the screen, and how many pixels a unit has."""
    box = steady(page, page.locator(f"{FIGURE} .explorable-panels svg[role=img]").first)
    unit = (box["width"] - MARGINS) / (2 * REACH)
    return box["x"] + 32 + REACH * unit, box["y"] + 6 + REACH * unit, unit


def test_mouse_drags_the_start_and_arrow_keys_go_on(page: Page, site: str) -> None:
    visit(page, site)
    x, y, unit = plane(page)
    page.mouse.move(x + 1.5 * unit, y - 0.5 * unit)
    page.mouse.down()
    assert [float(text) for text in state(page)[4:]] == pytest.approx([1.5, 0.5], abs=0.051)
    page.mouse.move(x - 0.75 * unit, y + 1.2 * unit, steps=5)
    page.mouse.up()
    assert [float(text) for text in state(page)[4:]] == pytest.approx([-0.75, -1.2], abs=0.051)
    page.mouse.move(x, y)
    page.keyboard.press("ArrowRight")
    assert [float(text) for text in state(page)[4:]] == pytest.approx([-0.7, -1.2], abs=0.051)
    page.mouse.move(x + 2.5 * unit, y + 2.5 * unit)  # beyond the sliders' ends
    page.mouse.down()
    page.mouse.up()
    assert state(page)[4:] == ["2", "-2"]


def test_touch_drags_the_start(page: Page, site: str) -> None:
    visit(page, site)
    x, y, unit = plane(page)
    touch(page, x + unit, y, -1.5 * unit, -1.6 * unit)
    assert [float(text) for text in state(page)[4:]] == pytest.approx([-0.5, 1.6], abs=0.051)


def test_a_link_goes_to_the_task_of_the_second_figure(page: Page, site: str) -> None:
    visit(page, site, "wasserstein,alternating,0.5,0.2,-1,1.5")
    expect(page.locator(FIGURE)).to_be_in_viewport()
    assert state(page) == ["wasserstein", "alternating", "0.5", "0.2", "-1", "1.5"]
    top, height = page.locator(FIGURE).evaluate("root => [root.getBoundingClientRect().top, innerHeight]")
    assert 0 < top < height / 2  # the task stands above it
    follow(page, "explore?theatre=shown,3")
    expect(page.locator("#explore > h2")).to_be_in_viewport()


def test_axes_are_named(page: Page, site: str) -> None:
    visit(page, site)
    assert page.locator(f"{FIGURE} .axis").all_text_contents() == ["θ", "steps"]
