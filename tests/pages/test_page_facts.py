"""What surrounds a page: addresses, names, descriptions, previews, labels for other sites, reading times."""

import base64
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import lint
import numpy as np
import pytest
from docutils import nodes
from PIL import Image

from site_builder import site_address
from site_builder.extensions import page_facts, page_previews

ROOT = Path(__file__).resolve().parents[2]
HOSTED = "https://worked-solutions.readthedocs.io/en/latest/"
GITHUB = "https://github.com/o/r/edit/main/{path}"
GITLAB = "https://gitlab.example.edu/a/b/r/-/edit/main/{path}"


# ---- where the site is


@pytest.mark.parametrize(
    ("environ", "address", "path"),
    [
        ({}, "", "/"),
        ({"READTHEDOCS_CANONICAL_URL": HOSTED}, HOSTED, "/en/latest/"),
        ({"SITE_URL": "https://example.org/gan"}, "https://example.org/gan/", "/gan/"),
        ({"SITE_URL": "https://example.org", "READTHEDOCS_CANONICAL_URL": HOSTED}, "https://example.org/", "/"),
    ],
)
def test_the_address_is_what_the_host_says(environ, address, path):
    assert site_address.site_url(environ) == address
    assert site_address.root_path(environ) == path


@pytest.mark.parametrize("address", ["example.org", "ftp://example.org/", "https:///x", "https://example.org/?a=1"])
def test_an_address_that_no_browser_opens_is_refused(address):
    with pytest.raises(ValueError, match="SITE_URL"):
        site_address.site_url({"SITE_URL": address})


@pytest.mark.parametrize(
    ("clone", "kind", "expected"),
    [
        ("https://github.com/o/r.git", "branch", GITHUB),
        ("https://github.com/o/r", None, GITHUB),
        ("git@github.com:o/r.git", "branch", GITHUB),
        ("ssh://git@gitlab.example.edu:2222/a/b/r.git", "branch", GITLAB),
        ("https://gitlab.example.edu/a/b/r.git", "branch", GITLAB),
        ("https://github.com/o/r.git", "tag", ""),
        ("https://github.com/o/r.git", "external", ""),
        ("https://git.example.org/o/r.git", "branch", ""),
        ("https://notgithub.example.org/o/r.git", "branch", ""),
        ("", "branch", ""),
    ],
)
def test_a_page_can_be_edited_where_its_source_is_known(clone, kind, expected):
    environ = {"READTHEDOCS_GIT_CLONE_URL": clone, "READTHEDOCS_GIT_IDENTIFIER": "main"}
    assert site_address.edit_url(environ | ({"READTHEDOCS_VERSION_TYPE": kind} if kind else {})) == expected
    assert site_address.edit_url({"READTHEDOCS_GIT_CLONE_URL": clone}) == ""


# ---- what is computed


def test_reading_time_counts_words_formulas_figures_and_code_but_nothing_folded():
    def prose(count: int) -> nodes.paragraph:
        return nodes.paragraph("", " ".join(["word"] * count))

    fold = nodes.container("", prose(5000), design_component="dropdown")
    page = nodes.section("", prose(200), nodes.math_block("", "x" * 500), nodes.literal_block("", "a b c"), fold)
    page += nodes.figure("", nodes.image(uri="a.svg"), nodes.caption("", "two words"))
    page += nodes.raw("", "<p>never read</p>", format="html")
    assert page_facts.seconds(page) == pytest.approx(60 + 12 + 10 + 15 + 2 * 0.3)
    assert page_facts.seconds(nodes.paragraph("", "", nodes.math("", r"\frac a b"))) == pytest.approx(0.3)
    assert page_facts.facts(page) == "2 minutes to read."
    page += nodes.section("", prose(400), ids=["answer"])
    assert page_facts.facts(page) == "4 minutes to read, 2 for the answer alone."
    assert page_facts.facts(nodes.section()) == "1 minute to read."


# ---- the pages


def test_points_and_reading_time_stand_under_each_title(html):
    for path in lint.questions(html):
        page = lint.parse(path)
        line = page.select_one("h1 + p.page-facts")
        assert line, path.name
        assert re.fullmatch(r"\d+ points\. \d+ minutes? to read, \d+ for the answer alone\.", line.get_text()), line
        assert not re.match(r"\d+ points", line.find_next("p").get_text()), path.name  # not said twice


def described(page) -> str:
    (tag,) = page.select('meta[name="description"]')
    return str(tag["content"])


