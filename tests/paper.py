"""What stands on printed paper, and where."""

import ctypes
import re
import unicodedata
from typing import NamedTuple

import pypdfium2
from pypdfium2 import raw

FAR = 1e4  # points: what lies beyond the paper is left out by the library, so the paper is made larger


class Letter(NamedTuple):
    """A letter, the place of its foot on the paper and its size, in points, and its font."""

    text: str
    x: float
    y: float
    size: float
    font: str


def texts(pdf: bytes) -> list[str]:
    """What stands on each sheet; a hyphen at the end of a line, which the library marks, is there."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [sheet.get_textpage().get_text_range().replace("\ufffe", "-") for sheet in document]


def letters(pdf: bytes) -> list[Letter]:
    """Every letter that is printed, also beyond the paper."""
    found = []
    with pypdfium2.PdfDocument(pdf) as document:
        for sheet in document:
            sheet.set_mediabox(-FAR, -FAR, FAR, FAR)
            sheet.set_cropbox(-FAR, -FAR, FAR, FAR)
            page = sheet.get_textpage()
            for at in range(page.count_chars()):
                x, y, matrix = ctypes.c_double(), ctypes.c_double(), raw.FS_MATRIX()
                name = ctypes.create_string_buffer(80)
                raw.FPDFText_GetCharOrigin(page, at, x, y)
                raw.FPDFText_GetFontInfo(page, at, name, 80, None)
                raw.FPDFText_GetMatrix(page, at, matrix)
                text, font = chr(raw.FPDFText_GetUnicode(page, at)), name.value.decode(errors="replace")
                size = raw.FPDFText_GetFontSize(page, at) * abs(matrix.d)
                if text.strip():
                    found.append(Letter(text, x.value, y.value, size, font))
    return found


def squeezed(text: str) -> str:
    """Without blanks and line ends, and with ff as two letters."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
