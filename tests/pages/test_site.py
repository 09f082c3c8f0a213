"""The built site holds the promises made to its readers."""

import json
import re
import subprocess
from pathlib import Path

import lint
import pytest

from genmodels.site.palette import PALETTE

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "docs").rglob("*.md"))
PUBLISHED = ROOT / "tests" / "published-anchors.txt"
WORDS_FOR_NUMBERS = dict(enumerate("zero one two three four five six seven eight nine ten eleven twelve".split()))


def test_every_question_page_has_its_eight_sections(html):
    assert len(lint.questions(html)) >= 2
    problems = []
    for path in lint.questions(html):
        page = lint.parse(path)
        found = lint.section_problems(page) + lint.answer_problems(page)
        problems += [f"{path.stem}.md: {problem}" for problem in found]
    assert not problems, "\n".join(problems)


def test_every_page_reads_well_without_help(html):
    problems = []
    for path in lint.pages(html):
        page = lint.parse(path)
        found = lint.picture_problems(page) + lint.id_problems(page) + lint.formula_problems(page)
        problems += [f"{path.name}: {problem}" for problem in found]
        assert page.html["lang"] == "en"
    assert not problems, "\n".join(problems)


def test_an_equation_number_says_of_which_page(html):
    cited = 0
    for path in sorted(html.glob("sheet-*/[0-9]*.html")):
        page, question = lint.parse(path), path.name.partition("-")[0]
        numbers = [number.get_text().rstrip("#") for number in page.select(".eqno")]
        assert numbers == [f"({question}.{count})" for count in range(1, len(numbers) + 1)], path.name
        for link in page.select("article a.reference[href*='#equation-']"):
            target = Path(str(link["href"]).partition("#")[0] or path.name).name.partition("-")[0]
            assert re.fullmatch(rf"\({target}\.\d+\)", link.get_text()), (path.name, link)
            cited += target != question
    assert cited  # from page to page, which is what the numbers are for


def test_nothing_is_loaded_from_elsewhere(html):
    for path in sorted(html.rglob("*.html")):
        assert lint.request_problems(lint.parse(path)) == [], path.name
    for path in html.rglob("*.css"):
        assert (
            re.findall(r"url\(\s*['\"]?(?:https?:)?//|@import\s+['\"]?(?:https?:)?//", path.read_text(encoding="utf-8"))
            == []
        ), path.name


def test_links_inside_the_site_lead_somewhere(html):
    known: dict[Path, set[str]] = {}
    for path in lint.pages(html):
        assert lint.link_problems(html, path, lint.parse(path), known) == [], path.name


def test_published_anchors_resolve(html):
    assert lint.anchor_problems(html, PUBLISHED.read_text(encoding="utf-8").split()) == []


def test_anchors_are_published_and_never_taken_back(html):
    published = PUBLISHED.read_text(encoding="utf-8").split()
    for path in lint.questions(html):
        name = path.relative_to(html).as_posix()
        number = path.name.partition("-")[0]
        needed = [f"{number}.html", *(f"{name}#{section}" for section in lint.SECTIONS)]
        needed.append(f"{path.parent.name}/answers.html#answer-{number}")
        missing = [line for line in needed if line not in published]
        assert not missing, "append to tests/published-anchors.txt:\n" + "\n".join(missing)
    log = subprocess.run(["git", "log", "--format=%H", "--", str(PUBLISHED)], cwd=ROOT, capture_output=True, text=True)
    for commit in log.stdout.split():
        then = subprocess.run(
            ["git", "show", f"{commit}:tests/published-anchors.txt"], cwd=ROOT, capture_output=True, text=True
        )
        lines = then.stdout.split()
        assert published[: len(lines)] == lines, f"anchors of {commit} were changed: this file is only ever appended to"


def test_short_links_lead_to_their_question(html):
    for path in lint.questions(html):
        page = (html / f"{path.name.partition('-')[0]}.html").read_text(encoding="utf-8")
        target = path.relative_to(html).as_posix()
        assert f'href="{target}"' in page
        assert f'<script src="_static/redirect.js" data-to="{target}">' in page
        assert f'content="0; url={target}"' in page  # without scripts


