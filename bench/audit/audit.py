#!/usr/bin/env python3
"""Measure the built site against what it promises its readers, and print a table: each target met, or NOT MET.

Pages are served on this machine as a static host serves them. With every page and five runs of Lighthouse it takes
half an hour; nothing else should run meanwhile, for the times would be too long.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "conf" / "tools"), str(ROOT / "tests")]

import browser as chromium  # noqa: E402
import checks  # noqa: E402
import figures  # noqa: E402
import lighthouse  # noqa: E402
import node  # noqa: E402
import offline  # noqa: E402
import queries  # noqa: E402
import reader  # noqa: E402
import report  # noqa: E402
import search_queries  # noqa: E402
import validity  # noqa: E402
from host import serve  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from report import HIGH, Target  # noqa: E402

REPORT = ROOT / "build" / "audit"
PARTS = (
    "axe",
    "lighthouse",
    "weight",
    "hosts",
    "offline",
    "scripts",
    "validity",
    "links",
    "figures",
    "search",
    "notebook",
)
NOTEBOOKS = ROOT / "conf" / "tools" / "notebooks_check.py"
Rows = dict[str, dict[str, Any]]


def say(words: str) -> None:
    """Tell how far it is."""
    print(words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def launched(executable: str) -> Iterator[Browser]:
    """A Chromium for one measure."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def chosen(html: Path, wanted: list[str]) -> list[str]:
    """The pages to measure, by their question's number or by the start of their name; all where none is wanted."""
    pages = [path.relative_to(html).as_posix() for path in checks.pages(html)]
    unknown = [name for name in wanted if not any(_is(page, name) for page in pages)]
    if unknown:
        raise SystemExit(f"There is no page {', '.join(unknown)} among: {' '.join(pages)}")
    return [page for page in pages if not wanted or any(_is(page, name) for name in wanted)]


def _is(page: str, name: str) -> bool:
    return page in (name, f"{name}.html") or Path(page).name.startswith(f"{name}-")


def look(browser: Browser, site: str, html: Path, name: str, parts: set[str]) -> dict[str, Any]:
    """The row of one page, but for Lighthouse's times and the validators."""
    address = f"{site}/{name}"
    # a host shows 404.html at any address, so it names its files from the host's root: a disk never shows it
    roots = (site,) if name == "404.html" else (site, html.as_uri())
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "axe": lambda: {"axe": reader.axe_everywhere(browser, address)},
        "weight": lambda: dict(zip(("first", "further"), reader.weights(browser, site, name), strict=True)),
        "hosts": lambda: {"foreign": [url for root in roots for url in reader.foreign_requests(browser, root, name)]},
        "offline": lambda: {
            "offline": [f for width in reader.WIDTHS for f in offline.problems(browser, address, width)]
        },
        "scripts": lambda: {"scripts": reader.unreadable_without_scripts(browser, address)},
        "links": lambda: {"links": checks.link_problems(html, html / name, checks.parse(html / name), {})},
        "figures": lambda: {"drag": max(figures.drag_times(browser, address).values(), default=0.0)},
    }
    row: dict[str, Any] = {"shift": max(reader.layout_shift(browser, address, width) for width in reader.WIDTHS)}
    for part in measures:
        if part in parts:
            row |= measures[part]()
    return row


def time_page(address: str, executable: str, runs: int) -> dict[str, Any]:
    """Lighthouse's part of a page's row: one run as a desktop, the median of some as a mobile telephone."""
    desktop = lighthouse.measure(address, executable, desktop=True)
    mobile = lighthouse.median([lighthouse.measure(address, executable) for _ in range(runs)])
    shown = {
        name: "/".join(str(run.scores[key]) for key in lighthouse.CATEGORIES)
        for name, run in (("desktop", desktop), ("mobile", mobile))
    }
    return {
        **shown,
        "scores": {"desktop": desktop.scores, "mobile": mobile.scores},
        "faults": sorted({*desktop.faults, *mobile.faults}),
        "lcp": mobile.lcp,
        "tbt": mobile.tbt,
        "cls": max(desktop.cls, mobile.cls),
    }


def search(browser: Browser, roots: list[str]) -> tuple[list[Target], list[str]]:
    """The queries that the site was asked for, over http and from disk."""
    asked = {
        query: [search_queries.PAGES[page] for page in pages.split()] for query, pages in search_queries.ASKED.items()
    }
    problems: list[str] = []
    times: dict[str, float] = {}
    for root in roots:
        for query, answer in queries.ask(browser, root, asked).items():
            times[query] = max(times.get(query, 0.0), answer.ms)
            if (answer.rank, answer.dialog_rank) != (1, 1):
                problems.append(
                    f"{root.partition(':')[0]}: {query!r}: place {answer.rank}, in the dialog {answer.dialog_rank}"
                )
    targets = [
        Target(f"search: the right page first for {len(asked)} queries", f"{len(problems)} not", not problems),
        report.limit("search: first result, ms after typing <= 300", times, 300),
    ]
    return targets, problems


