"""Scripts made small: they do the same, in fewer letters."""

from __future__ import annotations

import pytest
from minify import minified
from py_mini_racer import MiniRacer

SOURCE = """/*! licence */
/* Why. */
const twice = (number) => {
  const product = 2 * number; // 2 x
  return `${product}${number > 1 ? ` of ${number} x` : ""}`;
};
"""


def test_names_and_comments_go_and_what_it_does_stays():
    small = minified(SOURCE)
    assert len(small) < len(SOURCE) / 1.5
    assert "licence" in small and "Why" not in small and "2 x" not in small and "product" not in small
    for number in (1, 3):
        told = [
            engine.eval(f"{source}\ntwice({number})")
            for engine, source in ((MiniRacer(), SOURCE), (MiniRacer(), small))
        ]
        assert told[0] == told[1]


def test_global_names_stay():
    assert "twice" in minified(SOURCE)


def test_what_is_no_script_is_an_error():
    with pytest.raises(ValueError, match="not a script"):
        minified("const = ;")
