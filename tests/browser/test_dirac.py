"""The figure "Dirac-GAN" of the page beside 3 (b): its numbers and paths against the package's."""

from itertools import product
from typing import get_args

import numpy as np
import pytest
from explorable_reader import Figure, points
from playwright.sync_api import expect

from genmodels.gan.dirac import DiracGAN, Loss

STEPS, REACH, MARGINS = 200, 2.6, 40  # of the figure: steps of a path, end of its axes, pixels beside them
DEFAULT = f"saturating,simultaneous,0,0.4,1,0,{STEPS}"
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


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/sheet-2/chase-and-divergences.html", "dirac").open(DEFAULT)


def factor(game: DiracGAN, h: float, alternating: bool) -> float:
    """Return the largest modulus of an eigenvalue of one step at the equilibrium."""
    tiny = 1e-8
    ends = [game.descend(tiny * unit, h, 1, alternating=alternating)[1] / tiny for unit in np.eye(2)]
    return float(np.abs(np.linalg.eigvals(np.transpose(ends))).max())


def test_numbers_are_those_of_the_package(figure):
    for loss, way, gamma, h, start in SETTINGS:
        text = f"{loss},{way},{gamma},{h},{start[0]},{start[1]},{STEPS}"
        figure.follow(text)
        game = DiracGAN(loss, gamma)
        path = game.descend(start, h, STEPS, alternating=way == "alternating")
        end = np.hypot(*path[-1])
        got = figure.shown()
        assert got["start"] == pytest.approx(np.hypot(*start), abs=1e-12), text
        assert got["factor"] == pytest.approx(factor(game, h, way == "alternating"), abs=1e-6), text
        if end < 1e6:
            assert got["end"] == pytest.approx(end, abs=1e-6, rel=1e-6), text
        else:
            assert np.isnan(got["end"]), text
            assert figure.root.locator("dd[data-name=end]").inner_text() == "> 10⁶"
    assert len(SETTINGS) >= 50


def test_path_is_drawn_where_the_package_has_it(figure):
    figure.follow(f"non-saturating,alternating,0.2,0.35,-1.2,1.5,{STEPS}")
    path = DiracGAN("non-saturating", 0.2).descend((-1.2, 1.5), 0.35, STEPS, alternating=True)
    plane, away = figure.panels.all()
    across = plane.evaluate("svg => svg.viewBox.baseVal.width") - MARGINS
    expected = (path * (1, -1) + REACH) * across / (2 * REACH)
    np.testing.assert_allclose(points(plane.locator("path.walk")), expected, rtol=0, atol=0.051)
    # and the distance from the goal, in powers of ten from -3 to 2.2
    expected = (2.2 - np.log10(np.hypot(*path.T))) * (away.evaluate("svg => svg.viewBox.baseVal.height") - 42) / 5.2
    np.testing.assert_allclose(points(away.locator("path.walk"))[:, 1], expected, rtol=0, atol=0.051)
    assert figure.axes() == ["θ", "ψ", "steps", "log scale"]
    assert plane.locator("circle.step").count() == STEPS + 1
    figure.follow("non-saturating,alternating,0.2,0.35,-1.2,1.5,30")
    assert plane.locator("circle.step").count() == 31
    assert figure.shown()["end"] == pytest.approx(np.hypot(*path[30]))


def test_arrows_show_where_very_small_steps_go(figure):
    for loss in get_args(Loss):
        figure.follow(f"{loss},simultaneous,0.5,0.1,1,0,{STEPS}")
        plane = figure.panels.first
        unit = (plane.evaluate("svg => svg.viewBox.baseVal.width") - MARGINS) / (2 * REACH)
        for arrow in plane.locator("path.field").all():
            tail, tip = (points(arrow)[:2] / unit - REACH) * (1, -1)
            _, moved = DiracGAN(loss, 0.5).descend((tail + tip) / 2, 1e-4, 1)
            way = (moved - (tail + tip) / 2) * 1e4
            assert way @ (tip - tail) > 0.98 * np.hypot(*way) * np.hypot(*(tip - tail))


def test_note_tells_the_case(figure):
    figure.tells({f"{state},{STEPS}": words for state, words in NOTES.items()})


def test_buttons_jump_to_telling_states(figure):
    figure.follow(f"non-saturating,alternating,1.3,0.7,0.5,-1.5,{STEPS}")
    assert figure.press("Simultaneous") == ["non-saturating", *DEFAULT.split(",")[1:]]
    assert figure.shown()["factor"] > 1
    assert figure.press("Alternating")[1:3] == ["alternating", "0"]
    assert figure.shown()["factor"] == pytest.approx(1, abs=1e-12)
    assert figure.press("R1")[1:3] == ["simultaneous", "0.5"]
    assert figure.shown()["factor"] < 1
    assert figure.press("Reset") == DEFAULT.split(",")


def test_mouse_drags_the_start(figure):
    def start():
        return [float(text) for text in figure.state()[4:6]]

    figure.follow(f"saturating,alternating,0,0.4,1,0,{STEPS}")
    box, page = figure.panel(0), figure.page
    unit = (box["width"] - MARGINS) / (2 * REACH)
    x, y = box["x"] + 32 + REACH * unit, box["y"] + 6 + REACH * unit  # the equilibrium
    page.mouse.move(x + 1.5 * unit, y - 0.5 * unit)
    page.mouse.down()
    assert start() == pytest.approx([1.5, 0.5], abs=0.051)
    page.mouse.move(x - 0.75 * unit, y + 1.2 * unit, steps=5)
    page.mouse.up()
    assert start() == pytest.approx([-0.75, -1.2], abs=0.051)
    page.mouse.click(x + 2.5 * unit, y + 2.5 * unit)  # beyond the sliders' ends
    assert start() == [2, -2]


def test_a_link_goes_to_the_task_of_the_second_figure(page, site):
    figure = Figure(page, f"{site}/sheet-2/chase-and-divergences.html", "dirac")
    page.goto(f"{figure.address}#explore?dirac=wasserstein,alternating,0.5,0.2,-1,1.5")
    expect(figure.root.locator("dd").last).to_be_attached()
    expect(figure.root).to_be_in_viewport()
    assert figure.state() == ["wasserstein", "alternating", "0.5", "0.2", "-1", "1.5", str(STEPS)]  # a later control
    top, height = figure.root.evaluate("root => [root.getBoundingClientRect().top, innerHeight]")
    assert 0 < top < height / 2  # the task stands above it
    Figure(page, figure.address, "theatre").follow("shown,3", asked=False)
    expect(page.locator("#explore > h2")).to_be_in_viewport()
