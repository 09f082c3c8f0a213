"""What this site does without, and what would load large libraries at every build, is not loaded.

Sphinx can make books, manuals and lists of dead links, the last by a library for the web: here it makes HTML.
myst-nb can run cells and keep their outputs, with nbclient, IPython and a database: here cells have run before Sphinx
starts. sphinxext-opengraph can draw cards, with matplotlib: page_previews draws them, when they change.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import sphinx.application
from sphinx.application import Sphinx

STAND_INS: dict[str, dict[str, Any]] = {
    "myst_nb.core.execute.cache": {"NotebookClientCache": None},
    "myst_nb.core.execute.direct": {"NotebookClientDirect": None},
    "myst_nb.core.execute.inline": {"NotebookClientInline": None},
    "sphinxext.opengraph._social_cards": {"DEFAULT_SOCIAL_CONFIG": {}, "create_social_card": None},
}


NEEDED = ("sphinx.builders.html", "sphinx.builders.gettext")  # of the second Sphinx asks for settings


def without_other_builders() -> None:
    """Have Sphinx load the builder of HTML and no other; to be called before it starts."""
    others = ("sphinx.builders.", "sphinxcontrib.")
    sphinx.application.builtin_extensions = tuple(
        name for name in sphinx.application.builtin_extensions if name in NEEDED or not name.startswith(others)
    )


def stand_in() -> None:
    """Put the stand-ins in place, before myst-nb is loaded; a process that has loaded the parts keeps them."""
    for name, content in STAND_INS.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        sys.modules.setdefault(name, module)


def setup(app: Sphinx) -> dict[str, Any]:
    """The same, for a build by Sphinx alone, which loads this extension first."""
    stand_in()
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
