"""What a cell hands to an interactive figure."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genmodels.site.claims import FIGURE_MIME
from genmodels.site.explorables import in_letters, in_steps, round_together, share


class Shell:
    """A notebook that keeps what is published in it."""

    def __init__(self) -> None:
        self.display_pub = self
        self.published: list[dict[str, object]] = []

    def publish(self, data: dict[str, object]) -> None:
        self.published.append(data)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Shell:
    made = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: made))
    return made


def test_arrays_become_lists_with_all_their_digits(shell):
    means = np.array([0.1, 1 / 3])
    share("surgery", means=means, count=np.int64(8), start={"s": 0.5})
    (published,) = shell.published
    assert published[FIGURE_MIME] == {
        "name": "surgery",
        "data": {"means": means.tolist(), "count": 8, "start": {"s": 0.5}},
    }
    assert json.loads(json.dumps(published))
    assert "figure surgery" in published["text/plain"]


def test_what_a_figure_cannot_read_is_refused(shell):
    for bad in (np.nan, np.inf, [1.0, -np.inf], np.array([np.nan])):
        with pytest.raises(ValueError):
            share("surgery", means=bad)
    with pytest.raises(TypeError, match="data: JSON cannot hold complex"):
        share("surgery", means=1j)
    for name in ("", "Surgery", "../x", "a-b"):
        with pytest.raises(ValueError, match="name"):
            share(name, means=1)
    assert shell.published == []


def test_steps_are_off_by_half_a_step_at_most():
    values = np.random.default_rng(0).normal(size=(7, 3))
    whole = in_steps(values, 0.01)
    assert all(isinstance(number, int) for row in whole for number in row)
    assert np.abs(np.array(whole) * 0.01 - values).max() <= 0.005 + 1e-12
    for step in (0, -1, np.nan):
        with pytest.raises(ValueError, match="step"):
            in_steps(values, step)
    with pytest.raises(ValueError, match="values"):
        in_steps([np.nan], 1)


def unwritten(text: str) -> list[int]:
    """Read letters as the script does."""
    z = [ord(letter) - (36 if letter > "\\" else 35) for letter in text]
    return np.cumsum([-(n + 1) // 2 if n % 2 else n // 2 for n in z]).tolist()


@settings(max_examples=40)
@given(st.lists(st.integers(-449, 449), min_size=1))
def test_letters_tell_the_numbers(numbers):
    text = in_letters(numbers)
    assert unwritten(text) == numbers
    assert len(text) == len(numbers)
    assert "\\" not in text and '"' not in text and min(text) > " "


def test_letters_of_a_table_go_row_by_row():
    table = np.arange(12).reshape(3, 4)
    assert in_letters(table) == in_letters(table.ravel()) == "#" + 11 * "%"
    for bad in ([0.5], [0.5, 1], [0, 900], [-900], [np.nan]):
        with pytest.raises(ValueError, match="values"):
            in_letters(bad)


def test_rounding_errors_make_up_for_each_other():
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((500, 4)) @ rng.standard_normal((4, 30))  # they span 4 of 30 dimensions
    weights, step = rng.standard_normal((30, 50)), 0.5
    whole = round_together(inputs, weights, step)
    assert whole.dtype == np.int64 and whole.shape == weights.shape
    alone = np.abs(inputs @ (step * np.rint(weights / step) - weights)).mean()
    together = np.abs(inputs @ (step * whole - weights)).mean()
    assert together < 0.4 * alone
    # with inputs in one dimension each there is nothing to make up
    assert (round_together(np.eye(30), weights, step) == np.rint(weights / step)).all()
    # whole numbers of steps stay what they are
    assert (round_together(inputs, step * whole, step) == whole).all()


def test_what_cannot_be_rounded_is_refused():
    for inputs, weights, step, name in (
        (np.ones((5, 3)), np.ones((2, 4)), 1, "inputs, weights"),
        (np.ones(3), np.ones((3, 4)), 1, "inputs, weights"),
        (np.ones((5, 3)), np.ones(3), 1, "inputs, weights"),
        (np.full((5, 3), np.nan), np.ones((3, 4)), 1, "inputs"),
        (np.ones((5, 3)), np.full((3, 4), np.inf), 1, "weights"),
        (np.ones((5, 3)), np.ones((3, 4)), 0, "step"),
        (np.zeros((5, 3)), np.ones((3, 4)), 1, "inputs"),
        (np.ones((0, 3)), np.ones((3, 4)), 1, "inputs"),
    ):
        with pytest.raises(ValueError, match=name):
            round_together(inputs, weights, step)
