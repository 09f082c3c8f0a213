"""The list of all pages is marked as Sphinx marks it."""

import menu
import pytest

MENU = """<ul>
<li class="toctree-l1"><a class="reference internal" href="one.html">One</a><ul>
<li class="toctree-l2"><a class="reference internal" href="a.html">A</a></li>
<li class="toctree-l2"><a class="reference internal" href="b.html">B</a></li>
</ul>
</li>
<li class="toctree-l1"><a class="reference internal" href="../two.html">Two</a></li>
</ul>
"""
ONE = MENU.replace("<ul>", '<ul class="current">', 1).replace('l1"><a', 'l1 current"><a', 1)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            "one.html",
            ONE.replace(
                '<a class="reference internal" href="one.html">', '<a class="current reference internal" href="#">'
            ),
        ),
        (
            "b.html",
            ONE.replace("<ul>", '<ul class="current">', 1).replace(
                'l2"><a class="reference internal" href="b.html">',
                'l2 current"><a class="current reference internal" href="#">',
            ),
        ),
        (
            "../two.html",
            MENU.replace("<ul>", '<ul class="current">', 1).replace(
                'l1"><a class="reference internal" href="../two.html">',
                'l1 current"><a class="current reference internal" href="#">',
            ),
        ),
        ("three.html", None),
    ],
)
def test_a_page_is_marked_with_all_that_it_stands_in(address, expected):
    assert menu.marked(MENU, address) == expected


def test_a_page_that_is_listed_twice_is_left_to_sphinx():
    assert menu.marked(MENU.replace("b.html", "a.html"), "a.html") is None


def test_pages_show_what_sphinx_would_have_made(site):
    """One page in a folder, one beside the index: built with and without."""
    site.write(
        "index.md", (site.root / "docs/index.md").read_text(encoding="utf-8").replace("one\n", "one\nmore/three\n")
    )
    (site.root / "docs/more").mkdir()
    text = (site.root / "docs/results.md").read_text(encoding="utf-8").replace("```{claims}\n```", "Words.")
    site.write("more/three.md", text.replace("# Results", "# Three"))
    assert site.build()[0] == 0
    pages = ("index.html", "one.html", "results.html", "more/three.html")
    made = [site.page(name) for name in pages]
    assert 'class="current reference internal" href="#">Three</a>' in made[-1]
    site.edit("conf/conf.py", '    "menu",\n', "")
    assert site.build()[0] == 0
    assert [site.page(name) for name in pages] == made
