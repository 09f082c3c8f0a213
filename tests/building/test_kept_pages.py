"""A build that takes most pages from the builds before gives the same bytes as one that makes everything anew."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from small_site import DESCRIPTION, Site, assert_same, copied
from tried_site import LONG

END = "fig\n```\n"  # how a page ends
THIRD = f"---\n{DESCRIPTION}---\n# Third\n\nSee [](one.md) and {{eq}}`eq-one`.\n\n## Place\n\nText.\n"
# what can be done to the small site and undone: file, text before, text after
EDITS = {
    "prose": ("docs/one.md", END, f"{END}\nOne more sentence.\n"),
    "a formula": ("docs/one.md", "$$x = 1$$ (eq-one)", "$$x = 1$$ (eq-one)\n\nIt is $x^2$."),
    "an equation": ("docs/two.md", "# Page two\n", "# Page two\n\n$$y = 1$$ (eq-other)\n"),
    "a title": ("docs/one.md", "# Page one", "# Page the first"),
    "a section": ("docs/two.md", END, f"{END}\n## One more\n\nHere.\n"),
    "a description": ("docs/two.md", "one of the few", "one of some"),
    "a number": ("docs/two.md", "0.5, equals=0.5", "0.25, equals=0.25"),
    "a module": ("code/genmodels/toy_base.py", "VALUE = 1", "VALUE = 2"),
    "a reference": ("docs/index.md", "# A small site", "# A small site\n\nSee {eq}`eq-one`, [](two.md)."),
    "a style": ("conf/static/site.css", "h1 { font-size: 2rem", "h1 { font-size: 2.1rem"),
    "a picture": ("docs/two.md", END, f"{END}\n![dots](dots.png)\n"),
    "a version": ("pyproject.toml", 'version = "0.1.0"', 'version = "9.9"'),
    "a title of another page": ("docs/line.md", "# Line", "# The line"),
    "a page": ("docs/index.md", "line\n```", "line\nthree\n```"),
}


@pytest.fixture
def settled(site: Site) -> Site:
    """The small site with more on it, built at its place: an equation, pictures, notebooks, a module."""
    site.edit("docs/one.md", END, f"{END}\n$$x = 1$$ (eq-one)\n\n![grey](grey.png)\n")
    site.edit("docs/index.md", "results\n```", "results\nline\n```\n\n```{notebooks}\n```")
    site.edit("code/genmodels/toy_low.py", "as VALUE\n", 'as VALUE\n\n\ndef times(x=VALUE):\n    """Take it."""\n')
    module = "```{eval-rst}\n.. automodule:: genmodels.toy_low\n   :members:\n```\n"
    site.write("line.md", f"---\n{DESCRIPTION}---\n# Line\n\n{module}")  # called as a field of citations is
    for name in ("grey", "dots"):
        Image.new("L", (4, 4)).save(site.root / f"docs/{name}.png")
    build(site)
    return site


def build(site: Site, **variables: str) -> str:
    """Build the site with its own copy of the package documented; return what was said."""
    code, output = site.build(variables={"PYTHONPATH": str(site.root / "code"), **variables})
    assert code == 0, output
    return output


def written(site: Site) -> set[str]:
    """The pages that are kept, each by the name of its file."""
    return {path.name for path in (site.root / "build/written").iterdir()}


def is_as_if_made_anew(site: Site, place: Path) -> None:
    """Build the site, and a copy that knows nothing but the outputs of cells; compare."""
    build(site)
    shutil.rmtree(place, ignore_errors=True)
    fresh = copied(Site, site.root, place)
    for kept in (fresh.root / "build").iterdir():
        if kept.name not in {"execution", "matplotlib"}:
            shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
    build(fresh)
    assert_same(site.root / "build/html", fresh.root / "build/html")


def change(site: Site, name: str, done: set[str]) -> None:
    """Do it, or undo it where it is done."""
    file, before, after = EDITS[name]
    site.edit(file, *((after, before) if name in done else (before, after)))
    done ^= {name}
    if name == "a page" and name in done:
        site.write("three.md", THIRD)
    elif name == "a page":
        (site.root / "docs/three.md").unlink()


def test_prose_is_written_on_its_page_alone(settled: Site) -> None:
    before = written(settled)
    change(settled, "prose", set())
    output = build(settled, PYTHONPROFILEIMPORTTIME="1")
    assert "One more sentence." in settled.page("one.html")
    assert len(before - written(settled)) == len(written(settled) - before) == 1
    # what would take a second to load, and is not needed for it
    loaded = set(re.findall(r"^import time:.*\| +(\w+)$", output, re.M))
    assert "sphinx" in loaded and not loaded & {"fontTools", "matplotlib", "numpy", "sqlalchemy", "torch"}


def test_what_other_pages_show_is_written_everywhere(settled: Site, tmp_path: Path) -> None:
    done: set[str] = set()
    change(settled, "a title", done)
    change(settled, "a page", done)
    change(settled, "a number", done)
    change(settled, "a picture", done)
    is_as_if_made_anew(settled, tmp_path / "first")
    for name in ("a page", "prose", "a picture", "a title of another page", "a module", "a version"):
        change(settled, name, done)
    is_as_if_made_anew(settled, tmp_path / "second")


@LONG
@pytest.mark.parametrize("seed", range(3))
def test_edits_in_any_order(settled: Site, tmp_path: Path, seed: int) -> None:
    draw, done = random.Random(seed), set[str]()
    for _ in range(8):
        for name in draw.sample(sorted(EDITS), draw.choice([1, 1, 1, 2, 3])):
            change(settled, name, done)
        is_as_if_made_anew(settled, tmp_path / "anew")
