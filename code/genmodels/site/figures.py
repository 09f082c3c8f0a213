"""One style for all figures, drawn once and shown in both themes.

A figure is a row of panels. Each panel is drawn on its own, so that the site can put them side by side on a laptop
and below each other on a phone with the same size of type. Colours are the palette's light ones; the site takes the
SVG and exchanges them for CSS variables. A notebook takes a PNG on paper: it shows an SVG only where it is trusted, on
whatever lies behind, and LaTeX shows none.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from genmodels.site.palette import colour as colour

INCH = 96  # CSS pixels to the inch
FINE = 2  # pixels of a PNG to a CSS pixel
STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.edgecolor": colour("muted"),
    "axes.labelcolor": colour("ink"),
    "axes.titlecolor": colour("ink"),
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": colour("grid"),
    "grid.linewidth": 0.7,
    "text.color": colour("ink"),
    "xtick.color": colour("muted"),
    "ytick.color": colour("muted"),
    "xtick.labelcolor": colour("ink"),
    "ytick.labelcolor": colour("ink"),
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "font.size": 10,
    "mathtext.fontset": "dejavusans",
    "svg.fonttype": "path",
    "svg.hashsalt": "genmodels",
    "image.interpolation": "none",
}


class Panels:
    """A row of panels; iterating gives their axes. In a notebook it shows itself as one image."""

    def __init__(self, count: int, width: float, height: float) -> None:
        if count < 1:
            raise ValueError(f"count: {count!r} must be at least 1")
        if not (width > 0 and height > 0):
            raise ValueError(f"width, height: {width!r}, {height!r} must be positive (inches)")
        self.width, self.height = width, height
        # for good, not in a context: legends and texts read the defaults only when the page draws them
        matplotlib.style.use(STYLE)
        self.figures = [Figure(figsize=(width, height), layout="constrained") for _ in range(count)]
        self.axes: list[Axes] = [figure.add_subplot() for figure in self.figures]

    def __iter__(self) -> Iterator[Axes]:
        return iter(self.axes)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """All panels in a row on paper, and the size in CSS pixels at which to show them."""
        wide, high = (round(size * INCH) for size in (self.width, self.height))
        row = Image.new("RGB", (FINE * wide * len(self.figures), FINE * high), colour("paper"))
        for index, figure in enumerate(self.figures):
            buffer = io.BytesIO()
            figure.savefig(buffer, format="png", dpi=FINE * INCH, facecolor=colour("paper"))
            row.paste(Image.open(buffer), (FINE * wide * index, 0))
        buffer = io.BytesIO()
        few = row.quantize(256, dither=Image.Dither.NONE)  # half the bytes, and nothing that is seen
        few.save(buffer, format="PNG", optimize=True, dpi=(FINE * INCH, FINE * INCH))
        return buffer.getvalue(), {"width": wide * len(self.figures), "height": high}

    def svg(self) -> str:
        """All panels in a row, each a nested <svg> of its own."""
        wide, high = self.width * INCH, self.height * INCH
        row = "".join(_nest(_svg(figure), index, index * wide, wide, high) for index, figure in enumerate(self.figures))
        total = len(self.figures) * wide
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="panels" '
            f'viewBox="0 0 {total:g} {high:g}" width="{total:g}" height="{high:g}">{row}</svg>'
        )


def panels(count: int = 1, *, width: float = 3.4, height: float = 2.7) -> Panels:
    """Return a row of ``count`` panels, each ``width`` x ``height`` inches."""
    return Panels(count, width, height)


def spread(axes: Axes, x: ArrayLike, runs: ArrayLike, role: str, style: str = "-", label: str | None = None) -> None:
    """Draw the median of ``runs`` (S, T) over ``x`` (T,) as a line, in a band from least to largest seed."""
    x, runs = np.asarray(x), np.asarray(runs)
    if runs.ndim != 2 or not len(runs) or runs.shape[1:] != x.shape:
        raise ValueError(f"runs: expected shape (seeds, {x.size}), got {runs.shape}")
    axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour(role), alpha=0.2, linewidth=0)
    axes.plot(x, np.median(runs, axis=0), style, color=colour(role), label=label)


def image_grid(
    axes: Axes,
    images: ArrayLike,
    columns: int,
    title: str = "",
    *,
    rows: Sequence[str] = (),
    extent: tuple[float, float, float, float] | None = None,
) -> None:
    """Draw images (n, h, w), ink 1 on paper 0, row by row in so many columns; ink is white on the page.

    The axes have numbers only with an ``extent`` (left, right, bottom, top), else the names of the ``rows``, if any.
    """
    pixels = np.asarray(images)
    if pixels.ndim != 3 or not len(pixels) or columns < 1 or len(pixels) % columns:
        raise ValueError(f"images: expected (n, h, w), n a multiple of {columns} columns, got {pixels.shape}")
    n, h, w = pixels.shape
    tiles = pixels.reshape(n // columns, columns, h, w).swapaxes(1, 2).reshape(-1, columns * w)
    axes.imshow(tiles, cmap="gray", vmin=0, vmax=1, extent=extent)
    axes.grid(False)
    axes.set_title(title)
    if extent is None:
        axes.set(xticks=[], yticks=[h * (row + 0.5) for row in range(len(rows))], yticklabels=rows)


def _svg(figure: Figure) -> str:
    """The figure as SVG text, without the marks that differ from run to run (date, random ids)."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _nest(svg: str, index: int, x: float, width: float, height: float) -> str:
    """One panel's <svg> at its place in the row, with ids of its own."""
    start = re.search(r'<svg[^>]*viewBox="([^"]+)"[^>]*>', svg, re.S)
    assert start is not None
    body = svg[start.end() : svg.rindex("</svg>")]
    # a <style> inside a page would style the whole page: its two rules become attributes of the panel
    body = re.sub(r"<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.S)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>p{index}-", body)
    return (
        f'<svg class="panel" x="{x:g}" y="0" width="{width:g}" height="{height:g}" viewBox="{start[1]}" '
        f'stroke-linejoin="round" stroke-linecap="butt">{body}</svg>'
    )
