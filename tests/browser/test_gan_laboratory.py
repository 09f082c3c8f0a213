"""The GAN laboratory: what its buttons and controls do to the game, and what it says of it."""

import re

import numpy as np
import pytest
from drags import steady
from explorable_reader import Figure
from playwright.sync_api import expect

from genmodels.data.toy import GaussianModes
from genmodels.measures.metrics import effective_modes, mode_shares

PATH = "gan-laboratory.html"
OWN = "9hch9qcqhhqhhqqqzhzqlele"
START = f"ring,non-saturating,alone,both,64,5,1,1,6,6,{OWN}"
VALUES = """root => [...root.querySelectorAll(".explorable-choice select, .explorable-slider input")]
    .map((input) => input.value)"""
PRESETS = {
    "No overlap": "far,saturating,alone,D,64,1,1,1,6,6",
    "Slow D": "ring,non-saturating,alone,both,64,5,1,1,3,6",
    "Fast D": "ring,non-saturating,alone,both,64,all,20,1,6,6",
    "Cure": "ring,non-saturating,two,both,64,all,1,1,3,6",
    "No cure": "ring,saturating,alone,both,64,5,1,1,3,6",
}


@pytest.fixture
def figure(page, site):
    return Figure(page, f"{site}/{PATH}", "gan").open(START)


def press(figure, name, times=1):
    for _ in range(times):
        figure.root.get_by_role("button", name=name, exact=True).click()
    shown = figure.shown()
    del shown["pace"]  # measured by the clock
    return shown


def choose(figure, name, value):
    figure.root.locator(f"#gan-{name}").select_option(value)


def slide(figure, name, value):
    figure.root.locator(f"#gan-{name}").fill(str(value))


def samples(figure):
    return figure.panels.first.locator("path.generator").get_attribute("d")


def test_steps_are_counted_and_a_seed_gives_one_run(figure):
    first = press(figure, "Step", 12)
    assert first["step"] == 12 and 1 < first["L_D"] < 2 and 0.3 < first["L_G"] < 1.5
    press(figure, "Restart")
    assert figure.shown()["step"] == 0
    assert press(figure, "Step", 12) == first
    slide(figure, "seed", 2)
    assert figure.shown()["step"] == 0
    assert press(figure, "Step", 12)["L_D"] != first["L_D"]


def test_modes_in_use_are_those_of_the_shares(figure):
    """The shares are read off the last column of their picture, in which 255 greys stand for 0 to 1/2."""
    press(figure, "Step", 60)
    shares = figure.greys()[1][:, -1] / 2
    assert shares.sum() == pytest.approx(1, abs=8 / 510) and shares.max() < 0.5
    modes = np.exp(-sum(r * np.log(r) for r in shares if r))
    assert figure.shown()["modes"] == pytest.approx(modes, rel=0.03)


def test_first_samples_are_judged_as_in_the_package(figure):
    """All drawn samples of one state, read off the map: their nearest modes are those of the metrics."""
    angle = np.arange(8) * np.pi / 4
    target = GaussianModes(np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.05)
    across = figure.panels.first.evaluate("svg => svg.querySelector('svg').width.baseVal.value")
    at = np.array([pair.split(",") for pair in re.findall(r"[\d.-]+,[\d.-]+", samples(figure))], float)
    points = (at / across * 2 - 1) * (1.8, -1.8)
    assert len(points) == 192
    assert figure.shown()["modes"] == pytest.approx(effective_modes(points, target), rel=0.12)  # of 192, not 512
    seen = figure.greys()[1][:, -1] / 2
    np.testing.assert_allclose(seen, np.minimum(mode_shares(points, target), 0.5), atol=0.1)


def test_each_player_can_learn_alone(figure):
    press(figure, "Step", 3)
    choose(figure, "learns", "D")
    before, at, map_ = figure.shown(), samples(figure), figure.greys()[0]
    after = press(figure, "Step", 30)
    assert samples(figure) == at and after["L_D"] < before["L_D"] and after["step"] == 33
    assert not np.array_equal(figure.greys()[0], map_)
    expect(figure.note).to_contain_text("Only D learns")
    choose(figure, "learns", "G")
    map_ = figure.greys()[0]
    press(figure, "Step", 3)
    assert samples(figure) != at
    np.testing.assert_array_equal(figure.greys()[0], map_)


def test_without_overlap_one_loss_gives_a_far_larger_slope(figure):
    """The mean of (1 - D) / D, which is large where D knows all samples."""
    press(figure, "No overlap")
    slide(figure, "rateD", 9)
    press(figure, "Step", 40)
    flat = figure.shown()
    choose(figure, "loss", "non-saturating")
    steep = figure.shown()
    assert flat["step"] == steep["step"] == 40 and -0.02 < flat["L_G"] < 0
    assert steep["slope"] > 100 * flat["slope"]


def test_rules_change_while_it_runs(figure):
    press(figure, "Step", 4)
    slide(figure, "rateD", 3)
    choose(figure, "loss", "saturating")
    assert press(figure, "Step")["step"] == 5 and figure.shown()["L_G"] < 0
    choose(figure, "sees", "two")
    assert figure.shown()["step"] == 5
    expect(figure.note).to_contain_text("D began anew at step 5")
    for value in ("four", "std", "R1", "GP"):
        choose(figure, "sees", value)
        assert np.isfinite(press(figure, "Step")["L_D"])
    choose(figure, "units", "16")
    assert figure.shown()["step"] == 0


