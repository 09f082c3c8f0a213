"""How the machinery is built: what it uses of other packages, how large it is, and that its parts do not go round."""

import ast
import graphlib
import io
import re
import tokenize
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
BUILDER = CONF / "site_builder"
EXTENSIONS = sorted((BUILDER / "extensions").glob("[!_]*.py"))
# what tests start from, and no test itself: these lean on the same packages for years
HELPERS = [path for path in sorted((ROOT / "tests").rglob("*.py")) if not path.name.startswith("test_")]
MODULES = [*sorted(CONF.rglob("*.py")), *sorted((ROOT / "code").rglob("*.py")), *HELPERS]
OWN = {"site_builder", "genmodels", *(path.stem for path in HELPERS)}
UNDOCUMENTED = ("myst_nb.core.", "pip.")  # without an underscore, and yet promised to nobody
DOCUMENTED = {"os._exit"}
MARK = re.compile(r"#.*\bprivate\b")
MARKS = 6


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def uses(source: str) -> list[int]:
    """The lines without a mark that use what other packages keep to themselves, or change what is theirs."""
    tree, lines = ast.parse(source), source.splitlines()
    known: dict[str, str] = {}  # name in this module -> what it stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {name.asname or name.name: name.name for name in node.names}
            known |= {name.name.partition(".")[0]: name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            known |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}

    def full(node: ast.AST) -> str:
        """The dotted name of what an expression stands for, as far as the imports say; else nothing."""
        if isinstance(node, ast.Name):
            return known.get(node.id, "")
        inside = full(node.value) if isinstance(node, ast.Attribute) else ""
        return f"{inside}.{node.attr}" if inside else ""

    def foreign(name: str) -> bool:
        return bool(name) and name.partition(".")[0] not in OWN

    def wrong(node: ast.AST) -> bool:
        match node:
            case ast.Import() | ast.ImportFrom(level=0):
                module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                names = [f"{module}{name.name}" for name in node.names]
                hidden = [name for name in names if any(map(private, name.split("."))) or name.startswith(UNDOCUMENTED)]
                return any(map(foreign, hidden))
            case ast.Attribute() if private(node.attr):
                if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                    return False
                whose = full(node.value)
                return (not whose or foreign(whose)) and full(node) not in DOCUMENTED
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                return foreign(full(node))
        return False

    return [
        node.lineno
        for node in ast.walk(tree)
        if wrong(node) and not any(map(MARK.search, lines[node.lineno - 1 : node.end_lineno]))
    ]


def test_uses_of_other_packages_internals_are_marked_and_few() -> None:
    problems, marks = [], []
    for path in [*sorted(CONF.rglob("*.py")), *HELPERS]:
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        problems += [f"{name}:{line}: take what is documented, or mark it with '# private'" for line in uses(text)]
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        comments = [token for token in tokens if token.type == tokenize.COMMENT and MARK.search(token.string)]
        marks += [f"{name}:{token.start[0]}" for token in comments]
    assert not problems, "\n".join(problems)
    assert len(marks) <= MARKS, marks


@pytest.mark.parametrize(
    "code",
    [
        "import a\na.b._c",
        "def f(x): return x._c",
        "class A:\n    def f(self): return self.b._c",
        "from a import _b",
        "import a._b",
        "from myst_nb.core.read import c",
        "import a\na.b.C = 1",
        "from a import b\nb.c += 1",
        "import a\n(x, a.b) = 1, 2",
        "import a\ndel a.b",
    ],
)
def test_each_kind_of_use_is_found(code: str) -> None:
    assert uses(code) == [len(code.splitlines())]
    assert uses(f"{code}  # private: as there is no other way") == []


def test_what_is_ones_own_or_documented_is_not() -> None:
    own = "class A:\n    def f(self): self._b = cls._c\nx.b = 1"
    others = "from site_builder import pages\npages._check_data\nimport os\nos._exit(1)\n__file__.__class__"
    assert uses(own) == uses(others) == []


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
