"""The figure "Water level" of question 1 (c): its numbers and images against the package's, and its gestures."""

import itertools
import math

import numpy as np
import pytest
from explorable_reader import Figure, points

from genmodels.data import mnist
from genmodels.vae.linear import cost_of_collapse, optimum, rate_distortion

OCTAVE, MSE = 109, 939  # steps of a slider from 1 to 2, and to 784 / 2
VARIANCES, BETAS = (-327, -109, -1, 0, 71, 218, 255, 256, MSE, 981), (-109, -3, 0, 109, 208, 327)
SETTINGS = list(itertools.product(VARIANCES, BETAS))
DEFAULT = "-109,0"
CHOSEN = [3, 21]
NOTES = {
    "-109,0": "What sticks out is encoded",
    "255,0": "What sticks out is encoded",
    "256,0": "Collapsed",
    "-327,327": "What sticks out is encoded",
    f"{MSE},0": "mean image",
}
TOP, BOTTOM, LEFT, RIGHT, HEIGHT, CURVE = 6, 36, 54, 8, 184, 146  # of the panels, in pixels


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


@pytest.fixture(scope="module")
def figure(open_shared, site):
    """Of its panels: 0 to 3 images, two digits, each followed by what it is decoded to, 4 water, 5 curve."""
    return Figure(open_shared(), f"{site}/sheet-2/1c-constant-encoder.html", "water").open()


def place(figure: Figure) -> list[float]:
    """Return where the point on the curve is, in pixels from the panel's corner."""
    return figure.panels.nth(5).locator("circle").evaluate("dot => [dot.cx.baseVal.value, dot.cy.baseVal.value]")


def images(figure: Figure) -> np.ndarray:
    """Return what is painted (4, 784)."""
    return np.reshape(figure.greys(), (4, 784))


def test_numbers_are_those_of_the_package(figure, pca):
    for variance, beta in SETTINGS:
        figure.follow((variance, beta))
        s2, b = size(variance), size(beta)
        best = optimum(pca[0], s2, b)
        expected = {
            "level": s2 * b,
            "active": best.active.sum(),
            "rate": best.rate,
            "error": best.distortion,
            "price": cost_of_collapse(pca[0], s2, b).sum(),
        }
        assert figure.shown() == pytest.approx(expected, abs=1e-6, rel=1e-9), (variance, beta)


def test_images_are_those_of_the_package(figure, pixels, pca):
    (values, directions), mean = pca, pixels.mean(0)
    for variance, beta in [(-327, -109), (-327, 0), (-109, 0), (0, 0), (-109, 208), (0, 130), (230, 0), (MSE, 327)]:
        figure.follow((variance, beta))
        best, painted = optimum(values, size(variance), size(beta)), images(figure)
        for index, digit in enumerate(pixels[CHOSEN]):
            # encoder v = w / l, decoder w: w v = w^2 / l
            decoded = mean + (digit - mean) @ directions * best.mean_variances @ directions.T
            assert painted[2 * index] == pytest.approx(digit, abs=1e-2), (variance, beta)
            assert painted[2 * index + 1] == pytest.approx(decoded.clip(0, 1), abs=1e-2), (variance, beta)


def test_note_tells_the_case(figure):
    figure.tells(NOTES)
    figure.stands_still(NOTES)


def test_buttons(figure, pca):
    figure.follow("-170,40")
    assert figure.press("mse_loss") == [str(MSE), "0"]
    assert figure.shown()["level"] == pytest.approx(392, rel=1e-12)
    assert figure.press("Half the squared error") == ["0", "0"]
    assert figure.shown()["level"] == 1
    assert figure.press("Collapsed")[1] == "0"
    assert pca[0][0] < figure.shown()["level"] < 1.01 * pca[0][0]
    four, same, nine, blob = images(figure)
    assert abs(four - nine).max() > 0.9 and np.array_equal(same, blob)
    assert figure.press("Reset") == DEFAULT.split(",")


def test_at_a_fixed_level_beta_moves_the_price_alone(figure):
    figure.follow("120,0")
    before, dot = figure.shown(), place(figure)
    for times in (1, 2, 3):
        assert figure.press("β doubled, σ² halved") == [str(120 - OCTAVE * times), str(OCTAVE * times)]
        factor = size(OCTAVE * times)
        assert figure.shown() == pytest.approx(before | {"price": before["price"] * factor}, rel=1e-12)
        assert place(figure) == dot
    # at the end of the slider nothing moves
    assert figure.press("β doubled, σ² halved") == [str(120 - 3 * OCTAVE), "327"]


def test_drawings(figure, pca):
    box = figure.panels.nth(5).bounding_box()
    across, down = (box["width"] - LEFT - RIGHT) / 48, (CURVE - TOP - BOTTOM) / 65  # pixels per unit
    for variance, beta in [(-327, -109), (-250, 0), (-109, 109), (80, 0), (MSE, 327)]:
        figure.follow((variance, beta))
        error = figure.shown()["error"]
        expected = [error * across, (62 - rate_distortion(pca[0], error)) * down]
        assert place(figure) == pytest.approx(expected, abs=0.5)  # on the curve
    for variance, beta in itertools.product((-327, 981), (-109, 327)):
        figure.follow((variance, beta))
        assert figure.stays_inside(5) == 1
    # the curve is Shannon's, drawn to a tenth of a pixel
    for x, y in points(figure.panels.nth(5).locator("path.distance"))[::10]:
        low, high = (rate_distortion(pca[0], max(x / across + off, 0.1)) for off in (0.1, -0.1))
        assert low - 0.1 <= 62 - y / down <= high + 0.1


def test_bars_tell_what_is_encoded(figure, pca):
    figure.follow("0,0")
    encoded, lost = (
        np.array(
            figure.panels.nth(4).locator(f"rect.{role}").evaluate_all("all => all.map(one => one.height.baseVal.value)")
        )
        for role in ("posterior", "distance")
    )
    assert len(encoded) == len(lost) == 60
    # on the logarithmic axis the height above the level is the rate, so many pixels a nat
    per_nat = 2 * MSE / math.log(392) * (HEIGHT - TOP - BOTTOM) / (7.5 * OCTAVE)
    assert encoded == pytest.approx(per_nat * optimum(pca[0], 1).rates, abs=1e-3)
    assert encoded + lost == pytest.approx(per_nat / 2 * np.log(pca[0] / size(-4 * OCTAVE)), abs=1e-3)
    assert figure.names(4) == ["1"]
    figure.follow((MSE, 0))
    assert figure.names(4) == ["392, off the scale"]
