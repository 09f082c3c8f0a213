"""What a cell hands to an interactive figure."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from genmodels.explorables import MIME, in_steps, share


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
    assert published[MIME] == {"name": "surgery", "data": {"means": means.tolist(), "count": 8, "start": {"s": 0.5}}}
    assert json.loads(json.dumps(published))
    assert "figure surgery" in published["text/plain"]


def test_outside_a_notebook_nothing_happens():
    share("surgery", means=[1.0])


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
