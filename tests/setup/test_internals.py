"""How the machinery is built: what it uses of other packages, how large it is, and that its parts do not go round."""

import ast
import graphlib
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
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
UNDOCUMENTED = ("myst_nb.core", "pip")  # without an underscore, and yet promised to nobody
DOCUMENTED = {"os._exit"}
MARK = re.compile(r"#.*\bprivate\b")
MARKS = 6
PATCHES = re.compile(
    r"unittest\.mock(\.\w+)*\.patch(\.object|\.dict|\.multiple)?|monkeypatch\.(setattr|delattr|setitem)"
)


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


class Uses:
    """Where one module uses what other packages keep to themselves, or replaces what is theirs."""

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        lines = source.splitlines()
        self.marked = {number for number, line in enumerate(lines, start=1) if MARK.search(line)}
        self.known: dict[str, str] = {"monkeypatch": "monkeypatch"}  # name in this module -> what it stands for
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    top = name.asname or name.name.partition(".")[0]
                    self.known[top] = name.name if name.asname else top
            elif isinstance(node, ast.ImportFrom) and not node.level:
                self.known |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}

    def full(self, node: ast.AST) -> str:
        """The dotted name of what an expression stands for, as far as the imports say; else nothing."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id, "")
        inside = self.full(node.value) if isinstance(node, ast.Attribute) else ""
        return f"{inside}.{node.attr}" if inside else ""

    def foreign(self, name: str) -> bool:
        return bool(name) and name.partition(".")[0] not in OWN

    def found(self) -> Iterator[tuple[int, str]]:
        """Line and kind of each use without a mark."""
        for node in ast.walk(self.tree):
            for problem in self.problems(node):
                if not self.marked & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
                    yield node.lineno, problem

    def problems(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Import():
                yield from (f"import of {name.name}" for name in node.names if self.closed(name.name))
            case ast.ImportFrom(level=0):
                names = [f"{node.module}.{name.name}" for name in node.names]
                yield from (f"import of {name}" for name in names if self.closed(name))
            case ast.Attribute() if private(node.attr) and not self.owned(node.value):
                if self.full(node) not in DOCUMENTED:
                    yield f"use of {ast.unparse(node)}"
            case ast.Assign() | ast.Delete():
                yield from (problem for target in node.targets for problem in self.replaced(target))
            case ast.AugAssign() | ast.AnnAssign():
                yield from self.replaced(node.target)
            case ast.Call():
                yield from self.called(node)

    def closed(self, name: str) -> bool:
        """Whether what is imported is no one else's to import."""
        hidden = any(map(private, name.split("."))) or f"{name}.".startswith(tuple(f"{path}." for path in UNDOCUMENTED))
        return hidden and self.foreign(name)

    def owned(self, node: ast.AST) -> bool:
        """Whether an object is this module's own, as far as its name says."""
        if isinstance(node, ast.Name) and node.id in ("self", "cls"):
            return True
        name = self.full(node)
        return bool(name) and not self.foreign(name)

    def replaced(self, target: ast.AST) -> Iterator[str]:
        """Whether an assignment, or a deletion, changes another package."""
        if isinstance(target, ast.Tuple | ast.List):
            yield from (problem for part in target.elts for problem in self.replaced(part))
        elif isinstance(target, ast.Attribute) and self.foreign(self.full(target)):
            yield f"change of {ast.unparse(target)}"
        elif isinstance(target, ast.Subscript) and self.full(target.value) == "sys.modules":
            yield "change of sys.modules"

    def called(self, call: ast.Call) -> Iterator[str]:
        """What a call reaches: attributes by their names in quotes, and patches."""
        name, first = self.full(call.func), call.args[0] if call.args else None
        second = call.args[1] if len(call.args) > 1 else None
        if isinstance(call.func, ast.Name) and call.func.id in ("getattr", "setattr", "delattr") and first:
            hidden = isinstance(second, ast.Constant) and private(str(second.value)) and not self.owned(first)
            if hidden or (call.func.id != "getattr" and self.foreign(self.full(first))):
                yield f"{call.func.id} of {ast.unparse(first)}"
        elif PATCHES.fullmatch(name) and first:
            text = first.value if isinstance(first, ast.Constant) else self.full(first)
            if self.foreign(str(text)):
                yield f"patch of {text}"
        elif name.startswith("sys.modules.") and name.rpartition(".")[2] in ("setdefault", "update", "pop"):
            yield "change of sys.modules"


def test_uses_of_other_packages_internals_are_marked() -> None:
    problems = [
        f"{path.relative_to(ROOT)}:{line}: {problem}: take what is documented, or mark the line with '# private'"
        for path in [*sorted(CONF.rglob("*.py")), *HELPERS]
        for line, problem in Uses(path.read_text(encoding="utf-8")).found()
    ]
    assert not problems, "\n".join(problems)


def test_marked_uses_are_few() -> None:
    marks = []
    for path in [*sorted(CONF.rglob("*.py")), *HELPERS]:
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        comments = [token for token in tokens if token.type == tokenize.COMMENT and MARK.search(token.string)]
        marks += [f"{path.relative_to(ROOT)}:{token.start[0]}" for token in comments]
    assert len(marks) <= MARKS, marks


@pytest.mark.parametrize(
    "code",
    [
        "import a\na.b._c",
        "def f(x): return x._c",
        "class A:\n    def f(self): return self.b._c",
        "from a import _b",
        "import a._b",
        "from a._b import c",
        "from myst_nb.core.read import c",
        "import a\na.b.C = 1",
        "from a import b\nb.c += 1",
        "import a\n(x, a.b) = 1, 2",
        "import a\ndel a.b",
        "import a\nsetattr(a, 'b', 1)",
        "getattr(x, '_b')",
        "import sys\nsys.modules['a'] = None",
        "import sys\nsys.modules.pop('a')",
        "from unittest.mock import patch\nwith patch('a.b'): pass",
        "from unittest import mock\nimport a\nwith mock.patch.object(a, 'b'): pass",
        "import a\ndef f(monkeypatch): monkeypatch.setattr(a.b, 'c', 1)",
        "def f(monkeypatch): monkeypatch.setattr('a.b', 1)",
    ],
)
def test_each_kind_of_use_is_found(code: str) -> None:
    (found,) = Uses(code).found()
    assert found[0] == len(code.splitlines())
    *before, last = code.splitlines()
    assert list(Uses("\n".join([*before, f"{last}  # private: as there is no other way"])).found()) == []


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def f(self): self._b = cls._c",
        "from site_builder import pages\npages._check_data",
        "from site_builder.pages import _read",
        "from unittest.mock import patch\nimport genmodels.site.claims\npatch.object(genmodels.site.claims, 'record')",
        "from __future__ import annotations\n__file__.__class__",
        "import os, sys\nos._exit(1)\nos.environ['A'] = sys.modules['a'].b",
        "x.b = 1\nself.c.d = 2",
    ],
)
def test_what_is_ones_own_or_documented_is_not(code: str) -> None:
    assert list(Uses(code).found()) == []


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
