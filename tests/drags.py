"""Dragging as a reader does it, by so many pixels to the right and down, with the mouse or with a finger."""

from page_reader import FRAMES
from playwright.sync_api import FloatRect, Locator, Page


def mouse(page: Page, x: float, y: float, by: float, down: float = 0.0) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y + down, steps=6)
    page.mouse.up()


def touch(page: Page, x: float, y: float, by: float, down: float = 0.0) -> None:
    client = page.context.new_cdp_session(page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 9):
        points = [{"x": x + by * step / 8, "y": y + down * step / 8}]
        client.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": points})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    client.detach()


def steady(page: Page, place: Locator) -> FloatRect:
    """Scroll to a place and return its box once it stands still: a page that has just been opened may still move."""
    boxes = [None]
    while boxes[-1] is None or boxes[-2:] != boxes[-1:] * 2:
        place.scroll_into_view_if_needed()
        page.wait_for_timeout(20)
        page.evaluate(FRAMES)  # a busy machine may not have drawn a frame in that time
        boxes.append(place.bounding_box())
        assert len(boxes) < 100, "it moves on and on"
    return boxes[-1]
