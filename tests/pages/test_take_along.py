"""What a reader takes along: the answers on one page, the notebooks, the package that they need."""

import inspect
import io
import json
import pkgutil
import re
import shutil
import zipfile
from base64 import b64decode
from pathlib import Path
from urllib.parse import unquote

import lint
import nbformat
import notebooks_check
import pytest
from packaging.version import Version
from PIL import Image

from site_builder import plain_markdown
from site_builder.dependencies import file_digest
from site_builder.extensions.notebooks import build_wheel, wheel_name

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = "sheet-2/answers.html"
WHEEL = wheel_name(ROOT)


def words(part) -> str:
    """The text of a part of a page, without the links that the theme adds and the code that draws."""
    copy = lint.BeautifulSoup(str(part), "lxml")
    for added in copy.select(".headerlink, h1, h2, .full-page, .question, .katex-html, .cell > details"):
        added.decompose()
    return " ".join(copy.get_text(" ").split())


def written(path: Path):
    return nbformat.read(path, as_version=4)


def bare(text: str) -> str:
    """Without brackets, and every blank the same."""
    return " ".join(re.sub(r"[\[\]]", "", text).split())


@pytest.fixture(scope="module")
def notebooks(html: Path) -> dict[str, object]:
    """Every notebook by the name of its page."""
    found = {path.relative_to(html).with_suffix("").as_posix(): written(path) for path in html.glob("sheet-*/*.ipynb")}
    assert found
    return dict(sorted(found.items()))


def test_the_answers_are_those_of_the_pages_all_of_them_in_order(html):
    page = lint.parse(html / ANSWERS)
    sections = page.select("section.answer-sheet")
    assert [section["id"] for section in sections] == [f"answer-{p.name[:2]}" for p in lint.questions(html)]
    for section, path in zip(sections, lint.questions(html), strict=True):
        original = lint.parse(path)
        assert words(section) == words(original.select_one("section#answer")), path.name
        assert original.h1.get_text().startswith(section.h2.get_text().rstrip("#"))
        points = re.search(r"\d+ points\.", original.get_text())
        assert section.select_one(".question").get_text().strip().startswith(points[0])
        assert section.select_one(".full-page a")["href"] == f"{path.name}#derivation"


def test_the_answers_are_nowhere_typed_a_second_time():
    assert len((ROOT / "docs/sheet-2/answers.md").read_text(encoding="utf-8")) < 400


def test_the_index_leads_to_all_of_it(html, notebooks):
    links = {unquote(str(link["href"])) for link in lint.parse(html / "index.html").select("article a[href]")}
    assert ANSWERS in links
    assert {f"{name}.ipynb" for name in notebooks} <= links
    assert {path.relative_to(html).as_posix() for path in html.glob("sheet-*/*.whl")} <= links
    assert ("solutions.pdf" in links) == (html / "solutions.pdf").is_file()


def test_each_executed_page_leads_to_its_notebook(html, notebooks):
    for name in notebooks:
        (link,) = lint.parse(html / f"{name}.html").select(".take-along a")
        assert link["href"] == f"{Path(name).name}.ipynb"


def test_notebooks_are_valid_and_their_cells_have_names_that_stay(notebooks):
    for name, notebook in notebooks.items():
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata.language_info.file_extension == ".py"  # else a script is written as .txt
        assert [cell.id for cell in notebook.cells] == [f"cell-{n}" for n in range(1, len(notebook.cells) + 1)], name


def test_notebooks_have_the_code_of_the_page_and_what_it_gave(html, notebooks):
    for name, notebook in notebooks.items():
        source = (ROOT / f"docs/{name}.md").read_text(encoding="utf-8")
        cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", source, re.S | re.M)
        code = [re.sub(r"\A(:\w+:[^\n]*\n)*", "", cell).strip() for cell in cells]
        quoted = [re.findall(r"^:source: (.*)$", cell, re.M) for cell in cells]
        how, *run = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell, typed, names in zip(run, code, quoted, strict=True):
            objects = [pkgutil.resolve_name(one.strip()) for line in names for one in line.split(",")]
            parts = [*([typed] if typed else []), *(inspect.getsource(one).strip() for one in objects)]
            assert cell.source == "\n\n".join(parts), name
        # nothing stands behind a command: on Windows it would go to pip
        assert re.fullmatch(r"# %pip install torch --index-url \S+\n# %pip install (\S+)", how.source)[1] == WHEEL
        assert not how.outputs
        assert [cell.execution_count for cell in run] == list(range(1, len(run) + 1))
        ledger = json.loads((html / "claims.json").read_text(encoding="utf-8"))["claims"]
        expected = {claim["id"]: claim["value"] for claim in ledger if claim["page"] == name}
        assert {claim["id"]: claim["value"] for claim in notebooks_check.claims(notebook)} == expected
        said = "\n".join(cell.source for cell in notebook.cells)
        figures = [output for cell in run for output in cell.outputs if "image/png" in output.get("data", {})]
        drawn = lint.parse(html / f"{name}.html").select("article figure .panels")
        assert [figure.metadata["image/png"]["alt"] for figure in figures] == [one["aria-label"] for one in drawn]
        for figure in figures:
            # an SVG is shown only where the notebook is trusted, on whatever lies behind, and stops LaTeX
            assert figure.data.keys() == {"image/png", "text/plain"} and "width" in figure.metadata["image/png"]
            assert figure.data["text/plain"] == (alt := figure.metadata["image/png"]["alt"])
            assert f"<summary>The figure in words</summary>\n\n{alt}\n\n</details>" in said
            picture = Image.open(io.BytesIO(b64decode(figure.data["image/png"]))).convert("RGBA")
            assert min(picture.getpixel((0, 0))) >= 250  # paper, and nothing to see through


