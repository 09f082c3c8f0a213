"""Building breaks where it must and runs what it must, tried on a small site; what happens to builds: tests/faults."""

import io
import re
import shutil
import signal
import sys
import threading
import time

import execute
import pytest
from small_site import PAGE, Site, assert_same, ran, wait_for


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
    drawings = sorted((settled.root / "build/html/figures").glob("*.svg"))
    assert [path.name[:7] for path in drawings] == ["fig-one", "fig-two"]
    assert all("stroke-width:3" in path.read_text().replace(": ", ":") for path in drawings)


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


# what is wrong with a page's cells or with a module: found before any cell runs
UNREADABLE = {
    "a date": (
        "docs/one.md",
        "description:",
        "date: 2026-01-01\ndescription:",
        "one: what stands at its top",
    ),
    "a cell that does not parse": ("docs/one.md", "axes.plot([0, 1])", "axes.plot([0, 1]", "one, cell 1, line"),
    "a module that does not parse": ("code/genmodels/toy_base.py", "VALUE = 1", "VALUE =", "toy_base.py, line 1"),
    "cells without the header": ("docs/one.md", "file_format: mystnb", "title: x", "file_format: mystnb"),
    "a colon in a caption": ("docs/one.md", ':caption: "**A line.** It rises."', ":caption: a: b: c", "needs quotes"),
    "a claim that is made twice": ("docs/two.md", "two-half", "one-half", "claim one-half is made twice"),
}
# cells that fail, each on a page of its own: what stands in the place of axes.plot([0, 1])
FAILING = {
    "1 / 0": ("cell 1: ZeroDivisionError: division by zero", "Cell 1, line 5", "{name}:{LINE}\n"),
    "claim('off', 0.5, equals=0.6)": ("cell 1: ClaimError: OFF  off = 0.5", "{name}:{LINE}\n"),
    "import warnings; warnings.warn('beware')": ("writes to stderr", "{name}:{FIRST}\n"),
    "__import__('importlib').import_module('genmodels.mnist')": ("loads genmodels.mnist",),
}
# what is wrong with the text of a page: Sphinx tells all of it at once
WRONG = {
    "{claim}`no-half .2f`": "no claim 'no-half'",
    "{claim}`one-half .2y`": "cannot be quoted as '.2y'",
    "{claim}`one-half seeds`": "not measured over seeds",
    "[x](two.md#nowhere)": "nowhere",
    "{eq}`eq-lost`": "eq-lost",
    "{cite:p}`nobody2000`": "nobody2000",
    "it costs $x^2": "dollar signs?",
    "$\\frac{1$": "bad formula",
    "```{explorable} blur\n{}\n```": "no cell of any page shares data with it",
    "```{explorable} unheard\n{}\n```": "unheard",
}


def stays_broken(site, messages):
    before = site.page("one.html")
    for _ in range(2):
        code, output = site.build()
        assert code != 0 and "Not built" in output, output
        assert [message for message in messages if message not in output] == [], output
    assert site.page("one.html") == before


def breaks(site, name, old, new, messages):
    """An edit breaks the site, which stays broken until the edit is undone."""
    whole = (site.root / name).read_text(encoding="utf-8")
    site.edit(name, old, new)
    stays_broken(site, messages)
    (site.root / name).write_text(whole, encoding="utf-8")
    code, output = site.build()
    assert code == 0, output


