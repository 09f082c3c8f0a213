"""Mends, in the text of each page, what its makers write against the HTML standard or ARIA (assets.py has it done).

Each mend is a function from text to text; beside it stands who writes what it mends.
"""

from __future__ import annotations

import re
from collections.abc import Callable


def without_negative_heights(html: str) -> str:
    """KaTeX gives a box that lies wholly below the line a negative height, which every browser leaves out."""
    return re.sub(r"(?<=[\";])height:-[\d.]+em;?", "", html)


def with_list_items(html: str) -> str:
    """Docutils gives references a role that was taken back, inside a list, whose children must be items."""
    return html.replace('role="doc-biblioentry"', 'role="listitem"')


def with_layout_tables_named(html: str) -> str:
    """Sphinx puts the index of names into columns by a table, which holds no data."""
    return html.replace('class="indextable genindextable"', 'class="indextable genindextable" role="presentation"')


MENDS: tuple[Callable[[str], str], ...] = (without_negative_heights, with_list_items, with_layout_tables_named)


def mended(html: str) -> str:
    """The page's text with every mend made."""
    for mend in MENDS:
        html = mend(html)
    return html
