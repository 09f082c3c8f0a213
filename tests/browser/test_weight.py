"""What a page costs: bytes on the wire, and text that jumps while it loads."""

import gzip
from pathlib import Path

import page_reader
import pytest
from every_page import EVERY_PAGE, LONGEST

FIRST, FURTHER = 400, 150  # kB, compressed as any host does
SHIFT = 0.02


def packed(path: Path, level: int = 9) -> float:
    """Kilobytes, gzipped."""
    return len(gzip.compress(path.read_bytes(), level)) / 1000


@pytest.mark.parametrize("name", [*LONGEST, "results.html"])
def test_pages_are_light(launched, site, name):
    first, further = page_reader.weights(launched, site, name)
    assert 10 < first <= FIRST
    assert further <= FURTHER


@pytest.mark.parametrize("width", page_reader.WIDTHS)
@pytest.mark.parametrize("name", [*LONGEST, "search.html"])
def test_nothing_jumps_while_the_page_loads(launched, site, name, width):
    assert page_reader.layout_shift(launched, f"{site}/{name}", width) < SHIFT


def test_every_file_is_light(html):
    """The other pages are no heavier than those that were loaded: their HTML is the most of a further page."""
    for name in EVERY_PAGE:
        assert packed(html / name, 6) <= FURTHER / 2, name
    scripts = {
        path.name: packed(path) for path in html.glob("_static/explorables/*[a-z].js") if "data" not in path.name
    }
    assert 2 < scripts["core.js"] <= 6  # comments are left out, names stay long
    laboratory = {
        name: scripts.pop(name) for name in ("laboratory.js", "engine.js", "game.js", "gan.js", "elbo.js", "vae.js")
    }
    assert sum(laboratory.values()) <= 30, laboratory
    assert all(weight <= 3 for name, weight in scripts.items() if name != "core.js"), scripts
    data = {path.name: packed(path) for path in html.glob("_static/explorables/*.data.js")}
    assert data and all(0 < weight <= 150 for weight in data.values()), data
    assert data["water.data.js"] < 36
