"""The figure "Water level" of question 1 (c): numbers and images against the package's, and every way to move it."""

from __future__ import annotations

import gzip
import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from drags import steady, touch
from playwright.sync_api import Locator, Page, expect
from states import follow

from genmodels import mnist
from genmodels.linear_vae import optimum, price_of_constant_encoder, rate_distortion

PATH = "/sheet-2/1c-constant-encoder.html"
FIGURE = "[data-explorable=water]"
OCTAVE, MSE = 109, 939  # steps of a slider from 1 to 2, and to 784 / 2
VARIANCES, BETAS = (-327, -109, -1, 0, 71, 218, 255, 256, MSE, 981), (-109, -3, 0, 109, 208, 327)
SETTINGS = list(itertools.product(VARIANCES, BETAS))
DEFAULT = ["-109", "0"]
CHOSEN = [3, 21]
NOTES = {
    "-109,0": "What sticks out is encoded",
    "255,0": "What sticks out is encoded",
    "256,0": "Collapsed",
    "-327,327": "What sticks out is encoded",
    f"{MSE},0": "mean image",
}
TOP, BOTTOM, LEFT, RIGHT, HEIGHT = 6, 36, 32, 8, 210  # of the panels, in pixels


def size(steps: float) -> float:
    """Return the number that stands so many steps from 1."""
    return 392.0 ** (steps / MSE)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return mnist.load("train")[0].reshape(-1, 784).astype(float)