def test_every_page_describes_itself_in_plain_words(html):
    said: dict[str, str] = {}
    for path in lint.pages(html):
        text = described(lint.parse(path))
        assert len(text) in page_facts.LENGTHS, (path.name, len(text))
        assert not re.search(r"[\\$<>]", text), path.name
        assert text not in said, (path.name, said[text])
        said[text] = path.name


def preview(page) -> dict[str, str]:
    tags = page.select('meta[property^="og:"], meta[name="twitter:card"]')
    return {str(tag.get("property") or tag["name"]): str(tag["content"]) for tag in tags}


def test_every_page_has_a_preview_with_a_picture_of_its_own(html):
    pictures = set()
    pages = [path for path in lint.pages(html) if path.parent.name != "source"]
    sources = [path for path in pages if path.stem not in page_facts.DESCRIPTIONS]
    for path in sources:
        page = lint.parse(path)
        tags = preview(page)
        assert tags["og:title"] == page.h1.get_text().removesuffix("#"), path.name
        assert tags["og:description"] == described(page)
        assert tags["twitter:card"] == "summary_large_image"
        assert "og:url" not in tags  # this build has no address
        picture = (path.parent / tags["og:image"]).resolve()
        assert picture.stat().st_size <= 60_000, picture.name
        with Image.open(picture) as opened:
            assert opened.size == (1200, 630) == (int(tags["og:image:width"]), int(tags["og:image:height"]))
        assert not page.select(f'img[src*="{picture.name}"], link[href*="{picture.name}"]')  # for forums only
        pictures.add(picture.read_bytes())
    assert len(pictures) == len(sources)


def test_all_links_are_listed(html):
    page = lint.parse(html / "links.html")
    listed = {code.get_text() for code in page.select(".all-links code")}
    for path in lint.questions(html):
        short, places = path.name.partition("-")[0], lint.parse(path)
        ids = [
            *lint.SECTIONS,
            *(str(tag["id"]) for tag in places.select(".math.display[id^=equation-], figure[id]")),
        ]
        assert {f"{short}.html#{anchor}" for anchor in ids} <= listed, path.name
    for link in page.select(".all-links a"):
        address, _, anchor = str(link["data-copy"]).partition("#")
        assert (html / address).is_file()
        assert str(link["href"]).partition("#")[2] == anchor


def test_the_page_for_lost_addresses_lists_all_questions(html):
    page = lint.parse(html / "404.html")
    links = {str(link["href"]) for link in page.select("ul.found a")}
    assert {f"/{path.relative_to(html).as_posix()}" for path in lint.questions(html)} <= links
    # it is shown at any depth: no address in it may be relative
    addresses = [str(tag.get("href") or tag.get("src")) for tag in page.select("[href], [src]")]
    assert [address for address in addresses if not address.startswith(("/", "#", "https://"))] == []


# ---- a site that knows its address, without git

