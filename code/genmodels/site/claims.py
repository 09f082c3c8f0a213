"""Checked numbers, handed to the prose.

A page states numbers only through claims: ``claims("2a", gap_loss=loss)`` looks up in ``expected/2a.toml`` what the
number ``gap-loss`` must be, raises where it is off, which fails the build, and otherwise enters it into the site's
ledger under the id ``2a-gap-loss``, which the prose quotes.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np

MIME = "application/x.genmodels.claim+json"
FIGURE_MIME = "application/x.genmodels.explorable+json"  # what explorables.py hands to figures
TABLES = Path(__file__).with_name("expected")
RESULTS = Path(__file__).parents[1] / "experiments" / "results"
KINDS = ("closed-form", "published", "measured", "stored")
ID = re.compile(r"[0-9a-z]+(-[0-9a-z]+)*")
STATISTICS = ("median", "min", "max", "mean", "sum")  # functions of NumPy


class ClaimError(AssertionError):
    """A claimed number is not what it is claimed to be."""


@dataclasses.dataclass(frozen=True)
class Expectation:
    """A line of a page's table: what a number is, and what it must be.

    - text: what the number is, in a few words.
    - One of tolerance: the cell hands over the pair (number, expected), which differ by at most this much; within: a
      closed interval; at_most; at_least.
    - over: the number is this statistic over an array whose first axis are seeds: median, min, max, mean, sum.
    - source: where a published expectation stands (paper and table or figure), or the experiment whose stored results
      are quoted.
    - kind: closed-form, published, measured or stored; by default published with a source, measured with ``over`` or a
      mere bound, else closed-form.
    """

    text: str
    tolerance: float | None = None
    within: tuple[float, float] | None = None
    at_most: float | None = None
    at_least: float | None = None
    over: str | None = None
    source: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        if sum(bound is not None for bound in (self.tolerance, self.within, self.at_most, self.at_least)) != 1:
            raise ValueError("tolerance, within, at_most, at_least: give exactly one of them")
        if self.tolerance is not None and not 0 <= self.tolerance < math.inf:
            raise ValueError(f"tolerance: {self.tolerance!r} must be a finite number >= 0")
        if self.within is not None and not self.within[0] <= self.within[1]:
            raise ValueError(f"within: {self.within!r} must be an interval (low, high)")
        if self.over is not None and self.over not in STATISTICS:
            raise ValueError(f"over: {self.over!r} is none of {', '.join(STATISTICS)}")
        if self.kind and self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")
        if (self.kind == "stored") != (RESULTS / f"{self.source}.jsonl").is_file():
            raise ValueError(f"source: {self.source!r}: kind 'stored' goes with an experiment whose results are stored")

    def check(self, id: str, value: Any) -> Claim:
        """The claim that a value makes; with a tolerance it is the pair (number, expected)."""
        number, expected = value if self.tolerance is not None else (value, math.nan)
        seeds = None
        if self.over is not None:
            runs = np.asarray(number, dtype=float)
            seeds, number = len(runs), getattr(np, self.over)(runs)
        low, high, words = self._interval(float(expected))
        measured = self.over is not None or self.tolerance is None
        return Claim(
            id=id,
            value=float(number) + 0.0,  # 0, not -0
            low=low,
            high=high,
            expected=words,
            tolerance=self.tolerance,
            kind=self.kind or ("published" if self.source else "measured" if measured else "closed-form"),
            text=self.text,
            source=_when(self.source) if self.kind == "stored" else self.source,
            seeds=seeds,
            over=self.over,
        )

    def _interval(self, expected: float) -> tuple[float, float, str]:
        """The closed interval that the value must lie in, and its wording."""
        if self.tolerance is not None:
            allowed = f"{expected:.10g} ± {self.tolerance:.0e}" if self.tolerance else f"exactly {expected:.10g}"
            return expected - self.tolerance, expected + self.tolerance, allowed
        if self.within is not None:
            low, high = self.within
            return low, high, f"between {low:.6g} and {high:.6g}"
        if self.at_most is not None:
            return -math.inf, self.at_most, f"at most {self.at_most:.6g}"
        assert self.at_least is not None
        return self.at_least, math.inf, f"at least {self.at_least:.6g}"


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
    over: str | None

    @property
    def ok(self) -> bool:
        """Whether the value lies in its closed interval; never so for NaN."""
        return self.low <= self.value <= self.high

    def line(self) -> str:
        """The check in one line of plain text."""
        over = f", {self.over} over {self.seeds} seeds" if self.over else ""
        return f"{'ok' if self.ok else 'OFF'}  {self.id} = {self.value:.10g}  (expected {self.expected}{over})"


def claims(page: str, /, **values: Any) -> None:
    """Check values against the page's table and enter them into the ledger.

    The value ``gap_loss`` of page "2a" must be as ``expected/2a.toml`` says of ``gap-loss`` (see `Expectation`): a
    number, an array over seeds, or a pair (either of them, what it must be).
    Raises ClaimError where a value is not as expected or is NaN, ValueError where the table has no such line.
    """
    lines = expectations(page)
    for name, value in values.items():
        key = name.replace("_", "-")
        if key not in lines:
            raise ValueError(f"{key}: no line of expected/{page}.toml has this name")
        record(lines[key].check(f"{page}-{key}", value))


@functools.cache
def expectations(page: str) -> dict[str, Expectation]:
    """The table of a page, by the names of its lines. Raises ValueError, naming it, on a line that is malformed."""
    lines = tomllib.loads((TABLES / f"{page}.toml").read_text(encoding="utf-8"))
    found = {}
    for name, fields in lines.items():
        try:
            if not ID.fullmatch(name):
                raise ValueError("the name must be lower-case words and numbers joined by hyphens")
            found[name] = Expectation(**fields)
        except (TypeError, ValueError) as error:
            raise ValueError(f"expected/{page}.toml, {name}: {error}") from None
    return found


def _when(experiment: str) -> str:
    """The name of an experiment, and on which days its trials were run."""
    lines = (RESULTS / f"{experiment}.jsonl").read_text(encoding="utf-8").splitlines()
    days = sorted({json.loads(line)["made"]["date"] for line in lines})
    return f"{experiment}, run on {' and '.join(dict.fromkeys((days[0], days[-1])))}"


def record(checked: Claim) -> None:
    """Raise ClaimError where the claim is off, else enter it into the ledger."""
    if not checked.ok:
        raise ClaimError(checked.line())
    # JSON knows no infinities: an open end is null
    bounds = {
        end: value if math.isfinite(value) else None for end, value in (("low", checked.low), ("high", checked.high))
    }
    publish(MIME, dataclasses.asdict(checked) | bounds | {"ok": checked.ok}, checked.line())


def publish(kind: str, payload: dict[str, Any], line: str) -> None:
    """Show a line below the cell that runs, with a payload of this MIME type; outside a notebook nobody sees it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_pub.publish({kind: payload, "text/plain": line})
