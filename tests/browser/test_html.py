"""The HTML itself: valid, one heading of the first order, landmarks, a policy that forbids what is not the site's."""

import itertools
import re

import html_validator
import lint
import page_reader
from every_page import EVERY_PAGE


def test_html_validate_finds_nothing(html):
    files = sorted(html.rglob("*.html"))  # short links and all
    assert len(files) >= len(EVERY_PAGE)
    found = html_validator.problems(files)
    assert not found, "\n".join(found)


def test_a_bad_page_is_found(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        '<!doctype html><html lang="en"><head><title>Bad</title></head><body><p><div style="height:-1em"></div></p>'
        '<img src="a.png"></body></html>',
        encoding="utf-8",
    )
    found = html_validator.problems([page])
    assert any("(wcag/h37)" in problem for problem in found)


def test_headings_and_tables_are_in_order(html):
    for name in EVERY_PAGE:
        page = lint.parse(html / name)
        levels = [int(heading.name[1]) for heading in page.select("h1, h2, h3, h4, h5, h6")]
        assert levels[0] == 1 and levels.count(1) == 1, (name, levels)
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (name, levels)
        assert page.select_one("body > a.skip-link")["href"] == f"#{page.main['id']}", name
        for table in page.select("table:not([role=presentation])"):
            assert table.select("th"), (name, str(table)[:200])


def test_every_page_forbids_what_is_not_its_own(html):
    for path in html.rglob("*.html"):
        page = lint.parse(path)
        policy = page.select_one('meta[http-equiv="Content-Security-Policy"]')
        assert policy is not None, path.name
        clauses = dict(clause.strip().split(" ", 1) for clause in str(policy["content"]).split(";"))
        assert clauses["default-src"] == "'none'" and clauses.get("connect-src", "'self'") == "'self'", path.name
        assert not re.search(r"https?:|\*|(?<!wasm-)unsafe-eval", str(policy["content"])), path.name
        assert "'unsafe-inline'" not in clauses.get("script-src", ""), path.name
        before = [tag.name for tag in policy.find_all_previous(["script", "link", "style", "img"])]
        assert before == [], f"{path.name}: loaded before the policy holds"


def test_the_policy_holds(site, launched):
    """A script, a picture from elsewhere and a request: none comes through."""
    with page_reader.context_of(launched) as context:
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(f"{site}/index.html")
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.owned = 1";
                const image = document.createElement("img");
                image.src = "https://elsewhere.invalid/a.png";
                document.body.append(script, image);
                return fetch("https://elsewhere.invalid/a.json").catch(() => {});
            }"""
        )
        page.wait_for_timeout(100)
        assert page.evaluate("window.owned") is None
        assert {clause for text in refused for clause in re.findall(r"(?:script|img|connect)-src", text)} == {
            "script-src",
            "img-src",
            "connect-src",
        }
