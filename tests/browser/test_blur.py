"""The figure "blur" of question 1 (d): its numbers, its lines and its pixels against the package's."""

import numpy as np
import pytest
from drags import mouse
from explorable_reader import Figure, points

from genmodels.data.toy import edge_images
from genmodels.measures.spectra import high_frequency_power, max_slope, power_spectrum

NOISE = np.random.default_rng(200).standard_normal(64).round(3)
NOTES = {
    "1": "The mean is the image",
    "2": "Edges have become ramps",
    "32": "Edges have become ramps",
    "33": "Ramps have met",
    "63": "Ramps have met",
    "64": "even grey",
}


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/sheet-2/1d-blur.html", "blur").open("8")


def parts(w: int) -> tuple[np.ndarray, float]:
    """Return image, mean and sample, (3, 64), and the variance left out, as the package has them."""
    members = edge_images(w)
    mean = members.mean(0)
    variance = float(np.mean((members - mean) ** 2))
    return np.array([members[w // 2], mean, mean + np.sqrt(variance) * NOISE]), variance


def test_numbers_and_pixels_are_those_of_the_package(figure):
    for w in range(1, 65):
        figure.follow(str(w))
        rows, variance = parts(w)
        data = high_frequency_power(edge_images(w))
        expected = {
            "slope": float(max_slope(rows[1])),
            "variance": variance,
            "kept": high_frequency_power(rows[1:2]) / data,
            "grain": high_frequency_power(rows[2:]) / data,
        }
        shown = figure.shown()
        assert shown == pytest.approx(expected, abs=1e-9, rel=0), w
        # 1 - the mean's power: equation eq-1d-power, summed over all modes
        assert shown["variance"] + power_spectrum(edge_images(w).mean(0)).sum() == pytest.approx(1, abs=1e-12)
        (image,) = figure.greys()
        assert image.shape == (3, 64)
        assert np.abs(image - np.clip((rows + 1) / 2, 0, 1)).max() <= 0.5 / 255 + 1e-8, w


def test_lines_are_images_mean_sample_and_their_power(figure):
    images, strips, spectrum = figure.panels.all()
    size = "svg => [svg.lastChild.height, svg.lastChild.width].map(side => side.baseVal.value)"
    for w in (1, 3, 8, 40, 63):
        figure.follow(str(w))
        rows, _ = parts(w)
        down, across = images.evaluate(size)
        drawn = [*edge_images(w)[:: -(-w // 8)], rows[0], rows[1]]
        assert images.locator("path").count() == len(drawn)
        for path, row in zip(images.locator("path").all(), drawn, strict=True):
            at = points(path)
            assert np.abs(at[:, 0] - np.repeat(np.arange(65), 2)[1:-1] * across / 64).max() < 0.06
            assert np.abs(at[:, 1] - (1.2 - np.repeat(row, 2)) * down / 2.4).max() < 0.06
        down = spectrum.evaluate(size)[0]
        for path, row in zip(spectrum.locator("path:not(.grid)").all(), rows, strict=True):
            power = np.log10(power_spectrum(row)[1::2])
            assert np.abs(points(path)[:, 1] - (0.5 - power) * down / 7.5).max() < 0.06
    assert strips.locator("text").all_text_contents()[:3] == ["image", "mean", "sample"]
    assert figure.names(2) == ["image", "mean", "sample"]
    assert figure.axes() == ["pixel", "pixel", "frequency, cycles per pixel"]


def test_note_tells_the_case_and_buttons_lead_to_telling_ones(figure):
    figure.tells(NOTES)
    figure.stands_still(NOTES)
    figure.follow("20")
    for name, w in {"Code knows all": "1", "Code knows nothing": "64", "Reset": "8"}.items():
        assert figure.press(name) == [w]


@pytest.mark.parametrize("panel", [0, 1])  # the last lies in front of an image, which must not take the press
def test_dragging_pulls_the_edges_apart(figure, panel):
    figure.follow("8")
    box = figure.panel(panel)
    mouse(figure.page, box["x"] + 0.4 * box["width"], box["y"] + 0.4 * box["height"], 100)
    (after,) = figure.numbers()
    assert abs(after - 8 - 100 * 64 / (box["width"] - 62)) <= 0.51
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        figure.page.keyboard.press(key)
    assert figure.numbers() == [after + 1]
