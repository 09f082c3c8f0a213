"""Equations are numbered by page: (1c.4) is the fourth one of the page of question 1 (c), wherever it is cited."""

import posixpath
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.math import MathDomain


class PagewiseMath(MathDomain):
    """The domain of formulas; Sphinx's own numbers start at (1) on every page and do not say of which."""

    def note_equation(self, docname: str, labelid: str, location: Any = None) -> None:
        """Give the equation its number, with the question's short name where the page has one."""
        super().note_equation(docname, labelid, location)
        question = re.match(r"\d[a-z]?(?=-)", posixpath.basename(docname))
        if question:
            number = f"{question[0]}.{self.equations[labelid][1]}"
            self.equations[labelid] = (docname, number)  # type: ignore[assignment]


def setup(app: Sphinx) -> dict[str, Any]:
    """Put the domain in place of Sphinx's own."""
    app.add_domain(PagewiseMath, override=True)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
