"""The figure "surgery" of question 1 (b): its numbers against the package's, and every way to move it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from drags import mouse, steady, touch
from playwright.sync_api import FloatRect, Locator, Page, expect
from scipy.stats import norm
from states import follow

from genmodels.divergences import elbo_surgery

PATH = "/sheet-2/1b-latent-space.html"
FIGURE = "[data-explorable=surgery]"
# the page's posteriors, and eight of width 1/2 that together are nearly the prior
MEANS = (1.2 * np.random.default_rng(0).standard_normal(8)).round(2).tolist()
EVEN = norm.ppf((np.arange(8) + 0.5) / 8)
EVEN = (EVEN * math.sqrt(0.75) / EVEN.std()).round(2).tolist()

WIDTHS = (-2, -1.71, -1.5, -1, -0.63, -0.3, -0.13, 0, 0.21, 0.5)
PLACES = [
    MEANS,
    EVEN,
    [0.0] * 8,
    [-2.5, 2.5] * 4,
    [2.5] + 7 * [-2.5],
    np.linspace(-2.5, 2.5, 8).round(2).tolist(),
    [1.37] * 8,
]
SETTINGS = [(log, places) for log in WIDTHS for places in PLACES]
NOTES = {
    "All alike": (-1, [0.7] * 8),
    "Needles": (-2, MEANS),
    "Together nearly the prior": (-0.3, EVEN),
    "The cheapest width": (0, MEANS),
    "Blobs overlap: a code tells 5.6 images apart": (-1, MEANS),
}


def fragment(log: float, means: list[float]) -> str:
    return "explore?surgery=" + ",".join(f"{value:g}" for value in (log, *means))


def visit(page: Page, site: str, log: float = -1, means: list[float] = MEANS) -> Locator:
    """Open the page cold at the figure's section in the given state; return the figure."""
    page.goto("about:blank")
    page.goto(f"{site}{PATH}#{fragment(log, means)}")
    figure = page.locator(FIGURE)
    expect(figure.locator("dd").last).to_have_attribute("data-value", re.compile("."))
    return figure


def state(figure: Locator) -> list[float]:
    """Return log10 of the width, then the means."""
    return figure.locator("[type=range]").evaluate_all("inputs => inputs.map(input => input.valueAsNumber)")


def shown(figure: Locator) -> dict[str, float]:
    """Return the readouts in full precision."""
    pairs = figure.locator("dd").evaluate_all("cells => cells.map(cell => [cell.dataset.name, cell.dataset.value])")
    return {name: float(value) for name, value in pairs}


def panel(figure: Locator, index: int) -> FloatRect:
    """Return where a panel's drawing is, scrolled into view."""
    return steady(figure.page, figure.locator(".explorable-panels svg[role=img]").nth(index))


def at(box: FloatRect, share: float) -> float:
    """Return the pixel where this share of the x axis is: 54 pixels lie left of it, 8 right."""
    return box["x"] + 54 + share * (box["width"] - 62)


DRAGS = pytest.mark.parametrize("drag", [mouse, touch])


def test_numbers_are_those_of_the_package(page: Page, site: str) -> None:
    figure = visit(page, site)
    for log, means in SETTINGS:
        follow(page, fragment(log, means))
        assert state(figure) == [log, *means]
        expected = elbo_surgery(means, [10**log] * 8)._asdict()
        expected["variance"] = 10 ** (2 * log) + np.var(means)
        got = shown(figure)
        assert got == pytest.approx(expected, abs=1e-7, rel=0), (log, means)
        assert got["rate"] == pytest.approx(got["information"] + got["marginal"], abs=1e-7), (log, means)
    assert len(SETTINGS) >= 50


def test_starts_with_the_posteriors_of_the_page(page: Page, site: str) -> None:
    page.goto(f"{site}{PATH}#explore")
    figure = page.locator(FIGURE)
    expect(figure.locator("dd").last).to_have_attribute("data-value", re.compile("."))
    assert state(figure) == [-1, *MEANS]


def test_note_tells_the_case(page: Page, site: str) -> None:
    figure = visit(page, site)
    for words, (log, means) in NOTES.items():
        follow(page, fragment(log, means))
        expect(figure.locator(".explorable-note")).to_contain_text(words)


def test_buttons_jump(page: Page, site: str) -> None:
    moved = [0.5, *MEANS[1:]]
    figure = visit(page, site, -0.5, moved)
    for name, expected in {
        "Needles": [-2, *moved],
        "Width 1": [0, *moved],
        "Together the prior": [-0.3, *EVEN],
        "Each the prior": [0] + 8 * [0],
        "Reset": [-1, *MEANS],
    }.items():
        figure.get_by_role("button", name=name, exact=True).click()
        assert state(figure) == expected


@DRAGS
def test_the_nearest_mean_is_dragged(page: Page, site: str, drag) -> None:
    figure = visit(page, site)
    box = panel(figure, 0)
    nearest = int(np.argmin(np.abs(np.array(MEANS) - 1)))
    drag(page, at(box, 0.6), box["y"] + 0.6 * box["height"], 60)  # from z = 1
    after = state(figure)
    assert after[1 + nearest] == pytest.approx(MEANS[nearest] + 60 * 10 / (box["width"] - 62), abs=0.011)
    assert after[:1] + after[1 : 1 + nearest] + after[2 + nearest :] == [-1, *MEANS[:nearest], *MEANS[nearest + 1 :]]
    assert figure.locator("path.thin.area").count() == 1  # the one that is held
    page.keyboard.press("ArrowLeft")
    assert state(figure)[1 + nearest] == pytest.approx(after[1 + nearest] - 0.01, abs=1e-9)


@DRAGS
def test_the_width_is_dragged_on_the_curves(page: Page, site: str, drag) -> None:
    figure = visit(page, site)
    box = panel(figure, 1)
    drag(page, at(box, 0.3), box["y"] + 0.4 * box["height"], 80)
    assert state(figure)[0] == pytest.approx(-1 + 80 * 2.5 / (box["width"] - 62), abs=0.011)
    assert state(figure)[1:] == MEANS
    page.keyboard.press("End")
    assert state(figure)[0] == 0.5


def test_every_posterior_is_drawn_and_no_dot_leaves_its_panel(page: Page, site: str) -> None:
    for log, means in ((-2, [-2.5, 2.5] * 4), (0.5, [2.5] * 8), (-1, MEANS)):
        figure = visit(page, site, log, means)
        assert figure.locator("path.thin").count() == 8
        for svg, dots in zip(figure.locator(".explorable-panels svg[role=img]").all(), (8, 3), strict=True):
            frame, *boxes = svg.evaluate(
                "svg => [svg, ...svg.querySelectorAll('circle')].map(e => e.getBoundingClientRect().toJSON())"
            )
            assert len(boxes) == dots
            for box in boxes:
                assert frame["left"] <= box["left"] and box["right"] <= frame["right"]
                assert frame["top"] <= box["top"] and box["bottom"] <= frame["bottom"]


def test_width_is_announced_as_the_width(page: Page, site: str) -> None:
    figure = visit(page, site, -0.3)
    expect(figure.locator("#surgery-width")).to_have_attribute("aria-valuetext", "width 0.501")
    expect(figure.locator("#surgery-mean1")).to_have_attribute("aria-valuetext", f"mean1 {MEANS[0]:.2f}")
    expect(figure.get_by_label("mean 8")).to_have_value(f"{MEANS[7]:g}")


def test_axes_are_named(page: Page, site: str) -> None:
    assert visit(page, site).locator(".axis").all_text_contents() == ["z", "s"]
