"""The figure "blur" of question 1 (d): its numbers and its pixels against the package's, and every way to move it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from drags import mouse, steady, touch
from playwright.sync_api import Locator, Page, expect
from states import follow

from genmodels.spectra import high_frequency_power, max_slope, power_spectrum
from genmodels.toydata import edge_images

PATH = "/sheet-2/1d-blur.html"
FIGURE = "[data-explorable=blur]"
NOISE = np.random.default_rng(200).standard_normal(64).round(3)
NOTES = {
    1: "The mean is the image",
    2: "Edges have become ramps",
    32: "Edges have become ramps",
    33: "Ramps have met",
    63: "Ramps have met",
    64: "even grey",
}


def visit(page: Page, site: str, w: int = 8) -> Locator:
    """Open the page cold at the figure's section in the given state; return the figure."""
    page.goto("about:blank")
    page.goto(f"{site}{PATH}#explore?blur={w}")
    figure = page.locator(FIGURE)
    expect(figure.locator("dd").last).to_have_attribute("data-value", re.compile("."))
    return figure


def shown(figure: Locator) -> dict[str, float]:
    """Return the readouts in full precision."""
    pairs = figure.locator("dd").evaluate_all("cells => cells.map(cell => [cell.dataset.name, cell.dataset.value])")
    return {name: float(value) for name, value in pairs}


def ambiguity(figure: Locator) -> int:
    return int(figure.locator("#blur-ambiguity").input_value())


def parts(w: int) -> tuple[np.ndarray, float]:
    """Return image, mean and sample, (3, 64), and the variance left out, as the package has them."""
    members = edge_images(w)
    mean = members.mean(0)
    variance = float(np.mean((members - mean) ** 2))
    return np.array([members[w // 2], mean, mean + np.sqrt(variance) * NOISE]), variance


def points(path: Locator) -> np.ndarray:
    """Return the corners of a drawn line, (n, 2), in pixels."""
    return np.array([pair.split(",") for pair in path.get_attribute("d")[1:].split("L")], dtype=float)


def test_numbers_and_pixels_are_those_of_the_package(page: Page, site: str) -> None:
    figure = visit(page, site)
    for w in range(1, 65):
        follow(page, f"explore?blur={w}")
        rows, variance = parts(w)
        data = high_frequency_power(edge_images(w))
        expected = {
            "slope": float(max_slope(rows[1])),
            "variance": variance,
            "kept": high_frequency_power(rows[1:2]) / data,
            "grain": high_frequency_power(rows[2:]) / data,
        }
        assert shown(figure) == pytest.approx(expected, abs=1e-9, rel=0), w
        pixels = figure.locator("canvas").evaluate(
            "canvas => [canvas.width, canvas.height, ...canvas.getContext('2d')"
            ".getImageData(0, 0, canvas.width, canvas.height).data]"
        )
        assert pixels[:2] == [64, 3]
        image = np.reshape(pixels[2:], (3, 64, 4))
        grey = np.clip((rows + 1) / 2, 0, 1) * 255
        assert np.abs(image[..., :3] - grey[..., None]).max() <= 0.5 + 1e-6, w
        assert (image[..., 3] == 255).all()


@pytest.mark.parametrize("w", [1, 3, 8, 40, 63])
def test_lines_are_images_mean_sample_and_their_power(page: Page, site: str, w: int) -> None:
    figure = visit(page, site, w)
    rows, _ = parts(w)
    images, grain, strips, spectrum = figure.locator(".explorable-panels svg[role=img]").all()
    members = edge_images(w)[:: -(-w // 8)]
    down, across = images.evaluate("svg => [svg.lastChild.height, svg.lastChild.width].map(side => side.baseVal.value)")
    drawn = [*members, rows[0], rows[1]]
    assert images.locator("path").count() == len(drawn)
    for path, row in zip(images.locator("path").all(), drawn, strict=True):
        at = points(path)
        assert np.abs(at[:, 0] - np.repeat(np.arange(65), 2)[1:-1] * across / 64).max() < 0.06
        assert np.abs(at[:, 1] - (1.2 - np.repeat(row, 2)) * down / 2.4).max() < 0.06
    for path, row in zip(grain.locator("path").all(), rows[[2, 1]], strict=True):
        assert np.abs(points(path)[:, 1] - (3.2 - np.repeat(row, 2)) * down / 6.4).max() < 0.06
    down = spectrum.evaluate("svg => svg.lastChild.height.baseVal.value")
    for path, row in zip(spectrum.locator("path:not(.grid)").all(), rows, strict=True):
        power = np.log10(power_spectrum(row)[1::2])
        assert np.abs(points(path)[:, 1] - (0.5 - power) * down / 7.5).max() < 0.06
    assert strips.locator("text").all_text_contents()[:3] == ["image", "mean", "sample"]


def test_powers_add_up(page: Page, site: str) -> None:
    """The variance left out is 1 - the mean's power: equation eq-1d-power, summed over all modes."""
    for w in (1, 5, 32, 64):
        left_out = shown(visit(page, site, w))["variance"]
        assert left_out + power_spectrum(edge_images(w).mean(0)).sum() == pytest.approx(1, abs=1e-12)


def test_note_tells_the_case(page: Page, site: str) -> None:
    visit(page, site)
    for w, words in NOTES.items():
        follow(page, f"explore?blur={w}")
        expect(page.locator(f"{FIGURE} .explorable-note")).to_contain_text(words)


def test_buttons_jump(page: Page, site: str) -> None:
    figure = visit(page, site, 20)
    for name, w in {"Code knows all": 1, "Code knows nothing": 64, "Reset": 8}.items():
        figure.get_by_role("button", name=name, exact=True).click()
        assert ambiguity(figure) == w


@pytest.mark.parametrize("drag", [mouse, touch])
@pytest.mark.parametrize("panel", [0, 1, 2])
def test_dragging_pulls_the_edges_apart(page: Page, site: str, panel: int, drag) -> None:
    figure = visit(page, site)
    box = steady(page, figure.locator(".explorable-panels svg[role=img]").nth(panel))
    drag(page, box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"], 100)
    margins = 62 if panel == 2 else 40
    after = ambiguity(figure)
    assert abs(after - 8 - 100 * 64 / (box["width"] - margins)) <= 0.51
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert ambiguity(figure) == after + 1


def test_axes_are_named(page: Page, site: str) -> None:
    names = ["pixel", "pixel", "pixel", "frequency, cycles per pixel"]
    assert visit(page, site).locator(".axis").all_text_contents() == names


def test_strips_lie_behind_what_is_drawn(page: Page, site: str) -> None:
    """A press on the strips reaches the drawing, which moves, and not the image."""
    figure = visit(page, site)
    canvas = figure.locator("canvas")
    canvas.scroll_into_view_if_needed()
    at_the_top = canvas.evaluate(
        "canvas => { const box = canvas.getBoundingClientRect();"
        " return document.elementFromPoint(box.x + box.width / 3, box.y + box.height / 4).closest('svg') !== null; }"
    )
    assert at_the_top
