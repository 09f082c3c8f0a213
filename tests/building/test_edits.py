"""An edit runs what it must and shows where it must; what is wrong with a page is named with its place."""

import shutil
from pathlib import Path

import pytest
from small_site import DESCRIPTION, Site

from site_builder import dependencies
from site_builder.outputs import Store
from site_builder.pages import ExecutionError, read_pages


def test_an_edit_of_prose_runs_nothing_and_shows(site: Site) -> None:
    site.edit("docs/one.md", "# Page one", "# Page the first")
    assert site.builds() == set()
    assert "Page the first" in site.page("one.html") and "Page the first" in site.page("two.html")  # in its menu


def test_an_edit_of_a_cell_runs_its_page_alone_and_its_number_shows_wherever_it_is_quoted(site: Site) -> None:
    assert "0.50" in site.page("index.html")
    site.edit("docs/one.md", "(0.5, 0.5)", "(0.25, 0.25)")
    site.edit("docs/one.md", 'claims("one"', 'print("first")\nclaims("one", x=(1, 1))\nprint("second")\nclaims("one"')
    assert site.builds() == {"one"}
    assert "0.25" in site.page("index.html") and "0.25" in site.page("results.html")
    assert "first\nsecond\n</pre>" in site.page("one.html")  # what is printed between claims, in one block


def test_an_edit_of_a_module_runs_the_pages_that_import_it_and_no_other(site: Site) -> None:
    site.edit("code/genmodels/toy_base.py", "1", "2")  # imported indirectly
    site.edit("code/genmodels/data/mnist.py", '"""', '""" ')  # imported by neither
    assert site.builds() == {"one"}
    site.edit("code/genmodels/site/figures.py", '"lines.linewidth": 2.0', '"lines.linewidth": 3.0')
    assert site.builds() == {"one", "two"}
    drawings = sorted((site.root / "build/html/figures").glob("*.svg"))
    assert [path.name[:7] for path in drawings] == ["fig-one", "fig-two"]
    assert all("stroke-width:3" in path.read_text() for path in drawings)


