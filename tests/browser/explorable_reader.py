"""A figure to play with, as its readers have it: controls, numbers, drawings, and the link that gives its state."""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from drags import steady
from playwright.sync_api import FloatRect, Locator, Page, expect

STATE = """root => [...root.querySelectorAll("fieldset, .explorable-choice, .explorable-slider")]
    .map(row => (row.querySelector(":checked") ?? row.querySelector("input")).value)"""
GOES = """fragment => new Promise((done, fail) => {
    if (location.hash === `#${fragment}`) history.replaceState(null, "", "#explore"); // or it would not change
    addEventListener("hashchange", () => done(), { once: true });
    setTimeout(() => fail(new Error(`the page stays at ${location.hash}`)), 20000);
    location.hash = fragment;
})"""
GREYS = """all => all.map(canvas => {
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [height, width, Array.from(data, (byte) => String.fromCharCode(byte)).join("")]; // a list takes a second
})"""
# What a figure does takes a third of the time where the page's other sections, up to 26,000 nodes, are not there. It
# stays as far from the page's top, or it would be drawn at once.
ALONE = """addEventListener("readystatechange", () => {
    for (const part of document.querySelectorAll("article section > *"))
        if (!part.closest("#explore, h1") && !part.querySelector("#explore")) part.remove();
    document.getElementById("explore")?.style.setProperty("margin-top", "4000px");
}, true);"""
BOXES = """(svg, parts) => [svg, ...svg.querySelectorAll(parts)].map(e => e.getBoundingClientRect())
    .map(box => [box.left, box.top, box.right, box.bottom])"""


class Figure:
    """One figure on a page of its own tab; its tests share it where each begins with a state of its own.

    Of its page, where that is opened afterwards, only the section of figures is there.
    """

    def __init__(self, page: Page, address: str, name: str) -> None:
        self.page, self.address, self.name = page, address, name
        page.add_init_script(ALONE)
        self.root = page.locator(f"[data-explorable={name}]")
        self.panels = self.root.locator(".explorable-panels svg[role=img]")
        self.note = self.root.locator(".explorable-note")

    def open(self, state: str = "") -> "Figure":
        """Open the page cold at the section of its figures, in the given state."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.address}#explore{f'?{self.name}={state}' if state else ''}")
        self.page.keyboard.press("Shift")  # the page no longer holds on to the link's place
        return self.see()

    def see(self) -> "Figure":
        """Scroll to the figure and wait until it is drawn."""
        self.root.scroll_into_view_if_needed()
        expect(self.root.locator("dd").last).to_have_attribute("data-value", re.compile("."))
        return self

    def unfold(self) -> "Figure":
        """Open what is folded among its controls."""
        self.root.locator("details").evaluate_all("all => all.forEach(fold => { fold.open = true; })")
        return self

    def follow(self, state: str | Iterable[float], asked: bool = True) -> None:
        """Follow a link within the page to a state, until the page has answered; the controls then show it."""
        state = state if isinstance(state, str) else ",".join(f"{value:g}" for value in state)
        self.page.evaluate(GOES, f"explore?{self.name}={state}")
        assert not asked or self.state() == state.split(",")

    def state(self) -> list[str]:
        """The values of its controls."""
        return self.root.evaluate(STATE)

    def numbers(self) -> list[float]:
        """The values of its controls, where all are numbers."""
        return [float(value) for value in self.state()]

    def shown(self) -> dict[str, float]:
        """The readouts in full precision."""
        pairs = self.root.locator("dd").evaluate_all("all => all.map(cell => [cell.dataset.name, cell.dataset.value])")
        return {name: float(value) for name, value in pairs}

    def press(self, name: str) -> list[str]:
        """Press a button; return the state that it leads to."""
        self.root.get_by_role("button", name=name, exact=True).click()
        return self.state()

    def panel(self, index: int) -> FloatRect:
        """Where a panel's drawing is, scrolled into view, at rest."""
        return steady(self.page, self.panels.nth(index))

    def greys(self) -> list[np.ndarray]:
        """Every canvas as numbers from 0 to 1, row by row from the top; colours there are none."""
        found = []
        for height, width, data in self.root.locator("canvas").evaluate_all(GREYS):
            colours = np.frombuffer(data.encode("latin-1"), np.uint8).reshape(height, width, 4)
            red, green, blue, alpha = colours.transpose(2, 0, 1) / 255
            assert np.array_equal(red, green) and np.array_equal(red, blue) and (alpha == 1).all()
            found.append(red)
        return found

    def stays_inside(self, panel: int, parts: str = "circle") -> int:
        """Parts of a panel's drawing lie within it; return how many they are."""
        (left, top, right, bottom), *boxes = self.panels.nth(panel).evaluate(BOXES, parts)
        assert all(left <= a and top <= b and c <= right and d <= bottom for a, b, c, d in boxes), boxes
        return len(boxes)

    def axes(self) -> list[str]:
        """The names of the axes."""
        return self.root.locator(".axis").all_text_contents()

    def tells(self, notes: dict[str, str]) -> None:
        """In each state the note says these words."""
        for state, words in notes.items():
            self.follow(state)
            expect(self.note).to_contain_text(words)

    def stands_still(self, states: Iterable[str]) -> None:
        """Whatever the note says, at any width, nothing below moves; on a phone all is drawn above the slider."""
        for width in (320, 390, 768, 1280):
            self.page.set_viewport_size({"width": width, "height": 720 if width == 1280 else 844})
            heights = {self.follow(state) or self.root.evaluate("e => e.offsetHeight") for state in states}
            assert len(heights) == 1, (width, heights)
            parts = self.root.locator(".explorable-panels, dl, .explorable-controls > .explorable-slider")
            tops, ends = zip(
                *parts.evaluate_all("all => all.map(e => [e.offsetTop, e.offsetTop + e.offsetHeight])"), strict=True
            )
            assert width != 390 or max(ends) - min(tops) < 844 - 52, list(zip(tops, ends, strict=True))

    def names(self, panel: int) -> list[str]:
        """The names beside a panel's lines: all lie within it, each below the other."""
        names = self.panels.nth(panel).locator("text.name")
        heights = names.evaluate_all("all => all.map(e => e.y.baseVal[0].value)")
        assert self.stays_inside(panel, "text.name") and np.diff(sorted(heights)).min(initial=15) > 14
        return names.all_text_contents()

    def changed(self, act: Callable[[], Any]) -> list[str]:
        """The state after an act that must change it."""
        before = self.state()
        act()
        after = self.state()
        assert after != before
        return after


def data_of(html: Path, name: str) -> dict[str, Any]:
    """What the page's cell has handed to a figure."""
    text = (html / f"_static/explorables/{name}.data.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix(f'Explorables.data("{name}",').rstrip().removesuffix(");"))


def points(path: Locator) -> np.ndarray:
    """The corners of a drawn line, (n, 2), in pixels."""
    return np.array(re.findall(r"-?[\d.]+", path.get_attribute("d") or ""), float).reshape(-1, 2)
