"""Does the laboratory play the package's game, and how fast? A report, for whoever changed the one or the other.

    PYTHONPATH=code:conf:tests:tests/browser .venv/bin/python tests/laboratory_report.py

Trains 16 seeds with the rules of five lessons, in the built page and in the package, and compares the effective numbers
of modes; then counts the steps a second with pictures drawn. It asserts nothing: how fast a machine is proves nothing,
and two samples of 16 from one distribution may differ.
"""

from pathlib import Path
from typing import Any

import numpy as np
from explorable_reader import Figure
from playwright.sync_api import expect, sync_playwright
from scipy.stats import ks_2samp
from static_host import serve

from genmodels.data.toy import GaussianModes, ring
from genmodels.gan.config import GANConfig
from genmodels.gan.train import train_gans
from genmodels.measures.metrics import effective_modes
from genmodels.site.seeds import seeds
from site_builder import chromium

HTML = Path(__file__).resolve().parents[1] / "build" / "html"
OWN = "9hch9qcqhhqhhqqqzhzqlele"
UNEVEN = GaussianModes(ring().centres, ring().sd, np.array([0.25, 0.05, 0.2, 0.05, 0.2, 0.05, 0.15, 0.05]))
# state of the laboratory, data, rules, steps
PRESETS: dict[str, tuple[str, GaussianModes, dict[str, Any], int]] = {
    "balanced": ("ring,non-saturating,alone,both,64,all,1,1,6,6", ring(), {}, 1500),
    "slow D": ("ring,non-saturating,alone,both,64,all,1,1,3,6", ring(), {"lr_D": 2e-4}, 1500),
    "fast D": ("ring,non-saturating,alone,both,64,all,20,1,6,6", ring(), {"discriminator_steps": 20}, 300),
    "slow D, packs": ("ring,non-saturating,two,both,64,all,1,1,3,6", ring(), {"lr_D": 2e-4, "pack": 2}, 1500),
    "slow D, R1": ("ring,non-saturating,R1,both,64,all,1,1,3,6", ring(), {"lr_D": 2e-4, "r1": 10.0}, 1500),
    "D at half the rate, uneven": (
        "uneven,saturating,alone,both,64,all,1,1,5,6",
        UNEVEN,
        {"loss": "saturating", "lr_D": 1e-3},
        1500,
    ),
}


def tried(figure: Figure, state: str) -> tuple[np.ndarray, float]:
    """The effective modes of 16 seeds in the laboratory, and the seconds that it took."""
    figure.open(f"{state},{OWN}")
    start = figure.page.evaluate("performance.now()")
    figure.root.get_by_role("button", name="Try 16 seeds").click()
    expect(figure.note).to_contain_text("16 seeds use at least", timeout=600_000)
    seconds = (figure.page.evaluate("performance.now()") - start) / 1000
    return np.array(figure.panels.nth(4).locator("text:not(.axis)").all_text_contents(), float), seconds


def pace(figure: Figure, units: int, sees: str) -> float:
    """Steps a second while all is drawn, over four seconds."""
    figure.open(f"ring,non-saturating,{sees},both,{units},all,1,1,6,6,{OWN}")
    figure.root.get_by_role("button", name="Play", exact=True).click()
    figure.page.wait_for_timeout(1500)
    (first, start), _, (last, end) = (
        (figure.shown()["step"], figure.page.evaluate("performance.now()")),
        figure.page.wait_for_timeout(4000),
        (figure.shown()["step"], figure.page.evaluate("performance.now()")),
    )
    return (last - first) / (end - start) * 1000


def main() -> None:
    with serve(HTML) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        figure = Figure(browser.new_page(), f"{address}/gan-laboratory.html", "gan")
        for units, sees in ((64, "alone"), (32, "alone"), (16, "alone"), (64, "two"), (64, "R1")):
            print(f"{units} units, D judges {sees}: {pace(figure, units, sees):.0f} steps a second")
        for name, (state, target, rules, steps) in PRESETS.items():
            here, seconds = tried(figure, state)
            runs = train_gans(target, GANConfig(**rules), seeds(16), steps)
            there = effective_modes(runs.samples(512), target).round(1)  # as the laboratory shows them
            alike = ks_2samp(here, there).pvalue
            print(f"{name}, {steps} steps, 16 seeds in {seconds:.0f} s; Kolmogorov-Smirnov p = {alike:.2f}")
            for where, modes in (("laboratory", here), ("package", there)):
                quartiles = np.percentile(modes, [0, 25, 50, 75, 100]).round(1)
                print(f"  {where:10} quartiles {quartiles}, {np.sum(modes >= 7)} with 7 or more")
        browser.close()


if __name__ == "__main__":
    main()
