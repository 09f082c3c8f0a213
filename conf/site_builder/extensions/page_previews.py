"""What a forum shows of a link to a page: title, description and a picture, made for each page.

sphinxext-opengraph writes the tags; here stand the picture and what the tags need to be true: where the site's address
is not known, no page claims one, and its picture is named relative to the page. The picture is an SVG, with the page's
first figure inside, that resvg turns into a PNG.
"""

import base64
import functools
import io
import re
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
import resvg_py
from docutils import nodes
from PIL import Image, ImageFont
from sphinx.application import Sphinx
from sphinx.util.nodes import clean_astext

from genmodels.site.palette import colour
from site_builder.extensions.page_names import names, short_link
from site_builder.figure_svg import SVG
from site_builder.site_state import site

FOLDER = "_static/previews"
PANEL = re.compile(r'<svg class="panel" x="[^"]*" y="[^"]*" width="[^"]*" height="[^"]*"(.*?</svg>)', re.S)
WIDTH, HEIGHT, MARGIN = 1200, 630, 72  # pixels, as forums ask for
FIGURE = 400  # width of the figure's box, on the right
ROLES = {"1": "prior", "2": "generator", "3": "discriminator"}  # an exercise's colour
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FILES = {bold: str(FONTS / name) for bold, name in ((False, "DejaVuSans.ttf"), (True, "DejaVuSans-Bold.ttf"))}


@functools.cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FILES[bold], size)


def lines(text: str, size: int, bold: bool, width: float) -> list[str]:
    """The text in lines that are at most ``width`` pixels wide; a longer word stands on a line of its own."""
    font, found = _font(size, bold), list[str]()
    for word in text.split():
        longer = f"{found[-1]} {word}" if found else word
        if found and font.getlength(longer) <= width:
            found[-1] = longer
        else:
            found.append(word)
    return found


def drawing(number: str, title: str, description: str, facts: str, name: str, panel: str) -> str:
    """The card as an SVG: an exercise's colour at the left, words, and at the right a panel of the page's figure."""
    accent, width = colour(ROLES.get(number[:1], "data")), WIDTH - 2 * MARGIN - (FIGURE + 40 if panel else 0)
    parts = [f'<rect width="20" height="{HEIGHT}" fill="{accent}"/>']

    def write(top: float, text: str, size: int, bold: bool, fill: str, width: float) -> float:
        for line in lines(text, size, bold, width):
            top += size * 1.3
            weight = "bold" if bold else "normal"
            parts.append(
                f'<text x="{MARGIN}" y="{top - 0.3 * size:g}" font-size="{size}" font-weight="{weight}" '
                f'fill="{fill}">{escape(line)}</text>'
            )
        return top

    top = write(44, number, 64, True, accent, width)
    size = next(size for size in (50, 44, 38, 33) if size == 33 or len(lines(title, size, True, width)) <= 3)
    top = write(top + 6, title, size, True, colour("ink"), width)
    write(top + 22, description, 25, False, colour("muted"), width)
    write(HEIGHT - 118, facts, 23, True, colour("ink"), WIDTH - 2 * MARGIN)
    write(HEIGHT - 80, name, 23, False, accent, WIDTH - 2 * MARGIN)
    if panel:
        parts.append(f'<svg x="{WIDTH - MARGIN - FIGURE}" y="90" width="{FIGURE}" height="{HEIGHT - 230}"{panel}')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{WIDTH}" height="{HEIGHT}" font-family="DejaVu Sans">{"".join(parts)}</svg>'
    )


def drawn(svg: str) -> str:
    """The card as a PNG in few colours, for forums load it from phones; its bytes as text."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg, background=colour("paper"), skip_system_fonts=True, font_files=list(FILES.values())
    )
    file = io.BytesIO()
    flat = Image.open(io.BytesIO(bytes(png))).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    flat.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def _panel(app: Sphinx, pagename: str) -> str:
    """The first panel of the figure that the page's front matter names as its preview, else of its first; or ""."""
    named = app.env.metadata[pagename].get("preview")
    for page, cell, data in site(app.config).all_outputs():
        if page.name == pagename and SVG in data and named in (None, cell.metadata.get("name")):
            panel = PANEL.search(data[SVG])
            return panel[1] if panel else ""
    return ""


def _card(app: Sphinx, pagename: str, description: str, doctree: nodes.document) -> str:
    """What is drawn for a page."""
    title = clean_astext(app.env.titles[pagename])
    question = re.match(r"(\d \([a-z]\)|\d) (?=\S)", title)
    facts = "".join(line.astext() for line in doctree.findall(nodes.paragraph) if "page-facts" in line["classes"])
    number, title = (question[1], title.removeprefix(question[0])) if question else ("", title)
    return drawing(number, title, description, facts, app.config.project, _panel(app, pagename))


class Cards:
    """Notes what is to be drawn as the pages are written, and draws it when all are."""

    def __init__(self) -> None:
        self.cards: dict[str, str] = {}

    def add(self, app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        """Say what is on the page's picture, and where it is."""
        if doctree is None:
            return
        short = short_link(app.config.short_links, pagename) or pagename.replace("/", "-")
        picture, description = f"{FOLDER}/{short}.png", context.get("description", "")
        self.cards[picture] = _card(app, pagename, description, doctree)
        base = app.config.html_baseurl
        context["meta"] = {
            **(context["meta"] or {}),
            "og:description": description,
            "og:image": base + picture if base else context["pathto"](picture, 1),
            "og:image:alt": f"Title card: {names(app.env).get(pagename, clean_astext(app.env.titles[pagename]))}",
            "og:image:width": str(WIDTH),
            "og:image:height": str(HEIGHT),
        }

    def draw(self, app: Sphinx, error: Exception | None) -> None:
        """Put the pictures of all pages where their tags say."""
        for picture, svg in self.cards.items() if error is None and not app.tags.has("live") else ():
            path = Path(app.outdir) / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(site(app.config).memo.recall(drawn, svg)))


def drop_unknown_address(app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Claim no address of the page where the site's is not known."""
    if doctree is not None and not app.config.html_baseurl:
        context["metatags"] = re.sub(r'<meta property="og:url"[^>]*>\s*', "", context["metatags"])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register what stands before and after sphinxext-opengraph."""
    app.setup_extension("sphinxext.opengraph")
    app.setup_extension("site_builder.extensions.page_names")
    cards = Cards()
    app.connect("html-page-context", cards.add, priority=400)
    app.connect("html-page-context", drop_unknown_address, priority=600)
    app.connect("build-finished", cards.draw, priority=940)  # after unused files are removed
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
