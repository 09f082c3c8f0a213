"""Cells on a page: which are folded, and which of their names lead to the package's source."""

import nbformat
import pytest

from site_builder.extensions.executed_pages import draws_or_checks
from site_builder.extensions.source_pages import linked, targets


def cell(source: str, **options):
    return nbformat.v4.new_code_cell(source, metadata=options)


@pytest.mark.parametrize(
    "folded",
    [
        cell("x = 1", alt="a line"),
        cell("fig = panels()\nfig"),
        cell('claims("2a", x=1)'),
        cell('for x in (1, 2):\n    claims("2a", x=x)'),
    ],
)
def test_a_cell_that_draws_or_checks_is_folded(folded):
    assert draws_or_checks(folded)


@pytest.mark.parametrize(
    "shown",
    [
        cell("x = 1"),
        cell("fig = panels()"),
        cell("from genmodels.site.claims import claims"),
        cell('def check(x):\n    claims("2a", x=x)'),
        cell("fig = panels()\nfig", tags=["show-input"]),
        cell(""),
    ],
)
def test_a_cell_that_does_not_or_must_be_seen_is_shown(shown):
    assert not draws_or_checks(shown)


def test_names_lead_to_where_they_are_defined(root):
    code = (
        "from genmodels.gan.train import train_gans as train\nfrom genmodels.gan import losses\n"
        "from genmodels.site.figures import colour\nimport torch"
    )
    known = targets(root / "code/genmodels", code)
    assert known["train"] == "genmodels.gan.train.html#train_gans"
    assert known["losses"] == known["genmodels.gan.losses"] == "genmodels.gan.losses.html"
    assert known["colour"] == "genmodels.site.palette.html#colour"  # which figures only passes on
    assert "torch" not in known


@pytest.mark.parametrize(
    ("markup", "links"),
    [
        ('<span class="n">pack</span><span class="p">(</span>', 1),
        ('<span class="k">def</span> <span class="nf">pack</span>', 1),
        ('<span class="n">config</span><span class="o">.</span><span class="n">pack</span>', 0),
        ('<span class="n">pack</span><span class="o">=</span><span class="mi">2</span>', 0),
        ('<span class="s2">pack</span>', 0),
    ],
)
def test_attributes_arguments_and_words_are_no_names(markup, links):
    assert linked(markup, {"pack": "a.html#pack"}, "../source/").count('href="../source/a.html#pack"') == links
