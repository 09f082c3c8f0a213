"""What every page has, the short ones included: the tags in its head; and captions that no colour is needed for."""

from pathlib import Path

import lint
import pytest

from site_builder.extensions.page_names import short_links

ROOT = Path(__file__).resolve().parents[2]
BASIC = {"title", "meta charset", "meta viewport", "meta description", "meta Content-Security-Policy", "link icon"}
# a page has this where it has a short page
SOME = {"link shortlink"}
# search, index and the page for lost addresses have no source that forums could show
MADE = {"404.html", "genindex.html", "search.html"}
OF_SOURCES = {
    "meta page-name",
    "meta article:modified_time",
    "meta twitter:card",
    *(f"meta og:{name}" for name in "title type site_name description image".split()),
    *(f"meta og:image:{name}" for name in "alt width height".split()),
}
# a short page is left at once: it has no style, but says which page it stands for
NOT_SHORT = SOME | {"link search", "link stylesheet", "meta page-name"}
SHORT_ALONE = {"link canonical", "meta refresh"}
OWN_WORDS = {"title", "meta Content-Security-Policy", "meta og:image", "link icon"}  # a title without the site's name


def short_page_problems(short: dict[str, str], target: dict[str, str]) -> list[str]:
    """Where a short page says of itself less, more or other than the page that it leads to."""
    asked = target.keys() - NOT_SHORT | SHORT_ALONE
    problems = [f"lacks {name}: templates/redirect.html" for name in sorted(asked - short.keys())]
    problems += [f"has {name}, its page not" for name in sorted(short.keys() - asked)]
    same = sorted(short.keys() & target.keys() - OWN_WORDS)
    return problems + [f"says another {name} than its page" for name in same if short[name] != target[name]]


def test_every_page_has_the_basic_tags(html):
    paths = [path for path in sorted(html.rglob("*.html")) if "_static" not in path.parts]
    assert len(paths) >= len(lint.pages(html)) + len(short_links(ROOT / "docs"))
    for path in paths:
        said = lint.head_tags(lint.parse(path))
        assert {name for name in BASIC if not said.get(name)} == set(), path.name
        assert [name for name, text in said.items() if not text] == [], f"{path.name}: a misspelt name in a template?"
        assert (path.parent / said["link icon"].lstrip("/")).is_file() or path.name == "404.html", path.name


def test_all_pages_have_the_same_tags(html):
    found = {path.relative_to(html).as_posix(): set(lint.head_tags(lint.parse(path))) for path in lint.pages(html)}
    every = set.union(*found.values())
    assert every >= BASIC | SOME | OF_SOURCES
    for name, tags in found.items():
        made = name in MADE or name.startswith("source/")
        assert every - tags - SOME == (OF_SOURCES if made else set()), f"{name} (is its source committed?)"


def test_translators_leave_formulas_and_code_alone(html):
    parts = 0
    for path in lint.pages(html):
        for part in lint.parse(path).select(".katex, code, pre, kbd, dt.sig"):
            kept = [part, *part.parents]
            assert any("notranslate" in e.get("class", []) or e.get("translate") == "no" for e in kept), (path, part)
            parts += 1
    assert parts > 2000


def test_a_short_page_has_the_tags_of_the_page_that_it_leads_to(html):
    links = short_links(ROOT / "docs")
    assert len(links) >= 13
    for short, target in links.items():
        page, there = lint.parse(html / f"{short}.html"), lint.parse(html / f"{target}.html")
        said, asked = lint.head_tags(page), lint.head_tags(there)
        assert short_page_problems(said, asked) == [], short
        assert asked["title"].startswith(said["title"])
        assert said["link canonical"] == f"{target}.html"  # of a site that does not know its address
        picture = (html / target).parent / asked["meta og:image"]
        assert (html / said["meta og:image"]).resolve() == picture.resolve()
        assert not [script for script in page.select("script") if script.get_text(strip=True)]


def test_a_tag_that_one_of_the_two_templates_lacks_is_found():
    both = {"link canonical": "x", "meta refresh": "x", "title": "x"}
    assert short_page_problems(both, both) == []
    assert len(short_page_problems(both, both | {"link license": "x"})) == 1
    assert len(short_page_problems(both | {"meta robots": "x"}, both)) == 1
    assert len(short_page_problems(both | {"meta og:locale": "x"}, both | {"meta og:locale": "y"})) == 1


def test_no_caption_and_no_alt_text_names_a_colour():
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {word!r}: a reader who cannot tell it apart needs the line's style or place"
        for path in sorted((ROOT / "docs").rglob("*.md"))
        for line, word in lint.named_colours(path.read_text(encoding="utf-8"))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (':caption: "Data (blue, solid), generator (Orange, dashed)"', ["blue", "Orange"]),
        ("x\n:alt: Two reds and a greenish dot", ["reds", "greenish"]),
        ("![a violet curve](x.png)", ["violet"]),
        (":alt: a grey blur, black on white; it redraws, predicts and is read", []),
        ("The blue line.\n:name: fig-blue", []),
    ],
)
def test_a_colour_in_a_caption_is_found(text, words):
    assert [word for _, word in lint.named_colours(text)] == words
