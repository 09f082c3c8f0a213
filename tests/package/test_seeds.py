"""The seeds of the pages: one after the other, and others in every repetition."""

import pytest

from genmodels.site.seeds import REPEAT, SHOWN, seeds


@pytest.mark.parametrize(
    ("repeat", "first", "count"), [(None, SHOWN, 2), ("0", SHOWN, 1), ("1", 1000, 100), ("3", 3000, 2)]
)
def test_seeds_follow_each_other(monkeypatch, repeat, first, count):
    monkeypatch.delenv(REPEAT, raising=False)
    if repeat is not None:
        monkeypatch.setenv(REPEAT, repeat)
    assert list(seeds(count)) == [first + k for k in range(count)]


@pytest.mark.parametrize("count", [0, 101])
def test_a_bad_count_is_named(count):
    with pytest.raises(ValueError, match="count: expected 1 to 100"):
        seeds(count)