@pytest.mark.parametrize(("name", "old", "new", "message"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_what_cannot_be_read_is_named(site, name, old, new, message):
    breaks(site, name, old, new, [message])


def test_every_cell_that_fails_is_named(site):
    messages = []
    for number, (line, expected) in enumerate(FAILING.items()):
        text = PAGE.replace("NAME", f"bad{number}").replace("IMPORT", "").replace("axes.plot([0, 1])", line)
        site.write(f"bad{number}.md", text)
        lines = {
            what: text[: text.index(code)].count("\n") + 1
            for what, code in (("LINE", line), ("FIRST", "from genmodels"))
        }
        messages += [message.format(name=f"docs/bad{number}.md", **lines) for message in expected]
    stays_broken(site, messages)
    for number in range(len(FAILING)):
        (site.root / f"docs/bad{number}.md").unlink()
    code, output = site.build()
    assert (code, ran(output)) == (0, set()), output


def test_everything_wrong_on_a_page_is_named(site):
    breaks(site, "docs/index.md", "# A small site", "\n\n".join(["# A small site", *WRONG]), WRONG.values())


def test_a_figure_without_alt_text_is_named(site):
    breaks(site, "docs/one.md", ":alt: a line that rises from left to right\n", "", ["without alt"])


def test_data_for_a_figure_that_there_is_not_are_named(site):
    line = "from genmodels.explorables import share\nshare('lost', x=1)"
    breaks(site, "docs/two.md", "axes.plot([0, 1])", line, ["no such figure"])


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


def test_an_interrupted_build_ends_at_once_and_says_so(site):
    site.edit("docs/one.md", "axes.plot([0, 1])", "import time; time.sleep(60)")
    process = site.start()
    wait_for("running 1 of 2 pages", process)
    time.sleep(3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=50)
    assert time.monotonic() - began < 40  # not the minute that the cell would sleep
    assert process.returncode == 130
    assert "Interrupted" in output and "Traceback" not in output, output


@pytest.fixture
def interrupting(site: Site) -> Site:
    """A site whose pages are interrupted while Sphinx makes them, by Ctrl+C that a library catches or lets through."""
    path = site.root / "conf/conf.py"
    lines = "with contextlib.suppress(LET_THROUGH):\n    signal.raise_signal(signal.SIGINT)\n"
    path.write_text(f"{path.read_text(encoding='utf-8')}\nimport contextlib\nimport signal\n{lines}", encoding="utf-8")
    return site


@pytest.mark.parametrize("caught", ["", "BaseException"])
def test_a_build_interrupted_while_pages_are_made_says_so_too(interrupting, caught):
    interrupting.edit("conf/conf.py", "LET_THROUGH", caught)
    before = interrupting.page("one.html")
    code, output = interrupting.build()
    assert code == 130
    assert "Interrupted" in output and "Not built" not in output and "Traceback" not in output, output
    assert interrupting.page("one.html") == before
    interrupting.edit("conf/conf.py", "signal.raise_signal(signal.SIGINT)", "pass")
    code, output = interrupting.build()
    assert (code, ran(output)) == (0, set()), output


def test_a_build_that_ignores_interruptions_goes_on(interrupting):
    """As one in the background of a shell does."""
    interrupting.edit("conf/conf.py", "LET_THROUGH", "")
    code, output = interrupting.build(first=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert (code, "Interrupted" in output) == (0, False), output


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
    """What ran is not what the page now says."""
    page = site.root / "docs/one.md"
    process = site.start()
    wait_for("Sphinx makes them", process)
    page.write_text(page.read_text(encoding="utf-8") + "\n```{code-cell} python\nprint(1)\n```\n", encoding="utf-8")
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert "one.md: WARNING: the cells have not been run, or were edited since: run 'make html' again" in output
    assert "Traceback" not in output


def test_a_line_of_progress_is_whole_when_two_pages_end_at_once(monkeypatch):
    class Slow(io.StringIO):
        def write(self, text):
            time.sleep(0.02)
            return super().write(text)

    progress = execute.Progress({"one": 1, "two": 1})
    for name in ("one", "two"):
        progress.start(name)
    monkeypatch.setattr(sys, "stdout", said := Slow())
    ending = [threading.Thread(target=progress.done, args=(name,)) for name in ("one", "two")]
    for thread in ending:
        thread.start()
    for thread in ending:
        thread.join()
    assert sorted(said.getvalue().splitlines()) == [f"  {name}: done, 1 cell, 0 s" for name in ("one", "two")]
