"""The figures to play with: how long a step of dragging keeps the page busy, and what they weigh."""

from __future__ import annotations

import gzip
from pathlib import Path

from playwright.sync_api import Browser
from reader import context_of

SCRIPT, DATA = "_static/explorables.js", "_static/explorables/*.data.js"
STEPS = 60  # of each slider, from its one end to the other
# milliseconds of script for each step, slider by slider: [[ms, …], …]
TIMES = """(figure, steps) => [...figure.querySelectorAll("[type=range]")].map(slider =>
    Array.from({ length: steps }, (_, k) => {
        slider.valueAsNumber = +slider.min + (slider.max - slider.min) * k / (steps - 1);
        const began = performance.now();
        slider.dispatchEvent(new Event("input"));
        return performance.now() - began;
    }))"""


def drag_times(browser: Browser, address: str) -> dict[str, float]:
    """The median of the milliseconds of script per step of dragging, of each figure's slowest slider."""
    found = {}
    with context_of(browser) as context:
        page = context.new_page()
        page.goto(address, wait_until="networkidle")
        for figure in page.locator("[data-explorable]").all():
            figure.scroll_into_view_if_needed()
            figure.locator("dd[data-value]").last.wait_for()
            medians = [sorted(times)[STEPS // 2] for times in figure.evaluate(TIMES, STEPS)]
            found[figure.get_attribute("data-explorable") or ""] = max(medians)
    return found


def weights(html: Path) -> tuple[float, dict[str, float]]:
    """Kilobytes, gzipped: the script of all figures together, and the data of each that has some."""

    def kilobytes(path: Path) -> float:
        return len(gzip.compress(path.read_bytes())) / 1000

    return kilobytes(html / SCRIPT), {path.name.split(".")[0]: kilobytes(path) for path in sorted(html.glob(DATA))}
