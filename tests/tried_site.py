"""The small site with all that surrounds its building under watch: nothing a build leaves anywhere goes unseen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from small_site import Site

LONG = pytest.mark.long
CACHES = ("execution", "parsed", "memory", "doctrees", "written")  # what a build keeps for the next
CELL = "axes.plot([0, 1])"  # the line of a page's cell in whose place a test puts its own


def cases(tried: Mapping[str, Any], always: Sequence[str]) -> list[Any]:
    """The cases as parameters by their names; all but some are left to the long run."""
    assert set(always) <= set(tried)
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), id=name, marks=[] if name in always else LONG)
        for name, case in tried.items()
    ]


def contents(folder: Path) -> dict[str, str]:
    """Every file in the folder and the digest of what is in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


class TriedSite(Site):
    """A small site with a home and a folder for temporary files of its own, so that nothing left there goes unseen."""

    outside: Path
    whole: dict[str, str]  # what is to be in build/html

    @property
    def html(self) -> dict[str, str]:
        """What is in build/html."""
        return contents(self.root / "build/html")

    def start(self, *options: str, variables: Mapping[str, str] | None = None, **surroundings: Any) -> Any:
        """Start a build; a cell has a minute, which is long on the slowest machine."""
        places = {"TMPDIR": str(self.outside / "tmp"), "HOME": str(self.outside / "home")}
        return super().start("--cell-seconds", "60", *options, variables=places | dict(variables or {}), **surroundings)

    def litter(self) -> set[str]:
        """What lies where only a build can have put it: in the home, among temporary files, beside the sources."""
        found = {path.relative_to(self.outside).as_posix() for path in self.outside.glob("*/*")}
        names = {path.name for path in self.root.iterdir()}
        return found | (names - {"build", "code", "conf", "docs", "requirements", "pyproject.toml", "LICENSE"})

    def fails(self, *messages: str, of_cell: bool = False, options: Sequence[str] = (), **surroundings: Any) -> str:
        """The build ends with one clear error and changes nothing that is published; return what it said.

        Only an error of a cell may come with a traceback.
        """
        before = self.html
        code, output = self.build(*options, **surroundings)
        assert code == 1, output
        assert [message for message in messages if message not in output] == [], output
        assert output.count("Not built") == 1 and output.rstrip().endswith("build/html is what it was."), output
        assert of_cell or "Traceback" not in output, output
        assert self.html == before
        assert (left := self.litter()) == set(), left
        return output

    def is_right(self, **surroundings: Any) -> str:
        """The build gives the same site, byte for byte, as one to which nothing happened; return what it said."""
        code, output = self.build(**surroundings)
        assert code == 0, output
        assert "Traceback" not in output, output
        assert self.html == self.whole, output
        assert (left := self.litter()) == set(), left
        return output
