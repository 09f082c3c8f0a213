"""Draws a panel of one of the site's figures, which are SVG by matplotlib, back onto matplotlib axes.

Reads what matplotlib writes and no more: groups, paths, uses, clips and pictures, with their styles and transforms.
"""

from __future__ import annotations

import base64
import io
import re
from xml.etree.ElementTree import Element

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import BboxImage
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, Transform, TransformedBbox
from PIL import Image

XLINK = "{http://www.w3.org/1999/xlink}href"
CODES = {"M": (Path.MOVETO, 1), "L": (Path.LINETO, 1), "Q": (Path.CURVE3, 2), "C": (Path.CURVE4, 3)}
Style = dict[str, str]


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d*\.?\d+(?:e-?\d+)?", text)]


def path(data: str) -> Path:
    """The path that an SVG path's data describe. Raises KeyError on a command that matplotlib does not write."""
    points: list[tuple[float, float]] = []
    codes: list[int] = []
    for command, numbers in re.findall(r"([A-Za-z])([^A-DF-Za-df-z]*)", data):
        if command in "zZ":
            points.append((0.0, 0.0))
            codes.append(int(Path.CLOSEPOLY))
            continue
        code, _ = CODES[command]
        values = _numbers(numbers)
        points += zip(values[::2], values[1::2], strict=True)
        codes += [int(code)] * (len(values) // 2)
    return Path(np.reshape(points, (-1, 2)), codes)


def transform(text: str) -> Affine2D:
    """The transform that an SVG attribute describes: translate, scale, rotate, matrix, the last one first."""
    result = Affine2D()
    for name, inside in reversed(re.findall(r"(\w+)\(([^)]*)\)", text)):
        values = _numbers(inside)
        if name == "translate":
            result.translate(values[0], values[1] if len(values) > 1 else 0)
        elif name == "scale":
            result.scale(*values)
        elif name == "rotate":
            result.rotate_deg(values[0])
        else:
            result = Affine2D(Affine2D.from_values(*values).get_matrix() @ result.get_matrix())
    return result


def _style(element: Element, inherited: Style) -> Style:
    own = dict(re.findall(r"([\w-]+):\s*([^;]+)", element.get("style", "")))
    return {**inherited, **own}


class _Drawing:
    """One panel on its way to the axes."""

    def __init__(self, root: Element, axes: Axes) -> None:
        self.axes = axes
        self.known = {element.get("id"): element for element in root.iter() if element.get("id")}

    def element(self, element: Element, outer: Transform, inherited: Style, clip: PathPatch | None = None) -> None:
        """Draw an element and what is inside it."""
        kind = element.tag.rpartition("}")[2]
        if kind == "defs" or kind == "clipPath":
            return
        place = transform(element.get("transform", "")) + outer
        style = _style(element, inherited)
        if "clip-path" in element.attrib:
            clip = self._clip(element.attrib["clip-path"], place)
        if kind == "path":
            self._path(path(element.get("d", "")), place, style, clip)
        elif kind == "use":
            used = self.known[element.attrib[XLINK].lstrip("#")]
            shift = Affine2D().translate(*(float(element.get(axis, "0")) for axis in "xy"))
            self.element(used, shift + place, style, clip)
        elif kind == "image":
            self._image(element, place, clip)
        for child in element:
            self.element(child, place, style, clip)

    def _clip(self, reference: str, place: Transform) -> PathPatch:
        rectangle = self.known[reference.removeprefix("url(#").rstrip(")")][0]
        x, y, width, height = (float(rectangle.get(name, "0")) for name in ("x", "y", "width", "height"))
        outline = Path([(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)], closed=True)
        patch = PathPatch(outline, transform=place + self.axes.transData)
        return patch

    def _path(self, shape: Path, place: Transform, style: Style, clip: PathPatch | None) -> None:
        opacity = float(style.get("opacity", "1"))
        size = float(np.sqrt(abs(np.linalg.det(place.get_matrix()[:2, :2]))))
        dashes = [length * size for length in _numbers(style.get("stroke-dasharray", ""))]
        fill, stroke = style.get("fill", "#000000"), style.get("stroke", "none")
        patch = PathPatch(
            shape,
            transform=place + self.axes.transData,
            facecolor="none" if fill == "none" else (fill, opacity * float(style.get("fill-opacity", "1"))),
            edgecolor="none" if stroke == "none" else (stroke, opacity * float(style.get("stroke-opacity", "1"))),
            linewidth=0 if stroke == "none" else float(style.get("stroke-width", "1")) * size,
            linestyle=(0, dashes) if dashes else "-",
            joinstyle="round",
            capstyle="butt" if dashes else "round",
        )
        self.axes.add_patch(patch)
        if clip is not None:
            patch.set_clip_path(clip)

    def _image(self, element: Element, place: Transform, clip: PathPatch | None) -> None:
        data = base64.b64decode(element.attrib[XLINK].partition(",")[2])
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
        x, y, width, height = (float(element.get(name, "0")) for name in ("x", "y", "width", "height"))
        box = TransformedBbox(Bbox.from_bounds(x, y, width, height), place + self.axes.transData)
        corners = box.get_points()
        if corners[0, 1] > corners[1, 1]:  # the axes count downwards
            pixels = pixels[::-1]
        picture = BboxImage(
            Bbox.from_extents(*np.sort(corners, axis=0).ravel()), interpolation="nearest", origin="lower"
        )
        picture.set_data(pixels)
        self.axes.add_artist(picture)
        if clip is not None:
            picture.set_clip_path(clip)


def draw(panel: Element, axes: Axes, box: tuple[float, float, float, float]) -> None:
    """Draw a panel as large as fits into the box (x, y, width, height, in the units of the axes), in its middle."""
    _, _, width, height = _numbers(panel.get("viewBox", ""))
    x, y, most, highest = box
    scale = min(most / width, highest / height)
    place = Affine2D().scale(scale).translate(x + (most - scale * width) / 2, y + (highest - scale * height) / 2)
    _Drawing(panel, axes).element(panel, place, {})
