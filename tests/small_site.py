"""A copy of what makes the site, with two small pages, on which building is tried."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[1]
DESCRIPTION = "description: This page is one of the few of a small site, on which the building of sites is tried.\n"
INDEX = f"---\n{DESCRIPTION}---\n# A small site\n\n{{claim}}`one-half .2f`\n\n```{{toctree}}\none\ntwo\nresults\n```\n"
PAGE = f"""\
---
file_format: mystnb
{DESCRIPTION}---
"""
PAGE += """\
# Page NAME

```{code-cell} python
:alt: a line that rises from left to right
:caption: "**A line.** It rises."
:name: fig-NAME
IMPORT
from genmodels.claims import claim
from genmodels.figures import panels

(axes,) = fig = panels()
axes.plot([0, 1])
claim("NAME-half", 0.5, equals=0.5, text="a half")
fig
```
"""


AnySite = TypeVar("AnySite", bound="Site")
LONGEST = 300  # seconds that a build of a small site may take on the slowest machine


class Site:
    """A copy of what makes the site, with two small pages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("conf", "code", "requirements"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "LICENSE"):  # the notebooks come with the package
            shutil.copy(ROOT / name, root / name)
        self.write("index.md", INDEX)
        self.write("results.md", f"---\n{DESCRIPTION}---\n# Results\n\n```{{claims}}\n```\n")
        self.write("one.md", PAGE.replace("NAME", "one").replace("IMPORT", "from genmodels import toy_low"))
        self.write("two.md", PAGE.replace("NAME", "two").replace("IMPORT", ""))
        # a module that is imported by a module that page one imports
        (root / "code/genmodels/toy_base.py").write_text("VALUE = 1\n")
        (root / "code/genmodels/toy_low.py").write_text("from genmodels.toy_base import VALUE as VALUE\n")

    def write(self, name: str, text: str) -> None:
        path = self.root / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def start(
        self,
        *options: str,
        under: Sequence[str] = (),
        first: Callable[[], object] = lambda: None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a build: under another command, after something that its process does first, with these variables."""
        command = [*under, sys.executable, "conf/tools/build.py", "--jobs", "2", *options]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}

        def prepare() -> None:
            # tests that were started in the background ignore Ctrl+C, and so would what they start
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.alarm(LONGEST)  # a build that hangs is ended, and its test fails
            first()

        return subprocess.Popen(
            command,
            cwd=self.root,
            env=environment | dict(variables or {}),
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=prepare,
        )

    def build(self, *options: str, **surroundings: Any) -> tuple[int, str]:
        process = self.start(*options, **surroundings)
        output, _ = process.communicate(timeout=LONGEST + 10)  # what runs under another command gets no alarm
        return process.returncode, output

    def page(self, name: str) -> str:
        return (self.root / "build/html" / name).read_text(encoding="utf-8")


def wait_for(words: str, process: subprocess.Popen[str]) -> None:
    """Read what a build says until these words come; it must not end before."""
    said = ""
    while words not in said:
        line = process.stdout.readline()
        assert line, f"it has ended without {words!r}:\n{said}"
        said += line


def ran(output: str) -> set[str]:
    """The pages whose cells were run."""
    return set(re.findall(r"^  (\S+): done", output, re.M))


def assert_same(first: Path, second: Path) -> None:
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert names == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert [name for name in names if not filecmp.cmp(first / name, second / name, shallow=False)] == []


def build_one(root: Path) -> Path:
    """Make a small site in this folder and build it."""
    code, output = Site(root).build()
    assert code == 0, output
    assert ran(output) == {"one", "two"}
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small site that has been built."""
    return build_one(tmp_path_factory.mktemp("with blank and ümlaut") / "site")


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Site:
    """A copy of it, at another place: no executed cell may depend on where it lies."""
    return copied(Site, built, tmp_path / "site")


def copied(kind: type[AnySite], original: Path, root: Path) -> AnySite:
    """A copy of a site, built or not, at another place."""
    copy = kind.__new__(kind)
    copy.root = root
    shutil.copytree(original, root)
    return copy
