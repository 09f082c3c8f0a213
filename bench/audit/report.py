"""The audit's table: a row for each page, a line for each target with what was found, and whether it was met."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

COLUMNS = {
    "axe": "axe",
    "desktop": "Lighthouse desktop: perf/a11y/BP/SEO",
    "mobile": "mobile",
    "lcp": "LCP ms",
    "tbt": "TBT ms",
    "cls": "CLS",
    "first": "first kB",
    "further": "further kB",
    "drag": "drag ms",
    "foreign": "other hosts",
    "offline": "offline",
    "scripts": "JS off",
    "invalid": "invalid",
    "links": "dead links",
}
LOW, HIGH = "at most", "at least"


@dataclasses.dataclass
class Target:
    """What is promised, what was found at worst and where; ``met`` is None where nothing was measured."""

    promise: str
    found: str
    met: bool | None

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "met", False: "NOT MET", None: "not measured"}[self.met]


def limit(promise: str, values: dict[str, float], bound: float, sense: str = LOW, strict: bool = False) -> Target:
    """A target for one number of every page."""
    if not values:
        return Target(promise, "-", None)
    where = (max if sense == LOW else min)(values, key=lambda name: values[name])
    worst = values[where]
    met = worst < bound if strict else worst <= bound if sense == LOW else worst >= bound
    return Target(promise, f"{round(worst, 4):g}" + (f" ({where})" if worst else ""), met)


def none(promise: str, problems: dict[str, list[str]] | None) -> Target:
    """A target of no problem on any page."""
    if problems is None:
        return Target(promise, "-", None)
    count, pages = sum(map(len, problems.values())), sum(map(bool, problems.values()))
    return Target(promise, f"{count} on {pages} pages" if count else "0", count == 0)


def table(rows: dict[str, dict[str, Any]]) -> str:
    """The pages' table in Markdown, with the columns that were measured."""
    columns = [key for key in COLUMNS if any(key in row for row in rows.values())]
    lines = [
        "| page | " + " | ".join(COLUMNS[key] for key in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(_cell(row.get(key, "-")) for key in columns) + " |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return str(len(value))
    return f"{round(value, 4 if value < 1 else 0):g}" if isinstance(value, float) else str(value)


def verdicts(targets: list[Target]) -> str:
    """The targets' table in Markdown."""
    lines = ["| target | found, at worst | |", "|---|---|---|"]
    return "\n".join(lines + [f"| {target.promise} | {target.found} | {target.verdict} |" for target in targets])


def write(folder: Path, rows: dict[str, dict[str, Any]], targets: list[Target], details: dict[str, Any]) -> Path:
    """Write audit.md and audit.json; return the former. Every single problem is in both."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = [
        f"- {name}, {COLUMNS.get(key, key)}: `{problem}`"
        for name, row in rows.items()
        for key, found in row.items()
        if isinstance(found, list)
        for problem in found
    ]
    problems += [f"- {name}: `{problem}`" for name, found in details.items() for problem in found]
    parts = ["# What the audit found", verdicts(targets), table(rows)]
    parts += ["## Every problem", "\n".join(problems)] if problems else []
    (folder / "audit.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    whole = {"pages": rows, "targets": [dataclasses.asdict(target) for target in targets], "site": details}
    (folder / "audit.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return folder / "audit.md"
