"""The figure "Latent map" of question 1 (a): its pixels against the trained decoders', its distances, its gestures."""

import numpy as np
import pytest
from drags import mouse
from explorable_reader import Figure, data_of
from scipy.spatial import cKDTree

from genmodels.data import mnist
from genmodels.site.seeds import seeds
from genmodels.vae.model import VAE, Autoencoder, decode, encode, train


@pytest.fixture(scope="module")
def models():
    """The two models of the page, trained anew as it says."""
    images = mnist.load("train")[0]
    sizes = {"latent_dim": 2, "hidden_dim": 32, "sigma2": 0.1}
    return [train(lambda kind=kind: kind(**sizes), images, seeds(1)[0], steps=1500) for kind in (Autoencoder, VAE)]


@pytest.fixture(scope="module")
def data(html):
    return data_of(html, "latent")


@pytest.fixture(scope="module")
def figure(open_shared, site):
    return Figure(open_shared(), f"{site}/sheet-2/1a-sampling.html", "latent").open()


def test_images_and_distances_are_those_of_the_package(figure, models, data):
    unseen = mnist.load("test")[0]
    codes = [encode(model, unseen)[0][:150] for model in models]
    rng = np.random.default_rng(0)
    ends = np.array([model["ends"] for model in data["models"]])  # (2 models, 2 axes, 2 ends)
    corners = [ends[:, :, 0], ends[:, :, 1], np.zeros((2, 2))]
    settings = [*corners, *(ends[:, :, 0] + rng.random((2, 2)) * np.ptp(ends, axis=2) for _ in range(17))]
    off = []
    for setting in settings:
        at = setting.round(2)  # the sliders' steps
        figure.follow(at.ravel(), asked=False)
        assert figure.numbers() == pytest.approx(at.ravel().tolist(), abs=1e-9)
        decoded = np.concatenate([decode(model, [point]) for model, point in zip(models, at, strict=True)])
        pictures = np.array(figure.greys()[:2])
        assert pictures.shape == decoded.shape == (2, 28, 28)
        off.append(abs(pictures - decoded).max())
        shown = list(figure.shown().values())[:2]
        nearest = [cKDTree(own).query(point)[0] for own, point in zip(codes, at, strict=True)]
        assert shown == pytest.approx(nearest, abs=0.015)  # codes travel in steps of .02, off by .01 in each direction
        exact = [
            min(np.hypot(*(np.array(model["codes"]) * model["codeStep"] - point).T))
            for model, point in zip(data["models"], at, strict=True)
        ]
        assert shown == pytest.approx(exact, abs=1e-9)
        far = [distance > model["usual"] for distance, model in zip(shown, data["models"], strict=True)]
        assert figure.note.inner_text().count("a guess") == sum(far)
    assert max(off) < 0.01
    assert len(settings) >= 20


def test_draws_go_to_both_models_and_the_last_ten_are_kept(page, site, data, models):
    figure = Figure(page, f"{site}/sheet-2/1a-sampling.html", "latent").open()  # anew: they come in an order
    seen = []
    for _ in range(len(data["draws"]) + 1):
        figure.press("Draw from the prior")
        at = figure.numbers()
        assert at[:2] == at[2:]
        seen.append(at[:2])
    assert seen[:-1] == data["draws"]
    assert seen[-1] == seen[0]  # round again
    assert np.abs(np.mean(data["draws"], axis=0)).max() < 1  # they are draws from the prior
    for m, (model, strip) in enumerate(zip(models, figure.greys()[2:], strict=True)):
        tiles = strip.reshape(28, 10, 28).swapaxes(0, 1)
        assert abs(tiles - decode(model, seen[-10:])).max() < 0.01
        assert figure.panels.nth(m).locator("circle.prior").count() == 10
    figure.press("Reset")
    assert not np.any(figure.greys()[2:])


@pytest.mark.parametrize("model", [0, 1])
def test_the_point_follows_the_pointer(figure, data, model):
    figure.press("Reset")
    own, rest = slice(2 * model, 2 * model + 2), slice(2 - 2 * model, 4 - 2 * model)
    other = figure.numbers()[rest]
    box, panel = figure.panel(model), figure.panels.nth(model)
    mouse(figure.page, box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 40, 30)
    dot = panel.evaluate(  # in the panel; both at one moment
        """panel => {
            const box = panel.getBoundingClientRect(), dot = panel.querySelector("circle").getBoundingClientRect();
            return [dot.x + dot.width / 2 - box.x, dot.y + dot.height / 2 - box.y];
        }"""
    )
    across, up = np.array(data["models"][model]["ends"])
    # the axes leave 32 pixels on the left, 8 on the right, 6 above and 36 below
    side = box["width"] - 40
    expected = across[0] + np.ptp(across) * (dot[0] - 32) / side, up[1] - np.ptp(up) * (dot[1] - 6) / side
    assert figure.numbers()[own] == pytest.approx(expected, abs=0.06)
    assert dot == pytest.approx([box["width"] / 2 + 40, box["height"] / 2 + 30], abs=3)
    assert figure.numbers()[rest] == other
    figure.page.keyboard.press("ArrowRight")
    assert figure.numbers()[2 * model] == pytest.approx(expected[0], abs=0.08)


def test_the_map_shows_the_codes_of_unseen_digits(figure, data):
    _, digits = mnist.load("test")
    for model in range(2):
        numerals = figure.panels.nth(model).locator("text.code:not(.prior, .ink)").all_text_contents()
        assert "".join(numerals) == "".join(map(str, digits[:150])) == data["models"][model]["labels"]
