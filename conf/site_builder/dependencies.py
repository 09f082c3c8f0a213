"""What the outputs of a page depend on, as one digest.

The outputs are stored under it, and the site is built from the store alone, so that nothing stale can be shown: what
depends on a changed thing has another digest.
"""

import ast
import functools
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = "genmodels"
RUNNER = Path(__file__).with_name("cell_process.py")  # the part of the site's making that may change outputs


def digest(root: Path, cells: list[str]) -> str:
    """The digest of all that the outputs of these cells depend on.

    That is: the cells, the modules of the package that they import (directly or not), its data files, the tables of
    their claims, the stored results of experiments where they import these, the locks, the Python version and how cells
    are run.
    Raises SyntaxError naming the file that does not parse.
    """
    parts = [repr(sys.version_info[:3]), json.dumps(cells), file_digest(RUNNER)]
    parts += [f"{path.relative_to(root).as_posix()} {file_digest(path)}" for path in files(root, cells)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def files(root: Path, cells: Iterable[str]) -> list[Path]:
    """The files that these cells' outputs depend on: modules, data, tables of claims, stored results and the locks."""
    package, source = root / "code" / PACKAGE, "\n".join(cells)
    tables = {package / "site" / "expected" / f"{page}.toml" for page in re.findall(r"\bclaims\(\s*['\"](\w+)", source)}
    modules = imported_modules(package, source)
    stored = (package / "experiments").glob("results/*") if f"{PACKAGE}.experiments" in modules else ()
    locks = (root / "requirements").glob("*.txt")
    return sorted({*modules.values(), *tables, *stored, *data_files(root), *locks})


def data_files(root: Path) -> list[Path]:
    """The package's data, and the notes beside them."""
    folder = root / "code" / PACKAGE / "data"
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]


@functools.cache
def file_digest(path: Path) -> str:
    """The digest of a file as it was when it was first asked for."""
    return current_digest(path)


def current_digest(path: Path) -> str:
    """The digest of a file as it is now; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def imported_modules(package: Path, source: str) -> dict[str, Path]:
    """The package's modules that ``source`` imports, directly or not: dotted name -> file."""
    files = modules(package)
    found: dict[str, Path] = {}
    waiting = [*_imports(ast.parse(source), PACKAGE)]
    while waiting:
        name = waiting.pop()
        path = files.get(name)  # None where the name is that of a function or a class
        if path is not None and name not in found:
            found[name] = path
            waiting += _imports_of_module(path, name if path.stem == "__init__" else name.rpartition(".")[0])
    return found


@functools.cache
def _imports_of_module(path: Path, inside: str) -> list[str]:
    """What the module in a file imports; ``inside`` is the package that it belongs to."""
    return [*_imports(ast.parse(path.read_text(encoding="utf-8"), path.name), inside)]


def _imports(tree: ast.Module, inside: str) -> Iterator[str]:
    """Every dotted name of the package that an import anywhere in ``tree`` may load, parents included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = inside.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            steps = name.split(".")
            if steps[0] == PACKAGE:
                yield from (".".join(steps[: end + 1]) for end in range(len(steps)))


def definitions(path: Path) -> dict[str, tuple[int, int]]:
    """What a module defines at its top, constants too: name -> first and last line, decorators included."""
    found: dict[str, tuple[int, int]] = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), path.name).body:
        first = min(part.lineno for part in (node, *getattr(node, "decorator_list", ())))
        targets = [node, *getattr(node, "targets", ()), getattr(node, "target", None)]
        names = (getattr(part, "name", getattr(part, "id", None)) for part in targets)
        found |= {str(name): (first, node.end_lineno or first) for name in names if name}
    return found


def source_of(root: Path, name: str) -> str:
    """The code of an object of the package, such as "genmodels.mlp.EnsembleMLP". Raises LookupError, SyntaxError."""
    module, _, own = name.rpartition(".")
    path = modules(root / "code" / PACKAGE).get(module)
    if path is None or own not in (lines := definitions(path)):
        raise LookupError(f"the package defines no '{name}'")
    first, last = lines[own]
    return "\n".join(path.read_text(encoding="utf-8").split("\n")[first - 1 : last])


def modules(package: Path) -> dict[str, Path]:
    """The package and its modules: dotted name -> file."""
    found = {}
    # in this order a package hides a module of the same name
    for path in sorted(package.rglob("*.py"), key=lambda path: path.name == "__init__.py"):
        steps = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(steps[:-1] if steps[-1] == "__init__" else steps)] = path
    return found