HEAD = '---\ndescription: "{}"\n---\n'
SETTINGS = """
from pathlib import Path
__file__ = {conf!r}
exec(compile(Path(__file__).read_text(encoding="utf-8"), __file__, "exec"))
site_root, site_build = {root!r}, {root!r} + "/build"
short_links = page_names.short_links(Path({root!r}) / "docs")
own = "myst_nb katex_math executed_pages assets page_facts page_previews short_pages not_found sphinx_sitemap".split()
extensions = [name for name in extensions if name.rpartition(".")[2] in own]
templates_path, html_static_path = [str(ROOT / "conf/templates")], [str(ROOT / "conf/static")]
html_favicon = None
"""


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages, built with the site's settings as Read the Docs would, in a folder that git does not know."""
    root = tmp_path_factory.mktemp("hosted")
    docs = root / "docs"
    (docs / "sheet-2").mkdir(parents=True)
    (root / "code/genmodels/site").mkdir(parents=True)
    shutil.copy(ROOT / "code/genmodels/site/palette.py", root / "code/genmodels/site")
    (root / "conf.py").write_text(SETTINGS.format(conf=str(ROOT / "conf/conf.py"), root=str(root)), encoding="utf-8")
    menu = "\n```{toctree}\nTwo a <sheet-2/2a-short>\n```\n"
    (docs / "index.md").write_text(HEAD.format("i" * 100) + "# Home\n" + menu, encoding="utf-8")
    question = "# 2 (a) Short: the point\n\n*5 points.* Why?\n\n## Answer\n\nBecause.\n"
    (docs / "sheet-2/2a-short.md").write_text(HEAD.format("Why? " * 18) + question, encoding="utf-8")
    environ = {
        "PATH": "/usr/bin:/bin",
        "READTHEDOCS": "True",
        "READTHEDOCS_CANONICAL_URL": HOSTED,
        "READTHEDOCS_GIT_CLONE_URL": "https://github.com/o/r.git",
        "READTHEDOCS_GIT_IDENTIFIER": "main",
    }
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "-q", "-c", str(root), str(docs), str(root / "html")]
    run = subprocess.run(command, env=environ, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return root / "html"


def test_a_hosted_page_knows_its_address(hosted):
    page = lint.parse(hosted / "sheet-2/2a-short.html")
    address = f"{HOSTED}sheet-2/2a-short.html"
    tags = preview(page)
    assert tags["og:url"] == page.select_one('link[rel="canonical"]')["href"] == address
    assert tags["og:image"] == f"{HOSTED}_static/previews/2a.png"
    assert (hosted / "_static/previews/2a.png").is_file()
    short = lint.parse(hosted / "2a.html")
    assert preview(short) == tags
    assert short.select_one('link[rel="canonical"]')["href"] == address
    edit = page.find("a", string="Suggest a change to this page")
    assert edit["href"] == "https://github.com/o/r/edit/main/docs/sheet-2/2a-short.md"
    assert page.select_one("h1 + p.page-facts").get_text() == "5 points. 1 minute to read, 1 for the answer alone."


def test_a_hosted_site_lists_its_pages_for_search_engines(hosted):
    places = ElementTree.parse(hosted / "sitemap.xml").getroot().findall(".//{*}loc")
    assert [place.text for place in places] == [f"{HOSTED}index.html", f"{HOSTED}sheet-2/2a-short.html"]
    assert f"Sitemap: {HOSTED}sitemap.xml" in (hosted / "robots.txt").read_text(encoding="utf-8")


def test_a_hosted_lost_address_is_found_from_below_its_root(hosted):
    links = [str(link["href"]) for link in lint.parse(hosted / "404.html").select("ul.found a")]
    assert links == ["/en/latest/sheet-2/2a-short.html", "/en/latest/index.html"]


def test_without_git_no_page_names_a_last_change(hosted, html):
    assert "Last change" not in (hosted / "index.html").read_text(encoding="utf-8")
    log = subprocess.run(["git", "log", "-1", "--", "docs/index.md"], cwd=ROOT, capture_output=True, text=True)
    if log.stdout:
        footer = lint.parse(html / "index.html").select_one(".bd-footer-content").get_text()
        assert re.search(r"Last change: \d{1,2} [A-Z][a-z]+ 20\d\d", footer)


def test_a_site_without_an_address_claims_none(html):
    assert not (html / "sitemap.xml").exists()
    assert "Sitemap" not in (html / "robots.txt").read_text(encoding="utf-8")
    for path in lint.pages(html):
        page = lint.parse(path)
        assert not page.select('link[rel="canonical"]'), path.name
        assert "Suggest a change" not in page.get_text(), path.name


# ---- the picture

PANEL = """ viewBox="0 0 100 100"><defs><path id="half" d="M 0 0 L 100 0 L 100 50 L 0 50 z"/>
 <clipPath id="left"><rect x="0" y="0" width="50" height="100"/></clipPath></defs>
 <g style="fill: #ff0000" transform="translate(0 50)"><use xlink:href="#half" clip-path="url(#left)"/></g></svg>"""


def picture(panel: str) -> np.ndarray:
    """The card of a page with this panel, as numbers."""
    card = page_previews.drawing("2 (a)", "A title of some words", "What it is about.", "5 points.", "Site", panel)
    png = page_previews.drawn(card)
    assert png == page_previews.drawn(card)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def near(pixels: np.ndarray, wanted: str) -> np.ndarray:
    """Where a picture has a colour, as #rrggbb."""
    return np.abs(pixels - [int(wanted[i : i + 2], 16) for i in (1, 3, 5)]).sum(axis=-1) < 30


def test_the_same_page_gives_the_same_picture_with_its_figure_as_it_is():
    rows, columns = np.nonzero(near(picture(PANEL), "#ff0000"))
    # the lower half, and of it what the clip leaves: a square of half the panel's width
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert width == pytest.approx(height, abs=2)
    assert len(rows) == pytest.approx(height * width, rel=0.02)
    assert width == pytest.approx(page_previews.FIGURE / 2, abs=2)