def notebook() -> Target:
    """A notebook of the built site, run in an environment of its own."""
    promise = "a notebook of the site, run anew, gives the numbers of claims.json"
    if not NOTEBOOKS.is_file():
        return Target(promise, "no tool to run it", None)
    done = subprocess.run([sys.executable, str(NOTEBOOKS)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return Target(promise, lines[-1] if lines else "", done.returncode == 0)


def judge(rows: Rows) -> list[Target]:
    """The targets that hold for every page."""

    def problems(key: str) -> dict[str, list[str]] | None:
        found = {name: row[key] for name, row in rows.items() if key in row}
        return found or None

    def numbers(key: str) -> dict[str, float]:
        return {name: float(row[key]) for name, row in rows.items() if key in row}

    def scores(profile: str, *categories: str) -> dict[str, float]:
        return {
            name: min(row["scores"][profile][category] for category in categories)
            for name, row in rows.items()
            if "scores" in row
        }

    rest = lighthouse.CATEGORIES[1:]
    return [
        report.none("axe: no violation, both themes and widths, search open and closed", problems("axe")),
        report.limit("Lighthouse desktop: accessibility, best practices, SEO 100", scores("desktop", *rest), 100, HIGH),
        report.limit("Lighthouse mobile: accessibility, best practices, SEO 100", scores("mobile", *rest), 100, HIGH),
        report.limit("Lighthouse desktop: performance 100", scores("desktop", "performance"), 100, HIGH),
        report.limit("Lighthouse mobile: performance >= 95", scores("mobile", "performance"), 95, HIGH),
        report.limit("largest paint on mobile, ms <= 1500", numbers("lcp"), 1500),
        report.limit("blocking on mobile, ms <= 50", numbers("tbt"), 50),
        report.limit("layout shift, by Lighthouse < .02", numbers("cls"), 0.02, strict=True),
        report.limit("layout shift, 1280 and 390 px < .02", numbers("shift"), 0.02, strict=True),
        report.limit("first page, kB <= 400", numbers("first"), 400),
        report.limit("each further page, kB <= 150", numbers("further"), 150),
        report.limit("figures to play with: script per step of dragging, ms <= 16", numbers("drag"), 16),
        report.none("no request to another host, http and file://", problems("foreign")),
        report.none("network cut after load: all still works", problems("offline")),
        report.none("JavaScript off: all is readable", problems("scripts")),
        report.none(
            "valid HTML" + ("" if validity.has_java() else " (html-validate; no Java for Nu)"), problems("invalid")
        ),
        report.none("no broken link inside the site", problems("links")),
    ]


def audit(
    html: Path, names: list[str], runs: int, parts: set[str], executable: str
) -> tuple[Rows, list[Target], dict[str, Any]]:
    """Everything asked for: rows, targets and what concerns the whole site."""
    rows: Rows = {}
    html = html.resolve()
    details: dict[str, Any] = {}
    targets: list[Target] = []
    if "validity" in parts:
        say("Validators")
        invalid = validity.problems(html / name for name in names)
        rows = {name: {"invalid": invalid.get(html / name, [])} for name in names}
    with serve(html) as site:
        for count, name in enumerate(names, 1):
            began = time.monotonic()
            with launched(executable) as browser:
                rows[name] = rows.get(name, {}) | look(browser, site, html, name, parts)
            if "lighthouse" in parts:
                rows[name] |= time_page(f"{site}/{name}", executable, runs)
            report.write(REPORT, rows, judge(rows), details)  # who stops it here keeps what was measured
            say(f"[{count}/{len(names)}] {name}: {time.monotonic() - began:.0f} s")
        targets += judge(rows)
        if "links" in parts:
            say("Published anchors, opened cold")
            anchors = (ROOT / "tests" / "published-anchors.txt").read_text(encoding="utf-8").split()
            left_out = {*chosen(html, [])} - {*names}
            anchors = [anchor for anchor in anchors if anchor.partition("#")[0] not in left_out]
            with launched(executable) as browser:
                details["anchors"] = reader.anchor_problems(browser, site, anchors)
            targets.append(
                report.none("every published anchor, opened cold, shows its target", {"": details["anchors"]})
            )
        if "figures" in parts:
            script, data = figures.weights(html)
            targets += [
                report.limit("script of all figures to play with, kB gzipped <= 12", {"": script}, 12),
                report.limit("data of each, kB gzipped <= 150", data, 150),
            ]
        if "search" in parts:
            say("Search")
            with launched(executable) as browser:
                found, details["search"] = search(browser, [site, html.as_uri()])
            targets += found
    if "notebook" in parts:
        say("A notebook in a fresh environment")
        targets.append(notebook())
    return rows, targets, details


def main() -> int:
    """The command line: 0 where every measured target is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "pages", nargs="*", help="which pages: 2a, index, api/index.html … (default: all, with search and a notebook)"
    )
    parser.add_argument(
        "--runs", type=int, default=5, help="runs of Lighthouse on mobile, for their median (default: 5)"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure only these")
    parser.add_argument("--skip", nargs="+", choices=PARTS, default=[], help="do not measure these")
    parser.add_argument(
        "--html", type=Path, default=ROOT / "build" / "html", help="the built site (default: build/html)"
    )
    options = parser.parse_args()
    # search and the notebook are no matter of one page
    parts = set(options.only or (PARTS if not options.pages else PARTS[:-2])) - set(options.skip)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if not (options.html / "index.html").is_file():
        return f"There is no site in {options.html}: run 'make html' first."  # type: ignore[return-value]
    try:
        executable = chromium.find()
        if executable is None:
            return chromium.HOW  # type: ignore[return-value]
        if parts & {"lighthouse", "validity"}:
            node.install()
        names = chosen(options.html, options.pages)
        found = audit(options.html, names, options.runs, parts, executable)
    except (node.NodeError, ValueError) as error:
        return str(error)  # type: ignore[return-value]
    except KeyboardInterrupt:
        return 130
    rows, targets, details = found
    path = report.write(REPORT, rows, targets, details)
    print(f"\n{report.table(rows)}\n\n{report.verdicts(targets)}\n\nEvery problem: {path.relative_to(ROOT)}")
    return int(any(target.met is False for target in targets))


if __name__ == "__main__":
    sys.exit(main())
