"""Figures as files: small, in both themes, and the same picture as before."""

import base64
import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genmodels.site.figures import colour, image_grid, panels
from genmodels.site.palette import PALETTE
from site_builder import figure_svg


def curve() -> str:
    fig = panels(2)
    for axes in fig:
        x = np.linspace(0, 1, 50)
        axes.plot(x, np.sin(9 * x), "o-", color=colour("data"), label="sine")
        axes.fill_between(x, 0, x, color=colour("generator"), alpha=0.3)
        axes.legend()
    return fig.svg()


def points(path: str) -> list[tuple[float, float]]:
    """The points that a path in steps visits."""
    here, start, visited = (0.0, 0.0), (0.0, 0.0), []
    for command, numbers in re.findall(r"([mlqcz])([^mlqcz]*)", path):
        values = [float(number) for number in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        steps = list(zip(values[::2], values[1::2], strict=True))
        reached = [(here[0] + dx, here[1] + dy) for dx, dy in steps]
        visited += reached
        here = reached[-1] if reached else start
        start = here if command == "m" else start
    return visited


def test_every_panel_is_a_file_of_its_own_with_both_sets_of_colours():
    files = figure_svg.panels(curve())
    assert len(files) == 2
    for text in files:
        ElementTree.fromstring(text)  # it stands alone
        light, dark = re.findall(r"\{([^}]*)\}", text)[:2]
        for role in ("ink", "grid", "data", "generator"):
            assert f"--{role}:{PALETTE[role][0]}" in light
            assert f"--{role}:{PALETTE[role][1]}" in dark
        drawn = text[text.index("</style>") :]
        assert re.findall(r"#[0-9a-f]{6}", drawn) == []
        assert set(re.findall(r"var\(--(\w+)\)", drawn)) <= set(re.findall(r"--(\w+):", light))


def test_every_reference_has_its_target_once():
    for text in figure_svg.panels(curve()):
        ids = re.findall(r' id="([^"]*)"', text)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', text)) <= set(ids)


def test_a_drawing_gets_smaller():
    svg = curve()
    assert sum(map(len, figure_svg.panels(svg))) < 0.6 * len(svg)


coordinates = st.floats(-300, 300).map(lambda value: round(value, 6))


@given(st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=30), st.booleans())
def test_steps_lead_to_the_points_of_the_path(places, closed):
    path = "M " + " L ".join(f"{x} {y}" for x, y in places) + (" z M 1 1 L 2 2" if closed else "")
    expected = places + [(1, 1), (2, 2)] * closed
    assert np.allclose(points(figure_svg._relative(path, 1)), expected, atol=0.0501)


def test_curves_are_steps_from_where_they_begin():
    steps = figure_svg._relative("M 10 10 C 11 12 13 14 15 16 Q 20 20 30 10 z", 2)
    assert steps == "m10 10c1 2 3 4 5 6q5 4 15-6z"


def test_letters_keep_their_outlines():
    svg = curve()
    drawn = re.findall(r'<path id="[^"]*" d="([^"]*)" transform="scale\(0\.015625\)"', svg)
    panels = [
        re.findall(r'<path id="[^"]*" d="([^"]*)" transform="scale\(0\.25\)"', text) for text in figure_svg.panels(svg)
    ]
    assert len(drawn) == sum(map(len, panels)) > 10
    for before, after in zip(drawn, (outline for panel in panels for outline in panel), strict=True):
        numbers = np.array([float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", before)]).reshape(-1, 2)
        assert np.abs(numbers / 64 - np.array(points(after)) / 4).max() <= 0.125  # a capital is about 50 high


@pytest.mark.parametrize("side", [20, 200])
def test_a_grey_picture_is_the_same_to_the_eye(side):
    grey = np.tile(np.linspace(0, 1, side), (side, 1))
    fig = panels()
    image_grid(next(iter(fig)), grey[None], 1)
    (text,) = figure_svg.panels(fig.svg())
    encoded = re.search(r"data:image/webp;base64,([^\"]*)", text)[1]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L")) / 255
    assert np.abs(shown - grey).max() < 0.04
    assert len(encoded) < 4000


def test_a_picture_with_colours_keeps_them():
    fig = panels()
    next(iter(fig)).imshow([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    (text,) = figure_svg.panels(fig.svg())
    encoded = re.search(r"data:image/webp;base64,([^\"]*)", text)[1]
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")
    assert {picture.getpixel((x, 0)) for x in range(picture.width)} == {(255, 0, 0), (0, 0, 255)}
