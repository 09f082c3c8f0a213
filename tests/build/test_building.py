"""Building breaks where it must, runs what it must, and survives what happens to builds, tried on a small site."""

import filecmp
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INDEX = "# A small site\n\n{claim}`one-half .2f`\n\n```{toctree}\none\ntwo\nresults\n```\n"
PAGE = """\
---
file_format: mystnb
---
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


class Site:
    """A copy of what makes the site, with two small pages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("conf", "code", "requirements"):
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pyproject.toml", "LICENSE"):  # the notebooks come with the package
            shutil.copy(ROOT / name, root / name)
        self.write("index.md", INDEX)
        self.write("results.md", "# Results\n\n```{claims}\n```\n")
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

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "conf/tools/build.py", "--jobs", "2"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        return subprocess.Popen(
            command, cwd=self.root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def build(self) -> tuple[int, str]:
        process = self.start()
        output, _ = process.communicate(timeout=300)
        return process.returncode, output

    def page(self, name: str) -> str:
        return (self.root / "build/html" / name).read_text(encoding="utf-8")


def ran(output: str) -> set[str]:
    """The pages whose cells were run."""
    return set(re.findall(r"^  (\S+): done", output, re.M))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    site = Site(tmp_path_factory.mktemp("with blank and ümlaut") / "site")
    code, output = site.build()
    assert code == 0, output
    assert ran(output) == {"one", "two"}
    return site.root


@pytest.fixture
def site(built: Path, tmp_path: Path) -> Site:
    """A copy of the built small site, at another place: no executed cell may depend on where it lies."""
    copy = Site.__new__(Site)
    copy.root = tmp_path / "site"
    shutil.copytree(built, copy.root)
    return copy


@pytest.fixture
def settled(site: Site) -> Site:
    """The same after a build at its place, for Sphinx reads all pages again where a site has moved."""
    code, output = site.build()
    assert (code, ran(output)) == (0, set()), output
    return site


def test_an_unchanged_site_runs_nothing(settled):
    code, output = settled.build()
    assert (code, ran(output)) == (0, set()), output


def test_a_prose_edit_runs_nothing_and_shows(settled):
    settled.edit("docs/one.md", "# Page one", "# Page the first")
    code, output = settled.build()
    assert (code, ran(output)) == (0, set()), output
    assert "Page the first" in settled.page("one.html")


def test_a_cell_edit_runs_its_page_alone(settled):
    settled.edit("docs/two.md", "0.5, equals=0.5", "0.25, equals=0.25")
    code, output = settled.build()
    assert (code, ran(output)) == (0, {"two"}), output
    assert "0.25" in settled.page("results.html")


def test_an_output_that_changes_through_a_module_is_shown(settled):
    settled.edit("code/genmodels/figures.py", '"lines.linewidth": 2.0', '"lines.linewidth": 3.0')
    code, output = settled.build()
    assert (code, ran(output)) == (0, {"one", "two"}), output
    assert "stroke-width: 3" in settled.page("one.html") and "stroke-width: 3" in settled.page("two.html")


def test_a_module_edit_runs_the_pages_that_import_it_and_no_other(site):
    site.edit("code/genmodels/toy_base.py", "1", "2")  # imported indirectly
    code, output = site.build()
    assert (code, ran(output)) == (0, {"one"}), output
    site.edit("code/genmodels/claims.py", '"""A checked number', '"""A number, checked')
    code, output = site.build()
    assert (code, ran(output)) == (0, {"one", "two"}), output
    site.edit("code/genmodels/mnist.py", '"""', '""" ')  # imported by neither
    code, output = site.build()
    assert (code, ran(output)) == (0, set()), output


@pytest.mark.parametrize("name", ["requirements/lock.txt", "code/genmodels/data/mnist.md"])
def test_a_changed_lock_or_data_file_runs_everything(site, name):
    with (site.root / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    code, output = site.build()
    assert (code, ran(output)) == (0, {"one", "two"}), output


def test_a_changed_number_reaches_the_page_that_quotes_it(settled):
    assert "0.50" in settled.page("index.html")
    settled.edit("docs/one.md", "0.5, equals=0.5", "0.75, equals=0.75")
    code, output = settled.build()
    assert (code, ran(output)) == (0, {"one"}), output
    assert "0.75" in settled.page("index.html")


BREAKAGES = {
    "a cell that raises": (
        "docs/one.md",
        "axes.plot([0, 1])",
        "1 / 0",
        "one, cell 1: ZeroDivisionError: division by zero",
    ),
    "a cell that does not parse": ("docs/one.md", "axes.plot([0, 1])", "axes.plot([0, 1]", "one, cell 1, line"),
    "a module that does not parse": ("code/genmodels/toy_base.py", "VALUE = 1", "VALUE =", "toy_base.py, line 1"),
    "a claim that is off": (
        "docs/one.md",
        "0.5, equals=0.5",
        "0.5, equals=0.6",
        "one, cell 1: ClaimError: OFF  one-half = 0.5",
    ),
    "a claim that is made twice": ("docs/two.md", "two-half", "one-half", "claim one-half is made twice"),
    "a claim that nobody makes": ("docs/index.md", "one-half", "no-half", "no claim 'no-half'"),
    "a number in an unknown format": ("docs/index.md", "one-half .2f", "one-half .2y", "cannot be quoted as '.2y'"),
    "seeds that there are none of": ("docs/index.md", "one-half .2f", "one-half seeds", "not measured over seeds"),
    "a cell that warns": (
        "docs/one.md",
        "axes.plot([0, 1])",
        "import warnings; warnings.warn('beware')",
        "writes to stderr",
    ),
    "a hidden import": (
        "docs/one.md",
        "axes.plot([0, 1])",
        "__import__('importlib').import_module('genmodels.mnist')",
        "genmodels.mnist",
    ),
    "cells without the header": ("docs/one.md", "file_format: mystnb", "title: x", "file_format: mystnb"),
    "a figure without alt text": ("docs/one.md", ":alt: a line that rises from left to right\n", "", "alt"),
    "a dead cross-reference": ("docs/index.md", "# A small site", "# A small site\n\n[x](two.md#nowhere)", "nowhere"),
    "a dead equation reference": (
        "docs/index.md",
        "# A small site",
        "# A small site\n\n{eq}`eq-nowhere`",
        "eq-nowhere",
    ),
    "a citation without entry": (
        "docs/index.md",
        "# A small site",
        "# A small site\n\n{cite:p}`nobody2000`",
        "nobody2000",
    ),
    "a formula without its dollar": (
        "docs/index.md",
        "# A small site",
        "# A small site\n\nit costs $x^2",
        "dollar signs?",
    ),
    "a colon in a caption": ("docs/one.md", ':caption: "**A line.** It rises."', ":caption: a: b: c", "needs quotes"),
    "a bad formula": ("docs/index.md", "# A small site", "# A small site\n\n$\\frac{1$", "bad formula"),
    "data for a figure that there is not": (
        "docs/one.md",
        "axes.plot([0, 1])",
        "from genmodels.explorables import share\naxes.plot([0, 1])\nshare('nothing', x=1)",
        "no such figure",
    ),
    "a figure without its data": (
        "docs/index.md",
        "# A small site",
        "# A small site\n\n```{explorable} blur\n{}\n```",
        "no cell of any page shares data with it",
    ),
    "an unknown explorable": (
        "docs/index.md",
        "# A small site",
        "# A small site\n\n```{explorable} nothing\n{}\n```",
        "nothing",
    ),
}


@pytest.mark.parametrize(("name", "old", "new", "message"), BREAKAGES.values(), ids=list(BREAKAGES))
def test_breaking_things_is_caught_and_stays_caught(site, name, old, new, message):
    before = site.page("one.html")
    whole = (site.root / name).read_text(encoding="utf-8")
    site.edit(name, old, new)
    for _ in range(2):
        code, output = site.build()
        assert code != 0 and message in output and "Not built" in output, output
    assert site.page("one.html") == before
    (site.root / name).write_text(whole, encoding="utf-8")
    code, output = site.build()
    assert code == 0, output


def test_two_clean_builds_give_the_same_bytes(site):
    shutil.rmtree(site.root / "build")
    assert site.build()[0] == 0
    first = site.root / "first"
    shutil.copytree(site.root / "build/html", first)
    shutil.rmtree(site.root / "build")
    assert site.build()[0] == 0
    assert_same(first, site.root / "build/html")


def test_an_edit_undone_gives_the_same_bytes(settled):
    first = settled.root / "first"
    shutil.copytree(settled.root / "build/html", first)
    for old, new in (("# Page one", "# Page zero"), ("# Page zero", "# Page one")):
        settled.edit("docs/one.md", old, new)
        assert settled.build()[0] == 0
    assert_same(first, settled.root / "build/html")


def assert_same(first: Path, second: Path) -> None:
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert names == {path.relative_to(second) for path in second.rglob("*") if path.is_file()}
    assert [name for name in names if not filecmp.cmp(first / name, second / name, shallow=False)] == []


def test_a_killed_build_leaves_the_old_site_and_the_next_one_is_whole(site):
    before = site.page("one.html")
    site.edit("docs/one.md", "# Page one", "# Page one again")
    site.edit("docs/two.md", "axes.plot([0, 1])", "import time; time.sleep(3)")
    for seconds in (0.3, 1.5, 3):  # at the start and while the cells run
        process = site.start()
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert site.page("one.html") == before
    code, output = site.build()
    assert code == 0, output
    assert "Page one again" in site.page("one.html") and "Page one again" in site.page("index.html")


def test_an_interrupted_build_ends_at_once_and_says_so(site):
    site.edit("docs/one.md", "axes.plot([0, 1])", "import time; time.sleep(60)")
    process = site.start()
    assert "running 1 of 2 pages" in process.stdout.readline()
    time.sleep(3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=50)
    assert time.monotonic() - began < 40  # not the minute that the cell would sleep
    assert process.returncode == 130
    assert "Interrupted" in output and "Traceback" not in output, output


def test_a_page_that_is_not_utf_8_is_named(site):
    (site.root / "docs/two.md").write_bytes(b"# \xe4")
    code, output = site.build()
    assert code != 0 and "two: is not UTF-8" in output and "Traceback" not in output, output


def test_what_is_printed_between_claims_stands_in_one_block(site):
    line = 'print("first")\nclaim("NAME-x", 1, equals=1)\nprint("second")\n'.replace("NAME", "two")
    site.edit("docs/two.md", 'claim("two-half"', f'{line}claim("two-half"')
    code, output = site.build()
    assert code == 0, output
    assert re.search(r"<span></span>first\nsecond\n</pre>", site.page("two.html"))


def test_a_page_edited_while_the_site_is_built_is_named(site):
    """By a cell of its own here: what ran is not what the page now says."""
    page = site.root / "docs/one.md"
    edit = f"from pathlib import Path\npage = Path({str(page)!r})\npage.write_text(page.read_text() + CELL)"
    cell = "\n```{code-cell} python\nprint(1)\n```\n"
    site.write("one.md", page.read_text(encoding="utf-8") + cell.replace("print(1)", f"CELL = {cell!r}\n{edit}"))
    code, output = site.build()
    assert code != 0
    assert "one.md: WARNING: the cells have not been run, or were edited since: run 'make html' again" in output
    assert "Traceback" not in output


def test_leftovers_of_a_killed_build_do_not_reach_the_next_one(site):
    pickle = site.root / "build/doctrees/environment.pickle"
    pickle.write_bytes(pickle.read_bytes()[:1000])
    (site.root / "build/html.new").mkdir()
    (site.root / "build/html.new/leftover.html").write_text("half")
    shutil.copytree(site.root / "build/html", site.root / "build/html.old")
    code, output = site.build()
    assert code == 0, output
    assert "Page one" in site.page("one.html")
    assert not (site.root / "build/html/leftover.html").exists()


def test_a_page_that_is_gone_leaves_nothing_behind(site):
    (site.root / "docs/two.md").unlink()
    site.edit("docs/index.md", "two\n", "")
    code, output = site.build()
    assert (code, ran(output)) == (0, set()), output
    assert not (site.root / "build/html/two.html").exists()
    assert "two-half" not in site.page("results.html") + site.page("claims.json")
    assert len(list((site.root / "build/execution").iterdir())) == 1


def test_a_damaged_store_is_run_again(site):
    stored = sorted((site.root / "build/execution").glob("*.json"))
    stored[0].write_bytes(stored[0].read_bytes()[:100])
    stored[1].write_text(stored[1].read_text().replace("a half", "a part"))
    code, output = site.build()
    assert (code, ran(output)) == (0, {"one", "two"}), output


def test_two_builds_at_once_wait_for_each_other(site):
    site.edit("docs/one.md", "axes.plot([0, 1])", "axes.plot([1, 0])")
    first, second = site.start(), site.start()
    outputs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    assert sum("Another build is running here" in output for output in outputs) == 1, outputs
    assert [ran(output) for output in outputs].count({"one"}) == 1, outputs