def test_play_runs_and_pauses(figure):
    button = figure.root.get_by_role("button").first
    button.click()
    expect(button).to_have_text("Pause")
    expect(figure.root.locator("[data-name=step]")).to_have_attribute("data-value", re.compile(r"^[1-9]\d"))
    button.click()
    paused = figure.shown()["step"]
    figure.page.wait_for_timeout(300)
    assert figure.shown()["step"] == paused


def test_lessons_set_the_state_and_links_keep_it(figure):
    for name, state in PRESETS.items():
        press(figure, name)
        assert figure.root.evaluate(VALUES) == state.split(",")
        expect(figure.page).to_have_url(re.compile(re.escape(f"#explore?gan={state},{OWN}") + "$"))
    figure.open(f"grid,wasserstein,GP,G,16,all,5,7,2,9,{OWN}")
    assert figure.root.evaluate(VALUES) == "grid,wasserstein,GP,G,16,all,5,7,2,9".split(",")
    for nonsense in ("ring,none", f"{START}!", "toString,saturating,alone,both,64,5,1,1,6,6"):
        figure.open(nonsense)
        assert figure.root.evaluate(VALUES) == START.split(",")[:-1]


def test_points_are_drawn(figure):
    choose(figure, "data", "own")
    box, mouse = steady(figure.page, figure.root.get_by_role("application")), figure.page.mouse
    mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    mouse.up()
    expect(figure.page).to_have_url(re.compile(r",([0-9a-z]{2}){6}$"))  # the first replaces those of the start
    assert np.isfinite(press(figure, "Step", 3)["modes"])


def test_points_are_drawn_by_keyboard(figure):
    choose(figure, "data", "own")
    figure.root.get_by_role("application").focus()
    for keys, points in (("Enter", 1), ("Enter", 1), ("ArrowUp ArrowUp ArrowRight Enter", 2), ("ArrowDown Enter", 3)):
        for key in keys.split():
            figure.page.keyboard.press(key)
        expect(figure.root.get_by_role("status")).to_have_text(re.compile(f"; {points} points"))
    expect(figure.root.locator(".cross.ink")).to_have_count(2)
    figure.page.keyboard.press("Backspace")
    expect(figure.page).to_have_url(re.compile(",iijk$"))
    figure.page.keyboard.press("Tab")
    expect(figure.root.locator(".cross")).to_have_count(0)


def test_sixteen_seeds_are_tried(figure):
    figure.page.set_viewport_size({"width": 390, "height": 844})
    figure.open(f"lines,non-saturating,alone,both,16,all,1,1,6,6,{OWN}")
    press(figure, "Try 16 seeds")
    expect(figure.note).to_contain_text("16 seeds use at least", timeout=300_000)
    expect(figure.note).to_be_in_viewport(ratio=1)
    modes = [float(text) for text in figure.panels.nth(4).locator("text:not(.axis)").all_text_contents()]
    assert len(modes) == 16 and min(modes) >= 1
    heights = figure.panels.nth(5).locator("rect").evaluate_all("all => all.map(one => one.height.baseVal.value)")
    counts = [sum(round(used) == k for used in modes) for k in (1, 2)]
    np.testing.assert_allclose(np.array(heights) / sum(heights), np.array(counts) / 16, atol=1e-6)
    slide(figure, "rateD", 5)  # other rules: what was tried says nothing of them
    expect(figure.panels.nth(4)).to_be_hidden()


def test_readers_who_want_nothing_to_move_get_steps(open_page, site):
    figure = Figure(open_page(reduced_motion="reduce"), f"{site}/{PATH}", "gan").open(START)
    press(figure, "200 steps")
    expect(figure.root.locator("[data-name=step]")).to_have_attribute("data-value", "200")


def test_without_webassembly_the_page_says_so(page, site):
    page.add_init_script("delete window.WebAssembly")
    page.goto(f"{site}/{PATH}#explore")
    page.locator("[data-explorable=gan]").scroll_into_view_if_needed()
    expect(page.locator(".explorable-note")).to_contain_text("which this browser does not have")


def test_only_laboratories_may_compile(html):
    allowed = [path.name for path in html.rglob("*.html") if "wasm-unsafe-eval" in path.read_text(encoding="utf-8")]
    assert sorted(allowed) == [PATH, "vae-laboratory.html"]


@pytest.mark.parametrize(("width", "most"), [(320, 2000), (390, 1900), (768, 760), (1280, 660)])
def test_it_fits_and_nothing_moves(page, site, width, most):
    page.set_viewport_size({"width": width, "height": 800})
    figure = Figure(page, f"{site}/{PATH}", "gan").open(START)
    heights = {figure.root.evaluate("e => e.offsetHeight")}
    for state in PRESETS.values():
        figure.follow(f"{state},{OWN}", asked=False)
        press(figure, "Step", 2)
        heights.add(figure.root.evaluate("e => e.offsetHeight"))
    assert len(heights) == 1 and heights.pop() <= most, heights
    assert page.evaluate("document.documentElement.scrollWidth") <= width
