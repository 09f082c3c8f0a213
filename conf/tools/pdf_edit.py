"""Small changes to a PDF as Chromium prints it: one table says where its objects begin, and has to stay right."""

from __future__ import annotations

import bisect
import io
import re
from collections.abc import Iterable, Sequence

from pypdf import PdfReader

TITLE = re.compile(rb"/Title (?:\((?:\\.|[^\\)])*\)|<[0-9A-Fa-f]*>)", re.S)
DATE = re.compile(rb"/(?:CreationDate|ModDate) \([^)]*\)")
NODE = re.compile(rb"\(node(\d+)\)")
Edit = tuple[int, int, bytes]  # from, to, what stands there instead


def finished(printed: bytes, headings: Sequence[str]) -> bytes:
    """The PDF with the headings as its outline, and without what differs from print to print.

    Chromium joins the lines of a heading without a blank and says one twice that moved to the next page. Raises
    ValueError where the outline does not have as many entries as there are headings.
    """
    places = _outline(printed)
    if len(places) != len(headings):
        raise ValueError(f"the outline has {len(places)} entries for {len(headings)} headings")
    edits: list[Edit] = []
    for place, heading in zip(places, headings, strict=True):
        title = TITLE.search(printed, place)
        assert title is not None  # it is an entry of the outline
        edits.append((title.start(), title.end(), b"/Title <FEFF%s>" % heading.encode("utf-16-be").hex().encode()))
    edits += [(date.start(), date.end(), b"") for date in DATE.finditer(printed)]
    return edited(printed, [*edits, *_nodes(printed)])


def _outline(printed: bytes) -> list[int]:
    """Where the entries of the outline stand, in their order."""
    starts = _starts(printed)

    def walk(entries: Iterable[object]) -> Iterable[int]:
        for entry in entries:
            if isinstance(entry, list):
                yield from walk(entry)
            else:
                yield starts[entry.node.indirect_reference.idnum]  # type: ignore[attr-defined]

    return list(walk(PdfReader(io.BytesIO(printed)).outline))


def _nodes(printed: bytes) -> list[Edit]:
    """The names of table cells, numbered anew: they count the elements that the browser ever made."""
    names = sorted({match[1] for match in NODE.finditer(printed)})
    new = {name: b"(node%0*d)" % (len(name), number) for number, name in enumerate(names)}
    return [(match.start(), match.end(), new[match[1]]) for match in NODE.finditer(printed)]


def _starts(pdf: bytes) -> list[int]:
    """Where each object begins, by its number."""
    table = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    return [int(place) for place, _, _ in re.findall(rb"(\d{10}) (\d{5}) ([nf])", pdf[table : pdf.rindex(b"trailer")])]


def edited(pdf: bytes, edits: Iterable[Edit]) -> bytes:
    """The PDF with other bytes at some places, and its table of objects right again."""
    parts, ends, shifts, shift = [], [0], [0], 0
    for start, stop, new in sorted(edits):
        parts += [pdf[ends[-1] : start], new]
        shift += len(new) - (stop - start)
        ends.append(stop)
        shifts.append(shift)
    table = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])

    def place(old: int) -> int:
        return old + shifts[bisect.bisect_right(ends, old) - 1]

    tail = re.sub(rb"(\d{10})(?= \d{5} n)", lambda entry: b"%010d" % place(int(entry[1])), pdf[table:])
    tail = re.sub(rb"(?<=startxref\n)\d+", b"%d" % place(table), tail)
    return b"".join([*parts, pdf[ends[-1] : table], tail])
