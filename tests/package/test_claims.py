"""A claim raises when the number is off, and says what it checked."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from genmodels.site.claims import MIME, ClaimError, claim

numbers = st.floats(-1e6, 1e6)


@settings(max_examples=50)
@given(numbers, numbers, st.floats(0, 1e3))
def test_equals_holds_exactly_within_the_tolerance(value, expected, tolerance):
    if expected - tolerance <= value <= expected + tolerance:
        assert claim("x", value, equals=expected, tolerance=tolerance) == value
    else:
        with pytest.raises(ClaimError, match=r"OFF  x = "):
            claim("x", value, equals=expected, tolerance=tolerance)


@settings(max_examples=50)
@given(numbers, numbers, numbers)
def test_bounds_hold_exactly_inside(value, one, other):
    low, high = sorted((one, other))
    for inside, bound in (
        (low <= value <= high, {"within": (low, high)}),
        (value <= high, {"at_most": high}),
        (value >= low, {"at_least": low}),
    ):
        if inside:
            assert claim("x", value, **bound) == value
        else:
            with pytest.raises(ClaimError):
                claim("x", value, **bound)


@pytest.mark.parametrize("bound", [{"equals": 0}, {"within": (-1, 1)}, {"at_most": 1}, {"at_least": -1}])
def test_nan_is_never_as_expected(bound):
    with pytest.raises(ClaimError):
        claim("x", math.nan, **bound)


@pytest.mark.parametrize("name", ["", "Two", "a b", "a--b", "-a"])
def test_a_malformed_id_is_refused(name):
    with pytest.raises(ValueError, match=r"^id: "):
        claim(name, 1, equals=1)


@pytest.mark.parametrize("expectation", [{}, {"equals": 1, "at_most": 1}])
def test_exactly_one_expectation_is_needed(expectation):
    with pytest.raises(ValueError, match="exactly one"):
        claim("x", 1, **expectation)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"equals": 1, "tolerance": -1}, "tolerance"),
        ({"equals": 1, "tolerance": math.nan}, "tolerance"),
        ({"equals": 1, "tolerance": math.inf}, "tolerance"),
        ({"within": (2, 1)}, "within"),
        ({"equals": 1, "kind": "guessed"}, "kind"),
    ],
)
def test_a_wrong_argument_is_named(wrong, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        claim("x", 1, **wrong)


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"equals": 1}, "closed-form"),
        ({"equals": 1, "seeds": 3}, "measured"),
        ({"at_most": 2}, "measured"),
        ({"at_most": 2, "kind": "closed-form"}, "closed-form"),
        ({"within": (0, 2), "source": "a paper, Table 1"}, "published"),
    ],
)
def test_in_a_notebook_the_claim_is_handed_over(shell, arguments, kind):
    with capture_output() as captured:
        claim("x", 1, text="one", **arguments)
    (output,) = captured.outputs
    record = json.loads(json.dumps(output.data[MIME], allow_nan=False))
    assert (record["id"], record["value"], record["text"], record["kind"], record["ok"]) == ("x", 1, "one", kind, True)
    assert record["seeds"] == arguments.get("seeds")


@pytest.mark.parametrize(
    ("value", "arguments", "bounds", "line"),
    [
        (2, {"equals": 2, "tolerance": 0.5, "seeds": 3}, (1.5, 2.5, 0.5), "ok  x = 2  (expected 2 ± 5e-01, 3 seeds)"),
        (2, {"equals": 2, "tolerance": 0}, (2, 2, 0), "ok  x = 2  (expected exactly 2)"),
        (2, {"within": (2, 2)}, (2, 2, None), "ok  x = 2  (expected between 2 and 2)"),
        (2, {"at_most": 3}, (None, 3, None), "ok  x = 2  (expected at most 3)"),
        (2, {"at_least": 1}, (1, None, None), "ok  x = 2  (expected at least 1)"),
    ],
)
def test_what_is_handed_over_says_what_was_checked(shell, value, arguments, bounds, line):
    with capture_output() as captured:
        claim("x", value, **arguments)
    (output,) = captured.outputs
    record = output.data[MIME]
    assert (record["low"], record["high"], record["tolerance"]) == bounds
    assert output.data["text/plain"] == line


def test_minus_zero_is_zero():
    assert str(claim("x", -0.0, equals=0)) == "0.0"


def test_a_claim_that_is_off_is_not_handed_over(shell):
    with capture_output() as captured, pytest.raises(ClaimError):
        claim("x", 1, equals=2)
    assert captured.outputs == []
