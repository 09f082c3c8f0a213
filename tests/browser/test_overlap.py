"""The figure "Overlap" of question 2 (a): its numbers against the package's, and every way to move it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from drags import mouse, steady, touch
from playwright.sync_api import Page, expect
from scipy.special import expit
from states import follow

from genmodels.adversarial import losses_at_optimum, shift_gradients
from genmodels.densities import Gaussian, SmoothedUniform, Uniform
from genmodels.divergences import jensen_shannon, kl, wasserstein1
from genmodels.remedies import exact_pulls

PATH = "/sheet-2/2a-no-overlap.html"
SLOPES = ("slope", "saturating", "nonsaturating")

UNIFORM = [(d, w) for d in (-2, -1.37, -0.5, 0, 0.25, 0.97, 1, 1.03, 2) for w in (0.5, 1, 1.61)] + [
    (0.3, 0.7),
    (-0.8, 2),
]
GAUSSIAN = [(d, w) for d in (-6, -3.21, -1, 0, 0.01, 0.5, 2, 4, 6) for w in (0.5, 1, 1.01, 2)]
SETTINGS = [("uniform", d, w) for d, w in UNIFORM] + [("gaussian", d, w) for d, w in GAUSSIAN]
NOTES = {
    "uniform,0,1": "Identical",
    "gaussian,0,1": "Identical",
    "uniform,1.5,1": "No overlap",
    "uniform,1,1": "Touching",
    "uniform,-0.61,0.61": "Touching",
    "uniform,0.3,0.7": "An edge of pgen meets an edge of pdata",
    "uniform,0,2": "An edge of pgen meets an edge of pdata",
    "uniform,0.25,0.5": "inside the other",
    "uniform,-0.5,2": "inside the other",
    "uniform,0.5,1": "Partial overlap",
    "gaussian,0,1.01": "not the optimum",
    "gaussian,0.01,1": "the farther apart, the smaller",
    "gaussian,-6,2": "nearly all of it here",
}


def visit(page: Page, site: str, state: str = "overlap=uniform,1.5,1") -> None:
    """Open the page cold at the figure's section in the given state."""
    page.goto("about:blank")
    page.goto(f"{site}{PATH}#explore?{state}")
    expect(page.locator(".explorable dd").last).to_have_attribute("data-value", re.compile("."))


def state(page: Page) -> list[str]:
    """Return the figure's controls: family, shift, width."""
    return [page.locator(".explorable [type=radio]:checked").input_value()] + [
        page.locator(f"#overlap-{name}").input_value() for name in ("shift", "width")
    ]


def shown(page: Page) -> dict[str, float]:
    """Return the readouts in full precision."""
    pairs = page.locator(".explorable dd").evaluate_all(
        "cells => cells.map(cell => [cell.dataset.name, cell.dataset.value])"
    )
    return {name: float(value) for name, value in pairs}


def densities(family: str, d: float, w: float) -> tuple[Uniform, Uniform] | tuple[Gaussian, Gaussian]:
    """Return p_data and p_gen as the package has them."""
    return (Uniform(0.0, 1.0), Uniform(d, d + w)) if family == "uniform" else (Gaussian(0.0, 1.0), Gaussian(d, w))


def derivative(value: Callable[[float], float], d: float) -> float:
    """Return a derivative by central differences, Richardson-extrapolated; nan where the two sides differ."""

    def central(h: float) -> float:
        return (value(d + h) - value(d - h)) / (2 * h)

    h = 1e-3
    if abs(value(d + h) - 2 * value(d) + value(d - h)) > 1e-2 * h:
        return math.nan
    return (4 * central(h) - central(2 * h)) / 3


def slopes(family: str, d: float, w: float) -> dict[str, float]:
    """Return the derivatives of L_G, 2 JSD and KL(q || p) - 2 JSD with respect to the shift."""

    def reverse(at: float) -> float:
        p, q = densities(family, at, w)
        return kl(q, p) - 2 * jensen_shannon(p, q)

    values = (
        lambda at: losses_at_optimum(*densities(family, at, w)).generator,
        lambda at: 2 * jensen_shannon(*densities(family, at, w)),
        reverse,
    )
    return {name: derivative(value, d) for name, value in zip(SLOPES, values, strict=True)}


@pytest.mark.parametrize("family", ["uniform", "gaussian"])
def test_numbers_are_those_of_the_package(page: Page, site: str, family: str) -> None:
    visit(page, site, f"overlap={family},0,1")
    tolerance = 1e-9 if family == "uniform" else 1e-6
    for _, d, w in (setting for setting in SETTINGS if setting[0] == family):
        follow(page, f"explore?overlap={family},{d},{w}")
        assert state(page) == [family, str(d), str(w)]
        p, q = densities(family, d, w)
        losses = losses_at_optimum(p, q)
        expected = {
            "L_D": losses.discriminator,
            "L_G": losses.generator,
            "JSD": jensen_shannon(p, q),
            "W_1": wasserstein1(p, q),
        }
        got = shown(page)
        assert {name: got[name] for name in expected} == pytest.approx(expected, abs=tolerance, rel=0), (
            family,
            d,
            w,
        )
        expected = slopes(family, d, w)
        assert {name: got[name] for name in SLOPES} == pytest.approx(expected, abs=1e-6, rel=0, nan_ok=True), (
            family,
            d,
            w,
        )
        words = {name: "kink" for name in SLOPES if math.isnan(expected[name])}
        words |= {"nonsaturating": "jump"} if "nonsaturating" in words else {}
        if math.isinf(kl(q, p)):
            words["nonsaturating"] = "∞ loss"
        cells = {name: page.locator(f"dd[data-name={name}]").inner_text() for name in words}
        assert cells == words, (family, d, w)
        note = page.locator(".explorable-note").inner_text()
        assert ("infinite" in note) == math.isinf(kl(q, p)), (family, d, w)
        assert ("jumps to ∞" in note) == (words.get("nonsaturating") == "jump"), (family, d, w)
        assert ("kink" in note) == math.isnan(expected["slope"]), (family, d, w)
    assert len(SETTINGS) >= 50


