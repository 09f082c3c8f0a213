"""A copy of what makes the site, with two small pages, on which building is tried."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DESCRIPTION = "description: This page is one of the few of a small site, on which the building of sites is tried.\n"
INDEX = f"---\n{DESCRIPTION}---\n# A small site\n\n{{claim}}`one-half .2f`\n\n```{{toctree}}\none\ntwo\nresults\n```\n"
CELL = "axes.plot([0, 1])"  # the line of a page's cell in whose place a test puts its own
PAGE = f"""\
---
file_format: mystnb
{DESCRIPTION}---
# Page NAME

```{{code-cell}} python
:alt: a line that rises from left to right
:caption: "**A line.** It rises."
:name: fig-NAME
IMPORT
from genmodels.site.claims import claims
from genmodels.site.figures import panels

(axes,) = fig = panels()
{CELL}
claims("NAME", half=(0.5, 0.5))
fig
```
"""
TABLE = 'half = { tolerance = 1e-9, text = "a half" }\nx = { tolerance = 0, text = "another" }\n'
# no page of it uses them, and each module has a page
LEFT_OUT = ("__pycache__", "experiments", "gan", "measures", "vae", "conv_networks.py", "mlp.py")
LONGEST = 300  # seconds that a build of a small site may take on the slowest machine


def page(name: str, cell: str = CELL, imports: str = "") -> str:
    """A page whose only cell has this line."""
    return PAGE.replace("NAME", name).replace("IMPORT", imports).replace(CELL, cell)


class Site:
    """A small site, with a home and a folder for temporary files of its own: nothing a build leaves goes unseen."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.outside = Path(tempfile.mkdtemp(prefix="outside-"))  # a short path: processes talk by sockets in it
        for name in ("home", "tmp"):
            (self.outside / name).mkdir()

    def make(self) -> None:
        """Write the sources."""
        for name in ("conf", "code", "requirements"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
        for name in ("pyproject.toml", "LICENSE"):  # the notebooks come with the package
            shutil.copy(ROOT / name, self.root / name)
        self.write("index.md", INDEX)
        self.write("results.md", f"---\n{DESCRIPTION}---\n# Results\n\n```{{claims}}\n```\n")
        self.write("one.md", page("one", imports="from genmodels import toy_low"))
        self.write("two.md", page("two"))
        # a module that is imported by a module that page one imports
        (self.root / "code/genmodels/toy_base.py").write_text("VALUE = 1\n")
        (self.root / "code/genmodels/toy_low.py").write_text("from genmodels.toy_base import VALUE as VALUE\n")

    def copy(self, root: Path) -> "Site":
        """A copy at another place, built where this one is."""
        shutil.copytree(self.root, root)
        return Site(root)

    def write(self, name: str, text: str) -> None:
        """Write a page, and the table of its claims."""
        for table in re.findall(r'claims\("(\w+)"', text):
            (self.root / f"code/genmodels/site/expected/{table}.toml").write_text(TABLE)
        path = self.root / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def start(
        self, *options: str, command: str = "html", first: Callable[[], object] = lambda: None
    ) -> subprocess.Popen[str]:
        """Start a build, after something that its process does first."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
        paths = {"PYTHONPATH": f"{self.root}/conf:{self.root}/code"}
        places = {"TMPDIR": str(self.outside / "tmp"), "HOME": str(self.outside / "home")}

        def prepare() -> None:
            # tests that were started in the background ignore Ctrl+C, and so would what they start
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.alarm(LONGEST)  # a build that hangs is ended, and its test fails
            first()

        return subprocess.Popen(
            [sys.executable, "-m", "site_builder", command, *options],
            cwd=self.root,
            env=environment | paths | places,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=prepare,
        )

    def build(self, *options: str, **more: Any) -> tuple[int, str]:
        """Build; return the exit status and what was said."""
        process = self.start(*options, **more)
        output, _ = process.communicate(timeout=LONGEST + 10)
        return process.returncode, output

    def builds(self, *options: str) -> set[str]:
        """Build, which succeeds and leaves nothing lying about; return the pages whose cells were run."""
        code, output = self.build(*options)
        assert code == 0, output
        assert "Traceback" not in output, output
        assert self.litter() == set(), output
        return ran(output)

    def fails(self, *messages: str, options: tuple[str, ...] = (), **more: Any) -> str:
        """Build, which ends with an error that has these messages, and changes nothing that is published."""
        before = self.html()
        code, output = self.build(*options, **more)
        assert code == 1, output
        assert [message for message in messages if message not in output] == [], output
        assert output.count("Not built") == 1 and output.rstrip().endswith("build/html is what it was."), output
        assert self.html() == before
        assert self.litter() == set(), output
        return output

    def html(self) -> dict[str, str]:
        """Every file that is published, and the digest of what is in it."""
        folder = self.root / "build/html"
        return {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }

    def page(self, name: str) -> str:
        """A published page."""
        return (self.root / "build/html" / name).read_text(encoding="utf-8")

    def litter(self) -> set[str]:
        """What lies where only a build can have put it: in the home, among temporary files, beside the sources."""
        found = {path.relative_to(self.outside).as_posix() for path in self.outside.glob("*/*")}
        found -= {name for name in found if "sphinx-err-" in name}  # in which Sphinx tells its own makers of a fault
        names = {path.name for path in self.root.iterdir()}
        return found | (names - {"build", "code", "conf", "docs", "requirements", "pyproject.toml", "LICENSE"})


def wait_for(words: str, process: subprocess.Popen[str]) -> str:
    """Read what a build says until these words come; it must not end before."""
    said = ""
    while words not in said:
        line = process.stdout.readline()
        assert line, f"it has ended without {words!r}:\n{said}"
        said += line
    return said


def ran(output: str) -> set[str]:
    """The pages whose cells were run."""
    return set(re.findall(r"^  (\S+): done", output, re.M))
