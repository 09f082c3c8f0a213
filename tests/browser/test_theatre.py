"""The figure "Collapse theatre" of questions 3 (b) and 3 (c): what it stores against runs trained anew."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from explorable_reader import Figure, data_of, points
from playwright.sync_api import expect

from genmodels.data.toy import ring
from genmodels.gan.config import GANConfig
from genmodels.gan.train import GANRuns, train_gans
from genmodels.measures.metrics import effective_modes, mode_shares
from genmodels.site.seeds import seeds

PATHS = {"3b": "sheet-2/3b-why-collapse.html", "3c": "sheet-2/3c-packing.html"}
TARGET, LAGGING = ring(modes=8, radius=1, sd=0.05), GANConfig(lr_D=2e-4)
CONFIGS = {"lagging": LAGGING, "packs of 2": replace(LAGGING, pack=2), "balanced": GANConfig()}
SCALES = (0.3, 0.2, 1.0)  # of the logits, black at minus, white at plus
MARGINS = 21  # pixels, of each panel: three maps, three histograms, three barcodes


@pytest.fixture(scope="module")
def data(html):
    return data_of(html, "theatre")


@pytest.fixture(scope="module")
def runs(data: dict[str, Any]) -> list[GANRuns]:
    """The three runs, trained anew; the map of pairs is probed with the centres as partners."""
    side = data["side"]
    middle = data["reach"] * (2 * np.arange(side) + 1) / side - data["reach"]
    points = np.array([(x, y) for y in middle[::-1] for x in middle])
    pairs = np.array([(point, centre) for point in points for centre in TARGET.centres])
    return [
        train_gans(TARGET, config, seeds(1), 1500, snapshot_every=5, probes=pairs if config.pack == 2 else points)
        for config in CONFIGS.values()
    ]


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/{PATHS['3b']}", "theatre").open()


def test_numbers_are_those_of_the_package(figure, data, runs):
    for t, step in enumerate(data["steps"]):
        figure.follow(f"shown,{t}")
        samples = [run.snapshots[0, step // 5] for run in runs]
        expected = [effective_modes(x, TARGET) for x in samples] + [mode_shares(x, TARGET).max() for x in samples]
        np.testing.assert_allclose(list(figure.shown().values()), expected, rtol=0, atol=1e-6, err_msg=str(step))


def test_maps_are_the_logits_in_greys(figure, data, runs):
    for t in (0, 7, 20, 43):
        figure.follow(f"shown,{t}")
        for run, scale, grey in zip(runs, SCALES, figure.greys()[:3], strict=True):
            logits = run.probe_logits[0, data["steps"][t] // 5].reshape(*grey.shape, -1).mean(axis=2)
            expected = np.clip((logits / scale + 1) / 2, 0, 1)
            # off by half of one of 32 greys, and by half of one of the screen's 256
            np.testing.assert_allclose(grey, expected, rtol=0, atol=0.5 / 31 + 0.5 / 255 + 1e-5)


def test_dots_are_samples_and_circles_are_modes(figure, data, runs):
    reach = data["reach"]
    for t in (0, 20, 43):
        figure.follow(f"shown,{t}")
        for i, run in enumerate(runs):
            width, circles = figure.panels.nth(i).evaluate(
                """svg => [svg.viewBox.baseVal.width, [...svg.querySelectorAll("circle")].map(one =>
                    [one.cx.baseVal.value, one.cy.baseVal.value, one.classList.contains("generator"),
                     one.classList[0] === "marker"])]"""
            )
            at, generated, marked = np.hsplit(np.array(circles), [2, 3])
            at = at * 2 * reach / (width - MARGINS) * (1, -1) + (-reach, reach)
            dots, modes = at[generated[:, 0] == 1], at[generated[:, 0] == 0]
            samples = run.snapshots[0, data["steps"][t] // 5]
            assert len(dots) == 48
            nearest = np.abs(dots[:, None] - np.clip(samples, -reach, reach)).max(axis=2).min(axis=1)
            assert nearest.max() < 0.015  # half of a step of 3.6 / 127
            np.testing.assert_allclose(modes, TARGET.centres, atol=1e-3)
            shares = mode_shares(samples, TARGET)
            assert (marked[generated == 0] == (shares == shares.max())).all()


def test_bars_and_barcodes_are_the_shares(figure, data, runs):
    figure.follow("shown,30")
    times = np.array(data["steps"]) // 5
    for run, bars, code, grey in zip(
        runs, figure.panels.all()[3:6], figure.panels.all()[6:], figure.greys()[3:], strict=True
    ):
        shares = mode_shares(run.snapshots[0, times], TARGET)
        jump = int(data["chase"])  # two columns are left free before it
        seen = np.delete(grey, [jump, jump + 1], axis=1)
        np.testing.assert_allclose(seen, np.minimum(2 * shares.T, 1), atol=0.5 / 255 + 1e-9)
        assert [code.locator("text").all_text_contents()[i] for i in (8, 9, 10)] == ["0", "1200", "1500"]
        heights = bars.locator("rect").evaluate_all("all => all.map(one => one.height.baseVal.value)")
        np.testing.assert_allclose(heights, 60 * shares[30], atol=1e-3)
        across = code.evaluate("svg => svg.viewBox.baseVal.width") - MARGINS
        assert points(code.locator("path.marker"))[0, 0] == pytest.approx(32.5 * across / grey.shape[1], abs=0.06)


def test_names_can_be_hidden(figure):
    figure.follow("hidden,30")
    for name in CONFIGS:
        expect(figure.note).not_to_contain_text(name)
    figure.root.get_by_label("all names", exact=True).check()
    expect(figure.note).to_contain_text(
        "; ".join(f"{letter}: {name}" for letter, name in zip("ABC", CONFIGS, strict=True))
    )


def test_a_guess_is_answered(figure, data, runs):
    ends = [effective_modes(run.snapshots[0, -1], TARGET) for run in runs]
    words = [f"No: {letter} ends on {end:.1f} modes" for letter, end in zip("ABC", ends, strict=True)]
    words[list(CONFIGS).index("lagging")] = "Right: A"
    figure.tells({f"{letter},30": words["ABC".index(letter)] for letter in "CBA"})


@pytest.mark.parametrize("where", PATHS)
def test_each_page_begins_with_what_it_asks_about(page, site, data, where):
    expected = {"3b": ["hidden", data["chase"]], "3c": ["shown", "0"]}[where]
    figure = Figure(page, f"{site}/{PATHS[where]}", "theatre").open()
    assert figure.state() == expected
    page.locator("#theatre-moment").fill("5")
    assert figure.press("Reset") == expected


def test_buttons_jump_to_telling_moments(figure, data):
    figure.follow("shown,7")
    assert figure.press("The chase") == ["shown", data["chase"]]
    lagging, packed, balanced, *_ = figure.shown().values()
    assert lagging < 2 and min(packed, balanced) > 7
    assert figure.press("First steps") == ["shown", "0"]
    values = list(figure.shown().values())
    assert values == [values[0]] * 3 + [values[3]] * 3  # the same generator three times


def test_play_runs_to_the_end_and_pauses(figure, data):
    last = len(data["steps"]) - 1
    figure.follow(f"shown,{last - 6}")
    button = figure.root.get_by_role("button").first
    button.click()
    expect(button).to_have_text("Pause")
    expect(figure.root.locator("#theatre-moment")).to_have_value(str(last))
    expect(button).to_have_text("Play")
    button.click()  # from the beginning
    button.click()
    expect(button).to_have_text("Play")
    assert 0 <= int(figure.state()[1]) < last


def test_notes_name_the_crowds_and_their_moves(figure, data, runs):
    told = set()
    figure.tells({"hidden,0": "The first weights", "hidden,9": "Which of the three lags? Choose its letter."})
    times = np.array(data["steps"]) // 5
    shares = np.array([mode_shares(run.snapshots[0, times], TARGET) for run in runs])
    modes = np.array([effective_modes(run.snapshots[0, times], TARGET) for run in runs])
    for t in range(1, len(times)):
        top = shares[:, t].argmax(axis=1)
        close = data["steps"][t] - data["steps"][t - 1] < 6
        crowds = (shares[:, t].max(axis=1) > 0.5) & (shares[:, t - 1].max(axis=1) > 0.5)
        new = close & crowds & (shares[range(3), t - 1, top] < 0.5)
        named = ["ABC"[i] for i in range(3) if (new if new.any() else modes[:, t] < 2.5)[i]]
        words = "Most samples of {} are on a new" if new.any() else "One crowd: {}." if named else "No run"
        figure.tells({f"A,{t}": words.format((" and " if new.any() else ", ").join(named))})
        told.add(words)
    assert len(told) == 3  # each is said at some moment, which differs between processors


@pytest.mark.parametrize("width", [390, 1280])
def test_runs_stand_side_by_side(page, site, width):
    page.set_viewport_size({"width": width, "height": 800})
    figure = Figure(page, f"{site}/{PATHS['3b']}", "theatre").open("shown,30")
    # at one moment: a page that has just been opened may still move
    boxes = figure.panels.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert len(boxes) == 9
    for row in range(3):
        assert len({round(box["y"]) for box in boxes[3 * row : 3 * row + 3]}) == 1
    assert boxes[0]["width"] > 90
