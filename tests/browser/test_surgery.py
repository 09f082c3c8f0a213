"""The figure "surgery" of question 1 (b): its numbers against the package's, its drawings and its gestures."""

import math

import numpy as np
import pytest
from drags import mouse
from explorable_reader import Figure
from playwright.sync_api import FloatRect, expect
from scipy.stats import norm

from genmodels.measures.divergences import elbo_surgery

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


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/sheet-2/1b-latent-space.html", "surgery").open()


def at(box: FloatRect, share: float) -> float:
    """Return the pixel where this share of the x axis is: 54 pixels lie left of it, 8 right."""
    return box["x"] + 54 + share * (box["width"] - 62)


def test_numbers_are_those_of_the_package(figure):
    for log, means in SETTINGS:
        figure.follow((log, *means))
        expected = elbo_surgery(means, [10**log] * 8)._asdict()
        expected["variance"] = 10 ** (2 * log) + np.var(means)
        got = figure.shown()
        assert got == pytest.approx(expected, abs=1e-7, rel=0), (log, means)
        assert got["rate"] == pytest.approx(got["information"] + got["marginal"], abs=1e-7), (log, means)


def test_note_tells_the_case(figure):
    for words, (log, means) in NOTES.items():
        figure.follow((log, *means))
        expect(figure.note).to_contain_text(words)
    figure.stands_still([",".join(f"{value:g}" for value in (log, *means)) for log, means in NOTES.values()])


def test_buttons_jump_and_the_last_one_to_the_posteriors_of_the_page(figure):
    moved = [0.5, *MEANS[1:]]
    figure.follow((-0.5, *moved))
    for name, expected in {
        "Needles": [-2, *MEANS],
        "Width 1": [0, *MEANS],
        "Together the prior": [-0.3, *EVEN],
        "Each the prior": [0] + 8 * [0],
        "Reset": [-1, *MEANS],
    }.items():
        figure.press(name)
        assert figure.numbers() == expected


def test_the_nearest_mean_is_dragged(figure):
    figure.press("Reset")
    box = figure.panel(0)
    nearest = int(np.argmin(np.abs(np.array(MEANS) - 1)))
    mouse(figure.page, at(box, 0.6), box["y"] + 0.6 * box["height"], 40)  # from z = 1
    after = figure.numbers()
    assert after[1 + nearest] == pytest.approx(MEANS[nearest] + 40 * 10 / (box["width"] - 62), abs=0.011)
    assert after[:1] + after[1 : 1 + nearest] + after[2 + nearest :] == [-1, *MEANS[:nearest], *MEANS[nearest + 1 :]]
    assert figure.root.locator("path.thin.area").count() == 1  # the one that is held
    figure.page.keyboard.press("ArrowLeft")
    assert figure.numbers()[1 + nearest] == pytest.approx(after[1 + nearest] - 0.01, abs=1e-9)


def test_the_width_is_dragged_on_the_curves(figure):
    figure.press("Reset")
    box = figure.panel(1)
    mouse(figure.page, at(box, 0.3), box["y"] + 0.4 * box["height"], 80)
    assert figure.numbers()[0] == pytest.approx(-1 + 80 * 2.7 / (box["width"] - 62), abs=0.011)
    assert figure.numbers()[1:] == MEANS
    figure.page.keyboard.press("End")
    assert figure.numbers()[0] == 0.5


def test_every_posterior_is_drawn_and_no_dot_leaves_its_panel(figure):
    for log, means in ((-2, [-2.5, 2.5] * 4), (0.5, [2.5] * 8), (-1, MEANS)):
        figure.follow((log, *means))
        assert figure.root.locator("path.thin").count() == 8
        assert [figure.stays_inside(panel) for panel in (0, 1)] == [8, 3]
        assert figure.names(1) == ["rate", "information", "KL(q ‖ p)"]
    assert figure.axes() == ["z", "s"]
    told = figure.root.locator("#surgery-width").get_attribute("aria-valuetext")
    assert told.endswith("0.100")  # the width, not its logarithm
