"""The figure "Latent map" of question 1 (a): its pixels against the trained decoders', its distances, its gestures."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from drags import mouse, steady, touch
from playwright.sync_api import Locator, Page, expect
from scipy.spatial import cKDTree
from states import follow

from genmodels import mnist
from genmodels.autoencoders import AUTOENCODER, Objective, train
from genmodels.seeds import seeds

PATH = "/sheet-2/1a-sampling.html"
PIXELS = """all => all.map(canvas => {
    const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [width, Array.from(data).filter((_, i) => i % 4 === 0)];
})"""


@pytest.fixture(scope="module")
def models():
    """The two models of the page, trained anew as it says."""
    images = mnist.load("train")[0]
    return train(images, [AUTOENCODER, Objective(variance=0.1)], seeds(3)[:1], latent=2, steps=1500, hidden=32)


@pytest.fixture(scope="module")
def data(html):
    """What the page hands to the figure."""
    text = (html / "_static/explorables/latent.data.js").read_text(encoding="utf-8")
    found = re.fullmatch(r'Explorables\.data\("latent",(.*)\);\n', text, re.S)
    assert found is not None
    return json.loads(found[1])


def visit(page: Page, site: str, state: str = "") -> Locator:
    page.goto("about:blank")
    page.goto(f"{site}{PATH}#explore{f'?latent={state}' if state else ''}")
    figure = page.locator("[data-explorable=latent]")
    expect(figure.locator("dd").last).to_have_attribute("data-value", re.compile("."))
    return figure


def z(figure: Locator) -> list[float]:
    """The four sliders: the autoencoder's z and the VAE's."""
    return [float(slider.input_value()) for slider in figure.locator("[type=range]").all()]


def pictures(figure: Locator) -> np.ndarray:
    """The two decoded images as they stand on the canvases, (2, 28, 28)."""
    found = figure.locator("canvas").evaluate_all(PIXELS)
    assert [width for width, _ in found] == [28, 28]
    return np.array([values for _, values in found]).reshape(2, 28, 28) / 255


def test_images_and_distances_are_those_of_the_package(page, site, models, data):
    unseen = mnist.load("test")[0]
    codes = models.encode(unseen)[0][:, 0, :150]  # (2, 150, 2)
    figure, rng = visit(page, site), np.random.default_rng(0)
    ends = np.array([model["ends"] for model in data["models"]])  # (2 models, 2 axes, 2 ends)
    corners = [ends[:, :, 0], ends[:, :, 1], np.zeros((2, 2))]
    settings = [*corners, *(ends[:, :, 0] + rng.random((2, 2)) * np.ptp(ends, axis=2) for _ in range(57))]
    off = []
    for setting in settings:
        state = ",".join(f"{number:.2f}" for number in setting.ravel())
        follow(page, f"explore?latent={state}")
        at = np.array(z(figure)).reshape(2, 2)
        assert at.ravel() == pytest.approx([float(text) for text in state.split(",")], abs=1e-9)
        decoded = models.decode(at[:, None, None])[:, 0, 0]
        off.append(abs(pictures(figure) - decoded).max())
        shown = [float(cell.get_attribute("data-value") or "nan") for cell in figure.locator("dd").all()]
        nearest = [cKDTree(own).query(point)[0] for own, point in zip(codes, at, strict=True)]
        assert shown == pytest.approx(nearest, abs=0.015)  # codes travel in steps of .02, off by .01 in each direction
        exact = [
            min(np.hypot(*(np.array(model["codes"]) * model["codeStep"] - point).T))
            for model, point in zip(data["models"], at, strict=True)
        ]
        assert shown == pytest.approx(exact, abs=1e-9)
        words = figure.locator(".explorable-note").inner_text()
        far = [distance > model["usual"] for distance, model in zip(shown, data["models"], strict=True)]
        assert words.count("a guess") == sum(far)
    assert max(off) < 0.01
    assert len(settings) >= 50


def test_draws_go_to_both_models(page, site, data):
    figure = visit(page, site)
    seen = []
    for _ in range(len(data["draws"]) + 1):
        figure.get_by_role("button", name="Draw z").click()
        at = z(figure)
        assert at[:2] == at[2:]
        seen.append(at[:2])
    assert seen[:-1] == data["draws"]
    assert seen[-1] == seen[0]  # round again
    assert np.abs(np.mean(data["draws"], axis=0)).max() < 1  # they are draws from the prior


@pytest.mark.parametrize("gesture", [mouse, touch])
@pytest.mark.parametrize("model", [0, 1])
def test_the_point_follows_the_pointer(page, site, data, model, gesture):
    figure = visit(page, site)
    other = z(figure)[2 * (1 - model) : 2 * (2 - model)]
    panel = figure.locator("svg.explorable-free").nth(model)
    box = steady(page, panel)
    gesture(page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 40, 30)
    dot = panel.evaluate(  # in the panel; both at one moment
        """panel => {
            const box = panel.getBoundingClientRect(), dot = panel.querySelector("circle").getBoundingClientRect();
            return [dot.x + dot.width / 2 - box.x, dot.y + dot.height / 2 - box.y];
        }"""
    )
    across, up = np.array(data["models"][model]["ends"])
    # the axes leave 32 pixels on the left, 8 on the right, 6 above and 36 below
    place = dot[0] - 32, dot[1] - 6
    side = box["width"] - 40
    expected = across[0] + np.ptp(across) * place[0] / side, up[1] - np.ptp(up) * place[1] / side
    assert z(figure)[2 * model : 2 * model + 2] == pytest.approx(expected, abs=0.06)
    assert z(figure)[2 * (1 - model) : 2 * (2 - model)] == other
    page.keyboard.press("ArrowRight")
    assert z(figure)[2 * model] == pytest.approx(expected[0], abs=0.08)


def test_the_map_shows_the_codes_of_unseen_digits(page, site, data):
    figure = visit(page, site)
    _, digits = mnist.load("test")
    for model in range(2):
        numerals = figure.locator("svg.explorable-free").nth(model).locator("text.posterior").all_text_contents()
        assert "".join(numerals) == "".join(map(str, digits[:150])) == data["models"][model]["labels"]
