"""Figures as files: each panel one small SVG that holds both themes.

``figure.svg`` is drawn in the light colours, ``figure.svg#dark`` in the dark ones: the same file, so that a change of
the theme asks for nothing from anywhere, and a page without network or server still has both. Figures stay out of the
page's HTML, which then arrives and is laid out in a fraction of the time.
"""

import base64
import hashlib
import io
import re

from PIL import Image

from genmodels.site.palette import PALETTE

SVG = "image/svg+xml"
LEVELS = 32  # grey levels of a picture inside a figure: eyes tell no more apart at this size
LARGE = 18_000  # pixels: 25 digits side by side are drawn with what the eye does not see left out
LETTER = ' transform="scale(0.015625)"'  # how matplotlib places a letter's outline: in 64ths
COARSER = 16  # times: to a quarter of a hundredth of its size
NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'


def panels(svg: str) -> list[str]:
    """The figure's panels, each an SVG file of its own."""
    svg = _smaller(svg)
    return [_standalone(panel) for panel in re.findall(r'<svg class="panel".*?</svg>', svg, re.S) or [svg]]


def shown(address: str, panel: str) -> str:
    """A panel as HTML in both themes, of which the style sheet shows one; what is not seen is loaded after the page."""
    address += f"?v={hashlib.sha256(panel.encode()).hexdigest()[:8]}"
    size = " ".join(re.findall(r' ((?:width|height)="[^"]*)', panel)[:2])
    size = re.sub(r'"([\d.]+)', lambda number: f'"{float(number[1]):.0f}"', size)
    return "".join(
        f'<img class="panel dark-light on-{theme}" src="{address}{fragment}" {size} alt="" loading="lazy">'
        for theme, fragment in (("light", ""), ("dark", "#dark"))
    )


def _standalone(panel: str) -> str:
    """A panel with its own size and both sets of colours."""
    panel = re.sub(r'^<svg class="panel" x="[^"]*" y="0"', f"<svg {NAMESPACE}", panel)
    start = panel.index(">") + 1
    used = [role for role in PALETTE if f"var(--{role})" in panel]
    light, dark = (";".join(f"--{role}:{PALETTE[role][theme]}" for role in used) for theme in (0, 1))
    style = f"<style>:root{{{light}}}#dark:target{{{dark}}}</style>"
    return f'{panel[:start]}{style}<g id="dark">{panel[start : panel.rindex("</svg>")]}</g></svg>\n'


def _smaller(svg: str) -> str:
    """The drawing with the palette's variables for colours, and without what nobody sees."""
    for role, (light, _) in PALETTE.items():
        svg = svg.replace(light, f"var(--{role})")
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r"data:image/png;base64,([^\"]*)", lambda found: _picture(found[1]), svg)
    svg = _short_ids(svg.replace("xlink:href=", "href="))
    # a tenth of a point is far below a pixel; letters and markers are small, or scaled
    svg = re.sub(r'<path d="([^"]*)"', lambda found: f'<path d="{_relative(found[1], 1)}"', svg)
    svg = re.sub(r'(<path id="[^"]*") d="([^"]*)"( transform="[^"]*")?', _shape, svg)
    svg = re.sub(r' [xy]="[^"]*"', lambda found: _rounded(found[0], 2), svg)
    svg = re.sub(r"translate\([^)]*\)", lambda found: _rounded(found[0], 2), svg)
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><").replace("; ", ";").replace(": ", ":")
    while "<g></g>" in svg:
        svg = svg.replace("<g></g>", "")
    return re.sub(r"(<g[^>]*)>((?:<use [^>]*/>)+|(?:<path d=[^>]*/>)+)</g>", _collection, svg)


def _shape(path: re.Match[str]) -> str:
    """A marker, or a letter, whose outline is finer than anything that is seen at its size."""
    tag, outline, scale = path.groups()
    if scale != LETTER:
        return f'{tag} d="{_relative(outline, 2)}"{scale or ""}'
    outline = re.sub(r"-?\d+(\.\d+)?", lambda number: f"{float(number[0]) / COARSER:g}", outline)
    return f'{tag} d="{_relative(outline, 0)}" transform="scale({COARSER / 64:g})"'


def _collection(group: re.Match[str]) -> str:
    """Markers or shapes of one kind: what they share is said once, places of markers to a tenth of a point."""
    tag, parts = group.groups()
    for attribute in (r' style="[^"]*"', r' clip-path="[^"]*"'):
        values = set(re.findall(attribute, parts))
        # opacity is not inherited: it would be that of the whole
        if len(values) == 1 and len(re.findall(attribute, parts)) == len(re.findall("/>", parts)) > 1:
            shared = values.pop()
            if shared.split("=")[0] + "=" not in tag and not re.search(r"[\";]opacity:", shared):
                tag, parts = tag + shared, re.sub(attribute, "", parts)
    if parts.startswith("<use"):
        parts = re.sub(r' [xy]="[^"]*"', lambda place: _rounded(place[0], 1), parts)
    return f"{tag}>{parts}</g>"


def _short_ids(svg: str) -> str:
    """Only the ids that something refers to, in letters."""
    referred = dict.fromkeys(re.findall(r'(?:href="#|url\(#)([^")]*)', svg))
    short = {name: f"i{number:x}" for number, name in enumerate(referred)}
    svg = re.sub(r' id="([^"]*)"', lambda found: f' id="{short[found[1]]}"' if found[1] in short else "", svg)
    return re.sub(r'(href="#|url\(#)([^")]*)', lambda found: found[1] + short[found[2]], svg)


def _rounded(numbers: str, digits: int) -> str:
    return re.sub(r"-?\d+\.\d+", lambda number: f"{round(float(number[0]), digits):g}", numbers)


def _relative(path: str, digits: int) -> str:
    """A path of absolute points as steps from point to point, each of rounded points, so that no error adds up."""
    unit, words, here = 10**digits, [], (0, 0)
    start = here
    for command, numbers in re.findall(r"([MLQCZz])([^MLQCZz]*)", path):
        whole = [round(float(number) * unit) for number in numbers.split()]
        points = list(zip(whole[::2], whole[1::2], strict=True))
        steps = [step / unit for x, y in points for step in (x - here[0], y - here[1])]
        words.append(command.lower() + " ".join(f"{step:.{digits + 6}g}" for step in steps))
        if points:
            here = points[-1]
        start = here if command == "M" else start
        here = start if command in "Zz" else here
    return re.sub(r"(?<![\d.])0\.", ".", "".join(words)).replace(" -", "-")


def _picture(encoded: str) -> str:
    """A picture again, as small as it gets: grey where it is grey, and no more levels than are seen; else as it was."""
    picture = Image.open(io.BytesIO(base64.b64decode(re.sub(r"\s", "", encoded)))).convert("RGBA")
    red, green, blue, alpha = picture.split()
    if alpha.getextrema() == (255, 255) and red.tobytes() == green.tobytes() == blue.tobytes():
        step = 255 / (LEVELS - 1)
        picture = red.point(lambda level: round(round(level / step) * step)).convert("RGB")
    buffer = io.BytesIO()
    if picture.width * picture.height > LARGE and picture.mode == "RGB":
        picture.save(buffer, format="WEBP", quality=60, method=6)
    else:
        picture.save(buffer, format="WEBP", lossless=True, quality=100, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
