"""A claim raises when the number is off, and says what it checked."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from genmodels.site import claims as module
from genmodels.site.claims import MIME, TABLES, ClaimError, Expectation, claims, expectations

numbers = st.floats(-1e6, 1e6)


@settings(max_examples=50)
@given(numbers, numbers, st.floats(0, 1e3))
def test_a_pair_may_differ_by_the_tolerance_and_no_more(value, expected, tolerance):
    claim = Expectation("", tolerance=tolerance).check("x", (value, expected))
    assert claim.ok == (expected - tolerance <= value <= expected + tolerance)


@settings(max_examples=50)
@given(numbers, numbers, numbers)
def test_bounds_hold_exactly_inside(value, one, other):
    low, high = sorted((one, other))
    for inside, bound in (
        (low <= value <= high, {"within": (low, high)}),
        (value <= high, {"at_most": high}),
        (value >= low, {"at_least": low}),
    ):
        assert Expectation("", **bound).check("x", value).ok == inside


@pytest.mark.parametrize("bound", [{"within": (-1, 1)}, {"at_most": 1}, {"at_least": -1}])
def test_nan_is_never_as_expected(bound):
    assert not Expectation("", **bound).check("x", math.nan).ok
    assert not Expectation("", tolerance=1).check("x", (math.nan, 0)).ok


@pytest.mark.parametrize(
    ("over", "value"), [("median", 3.0), ("min", 1.0), ("max", 9.0), ("mean", 13 / 3), ("sum", 13.0)]
)
def test_a_statistic_is_taken_over_the_seeds_which_are_counted(over, value):
    claim = Expectation("", at_least=0, over=over).check("x", [3, 9, 1])
    assert (claim.value, claim.seeds, claim.over, claim.kind) == (value, 3, over, "measured")
    pairs = Expectation("", at_least=0, over="max").check("x", [[1, 2], [3, 4], [5, 6]])
    assert (pairs.value, pairs.seeds) == (6, 3)
    assert Expectation("", tolerance=0, over="sum").check("x", ([True, False, True], 2)).ok


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({}, "exactly one"),
        ({"tolerance": 1, "at_most": 1}, "exactly one"),
        ({"tolerance": -1}, "tolerance: "),
        ({"tolerance": math.nan}, "tolerance: "),
        ({"tolerance": math.inf}, "tolerance: "),
        ({"within": (2, 1)}, "within: "),
        ({"at_most": 1, "kind": "guessed"}, "kind: "),
        ({"at_most": 1, "over": "average"}, "over: "),
    ],
)
def test_what_is_wrong_with_an_expectation_is_named(wrong, name):
    with pytest.raises(ValueError, match=name):
        Expectation("", **wrong)


@pytest.fixture
def table(monkeypatch, tmp_path):
    """Write the table of page "x"."""
    monkeypatch.setattr(module, "TABLES", tmp_path)
    expectations.cache_clear()
    yield (tmp_path / "x.toml").write_text
    expectations.cache_clear()


@pytest.mark.parametrize(
    "line", ["Two = { at_most = 1, text = '' }", "a--b = { at_most = 1, text = '' }", "a = { at_most = 1 }"]
)
def test_a_malformed_line_is_named(table, line):
    table(line)
    with pytest.raises(ValueError, match=rf"^expected/x.toml, {line.split()[0]}: "):
        claims("x", a=1)


def test_a_value_without_a_line_is_named(table):
    table("a-b = { at_most = 1, text = '' }")
    claims("x", a_b=1)
    with pytest.raises(ValueError, match=r"^b-a: no line of expected/x.toml"):
        claims("x", b_a=1)


def test_every_table_can_be_read_and_says_what_its_numbers_are():
    for path in TABLES.glob("*.toml"):
        assert all(line.text for line in expectations(path.stem).values()), path.name


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("line", "value", "bounds", "kind", "words"),
    [
        ("tolerance = 0.5", (2, 2), (1.5, 2.5, 0.5), "closed-form", "(expected 2 ± 5e-01)"),
        ("tolerance = 0", (2, 2), (2, 2, 0), "closed-form", "(expected exactly 2)"),
        ("within = [2, 2]", 2, (2, 2, None), "measured", "(expected between 2 and 2)"),
        ("at_most = 3, kind = 'closed-form'", 2, (None, 3, None), "closed-form", "(expected at most 3)"),
        ("at_least = 1, source = 'a paper'", 2, (1, None, None), "published", "(expected at least 1)"),
        ("at_least = 1, over = 'min'", [2, 3], (1, None, None), "measured", "(expected at least 1, min over 2 seeds)"),
    ],
)
def test_in_a_notebook_the_claim_is_handed_over(table, shell, line, value, bounds, kind, words):
    table(f"n = {{ {line}, text = 'one' }}")
    with capture_output() as captured:
        claims("x", n=value)
    (output,) = captured.outputs
    record = json.loads(json.dumps(output.data[MIME], allow_nan=False))
    assert (record["id"], record["value"], record["text"], record["kind"], record["ok"]) == (
        "x-n",
        2,
        "one",
        kind,
        True,
    )
    assert (record["low"], record["high"], record["tolerance"]) == bounds
    assert output.data["text/plain"] == f"ok  x-n = 2  {words}"


def test_minus_zero_is_zero():
    assert str(Expectation("", at_most=0).check("x", -0.0).value) == "0.0"


def test_a_claim_that_is_off_is_not_handed_over(table, shell):
    table("n = { tolerance = 0, text = '' }")
    with capture_output() as captured, pytest.raises(ClaimError, match=r"OFF  x-n = 1  \(expected exactly 2\)"):
        claims("x", n=(1, 2))
    assert captured.outputs == []
