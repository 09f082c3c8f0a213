"""How the machinery is built: what it uses of other packages, how large it is, and that its parts do not go round."""

import ast
import graphlib
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
BUILDER = CONF / "site_builder"
EXTENSIONS = sorted((BUILDER / "extensions").glob("[!_]*.py"))
# what tests start from, and no test itself: these lean on the same packages for years
HELPERS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if not path.name.startswith("test_")]
MODULES = [*sorted(CONF.rglob("*.py")), *sorted((ROOT / "code").rglob("*.py")), *HELPERS]
MARK = re.compile(r"#.*\bprivate\b")
MARKS = 6


def test_uses_of_other_packages_internals_are_marked_and_few() -> None:
    """The linter finds names with an underscore; what no name shows is marked by hand."""
    marks = [path.name for path in CONF.rglob("*.py") for line in path.open(encoding="utf-8") if MARK.search(line)]
    assert 0 < len(marks) <= MARKS, marks
    assert not [path for path in (*MODULES, *HELPERS) if "noqa: SLF" in path.read_text(encoding="utf-8")]


def test_extensions_are_few_and_each_can_be_set_up() -> None:
    assert 0 < len(EXTENSIONS) <= 24
    for path in EXTENSIONS:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        defined = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        # what extensions share is none itself
        assert "setup" in defined, f"{path.name} has no setup(): it belongs one folder up"


def test_the_machinery_stays_small() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in CONF.rglob("*.py"))
    assert lines <= 4500


def test_no_module_name_stands_twice() -> None:
    names = Counter(path.stem for path in MODULES if path.stem not in ("__init__", "__main__", "conftest"))
    assert [name for name, count in names.items() if count > 1] == []


def imported(path: Path) -> set[str]:
    """The modules of site_builder that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def test_no_module_imports_itself_by_way_of_others() -> None:
    paths = {".".join(path.relative_to(CONF).with_suffix("").parts): path for path in BUILDER.rglob("*.py")}
    graph = {name: imported(path) & paths.keys() for name, path in paths.items()}
    assert sum(map(len, graph.values())) > 20
    graphlib.TopologicalSorter(graph).prepare()  # an error names the cycle
