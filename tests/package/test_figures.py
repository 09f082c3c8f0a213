"""Figures: a row of panels that is the same at every run, in the palette's colours, with ids of its own."""

import io
import re
from itertools import pairwise

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from lxml import etree
from PIL import Image

from genmodels.site.figures import image_grid, panels, spread
from genmodels.site.palette import PALETTE, colour, stylesheet

SVG = {"s": "http://www.w3.org/2000/svg"}


def drawing():
    figure = panels(2, width=3, height=2)
    for axes in figure:
        axes.plot([0, 1], [0, 1], color=colour("data"), label="$p$")
        axes.legend()
    return figure


@pytest.fixture(scope="module")
def svg():
    return drawing().svg()


def test_a_row_holds_its_panels_side_by_side(svg):
    row = etree.fromstring(svg)
    first, second = row.findall("s:svg", SVG)
    assert (first.get("x"), second.get("x"), row.get("width")) == ("0", "288", "576")


def test_in_a_notebook_it_is_a_picture_on_paper_and_no_svg():
    shown, about = DisplayFormatter().format(drawing())
    assert shown.keys() == {"text/plain", "image/png"}
    picture = Image.open(io.BytesIO(shown["image/png"])).convert("RGBA")
    assert picture.size == (2 * 576, 2 * 192) and about["image/png"] == {"width": 576, "height": 192}
    assert min(picture.getpixel((0, 0))) >= 250  # nothing to see through
    blue = np.abs(np.asarray(picture)[..., :3] - np.array([0x0A, 0x5C, 0x9C])).max(axis=2) < 12
    assert blue[:, :576].sum() == blue[:, 576:].sum() > 500


def test_ids_are_there_once_and_every_reference_has_its_target(svg):
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    assert references and {a or b for a, b in references} <= set(ids)


def test_every_colour_is_one_of_the_palette_and_nothing_reaches_the_page_around_it(svg):
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) <= {light for light, _ in PALETTE.values()}
    assert "<style" not in svg and "<metadata" not in svg


def test_wrong_sizes_and_an_unknown_role_are_refused():
    (axes,) = panels()
    for x, runs in ((3, 3), (3, (0, 3)), (3, (2, 4)), ((3, 4), (2, 3, 4))):
        with pytest.raises(ValueError, match="runs: expected shape"):
            spread(axes, np.zeros(x), np.zeros(runs), "data")
    for shape, columns in (((4, 2, 2), 3), ((0, 2, 2), 1), ((4, 2), 2), ((4, 2, 2), 0)):
        with pytest.raises(ValueError, match="images"):
            image_grid(axes, np.zeros(shape), columns)
    for name, value in (("count", 0), ("width", float("nan")), ("height", -1)):
        with pytest.raises(ValueError, match=name):
            panels(**{name: value})
    with pytest.raises(ValueError, match="role: 'nobody'"):
        colour("nobody")


def test_spread_draws_the_median_and_the_whole_band():
    (axes,) = panels()
    runs = np.array([[1.0, 5.0], [2.0, 9.0], [6.0, 7.0]])
    spread(axes, [0, 1], runs, "data")
    assert axes.lines[0].get_ydata().tolist() == [2.0, 7.0]
    band = axes.collections[0].get_paths()[0].vertices
    assert {(0.0, 1.0), (0.0, 6.0), (1.0, 5.0), (1.0, 9.0)} <= {tuple(point) for point in band}


def luminance(hexadecimal):
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5))
    ]
    return np.dot([0.2126, 0.7152, 0.0722], linear)


@pytest.mark.parametrize("theme", [0, 1])
def test_lines_stand_out_from_the_paper(theme):
    paper = luminance(PALETTE["paper"][theme])
    for role, values in PALETTE.items():
        ink = luminance(values[theme])
        ratio = (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05)
        assert ratio >= {"paper": 1, "grid": 1, "ink": 7}.get(role, 4.5), (role, ratio)


@pytest.mark.parametrize("theme", [0, 1])
def test_roles_stay_apart_in_grey(theme):
    lightness = sorted((116 * luminance(values[theme]) ** (1 / 3) - 16, role) for role, values in PALETTE.items())
    for (one, role), (other, lighter) in pairwise(lightness):
        assert other - one >= 2, f"{role} and {lighter} have L* {one:.1f} and {other:.1f}: in grey they are the same"


def test_the_stylesheet_has_every_role_in_both_themes():
    css = stylesheet()
    for role, (light, dark) in PALETTE.items():
        assert css.index(f"--fig-{role}:{light}") < css.index(f"--fig-{role}:{dark}")
    assert len({light for light, _ in PALETTE.values()}) == len(PALETTE)


@pytest.mark.parametrize("columns", [1, 2, 6])
def test_an_image_grid_is_read_row_by_row(columns):
    (axes,) = panels()
    images = np.arange(36).reshape(6, 2, 3) / 36
    image_grid(axes, images, columns)
    expected = np.block([list(images[start : start + columns]) for start in range(0, 6, columns)])
    np.testing.assert_array_equal(np.asarray(axes.images[0].get_array()), expected)


def test_an_image_grid_names_its_rows_and_keeps_its_greys():
    (axes,) = panels()
    image_grid(axes, np.full((6, 2, 3), 0.4), 3, "title", rows=("first", "second"))
    assert axes.images[0].get_clim() == (0, 1)  # a dim image is not brightened
    assert list(axes.get_yticks()) == [1, 3]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second"]
    assert axes.get_title() == "" and axes.get_title(loc="left") == "title"


def test_an_image_grid_with_an_extent_keeps_its_numbers():
    (axes,) = panels()
    image_grid(axes, np.zeros((4, 2, 2)), 2, extent=(-1, 1, -1, 1))
    assert axes.get_xlim() == (-1, 1)
    assert len(axes.get_xticks()) > 1
    assert not any(line.get_visible() for line in axes.get_xgridlines() + axes.get_ygridlines())
