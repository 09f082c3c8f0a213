"""What does a page cost as the site grows? Synthetic sites of 10, 50 and 200 pages, built as the real one is.

Each is built cold, unchanged and after one sentence was added to one page, sizes taking turns; then a browser types
into the search of each. Nothing else should run meanwhile. The report goes to the screen and to build/bench/growth.md
and growth.json. Larger sites take longer: --sizes and --rounds say how many.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path += [str(ROOT / "conf" / "tools"), str(ROOT / "bench" / "audit")]

import browser as chromium  # noqa: E402
import contestants  # noqa: E402
import growing_site  # noqa: E402
import host  # noqa: E402
import measure  # noqa: E402
import queries  # noqa: E402
import sources  # noqa: E402
import tools  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

CASES = ("cold", "unchanged", "prose")
WORDS = (
    "discriminator",
    "why does the generator",
    "density",
    "samples",
    "collapse",
    "page 7",
    "log",
    "bell",
    "blurry images",
    "loss",
)


class Site:
    """A synthetic site and what building it took."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.pages = folder, count, list[Path]()
        self.rounds: list[dict[str, Any]] = []

    def play(self) -> None:
        """One round: write the site anew, and build it in all cases."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.pages = growing_site.write(self.folder, ROOT, self.count)
        found = {}
        for case in CASES:
            if case == "prose":
                sources.edit_prose(self.pages[self.count // 2])
            found[case] = self._build(case)
        self.rounds.append(found)

    def _build(self, case: str) -> dict[str, Any]:
        environment = contestants.clean_environment() | {"PYTHONPATH": str(self.folder / "code")}
        done = measure.measured([sys.executable, "conf/tools/build.py", "--times"], self.folder, environment)
        wrong = [] if done.code == 0 else [f"status {done.code}: {done.output.strip()[-1500:]}"]
        return tools.told(case, done, wrong)

    def result(self, search: Sequence[float]) -> dict[str, Any]:
        """The figures of all rounds."""
        return {
            "pages": self.count,
            "cases": tools.gathered(self.rounds, CASES),
            "stages": tools.stages(self.rounds, CASES),
            "search": search,
        }


def search_times(html: Path, executable: str) -> list[float]:
    """Milliseconds from the last key to the first result, for each of some queries in a page of its own."""
    with sync_playwright() as playwright, host.serve(html) as address:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        try:
            return [answer.ms for answer in queries.ask(opened, address, {word: [] for word in WORDS}).values()]
        finally:
            opened.close()


def main() -> int:
    """Measure, print, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def numbers(text: str) -> list[int]:
        return sorted({int(word) for word in text.split(",")})

    parser.add_argument("--sizes", type=numbers, default=[10, 50, 200], help="numbers of pages (default: 10,50,200)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds, of which the median counts (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of the order in which sizes take turns (default: %(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="also write bench/results/growth.json")
    given = parser.parse_args()
    if given.rounds < 1 or min(given.sizes) < 1:
        parser.error("--rounds and --sizes must be at least 1")
    try:
        growing_site.names(max(given.sizes))
    except ValueError as error:
        parser.error(f"--sizes: {error}")
    executable = chromium.find()
    if executable is None:
        parser.error(chromium.HOW)
    sites = [Site(tools.OUT / "run" / f"growth-{count}", count) for count in given.sizes]
    order = random.Random(given.seed)
    try:
        for turn in range(1, given.rounds + 1):
            for site in order.sample(sites, len(sites)):
                print(f"[round {turn} of {given.rounds}] {site.count} pages", flush=True)
                site.play()
    except (measure.MeasureError, sources.SourceError) as error:
        print(error, file=sys.stderr)
        return 1
    print("Searching in a browser.", flush=True)
    found = [site.result(search_times(site.folder / "build" / "html", executable)) for site in sites]
    result = {**tools.stamp(), "machine": tools.machine(), "rounds": given.rounds, "seed": given.seed, "sizes": found}
    tools.write("growth", result, given.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
