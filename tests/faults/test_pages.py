"""Pages that are deleted, renamed or moved, before a build and while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_site import Site, ran, wait_for
from tried_site import LONG, TriedSite, contents


def delete(site: Site) -> None:
    (site.root / "docs/two.md").unlink()
    site.edit("docs/index.md", "two\n", "")


def rename(site: Site) -> None:
    (site.root / "docs/two.md").rename(site.root / "docs/zwei.md")
    site.edit("docs/index.md", "two\n", "zwei\n")


def swap(site: Site) -> None:
    """Two pages exchange their names; the file times stay."""
    one, two, aside = (site.root / "docs" / name for name in ("one.md", "two.md", "aside.md"))
    for old, new in ((one, aside), (two, one), (aside, two)):
        old.rename(new)


@pytest.mark.parametrize("change", [delete, rename, pytest.param(swap, marks=LONG)])
def test_after_pages_have_gone_the_site_is_that_of_a_clean_build(site: TriedSite, tmp_path: Path, change) -> None:
    clean = Site(tmp_path / "clean")
    change(clean)
    assert clean.build()[0] == 0
    change(site)
    site.whole = contents(clean.root / "build/html")
    assert ran(site.is_right()) == set()  # their cells are the same, whatever the pages are called
    stored = [len(list((one.root / "build/execution").iterdir())) for one in (site, clean)]
    assert stored[0] == stored[1]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("deleted", "nonexisting document 'two'"),
        ("renamed", "zwei.md: WARNING: document isn't included in any toctree"),
    ],
)
def test_a_page_that_is_still_linked_is_named(site: TriedSite, what: str, message: str) -> None:
    page = site.root / "docs/two.md"
    text = page.read_text(encoding="utf-8")
    page.rename(page.with_name("zwei.md")) if what == "renamed" else page.unlink()
    site.fails(message, "mend the warnings above")
    (site.root / "docs/zwei.md").unlink(missing_ok=True)
    page.write_text(text, encoding="utf-8")
    site.is_right()


@pytest.mark.parametrize("moment", [pytest.param("running 1 of 2 pages", marks=LONG), "Sphinx makes them"])
def test_a_page_deleted_while_the_site_is_built(site: TriedSite, moment: str) -> None:
    site.edit("docs/one.md", "axes.plot([0, 1])", "import time; time.sleep(3)")
    process = site.start()
    wait_for(moment, process)
    page = site.root / "docs/two.md"
    text = page.read_text(encoding="utf-8")
    page.unlink()
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 1 and "Not built" in output and "Traceback" not in output, output
    assert "two" in output
    assert site.html == site.whole
    page.write_text(text, encoding="utf-8")
    site.edit("docs/one.md", "import time; time.sleep(3)", "axes.plot([0, 1])")
    site.is_right()