@pytest.mark.parametrize("furthest", ["uniform,2,2", "uniform,-2,0.5", "gaussian,6,2", "gaussian,-6,0.5"])
def test_every_dot_stays_in_its_panel(page: Page, site: str, furthest: str) -> None:
    visit(page, site, f"overlap={furthest}")
    boxes = page.locator(".explorable svg").last.evaluate(
        """svg => [svg, ...svg.querySelectorAll('circle')].map(e => e.getBoundingClientRect())
                      .map(b => [b.top, b.bottom])"""
    )
    (top, bottom), *dots = boxes
    assert len(dots) == 3 and all(top <= up and down <= bottom for up, down in dots)


def test_slopes_are_those_of_the_package(page: Page, site: str) -> None:
    for d in (-2.5, 0.5, 1, 3):
        visit(page, site, f"overlap=gaussian,{d},1")
        expected, got = shift_gradients(d), shown(page)
        assert (got["saturating"], got["slope"], got["nonsaturating"]) == pytest.approx(tuple(expected), abs=1e-6)
    for d in (-1.7, -0.5, 0.01, 0.97, 2):
        visit(page, site, f"overlap=uniform,{d},1")
        assert shown(page)["saturating"] == pytest.approx(-exact_pulls([d], 0.5).saturating[0], abs=1e-9)


def test_slopes_of_uniforms_are_limits_of_vanishing_noise(page: Page, site: str) -> None:
    """With a little noise the derivative exists while D is frozen: D's own slope carries it."""
    for d, w in ((0.5, 1.6), (-0.3, 0.7), (-0.5, 1.8)):
        p, q = SmoothedUniform(0.0, 1.0, 0.01), SmoothedUniform(d, d + w, 0.01)
        x = np.linspace(-1.5, 3.5, 100_001)
        t = p.log_pdf(x) - q.log_pdf(x)
        frozen = np.trapezoid(-q.pdf(x) * expit(t) * np.gradient(t, x), x)  # E_q[d/dx log(1 - D*)]
        visit(page, site, f"overlap=uniform,{d},{w}")
        assert shown(page)["saturating"] == pytest.approx(frozen, abs=1e-5)


def test_note_tells_the_case(page: Page, site: str) -> None:
    visit(page, site)
    for at, words in NOTES.items():
        follow(page, f"explore?overlap={at}")
        expect(page.locator(".explorable-note")).to_contain_text(words)


def test_four_decimals_are_shown(page: Page, site: str) -> None:
    visit(page, site, "overlap=gaussian,-1.5,0.8")
    for name, value in shown(page).items():
        assert page.locator(f"dd[data-name={name}]").inner_text() == f"{value:.4f}".replace("-", "−")


def test_no_overlap_and_identical(page: Page, site: str) -> None:
    visit(page, site, "overlap=gaussian,2,1.5")
    page.get_by_role("button", name="No overlap", exact=True).click()
    assert state(page) == ["uniform", "1.5", "1"]
    assert (shown(page)["L_D"], shown(page)["L_G"]) == (0.0, 0.0)
    for family in ("uniform", "Gaussian"):
        page.get_by_label(family, exact=True).check()
        page.get_by_role("button", name="Identical", exact=True).click()
        assert state(page) == [family.lower(), "0", "1"]
        assert (shown(page)["L_D"], shown(page)["L_G"]) == pytest.approx((2 * math.log(2), -math.log(2)), abs=1e-9)


@pytest.mark.parametrize("drag", [mouse, touch])
def test_dragging_shifts_and_arrow_keys_go_on(page: Page, site: str, drag: Callable[..., None]) -> None:
    visit(page, site)
    box = steady(page, page.locator(".explorable-panels svg[role=img]").first)
    drag(page, box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], -60)
    after = float(state(page)[1])
    # the axis spans 6.4 units over the width less the margins of 54 and 8 pixels
    assert after == pytest.approx(1.5 - 60 * 6.4 / (box["width"] - 62), abs=0.01)
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert float(state(page)[1]) == pytest.approx(after + 0.01, abs=1e-9)
    assert shown(page)["W_1"] == pytest.approx(after + 0.01, abs=1e-9)


def test_cold_link_scrolls_to_the_section(page: Page, site: str) -> None:
    page.goto(f"{site}{PATH}#explore?overlap=uniform,0.97,1")
    expect(page.locator(".explorable dd").last).to_be_attached()
    top, height = page.evaluate("[document.getElementById('explore').getBoundingClientRect().top, innerHeight]")
    assert abs(top) < height / 3
    assert page.evaluate("scrollY") > 0


def test_changing_family_keeps_the_shift_within_reach(page: Page, site: str) -> None:
    visit(page, site, "overlap=gaussian,5,1")
    page.get_by_label("uniform", exact=True).check()
    assert state(page) == ["uniform", "2", "1"]
    assert shown(page)["W_1"] == 2.0


def test_discriminator_is_blank_where_it_is_undefined(page: Page, site: str) -> None:
    visit(page, site, "overlap=uniform,1.5,1")
    best = page.locator(".explorable-panels svg[role=img]").nth(1)
    assert best.locator("path").count() == 2
    assert best.get_by_text("0/0").count() == 3


def test_axes_are_named(page: Page, site: str) -> None:
    visit(page, site)
    assert page.locator(".explorable .axis").all_text_contents() == ["x", "x", "d"]
