"""Print all solutions of a built site into one PDF, by a Chromium.

The contents need page numbers, which only printing gives, so it is printed twice. A PDF printed before is used again
while nothing in it has changed.
"""

import base64
import io
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, TextStringObject

from site_builder import book
from site_builder.dependencies import current_digest
from site_builder.outputs import Store, digest

NAME = "solutions.pdf"
PRINTABLE = 680  # pixels between the margins of book.css on A4
OLDEST = 131  # the first Chromium that prints page numbers from a style sheet
NODE = re.compile(rb"\(node\d+\)")
OPTIONS = ("--no-sandbox",)
logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns that Chromium counts its objects otherwise

# a formula that is too wide for the paper is set smaller; returns how many were
FIT = """() => [...document.querySelectorAll(".formula")].filter((box) => {
    const ratio = box.clientWidth / box.scrollWidth;
    if (ratio >= 1) return false;
    box.style.fontSize = `${Math.floor(ratio * 98)}%`;
    return true;
}).length"""
READY = """document.fonts.ready.then(() => Promise.all([...document.images].map((image) => image.decode())))"""


def make(site: Path, cache: Path, executable: str) -> Path:
    """Print the site's book into the site and return the file. Raises book.BookError where that does not work."""
    made, target, page = book.assemble(site), site / NAME, site / "book.html"
    store, key = Store(cache), _key(site, made.text, executable)
    kept = store.get(key)
    if kept is None:
        try:
            printed = finished(_print(made.text, page, executable), made.headings, made.headings[0])
        except (Error, ValueError) as error:
            raise book.BookError(str(error)) from None
        finally:
            page.unlink(missing_ok=True)
        kept = base64.b64encode(printed).decode()
        store.put(key, kept)
    store.keep_only([key])
    target.write_bytes(base64.b64decode(kept))
    return target


def _print(text: str, page: Path, executable: str) -> bytes:
    """Print until the page numbers in the contents, which take room themselves, are those of the print."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(OPTIONS))
        version = int(browser.version.partition(".")[0])
        if version < OLDEST:
            raise book.BookError(f"Chromium {version} is too old: {OLDEST} or newer is needed")
        tab = browser.new_page(viewport={"width": PRINTABLE, "height": 900})
        printed, numbers = b"", dict[str, int]()
        for _ in range(4):
            page.write_text(book.numbered(text, numbers), encoding="utf-8")
            printed, before = print_once(tab, page), numbers
            if (numbers := first_pages(printed)) == before:
                break
        browser.close()
        return printed


def print_once(tab: Page, page: Path) -> bytes:
    """The PDF of a page on disk, as it is in print."""
    tab.goto(page.as_uri(), wait_until="load")
    tab.emulate_media(media="print", color_scheme="light")
    tab.evaluate(READY)
    tab.evaluate(FIT)
    return tab.pdf(format="A4", prefer_css_page_size=True, outline=True, tagged=True)


def finished(printed: bytes, headings: Sequence[str], title: str) -> bytes:
    """The PDF with the headings as its outline, and without what differs from print to print.

    Chromium joins the lines of a heading without a blank and says one twice that moved to the next page. Raises
    ValueError where the outline does not have as many entries as there are headings.
    """
    writer = PdfWriter(clone_from=io.BytesIO(printed))
    entries = list(_outline(writer.get_outline_root()))
    if len(entries) != len(headings):
        raise ValueError(f"the outline has {len(entries)} entries for {len(headings)} headings")
    for entry, heading in zip(entries, headings, strict=True):
        entry[NameObject("/Title")] = TextStringObject(heading)
    writer.metadata = {"/Title": title}
    file = io.BytesIO()
    writer.write(file)
    return _renumbered(file.getvalue())


def _renumbered(printed: bytes) -> bytes:
    """The names of table cells count all that the browser has ever made: here they count from 0, in as many digits."""
    names = {name: number for number, name in enumerate(sorted(set(NODE.findall(printed))))}
    return NODE.sub(lambda name: b"(node%0*d)" % (len(name[0]) - 6, names[name[0]]), printed)


def _outline(parent: Any) -> Iterator[Any]:
    """The entries of the outline below this one, in their order."""
    entry = parent.get("/First")
    while entry is not None:
        entry = entry.get_object()
        yield entry
        yield from _outline(entry)
        entry = entry.get("/Next")


def first_pages(printed: bytes) -> dict[str, int]:
    """On which page each place begins that a link leads to, by its id; pages count from 1."""
    reader = PdfReader(io.BytesIO(printed))
    places = {name.lstrip("/"): place for name, place in reader.named_destinations.items()}
    return {name: (reader.get_destination_page_number(place) or 0) + 1 for name, place in places.items()}


def _key(site: Path, text: str, executable: str) -> str:
    """The digest of what the PDF depends on."""
    files = [path for path in (site / "_static").rglob("*") if path.is_file()]
    files += [site / re.split("[?#]", source)[0] for source in re.findall(r'<img[^>]* src="([^":]+)"', text)]
    used = (f"{path.name} {current_digest(path)}" for path in (*sorted(set(files)), Path(__file__)))
    return digest(text, executable, *used)
