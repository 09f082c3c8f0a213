"""The figure "Overlap" of question 2 (a): its numbers against the package's, and every way to move it."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from drags import mouse
from explorable_reader import Figure, points

from genmodels.gan.losses import losses_at_optimum
from genmodels.measures.densities import Gaussian, Uniform
from genmodels.measures.divergences import jensen_shannon, kl, wasserstein1

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


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/sheet-2/2a-no-overlap.html", "overlap").open()


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


def test_numbers_are_those_of_the_package(figure):
    for family, d, w in SETTINGS:
        setting = f"{family},{d},{w}"
        figure.follow(setting)
        p, q = densities(family, d, w)
        losses, derivatives = losses_at_optimum(p, q), slopes(family, d, w)
        expected = {
            "L_D": losses.discriminator,
            "L_G": losses.generator,
            "W_1": wasserstein1(p, q),
        }
        got = figure.shown()
        tolerance = 1e-9 if family == "uniform" else 1e-6
        assert {name: got[name] for name in expected} == pytest.approx(expected, abs=tolerance, rel=0), setting
        found = {name: got[name] for name in SLOPES}
        assert found == pytest.approx(derivatives, abs=1e-6, rel=0, nan_ok=True), setting
        words = {name: "kink" for name in SLOPES if math.isnan(derivatives[name])}
        words |= {"nonsaturating": "jump"} if "nonsaturating" in words else {}
        if math.isinf(kl(q, p)):
            words["nonsaturating"] = "∞ loss"
        assert {name: figure.root.locator(f"dd[data-name={name}]").inner_text() for name in words} == words, setting
        note = figure.note.inner_text()
        assert ("infinite" in note) == math.isinf(kl(q, p)), setting
        assert ("jumps to ∞" in note) == (words.get("nonsaturating") == "jump"), setting
        assert ("kink" in note) == math.isnan(derivatives["slope"]), setting


def test_note_tells_the_case(figure):
    figure.tells(NOTES)
    figure.stands_still(NOTES)


def test_drawings(figure):
    for furthest, dots in {"uniform,2,2": 3, "uniform,-2,0.5": 3, "gaussian,6,2": 2, "gaussian,-6,0.5": 2}.items():
        figure.follow(furthest)
        assert figure.stays_inside(1, "circle, path") == dots + 4  # a far Gaussian's W_1 lies above the edge
    assert figure.axes() == ["x", "d"]
    figure.follow("gaussian,-1.5,0.8")
    assert figure.root.get_by_text("0/0").count() == 0
    for name, value in figure.shown().items():  # two or three digits are shown
        text = figure.root.locator(f"dd[data-name={name}]").inner_text().replace("−", "-")
        assert float(text) == pytest.approx(value, rel=5e-3) and 2 <= len(text.lstrip("-0.").replace(".", "")) <= 3
    densities = figure.panels.nth(0)  # D* has an axis of its own
    for state, values in {"uniform,0,1": [0.5], "uniform,0,2": [2 / 3, 0], "uniform,1.5,1": [1, 0]}.items():
        figure.follow(state)
        low, half, high = densities.locator(".other").evaluate_all("all => all.map(e => e.y.baseVal[0].value - 10)")
        ends = np.array([points(piece)[:, 1] for piece in densities.locator("path.discriminator").all()])
        assert np.interp(ends, [high, half, low], [1, 0.5, 0]) == pytest.approx(np.transpose([values] * 2), abs=2e-3)
    assert densities.get_by_text("0/0").count() == 3  # where both densities are 0, D is undefined, and blank
    for state in ("uniform,1,1", "uniform,2,2", "uniform,-2,0.5", "uniform,0,1", "gaussian,6,2", "gaussian,1.2,1"):
        figure.follow(state)
        assert figure.names(1) == ["W1 ↑" if state == "gaussian,6,2" else "W1", "LD", "LG"]


def test_buttons_lead_to_no_overlap_and_identical(figure):
    figure.follow("gaussian,2,1.5")
    assert figure.press("No overlap") == ["uniform", "1.5", "1"]
    assert (figure.shown()["L_D"], figure.shown()["L_G"]) == (0.0, 0.0)
    for family in ("uniform", "Gaussian"):
        figure.root.get_by_label(family, exact=True).check()
        assert figure.press("Identical") == [family.lower(), "0", "1"]
        shown = figure.shown()
        assert (shown["L_D"], shown["L_G"]) == pytest.approx((2 * math.log(2), -math.log(2)), abs=1e-9)


def test_dragging_shifts_and_arrow_keys_go_on(figure):
    figure.follow("uniform,1.5,1")
    box, grip = figure.panel(0), figure.panels.nth(0).locator(".grip").bounding_box()
    mouse(figure.page, grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2, -60)
    after = float(figure.state()[1])
    # the axis spans 6.4 units over the width less the margins of 54 and 48 pixels
    assert after == pytest.approx(1.5 - 60 * 6.4 / (box["width"] - 102), abs=0.01)
    figure.page.keyboard.press("ArrowRight")
    assert [float(figure.state()[1]), figure.shown()["W_1"]] == pytest.approx([after + 0.01] * 2, abs=1e-9)
    figure.follow("gaussian,5,1")
    figure.root.get_by_label("uniform", exact=True).check()
    assert figure.state() == ["uniform", "2", "1"]  # within reach
