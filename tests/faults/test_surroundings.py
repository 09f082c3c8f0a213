"""Where and when a build runs: locale, paths, homes and clocks leave no trace in the site."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_site import copied, ran
from tried_site import CACHES, LONG, TriedSite, cases

LOCALES = {
    "C": {"LC_ALL": "C"},
    "C, taken at its word": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "German": {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"},
    "German of old": {"LC_ALL": "de_DE", "LANGUAGE": "de", "PYTHONIOENCODING": "iso-8859-1"},
}
YEAR = 365 * 24 * 3600
# runs a command in a Python whose clock is wrong by the seconds of its first argument
CLOCK = """
import runpy, sys, time
wrong = float(sys.argv[1])
now, now_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: now() + wrong, lambda: now_ns() + int(wrong * 1e9)
sys.argv = sys.argv[3:]
sys.path[0] = "conf/tools"
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def forget(site: TriedSite) -> None:
    for name in (*CACHES, "generated", "matplotlib"):
        shutil.rmtree(site.root / "build" / name)


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variable that lets programs find the German locales, which few machines have: made here where they can be.

    Where their definitions are missing, the names alone and the encoding are tried.
    """
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        return {}
    for name, encoding in (("de_DE.UTF-8", "UTF-8"), ("de_DE", "ISO-8859-1")):
        subprocess.run(["localedef", "-i", "de_DE", "-f", encoding, folder / name], capture_output=True)
    return {"LOCPATH": str(folder)} if any(folder.iterdir()) else {}


@pytest.mark.parametrize("variables", cases(LOCALES, ["C, taken at its word", "German of old"]))
def test_the_locale_leaves_no_trace(site: TriedSite, tmp_path: Path, locales, variables: dict[str, str]) -> None:
    """Also at a path with letters that the locale does not know."""
    forget(site)
    there = tmp_path / "Übung α"
    site.root = site.root.rename(there)
    variables = variables | (locales if variables["LC_ALL"].startswith("de") else {})
    assert ran(site.is_right(variables=variables)) == {"one", "two"}
    text = "print('Lösung für β ≤ 1')"
    site.edit("docs/one.md", "axes.plot([0, 1])", f"{text}; 1 / 0")
    site.fails("one, cell 1: ZeroDivisionError", of_cell=True, variables=variables)


@pytest.mark.parametrize("name", ["with blanks and ümläuts", pytest.param("decomposed u\u0308 '#1' 100%", marks=LONG)])
def test_the_path_leaves_no_trace(built: Path, tmp_path: Path, outside: Path, name: str) -> None:
    site = copied(TriedSite, built, tmp_path / name / "site")
    site.outside, site.whole = outside, site.html
    forget(site)
    assert ran(site.is_right()) == {"one", "two"}


def test_sources_and_home_that_cannot_be_written_to_do_not_matter(site: TriedSite, unprivileged) -> None:
    forget(site)
    folders = [path for path in site.root.rglob("*") if path.is_dir() and "build" not in path.parts]
    protected = [site.outside / "home", *folders]
    for folder in protected:
        folder.chmod(0o555)
    assert ran(site.is_right(first=unprivileged)) == {"one", "two"}
    for folder in protected:
        folder.chmod(0o755)


@pytest.mark.parametrize("wrong", cases({"back": -YEAR, "ahead": YEAR}, ["back"]))
def test_a_clock_that_is_wrong_leaves_no_trace_and_hides_no_edit(site: TriedSite, wrong: int) -> None:
    """The site was built at the right time; an edit at the wrong one is shown, and one after the clock is mended."""
    under = [sys.executable, "-c", CLOCK, str(wrong)]
    page = site.root / "docs/one.md"
    for surroundings, moment in (({"under": under}, time.time() + wrong), ({}, time.time())):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("# Page one", f"# Page of {moment}"), encoding="utf-8")
        os.utime(page, (moment, moment))
        code, output = site.build(**surroundings)
        assert (code, ran(output)) == (0, set()), output
        assert f"Page of {moment}" in site.page("one.html") and f"Page of {moment}" in site.page("index.html")
        page.write_text(text, encoding="utf-8")
        os.utime(page, (moment, moment))
        site.is_right(**surroundings)
    forget(site)
    site.is_right(under=under)


def test_an_edit_is_shown_whatever_the_time_of_the_file(site: TriedSite) -> None:
    """Of a page, and of a file that a page is made from."""
    page, included = site.root / "docs/results.md", site.root / "docs/note.txt"
    included.write_text("A first note.\n")
    page.write_text(page.read_text(encoding="utf-8") + "\n```{include} note.txt\n```\n", encoding="utf-8")
    site.edit("docs/one.md", "# Page one", "# Page 1")
    assert site.build()[0] == 0
    site.edit("docs/one.md", "# Page 1", "# Page I")
    included.write_text("Another note.\n")
    for path in (included, site.root / "docs/one.md"):
        os.utime(path, (0, 0))
    assert site.build()[0] == 0
    assert "Page I" in site.page("one.html") and "Another note." in site.page("results.html")
