"""The picture that a forum shows of a link to a page: what it is about, and its first figure.

Drawn with the figures' colours and font, in the size that forums ask for. The same page gives the same bytes.
"""

from __future__ import annotations

import io
from xml.etree import ElementTree

import svg_panel
from genmodels.palette import colour
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from page_previews import HEIGHT, WIDTH, Card
from PIL import Image

MARGIN = 72
PICTURE = 400  # width of the figure's box, on the right
ROLES = {"1": "prior", "2": "generator", "3": "discriminator"}  # an exercise's colour


def _font(size: float, bold: bool = False) -> FontProperties:
    return FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")


def _width(text: str, font: FontProperties) -> float:
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrapped(text: str, font: FontProperties, width: float) -> list[str]:
    """The text in lines that are at most ``width`` points wide; a longer word stands on a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer, font) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


class _Sheet:
    """A figure whose unit is the pixel, y downwards."""

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72, facecolor=colour("paper"))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        self.axes.set_axis_off()

    def text(self, top: float, text: str, font: FontProperties, role: str, width: float) -> float:
        """Write a paragraph below ``top``; return where it ends."""
        size = font.get_size_in_points()
        for line in wrapped(text, font, width):
            top += size * 1.3
            self.axes.text(MARGIN, top - 0.3 * size, line, fontproperties=font, color=colour(role), parse_math=False)
        return top

    def png(self) -> bytes:
        """The picture in few colours: it is flat, and forums load it from phones."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        picture = Image.frombuffer("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba())).convert("RGB")
        file = io.BytesIO()
        picture.quantize(128, dither=Image.Dither.NONE).save(file, format="PNG", optimize=True)
        return file.getvalue()


def drawn(card: Card) -> bytes:
    """The card as a PNG."""
    sheet = _Sheet()
    accent = ROLES.get(card.number[:1], "data")
    sheet.axes.add_patch(Rectangle((0, 0), 20, HEIGHT, color=colour(accent), linewidth=0))
    width = WIDTH - 2 * MARGIN - (PICTURE + 40 if card.panel else 0)
    top = 44.0
    if card.number:
        top = sheet.text(top, card.number, _font(64, bold=True), accent, width)
    size = next(
        size for size in (50, 44, 38, 33) if size == 33 or len(wrapped(card.title, _font(size, True), width)) <= 3
    )
    top = sheet.text(top + 6, card.title, _font(size, bold=True), "ink", width)
    sheet.text(top + 22, card.description, _font(25), "muted", width)
    sheet.text(HEIGHT - 118, card.facts, _font(23, bold=True), "ink", WIDTH - 2 * MARGIN)
    sheet.text(HEIGHT - 80, card.site, _font(23), accent, WIDTH - 2 * MARGIN)
    if card.panel:
        panel = ElementTree.fromstring(card.panel)
        svg_panel.draw(panel, sheet.axes, (WIDTH - MARGIN - PICTURE, 90, PICTURE, HEIGHT - 230))
    return sheet.png()
