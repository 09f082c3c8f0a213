"""What a page costs: bytes on the wire, and text that jumps while it loads."""

from __future__ import annotations

import gzip

import figures
import pytest
import reader
from every_page import EVERY_PAGE, LONGEST, SOLUTIONS

FIRST, FURTHER = 400, 150  # kB, compressed as any host does
SHIFT = 0.02


@pytest.mark.parametrize("name", sorted({*SOLUTIONS, "index.html", "api/index.html", "results.html"}))
def test_pages_are_light(launched, site, name):
    first, further = reader.weights(launched, site, name)
    assert 10 < first <= FIRST
    assert further <= FURTHER


def test_every_page_s_own_text_is_light(html):
    """The others of the site are no heavier than those that were loaded: their HTML is the most of a further page."""
    for name in EVERY_PAGE:
        assert len(gzip.compress((html / name).read_bytes(), 6)) / 1000 <= FURTHER / 2, name


@pytest.mark.parametrize("width", reader.WIDTHS)
@pytest.mark.parametrize("name", [*LONGEST, "sheet-2/3c-packing.html", "search.html"])
def test_nothing_jumps_while_the_page_loads(launched, site, name, width):
    assert reader.layout_shift(launched, f"{site}/{name}", width) < SHIFT


def test_figures_to_play_with_are_light(html):
    script, data = figures.weights(html)
    assert 5 < script <= 12
    assert data and all(0 < weight <= 150 for weight in data.values()), data
