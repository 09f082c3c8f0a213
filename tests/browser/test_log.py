"""The figure "log" on training logs: its curves and samples against runs trained anew, and what it hides."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drags import mouse
from explorable_reader import Figure, data_of, points
from playwright.sync_api import expect

from genmodels.data.toy import ring
from genmodels.gan.config import GANConfig
from genmodels.gan.train import train_gans
from genmodels.site.seeds import seeds

PATH = "sheet-2/training-log.html"
EIGHT = ring(modes=8, radius=1, sd=0.05)
CONFIGS = {"chase": GANConfig(lr_D=2e-4), "apart": GANConfig(lr_G=2e-6), "healthy": GANConfig()}
KINDS = ("non-saturating", "saturating")
CURVES = ("discriminator", "generator")


@pytest.fixture(scope="module")
def data(html):
    return data_of(html, "log")


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/{PATH}", "log").open()


def number(data: dict[str, Any], name: str) -> int:
    return 1 + [run["name"] for run in data["runs"]].index(name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONFIGS)
def test_numbers_and_dots_are_those_of_the_package(figure, data, name, kind):
    run = train_gans(EIGHT, replace(CONFIGS[name], loss=kind), seeds(1), 400, snapshot_every=50)
    losses = run.discriminator_loss[0], run.generator_loss[0]
    reach = data["runs"][number(data, name) - 1]["reach"]
    for step in (50, 200, 400):
        figure.follow(f"{number(data, name)},{kind},shown,{step}")
        expected = [loss[step - 50 : step].mean() for loss in losses]
        np.testing.assert_allclose(list(figure.shown().values()), expected, rtol=0, atol=6e-4)
        width, at = figure.panels.nth(1).evaluate(
            """svg => [svg.viewBox.baseVal.width, [...svg.querySelectorAll("circle.generator")]
                .map(one => [one.cx.baseVal.value, one.cy.baseVal.value])]"""
        )
        at = (np.array(at) * 2 / (width - 10) - 1) * reach * (1, -1)
        samples = run.snapshots[0, step // 50, :40]
        samples = samples[(abs(samples) < reach * 126.4 / 127).all(axis=1)]  # those outside are left out
        far = np.abs(samples[:, None] - at).max(axis=2).min(axis=1)
        assert far.max() < 1.1 * reach / 127 and len(samples) <= len(at) <= len(samples) + 1
        assert figure.stays_inside(1, "circle.generator") == len(at) > (20 if step == 50 else 30)


def test_every_state_shows_its_last_50_steps(figure, data):
    for i, run in enumerate(data["runs"], start=1):
        for kind in KINDS:
            for step in (50, 300, 800):
                figure.follow(f"{i},{kind},hidden,{step}")
                last = np.array(run[kind]["curves"])[:, step // 5 - 10 : step // 5] / 1000
                np.testing.assert_allclose(list(figure.shown().values()), last.mean(axis=1), rtol=0, atol=1e-9)


def test_curves_fill_their_panel_and_the_lines_are_named(figure, data):
    for i in range(1, 7):
        for kind, named in zip(KINDS, ({"0", "2 log 2"}, {"0", "2 log 2", "−log 2"}), strict=True):
            figure.follow(f"{i},{kind},hidden,800")
            panel = figure.panels.first
            assert named <= set(panel.locator(".tick").all_text_contents())
            heights = np.concatenate([points(panel.locator(f"path.{role}"))[:, 1] for role in CURVES])
            assert heights.min() > 0 and np.ptp(heights) > 0.3 * panel.evaluate("e => e.viewBox.baseVal.height")
    figure.follow("5,non-saturating,hidden,800")  # a dead discriminator: D = 1/2
    assert list(figure.shown().values()) == pytest.approx([2 * math.log(2), math.log(2)], abs=6e-4)


def test_the_answer_stays_hidden_until_it_is_asked_for(figure, data):
    map_ = figure.panels.nth(1)
    for i in range(1, 7):
        figure.follow(f"{i},saturating,hidden,400")
        assert map_.locator("circle").count() == 0
        expect(map_.locator("text").last).to_have_text("hidden")
        expect(figure.note).to_have_text("Which state is it? Decide, then show the samples.")
    figure.root.get_by_label("shown", exact=True).check()
    assert map_.locator("circle").count() == 24 + 24 + map_.locator(".generator").count()
    assert map_.locator(".generator").count() > 20
    words = {"chase": "A chase", "memory": "Learnt by heart", "apart": "No overlap", "healthy": "Healthy"}
    words |= {"dead": "A dead", "standing": "A standing collapse"}
    figure.tells({f"{number(data, name)},saturating,shown,400": text for name, text in words.items()})


def test_dragging_moves_the_step(figure):
    figure.follow("3,saturating,shown,400")
    box = figure.panel(0)
    mouse(figure.page, box["x"] + 150, box["y"] + box["height"] / 2, (box["width"] - 62) * 100 / 832)
    assert figure.state()[-1] == "500"
    assert figure.press("Reset") == ["1", "non-saturating", "hidden", "800"]
