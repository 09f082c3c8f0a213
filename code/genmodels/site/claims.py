"""A checked number, handed to the prose.

A page states numbers only through claims: ``claim("2a-gap-loss", value, equals=0.0)`` raises where the number is off,
which fails the build, and otherwise enters the number under its id into the site's ledger, which the prose quotes.
"""

from __future__ import annotations

import dataclasses
import math
import re
import sys
from typing import Any

MIME = "application/x.genmodels.claim+json"
FIGURE_MIME = "application/x.genmodels.explorable+json"  # what explorables.py hands to figures
KINDS = ("closed-form", "published", "measured")
ID = re.compile(r"[0-9a-z]+(-[0-9a-z]+)*")


class ClaimError(AssertionError):
    """A claimed number is not what it is claimed to be."""


@dataclasses.dataclass(frozen=True)
class Claim:
    """One line of the ledger: a value, what it must be, and where the expectation comes from."""

    id: str
    value: float
    low: float
    high: float
    expected: str
    tolerance: float | None
    kind: str
    text: str
    source: str
    seeds: int | None

    @property
    def ok(self) -> bool:
        """Whether the value lies in its closed interval; never so for NaN."""
        return self.low <= self.value <= self.high

    def line(self) -> str:
        """The check in one line of plain text."""
        seeds = f", {self.seeds} seeds" if self.seeds is not None else ""
        return f"{'ok' if self.ok else 'OFF'}  {self.id} = {self.value:.10g}  (expected {self.expected}{seeds})"


def claim(
    id: str,
    value: Any,
    *,
    equals: float | None = None,
    tolerance: float = 1e-9,
    within: tuple[float, float] | None = None,
    at_most: float | None = None,
    at_least: float | None = None,
    text: str = "",
    source: str = "",
    seeds: int | None = None,
    kind: str | None = None,
) -> float:
    """Check ``value``, enter it into the ledger under ``id`` and return it as a float.

    Exactly one of ``equals`` (absolute ``tolerance``), ``within`` (closed interval), ``at_most`` and ``at_least``
    says what is expected. ``text`` says in a few words what the number is, ``source`` where a published expectation
    stands (paper and table or figure), ``seeds`` over how many seeds it was measured. ``kind`` follows from these:
    published with a source, measured with seeds or a mere bound, else closed-form.

    Raises ClaimError where the value is not as expected or is NaN, ValueError on a malformed id or expectation.
    """
    if not ID.fullmatch(id):
        raise ValueError(f"id: {id!r} must be lower-case words and numbers joined by hyphens")
    low, high, expected = _interval(equals, tolerance, within, at_most, at_least)
    if kind is None:
        kind = "published" if source else "measured" if seeds is not None or equals is None else "closed-form"
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(KINDS)}")
    checked = Claim(
        id=id,
        value=float(value) + 0.0,  # 0, not -0
        low=low,
        high=high,
        expected=expected,
        tolerance=tolerance if equals is not None else None,
        kind=kind,
        text=text,
        source=source,
        seeds=seeds,
    )
    settle(checked)
    return checked.value


def settle(checked: Claim) -> None:
    """Raise ClaimError where the claim is off, else enter it into the ledger."""
    if not checked.ok:
        raise ClaimError(checked.line())
    _publish(checked)


def _interval(
    equals: float | None,
    tolerance: float,
    within: tuple[float, float] | None,
    at_most: float | None,
    at_least: float | None,
) -> tuple[float, float, str]:
    """The closed interval that the value must lie in, and its wording."""
    if sum(bound is not None for bound in (equals, within, at_most, at_least)) != 1:
        raise ValueError("equals, within, at_most, at_least: give exactly one of them")
    if equals is not None:
        if not 0 <= tolerance < math.inf:
            raise ValueError(f"tolerance: {tolerance!r} must be a finite number >= 0")
        allowed = f"{equals:.10g} ± {tolerance:.0e}" if tolerance else f"exactly {equals:.10g}"
        return float(equals - tolerance), float(equals + tolerance), allowed
    if within is not None:
        low, high = within
        if not low <= high:
            raise ValueError(f"within: {within!r} must be an interval (low, high)")
        return float(low), float(high), f"between {low:.6g} and {high:.6g}"
    if at_most is not None:
        return -math.inf, float(at_most), f"at most {at_most:.6g}"
    assert at_least is not None
    return float(at_least), math.inf, f"at least {at_least:.6g}"


def publish(kind: str, payload: dict[str, Any], line: str) -> None:
    """Show a line below the cell that runs, with a payload of this MIME type; outside a notebook nobody sees it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_pub.publish({kind: payload, "text/plain": line})


def _publish(checked: Claim) -> None:
    # JSON knows no infinities: an open end is null
    bounds = {
        end: value if math.isfinite(value) else None for end, value in (("low", checked.low), ("high", checked.high))
    }
    publish(MIME, dataclasses.asdict(checked) | bounds | {"ok": checked.ok}, checked.line())
