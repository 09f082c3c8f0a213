"""The figure "shares" of question 3 (a): the package's metrics of the samples that it draws, its gestures, its task."""

import re

import numpy as np
import pytest
from drags import mouse
from explorable_reader import Figure
from playwright.sync_api import expect

from genmodels.data.toy import ring
from genmodels.measures import metrics

RING = ring(modes=8, radius=1, sd=0.05)
HONEST, START = 8 * [125], [333, 334, 333, *5 * [0]]
UNEVEN, LUCKY = [650, *7 * [50]], [993, *7 * [1]]
OTHERS = [[*7 * [0], 1000], [1, 999, *6 * [0]], [300, 200, 100, 90, 130, 110, 0, 70], [13, *7 * [141]]]


@pytest.fixture(scope="module")
def figure(open_shared, site):
    """Its panels: 0 bars, 1 ring."""
    return Figure(open_shared(), f"{site}/sheet-2/3a-mode-collapse.html", "shares").open()


def drawn(figure: Figure) -> np.ndarray:
    """Return the places of all samples in the plane, (n, 2)."""
    half = figure.panels.nth(1).evaluate("svg => svg.querySelector('svg').width.baseVal.value") / 2
    paths = figure.root.locator("path.dots").evaluate_all("all => all.map(path => path.getAttribute('d')).join('')")
    return (np.array(re.findall(r"M([\d.]+),([\d.]+)h0", paths), float) - half) / half * (1.22, -1.22)


def pull(figure: Figure, mode: int, share: float) -> list[float]:
    """Drag the top of a bar to a share: 32 pixels lie left of the axes, 8 right, 6 above, 36 below."""
    box, per_share = figure.panel(0), (figure.panel(0)["height"] - 42) / 1.12
    at = figure.numbers()[mode] / 1000
    x = box["x"] + 32 + (mode + 0.6) / 8.2 * (box["width"] - 40)
    mouse(figure.page, x, box["y"] + 6 + (1.12 - at) * per_share, 30, (at - share) * per_share)
    return figure.numbers()


def is_the_package(figure: Figure) -> None:
    """What is shown is what the package says of the samples that are drawn; these are shared as the bars are."""
    places, counts = drawn(figure), np.array(figure.numbers())
    assert 1000 * metrics.mode_shares(places, RING) == pytest.approx(counts)
    assert len(places) == 1000
    expected = {
        "captured": float(metrics.modes_captured(places, RING)),
        "effective": float(metrics.effective_modes(places, RING)),
        "divergence": float(metrics.kl_over_modes(places, RING)),
        "ratio": counts.min() / 125,
    }
    assert figure.shown() == pytest.approx(expected, abs=1e-9)
    assert figure.panels.nth(1).locator("circle.marker").count() == 8 - expected["captured"]
    texts = figure.panels.nth(0).locator("text").all_text_contents()
    assert texts[-8:] == [f"{count / 10:.1f}" if 0 < count < 10 else str(int(count / 10 + 0.5)) for count in counts]


def test_numbers_are_the_package_s_of_the_samples_drawn(figure):
    for counts in (START, UNEVEN, LUCKY, *OTHERS, HONEST):
        figure.follow(counts)
        is_the_package(figure)
    figure.follow([1, 1, *6 * [0]], asked=False)  # made to add up
    assert figure.numbers() == [500, 500, *6 * [0]]
    is_the_package(figure)
    figure.follow(8 * [0], asked=False)
    assert figure.numbers() == HONEST
    around = drawn(figure).reshape(8, 125, 2) - RING.centres[:, None]  # they are Gaussian
    assert around.std(axis=(0, 1)) == pytest.approx(2 * [RING.sd], rel=0.05)
    assert around.mean(axis=(0, 1)) == pytest.approx([0, 0], abs=0.003)


def test_buttons_and_notes(figure):
    for name, counts, words in (
        ("Honest", HONEST, "No collapse"),
        ("Uneven", UNEVEN, "Uneven, not collapsed"),
        ("Lucky", LUCKY, "Collapsed: one mode is left, though 8 are captured."),
        ("Modes missing", START, "Partial collapse: 3 modes are left."),
    ):
        assert figure.press(name) == [str(count) for count in counts]
        expect(figure.note).to_contain_text(words)


def test_task_is_solved_by_dragging(figure):
    figure.press("Honest")
    pull(figure, 2, 0.93)
    is_the_package(figure)
    first = figure.shown()
    figure.press("Honest")
    for mode in (1, 3, 5, 7):
        pull(figure, mode, -0.1)
    is_the_package(figure)
    second = figure.shown()
    figure.press("Uneven")
    assert (first["captured"], second["captured"]) == (8, 4)
    assert first["effective"] < 1.5 < figure.shown()["effective"] < second["effective"]


def test_others_keep_their_proportions_and_come_back(figure):
    start = [300, 200, 100, 100, 50, 50, 150, 50]
    figure.follow(start)
    after = pull(figure, 0, 0.65)
    assert after[0] == pytest.approx(650, abs=6)
    assert after[1:] == pytest.approx(np.array(start[1:]) * (1000 - after[0]) / 700, abs=1)
    assert pull(figure, 0, 1.2) == [1000, *7 * [0]]
    assert pull(figure, 0, 0.3) == pytest.approx(start, abs=6)
    figure.follow([1000, *7 * [0]])  # where nothing is left of the others, they share evenly
    assert pull(figure, 0, 0.3)[1:] == pytest.approx(7 * [100], abs=1)


def test_arrow_keys_go_on_from_a_bar_and_in_the_sliders(figure):
    figure.press("Honest")
    dragged = pull(figure, 1, 0.5)  # its slider is folded away
    for key in ("ArrowUp", "ArrowUp", "ArrowRight", "ArrowDown"):
        figure.page.keyboard.press(key)
    assert figure.numbers()[1] == dragged[1] + 2
    figure.root.locator("summary").click()
    slider = figure.root.get_by_label("mode 7")
    for key, there in (("End", 1000), ("ArrowLeft", 999), ("Home", 0)):
        slider.press(key)
        assert figure.numbers()[7] == there
        is_the_package(figure)
    expect(slider).to_have_attribute("aria-valuetext", "0.0 %")
    figure.root.locator("summary").click()


def test_bars_ring_and_numbers_are_seen_together_on_a_phone(open_page, site):
    page = open_page(viewport={"width": 390, "height": 844})
    figure = Figure(page, f"{site}/sheet-2/3a-mode-collapse.html", "shares").open()
    bars, numbers = figure.panel(0), figure.root.locator("dl").bounding_box()
    assert numbers["y"] + numbers["height"] - bars["y"] < 844 - 120  # less the bar on top, with some room
    assert figure.stays_inside(1) == 8