def test_notebooks_show_nothing_of_the_sites_own_syntax_and_their_links_lead_somewhere(html, notebooks):
    for name, notebook in notebooks.items():
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        left = re.findall(r"\{[\w:-]+\}`[^`]*`|:{3,}|`{3,}\{|<!--|\$\$ *\(|\.md\b|^:\w+:", text, re.M)
        assert left == [], name
        for address in re.findall(r"\]\((?!https?:)([^)#]*)", text):
            assert ((html / name).parent / address).is_file(), (name, address)
        assert " at 0x" not in nbformat.writes(notebook), f"{name}: a place in memory differs from run to run"


def test_numbers_equations_and_citations_are_those_of_the_page(html, notebooks):
    cited = 0
    for name, notebook in notebooks.items():
        page = lint.parse(html / f"{name}.html")
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        numbers = [number.get_text().rstrip("#").strip("()") for number in page.select(".eqno")]
        assert re.findall(r"\\tag\{(.*?)\}", text) == numbers
        for link in page.select("article a.claim"):
            assert link.get_text() in text, (name, link)
        for link in page.select("article a.reference[href*='literature.html#']"):
            assert bare(link.get_text()) in bare(text), link
            cited += 1
    assert cited > 50


@pytest.mark.parametrize("text", ["{ref}`x`", "```{note}\nx\n```", "{eq}`gone`", "{claim}`gone`", "{cite:p}`gone`"])
def test_what_a_notebook_cannot_show_is_an_error(text):
    known = plain_markdown.Known({}, {}, {}, {}, str)
    with pytest.raises((ValueError, KeyError)):
        plain_markdown.plain(text, "page", known)


def test_directives_become_plain_markdown():
    known = plain_markdown.Known({}, {"eq-x": "2a.1"}, {"a": ("A et al.", "2020")}, {}, "{}.html".format)
    source = (
        ":::{admonition} Title\n:class: answer\n$$\nx\n$$ (eq-x)\n:::\n<!-- a\n\nnote -->\n"
        "::::{dropdown} More\n:::{admonition} In\ny\n:::\n::::\n```{toctree}\n2a\n```\n"
        "{cite:t}`a` {cite:p}`a` {eq}`eq-x` [n](../n.md#p)"
    )
    assert (
        plain_markdown.plain(source, "s/page", known).split()
        == (
            "**Title** $$ x \\tag{2a.1} $$ <details> <summary>More</summary> **In** y </details> "
            "A et al. [2020] [A et al., 2020] (2a.1) [n](n.html#p)"
        ).split()
    )
    nowhere = plain_markdown.Known({}, {}, {}, {}, lambda name: "")  # a link that leads nowhere is none
    assert plain_markdown.plain("[n](../n.md#p) [$m_1$](n.md) [w](https://w.org)", "s/page", nowhere) == (
        "n $m_1$ [w](https://w.org)"
    )


def test_the_package_is_whole_and_has_the_same_bytes_each_time(html, tmp_path):
    wheel = html / "sheet-2" / WHEEL
    assert build_wheel(ROOT, tmp_path).read_bytes() == wheel.read_bytes()
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "code/genmodels"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {f"genmodels/{path.relative_to(package).as_posix()}" for path in files} <= inside


def test_pip_takes_a_corrected_package_for_another_one(tmp_path):
    shutil.copytree(ROOT / "code", tmp_path / "code")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    assert wheel_name(tmp_path) == WHEEL
    (tmp_path / "code/genmodels/site/seeds.py").write_text("corrected")
    wheel_name.cache_clear()
    file_digest.cache_clear()
    assert Version(wheel_name(tmp_path).split("-")[1]) != Version(WHEEL.split("-")[1])


def test_a_notebook_with_the_sites_package_gives_the_numbers_of_the_ledger(html, tmp_path):
    name, kernels = "sheet-2/3-gan-training", notebooks_check.environment(tmp_path / "venv", html / "sheet-2" / WHEEL)
    notebook = nbformat.read(html / f"{name}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import genmodels\nprint(genmodels.__file__)"))
    (tmp_path / "empty").mkdir()
    nbformat.write(notebook, tmp_path / "n.ipynb")
    executed = notebooks_check.run(tmp_path / "n.ipynb", kernels, tmp_path / "empty")
    assert Path(executed.cells[-1].outputs[0].text.strip()).is_relative_to(tmp_path / "venv")  # not this checkout's
    numbers = {claim["id"]: claim["value"] for claim in notebooks_check.claims(executed)}
    assert len(numbers) > 5
    assert notebooks_check.problems(html, name, numbers) == []
    # and it finds a number that is off, new or missing
    some = next(iter(numbers))
    assert len(notebooks_check.problems(html, name, numbers | {some: -1.0, "new": 1.0})) == 2
    del numbers[some]
    assert notebooks_check.problems(html, name, numbers) == [f"{some} is missing"]