def test_a_folder_leads_to_the_page_that_lists_what_lies_in_it(html):
    for folder, place in (("sheet-2", "index.html#the-sheet-at-a-glance"), ("source", "api/index.html#the-package")):
        page, (name, _, anchor) = lint.parse(html / folder / "index.html"), place.partition("#")
        assert page.script["data-to"] == page.main.a["href"] == f"../{place}"
        assert (html / folder / page.script["src"].partition("?")[0]).is_file()
        assert lint.parse(html / name).select(f"#{anchor}")


def test_the_ledger_is_complete_and_true(html):
    assert lint.ledger_problems(html) == []


def test_numbers_quoted_in_the_prose_are_those_of_the_ledger(html):
    claims = {c["anchor"]: c for c in json.loads((html / "claims.json").read_text(encoding="utf-8"))["claims"]}
    quoted = 0
    for path in lint.pages(html):
        for link in lint.parse(path).select("a.claim"):
            claim = claims[link["href"].partition("#")[2]]
            text, scale = link.get_text().replace("\u2212", "-"), 1.0
            if text.endswith("%"):
                text, scale = text[:-1], 0.01
            mantissa, _, exponent = text.partition("\u202f·\u202f10")
            power = int(exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0)
            number = float(mantissa) * 10.0**power
            last_digit = 10.0 ** (power - len(mantissa.partition(".")[2]))
            assert abs(number * scale - claim["value"]) <= 0.5001 * last_digit * scale or number == claim["seeds"], (
                path.name,
                text,
            )
            quoted += 1
    assert quoted >= 10


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT / "docs").as_posix())
def test_no_number_is_typed_and_no_cell_is_too_long(source):
    text = source.read_text(encoding="utf-8")
    problems = lint.typed_decimals(text) + lint.cell_problems(text)
    assert not problems, "\n".join(problems)


def test_figures_follow_the_theme(html):
    for path in lint.questions(html):
        shown = lint.parse(path).select(".panels img")
        assert shown, f"{path.stem}.md has no figure"
        for picture in shown:
            address, _, fragment = picture["src"].partition("#")
            drawing = (path.parent / address.partition("?")[0]).read_text(encoding="utf-8")
            assert fragment == ("dark" if "on-dark" in picture["class"] else "")
            assert re.findall(r"#[0-9a-f]{6}\b", drawing.partition("</style>")[2]) == [], (
                f"{address}: take colours from genmodels.site.figures.colour(role)"
            )
            assert picture["width"] and picture["height"]
    css = (html / "_static" / "site-bundle.css").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--fig-(\w+)", css))
    assert all(f"--fig-{role}:{dark}" in css for role, (_, dark) in PALETTE.items() if role in used)


def test_index_names_every_solved_question(html):
    index = lint.parse(html / "index.html")
    links = {link["href"].partition("#")[0] for link in index.select("article a[href]")}
    missing = {path.relative_to(html).as_posix() for path in lint.questions(html)} - links
    assert not missing, f"docs/index.md has no card for {sorted(missing)}"


def test_questions_and_points_are_counted_right(html):
    pages = [lint.parse(path) for path in lint.questions(html)]
    count = WORDS_FOR_NUMBERS[len(pages)]
    points = sum(int(re.search(r"\b(\d+) points\.", page.get_text())[1]) for page in pages)
    for name, words in {
        "docs/index.md": [f"{count} exam questions", f"{points} points"],
        "docs/sheet-2/answers.md": [f"The {count} exam answers", f"The {count} answers"],
        "README.md": [f"{points} points"],
    }.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        assert [said for said in words if said not in text] == [], name


def test_every_module_is_documented(html):
    api = lint.parse(html / "api" / "index.html").get_text()
    code = ROOT / "code"
    for module in sorted((code / "genmodels").rglob("[a-z]*.py")):
        assert ".".join(module.relative_to(code).with_suffix("").parts) in api