@pytest.fixture(scope="module")
def pca(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 60 leading eigenvalues, and their directions (784, 60)."""
    values, directions = np.linalg.eigh(np.cov(pixels.T))
    return values[::-1][:60], directions[:, ::-1][:, :60]


def visit(page: Page, site: str, state: str = "-109,0") -> None:
    """Open the page cold at the figure's section in the given state."""
    page.goto("about:blank")
    page.goto(f"{site}{PATH}#explore?water={state}")
    page.wait_for_selector(f"{FIGURE} dd[data-value]")


def state(page: Page) -> list[str]:
    """Return the figure's controls: steps of sigma^2 and of beta."""
    return [page.locator(f"#water-{name}").input_value() for name in ("variance", "beta")]


def move(page: Page, variance: int, beta: int) -> None:
    """Go to a state by the URL."""
    follow(page, f"explore?water={variance},{beta}")
    assert state(page) == [str(variance), str(beta)]


def shown(page: Page) -> dict[str, float]:
    """Return the readouts in full precision."""
    cells = page.locator(f"{FIGURE} dd").evaluate_all("all => all.map(one => [one.dataset.name, one.dataset.value])")
    return {name: float(value) for name, value in cells}


def panel(page: Page, index: int) -> Locator:
    """Return a panel's drawing: 0 water, 1 curve, 2 to 5 images."""
    return page.locator(f"{FIGURE} .explorable-panels svg[role=img]").nth(index)


def place(page: Page) -> list[float]:
    """Return where the point on the curve is, in pixels from the panel's corner."""
    return panel(page, 1).locator("circle").evaluate("dot => [dot.cx.baseVal.value, dot.cy.baseVal.value]")


def images(page: Page) -> np.ndarray:
    """Return what is painted, from 0 to 1: two digits, each followed by what it is decoded to (4, 784)."""
    read = "all => all.map(one => [...one.getContext('2d').getImageData(0, 0, 28, 28).data])"
    return np.array(page.locator(f"{FIGURE} canvas").evaluate_all(read))[:, ::4] / 255


def test_numbers_are_those_of_the_package(page: Page, site: str, pca: tuple[np.ndarray, np.ndarray]) -> None:
    visit(page, site)
    values = pca[0]
    largest = 0.0
    for variance, beta in SETTINGS:
        move(page, variance, beta)
        s2, b = size(variance), size(beta)
        best = optimum(values, s2, b)
        expected = {
            "level": s2 * b,
            "active": best.active.sum(),
            "rate": best.rate,
            "error": best.distortion,
            "price": price_of_constant_encoder(values, s2, b).sum(),
            "mean": best.mean_variances[0],
            "spread": best.posterior_variances[0],
        }
        got = shown(page)
        assert got == pytest.approx(expected, abs=1e-6, rel=1e-9), (variance, beta)
        largest = max(largest, *(abs(got[name] - expected[name]) / max(1, expected[name]) for name in expected))
    assert len(SETTINGS) >= 50
    print(f"largest deviation at {len(SETTINGS)} settings: {largest:.1e}")


def test_images_are_those_of_the_package(
    page: Page, site: str, pixels: np.ndarray, pca: tuple[np.ndarray, np.ndarray]
) -> None:
    visit(page, site)
    (values, directions), mean = pca, pixels.mean(0)
    largest = 0.0
    for variance, beta in [(-327, -109), (-327, 0), (-109, 0), (0, 0), (-109, 208), (0, 130), (230, 0), (MSE, 327)]:
        move(page, variance, beta)
        best = optimum(values, size(variance), size(beta))
        for index, digit in enumerate(pixels[CHOSEN]):
            # encoder v = w / l, decoder w: w v = w^2 / l
            decoded = mean + (digit - mean) @ directions * best.mean_variances @ directions.T
            for got, expected in zip(images(page)[2 * index :], (digit, decoded.clip(0, 1)), strict=False):
                assert got == pytest.approx(expected, abs=1e-2), (variance, beta)
                largest = max(largest, abs(got - expected).max())
    print(f"largest deviation of a pixel: {largest:.1e}")


def test_collapsed_digits_are_one_image(page: Page, site: str) -> None:
    visit(page, site)
    page.get_by_role("button", name="Collapsed").click()
    four, same, nine, blob = images(page)
    assert abs(four - nine).max() > 0.9
    assert np.array_equal(same, blob)
    got = shown(page)
    assert (got["active"], got["rate"], got["price"], got["mean"], got["spread"]) == (0, 0, 0, 0, 1)


def test_note_tells_the_case(page: Page, site: str) -> None:
    visit(page, site)
    for at, words in NOTES.items():
        follow(page, f"explore?water={at}")
        expect(page.locator(f"{FIGURE} .explorable-note")).to_contain_text(words)


def test_starts_with_the_summed_squared_error(page: Page, site: str) -> None:
    page.goto(f"{site}{PATH}#explore")
    page.wait_for_selector(f"{FIGURE} dd[data-value]")
    assert state(page) == DEFAULT
    assert page.locator(f"{FIGURE} .explorable-slider span").all_inner_texts() == ["0.5", "1"]
    assert page.locator(f"{FIGURE} dd[data-name=active]").inner_text() == "23"


def test_buttons(page: Page, site: str, pca: tuple[np.ndarray, np.ndarray]) -> None:
    visit(page, site, "-170,40")

    def press(name: str) -> None:
        page.locator(FIGURE).get_by_role("button", name=name).click()

    press("mse_loss")
    assert state(page) == [str(MSE), "0"]
    assert shown(page)["level"] == pytest.approx(392, rel=1e-12)
    press("Half the squared error")
    assert state(page) == ["0", "0"]
    assert shown(page)["level"] == 1
    press("Collapsed")
    assert state(page)[1] == "0"
    assert pca[0][0] < shown(page)["level"] < 1.01 * pca[0][0]
    press("Reset")
    assert state(page) == DEFAULT


def test_at_a_fixed_level_beta_moves_the_price_alone(page: Page, site: str) -> None:
    visit(page, site, "120,0")
    double = page.locator(FIGURE).get_by_role("button", name="β doubled")
    before, dot = shown(page), place(page)
    for times in (1, 2, 3):
        double.click()
        assert state(page) == [str(120 - OCTAVE * times), str(OCTAVE * times)]
        factor = size(OCTAVE * times)
        assert shown(page) == pytest.approx(before | {"price": before["price"] * factor}, rel=1e-12)
        assert place(page) == dot
    double.click()  # at the end of the slider nothing moves
    assert state(page) == [str(120 - 3 * OCTAVE), "327"]


def test_mouse_moves_the_level_and_arrow_keys_go_on(page: Page, site: str) -> None:
    visit(page, site, "-109,109")
    box = steady(page, panel(page, 0))
    assert box["height"] == pytest.approx(HEIGHT, abs=1)
    per_pixel = 7.5 * OCTAVE / (HEIGHT - TOP - BOTTOM)  # steps: the axis spans 7 1/2 octaves
    x, y = box["x"] + 0.5 * box["width"], box["y"] + 40
    page.mouse.move(x, y)
    page.mouse.down()  # the level comes to where it is pressed
    assert sum(map(int, state(page))) == pytest.approx(3.5 * OCTAVE - (40 - TOP) * per_pixel, abs=3)
    page.mouse.move(x + 30, y + 60, steps=5)
    page.mouse.up()
    assert sum(map(int, state(page))) == pytest.approx(3.5 * OCTAVE - (100 - TOP) * per_pixel, abs=3)
    after = state(page)
    assert after[1] == "109"
    page.mouse.move(x, y)
    assert state(page) == after  # released
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    assert state(page) == [str(int(after[0]) + 1), "109"]


def test_the_point_is_on_the_curve(page: Page, site: str, pca: tuple[np.ndarray, np.ndarray]) -> None:
    visit(page, site)
    box = panel(page, 1).bounding_box()
    assert box is not None
    across, down = (box["width"] - LEFT - RIGHT) / 48, (HEIGHT - TOP - BOTTOM) / 65  # pixels per unit
    for variance, beta in [(-327, -109), (-250, 0), (-109, 109), (80, 0), (MSE, 327)]:
        move(page, variance, beta)
        error = shown(page)["error"]
        assert place(page) == pytest.approx([error * across, (62 - rate_distortion(pca[0], error)) * down], abs=0.5)


def test_touch_moves_the_level(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, site)
    box = steady(page, panel(page, 0))
    scrolled = page.evaluate("scrollY")
    touch(page, box["x"] + 150, box["y"] + 150, 0, -120)
    assert int(state(page)[0]) == pytest.approx(
        3.5 * OCTAVE - (30 - TOP) * 7.5 * OCTAVE / (HEIGHT - TOP - BOTTOM), abs=5
    )
    assert page.evaluate("scrollY") == scrolled


def test_nothing_leaves_its_panel(page: Page, site: str) -> None:
    visit(page, site)
    for variance, beta in itertools.product((-327, 981), (-109, 327)):
        move(page, variance, beta)
        (left, top, right, bottom), dot = panel(page, 1).evaluate(
            """svg => [svg, svg.querySelector('circle')].map(e => e.getBoundingClientRect())
                         .map(b => [b.left, b.top, b.right, b.bottom])"""
        )
        assert left < dot[0] and top < dot[1] and dot[2] < right and dot[3] < bottom


def test_bars_tell_what_is_encoded(page: Page, site: str, pca: tuple[np.ndarray, np.ndarray]) -> None:
    visit(page, site, "0,0")
    heights = {
        role: np.array(
            panel(page, 0).locator(f"rect.{role}").evaluate_all("all => all.map(one => one.height.baseVal.value)")
        )
        for role in ("posterior", "distance")
    }
    assert [len(heights[role]) for role in heights] == [60, 60]
    # on the logarithmic axis the height above the level is the rate, so many pixels a nat
    per_nat = 2 * MSE / math.log(392) * (HEIGHT - TOP - BOTTOM) / (7.5 * OCTAVE)
    assert heights["posterior"] == pytest.approx(per_nat * optimum(pca[0], 1).rates, abs=1e-3)
    total = heights["posterior"] + heights["distance"]
    assert total == pytest.approx(per_nat / 2 * np.log(pca[0] / size(-4 * OCTAVE)), abs=1e-3)


def test_curve_is_shannons(page: Page, site: str, pca: tuple[np.ndarray, np.ndarray]) -> None:
    visit(page, site)
    path = panel(page, 1).locator("path.distance").get_attribute("d") or ""
    points = np.array([[float(number) for number in point.split(",")] for point in path[1:].split("L")])
    box = panel(page, 1).bounding_box()
    assert box is not None
    errors = points[:, 0] * 48 / (box["width"] - LEFT - RIGHT)
    down = (HEIGHT - TOP - BOTTOM) / 65
    # drawn to a tenth of a pixel
    for error, y in list(zip(errors, points[:, 1], strict=True))[::10]:
        low, high = (rate_distortion(pca[0], max(error + off, 0.1)) for off in (0.1, -0.1))
        assert low - 0.1 <= 62 - y / down <= high + 0.1


def test_data_are_light(html: Path) -> None:
    data = (html / "_static/explorables/water.data.js").read_bytes()
    assert len(gzip.compress(data, 9)) < 36_000
