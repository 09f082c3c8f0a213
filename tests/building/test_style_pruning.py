"""A style sheet loses what applies to no page, and nothing else."""

import pytest

from site_builder import style_pruning

USED = {
    *style_pruning.names('<p class="card big" id="top"><span>x</span></p>'),
    *style_pruning.words("node.classList.add('open')"),
}


@pytest.mark.parametrize(
    "selector",
    [
        "p",
        ".card",
        "p.card > span",
        "#top",
        ".card:hover",
        ".card::before",
        "p:not(.absent)",
        ".open",
        '[data-kind="absent"]',
        "*",
        ":root",
        "html p",
        ".card:nth-child(2n+1)",
        ":is(.absent, .card)",
    ],
)
def test_what_may_apply_stays(selector):
    assert style_pruning.pruned(f"{selector} {{ color: red }}", USED).strip() != ""


@pytest.mark.parametrize("selector", ["table", ".absent", "p.absent", "#bottom", ".card .absent", "dl > dt:hover"])
def test_what_cannot_apply_goes(selector):
    assert style_pruning.pruned(f"{selector} {{ color: red }}", USED).strip() == ""


def test_of_a_list_only_the_selectors_that_apply_stay():
    assert style_pruning.pruned(".absent, .card, table { color: red }", USED).strip() == ".card{ color: red }"


def test_rules_inside_conditions_are_pruned_too():
    css = "@media print { .card { a: b } .absent { a: b } } @media screen { .absent { a: b } }"
    pruned = style_pruning.pruned(css, USED)
    assert "print" in pruned and ".card" in pruned
    assert "screen" not in pruned and ".absent" not in pruned


def test_fonts_and_variables_that_nothing_asks_for_go():
    css = (
        "@font-face{font-family:Seen;src:url(a)} @font-face{font-family:Unseen;src:url(b)} "
        ':root{--used:red;--by-a-variable:blue;--idle:"a;b}";--chain:var(--by-a-variable)} '
        ".card{color:var(--used);background:var(--chain);font-family:Seen}"
    )
    pruned = style_pruning.pruned(css, USED)
    assert "Seen;src:url(a)" in pruned and "Unseen" not in pruned
    assert "--idle" not in pruned
    assert all(name in pruned for name in ("--used:red", "--by-a-variable:blue", "--chain:"))
    assert "--alone" not in style_pruning.pruned(".card{--alone:1;--also:var(--alone)}", USED)


def test_comments_and_imports_go():
    assert style_pruning.pruned('@charset "utf-8"; @import "x.css"; /* card */', USED).strip() == ""
