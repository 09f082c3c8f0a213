"""Cells that die, hang, print without end or write where they must not."""

from __future__ import annotations

import re
import time

import pytest
from small_site import PAGE, ran, wait_for
from tried_site import CELL, TriedSite, cases, contents

# what stands in a cell, and what the build says of it
HARM = {
    "dies": ("import os; os._exit(1)", "one, cell 1: its Python died"),
    "is killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "one, cell 1: its Python died"),
    "hangs": ("import time; time.sleep(1000)", "one, cell 1: ran longer than 5 s and was stopped"),
    "hangs and does not let itself be stopped": (
        "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(1000)",
        "one, cell 1: ran longer than 5 s and was stopped",
    ),
    "prints a megabyte": ("print('x' * 10**6)", "prints more than 200,000 characters"),
    "prints without end": ("while True: print('x' * 100)", "prints more than 200,000 characters"),
    "shows a megabyte": ("display('x' * 10**6)", "more than 200,000: show what readers need"),
}


ALWAYS = ("dies", "hangs", "prints a megabyte")


@pytest.mark.parametrize(("line", "message"), cases(HARM, ALWAYS))
def test_a_cell_that_misbehaves_is_named_and_nothing_is_published(site: TriedSite, line: str, message: str) -> None:
    site.edit("docs/one.md", CELL, line)
    began = time.monotonic()
    options = ["--cell-seconds", "5"] if "longer" in message else []
    output = site.fails("one, cell 1: ", message, of_cell="prints" in message, options=options)
    assert time.monotonic() - began < 60
    assert len(output) < 12_000
    site.edit("docs/one.md", line, CELL)
    site.is_right()


OUTSIDE = """\
import contextlib, os, pathlib, sqlite3, tempfile
pathlib.Path("here.txt").write_text("allowed")
with tempfile.TemporaryDirectory() as folder:
    pathlib.Path(folder, "there.txt").write_text("allowed")
print("x", file=open(os.devnull, "w"))
DEED"""
# what a cell may try to do to the site's files; {root} is where they lie
DEEDS = {
    "write a page": "open('{root}/docs/two.md', 'w').write('lost')",
    "add to a module": "os.write(os.open('{root}/code/genmodels/claims.py', os.O_WRONLY | os.O_APPEND), b'lost')",
    "remove the site": "import shutil; shutil.rmtree('{root}/build/html')",
    "rename a page": "os.rename('{root}/docs/two.md', 'two.md')",
    "make a folder at home": "pathlib.Path.home().joinpath('mine').mkdir()",
    "write through a link": "os.symlink('{root}/docs', 'link'); open('link/two.md', 'w').write('lost')",
    "save an array": "import numpy; numpy.save('{root}/array.npy', numpy.ones(3))",
    "keep a database": "sqlite3.connect('{root}/mine.db').execute('create table a (b)')",
}


def test_what_cells_write_outside_is_refused_and_each_culprit_named(site: TriedSite) -> None:
    """Each on a page of its own, two of which run at a time, so that no page is taken for another."""
    sources = contents(site.root / "docs"), contents(site.root / "code"), contents(site.root / "conf")
    bad = {f"bad{number}": deed.format(root=site.root) for number, deed in enumerate(DEEDS.values())}
    for name, deed in bad.items():
        text = PAGE.replace("NAME", name).replace("IMPORT", "").replace(CELL, OUTSIDE.replace("DEED", deed))
        site.write(f"{name}.md", text)
    output = site.fails(*(f"{name}, cell 1: OutsideError: a cell may change files" for name in bad), of_cell=True)
    assert "one" not in re.findall(r"(\w+), cell", output) and output.count(str(site.root / "docs/two.md")) >= 3
    for name in bad:
        (site.root / f"docs/{name}.md").unlink()
    assert (contents(site.root / "docs"), contents(site.root / "code"), contents(site.root / "conf")) == sources
    assert ran(site.is_right()) == set()


def test_outputs_of_a_module_that_changes_while_it_is_used_are_not_kept(site: TriedSite) -> None:
    """Compiled code and other programs can change it, and so can who edits it."""
    site.edit("docs/one.md", CELL, "import time; time.sleep(6)")
    process = site.start()
    wait_for("running 1 of 2 pages", process)
    site.edit("code/genmodels/toy_base.py", "VALUE = 1", "VALUE = 2")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 1 and "Traceback" not in output, output
    assert "one: code/genmodels/toy_base.py changed while its cells ran" in output
    assert site.html == site.whole
    site.edit("code/genmodels/toy_base.py", "VALUE = 2", "VALUE = 1")
    site.edit("docs/one.md", "import time; time.sleep(6)", CELL)
    site.is_right()


def test_an_option_that_makes_no_sense_is_refused(site: TriedSite) -> None:
    for option in ("--cell-seconds", "--jobs"):
        code, output = site.build(option, "0")
        assert code == 2 and f"argument {option}: must be more than 0" in output, output
