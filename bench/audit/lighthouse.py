"""Lighthouse on one page: four scores of 100 and the three times and shifts behind the fourth."""

from __future__ import annotations

import dataclasses
import json
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import node

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
NUMBERS = {"lcp": "largest-contentful-paint", "tbt": "total-blocking-time", "cls": "cumulative-layout-shift"}


@dataclasses.dataclass(frozen=True)
class Run:
    """Scores from 0 to 100; the largest paint and the blocking time in ms; the layout shift; what was not perfect."""

    scores: dict[str, int]
    lcp: float
    tbt: float
    cls: float
    faults: tuple[str, ...]


def measure(address: str, chromium: str, desktop: bool = False, categories: Sequence[str] = CATEGORIES) -> Run:
    """One run with simulated throttling, its default. Raises RuntimeError where Lighthouse gives no report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = [address, "--quiet", "--output=json", f"--output-path={report}", f"--chrome-path={chromium}"]
        options += ["--chrome-flags=--headless=new --no-sandbox", f"--only-categories={','.join(categories)}"]
        options += ["--preset=desktop"] if desktop else []
        for _ in range(2):  # now and then the browser does not answer
            done = node.run("lighthouse/cli/index.js", *options, timeout=180)
            if report.is_file():
                found = json.loads(report.read_text(encoding="utf-8"))
                if "runtimeError" not in found:
                    return _read(found)
    raise RuntimeError(f"Lighthouse gave no report of {address}: {done.stderr.strip()[-500:]}")


def _read(report: dict[str, Any]) -> Run:
    audits = report["audits"]
    scores = {name: round(100 * category["score"]) for name, category in report["categories"].items()}
    numbers = {key: float(audits[name]["numericValue"]) for key, name in NUMBERS.items() if name in audits}
    counted = {
        entry["id"]
        for name, category in report["categories"].items()
        for entry in category["auditRefs"]
        if entry["weight"] > 0 and name != "performance"
    }
    faults = [name for name in sorted(counted) if audits[name]["score"] not in (1, None)]
    return Run(scores, numbers.get("lcp", 0), numbers.get("tbt", 0), numbers.get("cls", 0), tuple(faults))


def median(runs: Sequence[Run]) -> Run:
    """The median of each number; the worst score of the categories that take no time; every fault."""
    scores = {
        name: int(statistics.median(run.scores[name] for run in runs))
        if name == "performance"
        else min(run.scores[name] for run in runs)
        for name in runs[0].scores
    }
    lcp, tbt, cls = (statistics.median(getattr(run, name) for run in runs) for name in NUMBERS)
    return Run(scores, lcp, tbt, cls, tuple(sorted({fault for run in runs for fault in run.faults})))