@pytest.mark.parametrize(
    "name", ["requirements/lock.txt", "code/genmodels/data/mnist.md", "conf/site_builder/cell_process.py"]
)
def test_a_changed_lock_data_file_or_way_of_running_runs_everything(site: Site, monkeypatch, name: str) -> None:
    monkeypatch.setattr(dependencies, "RUNNER", site.root / "conf/site_builder/cell_process.py")
    before = dependencies.digest(site.root, ["1"])
    with (site.root / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    dependencies.file_digest.cache_clear()
    assert dependencies.digest(site.root, ["1"]) != before


def test_pages_that_are_renamed_or_deleted_leave_nothing_and_clean_builds_give_the_same_bytes(
    built: Site, site: Site, tmp_path: Path
) -> None:
    (site.root / "docs/two.md").rename(site.root / "docs/zwei.md")
    site.edit("docs/index.md", "two\n", "zwei\n")
    assert site.builds() == set()  # its cells are what they were
    assert (site.root / "build/html/zwei.html").is_file() and not (site.root / "build/html/two.html").exists()
    (site.root / "docs/zwei.md").rename(site.root / "docs/two.md")
    site.edit("docs/index.md", "zwei\n", "two\n")
    site.write("three.md", f"---\norphan: true\n{DESCRIPTION}---\n# Three\n")
    site.builds()
    (site.root / "docs/three.md").unlink()
    shutil.rmtree(site.root / "build")  # and from nothing at another place
    assert site.builds() == {"one", "two"}
    assert site.html() == built.html()


QUOTING = "```{code-cell} python\n:source: genmodels.toy_base.twice\nNUMBER = 3\n```\n"


def test_a_cell_quotes_the_package_and_its_page_runs_anew_where_that_is_edited(site: Site) -> None:
    with (site.root / "code/genmodels/toy_base.py").open("a") as file:
        file.write("\n\n@str\ndef twice():\n    return NUMBER * 2\n")
    site.edit("docs/two.md", "# Page two\n", f"# Page two\n\n{QUOTING}")
    page = read_pages(site.root)[1]
    assert page.cells[0].source == "NUMBER = 3\n\n@str\ndef twice():\n    return NUMBER * 2"
    first = (site.root / "docs/two.md").read_text().split("\n").index("NUMBER = 3") + 1
    assert [page.line_of(site.root, 1, line) for line in (1, 2, 3)] == [first, first - 1, first - 1]
    site.edit("code/genmodels/toy_base.py", "NUMBER * 2", "2 * NUMBER")
    assert read_pages(site.root)[1].digest != page.digest


# what is wrong with a page's cells or with a module: found before any cell runs
UNREADABLE = {
    "a date": ("docs/one.md", "description:", "date: 2026-01-01\ndescription:", "one: what stands at its top"),
    "a cell that does not parse": ("docs/one.md", "axes.plot([0, 1])", "axes.plot([0, 1]", "one, cell 1, line"),
    "a module that does not parse": ("code/genmodels/toy_base.py", "VALUE = 1", "VALUE =", "toy_base.py, line 1"),
    "cells without the header": ("docs/one.md", "file_format: mystnb", "title: x", "file_format: mystnb"),
    "a quoted name that is none": (
        "docs/two.md",
        "# Page two\n",
        f"# Page two\n\n{QUOTING}",
        "two, cell 1: :source: the package defines no 'genmodels.toy_base.twice'",
    ),
    "a colon in a caption": ("docs/one.md", ':caption: "**A line.** It rises."', ":caption: a: b: c", "needs quotes"),
    "a note without checksum": ("code/genmodels/data/mnist.md", "sha256 `", "sha `", "there must be mnist.md with its"),
    "damaged data": ("code/genmodels/data/mnist.md", "sha256 `", "sha256 `0000000000", "is damaged"),
}


@pytest.mark.parametrize(("name", "old", "new", "message"), UNREADABLE.values(), ids=list(UNREADABLE))
def test_what_cannot_be_read_is_named(site: Site, name: str, old: str, new: str, message: str) -> None:
    if "damaged" in message:
        new, old = "sha256 `" + "0" * 10, (site.root / name).read_text().split("sha256 `")[1][:10]
        new, old = new, "sha256 `" + old
    site.edit(name, old, new)
    dependencies.file_digest.cache_clear()
    with pytest.raises(ExecutionError, match=message.replace("(", r"\(")):
        read_pages(site.root)


def test_a_page_that_is_not_utf_8_or_makes_a_claim_twice_is_named_and_nothing_is_published(site: Site) -> None:
    (site.root / "docs/three.md").write_bytes(b"# \xe4")
    assert "Traceback" not in site.fails("three: is not UTF-8")
    (site.root / "docs/three.md").unlink()
    site.edit("docs/two.md", 'claims("two"', 'claims("one"')
    assert "Traceback" not in site.fails("claim one-half is made twice: on one and on two")


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
    "```{all-links}\n```": "AllLinks finds nothing",
    "```{answers}\n```": "no question beside this page",
}


def test_everything_wrong_on_a_page_is_named_at_once(site: Site) -> None:
    site.edit("docs/index.md", "# A small site", "\n\n".join(["# A small site", *WRONG]))
    site.edit("docs/one.md", ":alt: a line that rises from left to right\n", "")
    site.edit("docs/two.md", "axes.plot([0, 1])", "from genmodels.site.explorables import share\nshare('lost', x=1)")
    lost = "two.md: WARNING: shares data with 'lost', but there is no such figure"
    assert "Traceback" not in site.fails(*WRONG.values(), "without alt", "docs/index.md:", lost)


def test_a_fault_in_an_extension_is_named_with_its_file_and_line(site: Site) -> None:
    site.edit("conf/site_builder/extensions/claims_ledger.py", "    claim_id, _,", "    1 / 0\n        claim_id, _,")
    path = site.root / "conf/site_builder/extensions/claims_ledger.py"
    line = path.read_text().split("\n").index("        1 / 0") + 1
    site.fails(f'{path}", line {line}', "ZeroDivisionError")


def test_what_is_kept_and_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put("a", [1])
    store.put("b", [2])
    assert (store.get("a"), store.get("c")) == ([1], None)
    (tmp_path / "a.json").write_text('[1, "half')
    assert store.get("a") is None
    store.keep_only(["b"])
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
