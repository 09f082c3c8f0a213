"""Runs the tests that touch a mutant's lines, in a process of its own, and says whether one of them fails.

The parent loads the libraries once and forks: a child starts with all of them and loads the package and the tests anew,
with the one mutant in its module's place. Which test touches which lines is recorded before, file by file, and kept
until the package or the file changes.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import functools
import gc
import hashlib
import importlib
import importlib.util
import json
import math
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, NoReturn, TypeVar

import hypothesis
import pytest
from mutations import DETACH, Mutant

Task = TypeVar("Task")
PACKAGE = "genmodels"
ALIVE, KILLED, WITHOUT_EFFECT = 0, 1, 3  # how a child ends
MEMORY = 16 << 30  # bytes of addresses; torch alone maps five
GRACE, SLOWER = 20.0, 10.0  # a child may take so many seconds, and so many times what its tests took
PROFILE = "mutants"
# nothing is written, and of hypothesis the examples are always the same
OPTIONS = ["-q", "-p", "no:cacheprovider", "-o", "strict_config=false", "--import-mode=importlib"]


class BaselineError(Exception):
    """A file of tests cannot be run."""


@dataclasses.dataclass(frozen=True)
class Subject:
    """A package and the tests that are to notice what is wrong with it."""

    root: Path

    @property
    def package(self) -> Path:
        return self.root / "code" / PACKAGE

    @property
    def tests(self) -> Path:
        return self.root / "tests" / "package"

    @property
    def kept(self) -> Path:
        return self.root / "build" / "mutants"

    def module(self, name: str) -> Path:
        return self.package / f"{name}.py"

    def test_files(self) -> list[Path]:
        return sorted(self.tests.glob("test_*.py"))


@dataclasses.dataclass
class Touched:
    """What one test touches, how long it takes, and the lines of functions in which gradients flow."""

    test: str
    seconds: float
    lines: dict[str, set[int]]
    gradients: dict[str, set[int]]

    @property
    def file(self) -> str:
        """The file of the test, from the root on."""
        return self.test.partition("::")[0]


def load_libraries(subject: Subject) -> None:
    """Load what the package imports, but not itself; what the tests import is loaded when it is recorded."""
    os.chdir(subject.root)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(subject.root / "code"))
    _forget_package()  # the tools load a module of it, perhaps of another checkout
    for path in subject.package.glob("*.py"):
        importlib.import_module(f"{PACKAGE}.{path.stem}")
    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
    hypothesis.settings.register_profile(PROFILE, deadline=None, database=None, derandomize=True, phases=phases)
    _forget_package()


def _forget_package() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def _run_tests(subject: Subject, file: str, plugin: object, *more: str) -> int:
    options = [*OPTIONS, "-p", "_hypothesis_pytestplugin", f"--hypothesis-profile={PROFILE}"]
    return int(pytest.main([*options, *more, f"--rootdir={subject.root}", file], plugins=[plugin]))


# -- children ---------------------------------------------------------------------------------------------------------


def in_children(
    tasks: Iterable[tuple[Task, Callable[[], int], float]], jobs: int, output: Callable[[Task], Path]
) -> Generator[tuple[Task, int] | None, None, None]:
    """Do every work in a child of its own, so many at a time; yield each task with the number that its work returned.

    A number below 0 is that of the signal that ended the child, as it does after the task's limit of seconds. Yields
    None now and then where nothing happens. Children that are left when the iterator is closed are ended.
    """
    waiting, running = iter(tasks), dict[int, tuple[Task, float]]()
    following = next(waiting, None)
    try:
        while following or running:
            while following and len(running) < jobs:
                task, work, limit = following
                running[_fork(work, output(task))] = task, time.monotonic() + limit
                following = next(waiting, None)
            for child in list(running):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    yield running.pop(child)[0], os.waitstatus_to_exitcode(status)
                    break
                if time.monotonic() > running[child][1]:
                    _end(child)
            else:
                time.sleep(0.005)
                yield None
    finally:
        for child in running:
            _end(child)
            os.waitpid(child, 0)


def _fork(work: Callable[[], int], output: Path) -> int:
    child = os.fork()
    if child:
        return child
    _be_child(work, output)


def _be_child(work: Callable[[], int], output: Path) -> NoReturn:
    status = KILLED
    try:
        os.setsid()  # its own children end with it
        sink = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(sink, stream)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        status = work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end(child: int) -> None:
    """End a child and its children at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


# -- the record of touched lines --------------------------------------------------------------------------------------


def record(subject: Subject, jobs: int, say: Callable[[str], None]) -> list[Touched]:
    """What every test touches; files whose record is kept are not run. Raises BaselineError.

    Tests that fail without any mutant are named and left out. The libraries that the tests load are loaded here.
    """
    subject.kept.mkdir(parents=True, exist_ok=True)
    records = {file: subject.kept / f"{file.stem}-{_digest(subject, file)}.json" for file in subject.test_files()}
    missing = [file for file in records if not records[file].is_file()]
    if missing:
        say(f"Recording which lines the tests of {len(missing)} files touch.")
    tasks = [(file, functools.partial(_record_file, subject, file, records[file]), math.inf) for file in missing]
    left = len(missing)
    with contextlib.closing(in_children(tasks, jobs, lambda file: subject.kept / f"{file.stem}.txt")) as ended:
        for file, status in filter(None, ended):
            if status:
                shown = (subject.kept / f"{file.stem}.txt").read_text(errors="replace")[-3000:]
                raise BaselineError(f"{file.name} cannot be run:\n{shown}")
            left -= 1
            say(f"  {file.name}, {left} files left")
    for old in {*subject.kept.glob("*.json"), *subject.kept.glob("*.txt")} - set(records.values()):
        old.unlink()
    kept = [json.loads(path.read_text()) for path in records.values()]
    failed = [test for each in kept for test in each["failed"]]
    if failed:
        say(f"{len(failed)} tests fail without any mutant and are left out:\n  " + "\n  ".join(failed))
    for name in sorted({name for each in kept for name in each["libraries"]}):
        with contextlib.suppress(Exception):  # some are made by others, and cannot be imported by themselves
            importlib.import_module(name)
    gc.collect()
    gc.freeze()
    return [
        Touched(test, seconds, *({module: set(lines) for module, lines in part.items()} for part in parts))
        for each in kept
        for test, seconds, *parts in each["rows"]
    ]


def _digest(subject: Subject, file: Path) -> str:
    files = [*sorted(subject.package.glob("*.py")), *subject.root.glob("tests/conftest.py"), file, Path(__file__)]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _record_file(subject: Subject, file: Path, target: Path) -> int:
    recorder, loaded = Recorder(subject.package), set(sys.modules)
    for path in subject.package.glob("*.py"):  # so that importing counts for no test
        importlib.import_module(f"{PACKAGE}.{path.stem}")
    sys.settrace(recorder.trace)
    status = _run_tests(subject, str(file), recorder)
    sys.settrace(None)
    if status <= 1 and recorder.tests:  # 0: all pass, 1: some fail
        libraries = [name for name in set(sys.modules) - loaded if not _of_project(subject, name)]
        kept = {"failed": sorted(recorder.failed), "rows": recorder.rows(), "libraries": libraries}
        part = target.with_suffix(".part")
        part.write_text(json.dumps(kept))
        part.replace(target)
        return 0
    return KILLED


def _of_project(subject: Subject, name: str) -> bool:
    file = getattr(sys.modules[name], "__file__", None)
    folders = [subject.root / name for name in ("code", "tests", "conf", "bench")]
    return file is None or any(Path(file).is_relative_to(folder) for folder in folders)


class Recorder:
    """A plugin of pytest that notes the package's lines that run under each test.

    What runs in a fixture of a whole file counts for every test that asks for it, and what runs while the file is
    loaded for all of its tests.
    """

    def __init__(self, package: Path) -> None:
        self.prefix = f"{package}{os.sep}"
        self.shared = Lines()  # by the file itself
        self.fixtures: dict[str, tuple[Lines, float]] = {}
        self.tests: dict[str, tuple[Lines, float, list[str]]] = {}
        self.failed: set[str] = set()
        self.lines = self.shared

    def trace(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self.prefix) else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        self.lines.run.add((frame.f_code.co_filename, frame.f_lineno))
        if event == "return" and any(map(_has_gradient, [argument, *frame.f_locals.values()])):
            self.lines.gradients.add(frame.f_code)
        return self._line

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Generator[None, Any, Any]:
        if fixturedef.scope == "function":
            return (yield)
        before, self.lines, started = self.lines, Lines(), time.monotonic()
        try:
            return (yield)
        finally:
            self.fixtures[fixturedef.argname] = self.lines, time.monotonic() - started
            self.lines = before

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, Any, Any]:
        self.lines, started = Lines(), time.monotonic()
        try:
            return (yield)
        finally:
            self.tests[item.nodeid] = self.lines, time.monotonic() - started, list(item.fixturenames)
            self.lines = self.shared

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)

    def rows(self) -> list[Any]:
        """What is kept: test, seconds, and by modules the lines that run and those of functions with gradients."""
        made = []
        for test, (own, seconds, names) in self.tests.items():
            if test in self.failed:
                continue
            used = [self.fixtures[name] for name in names if name in self.fixtures]
            parts = [own, self.shared, *(lines for lines, _ in used)]
            run = set().union(*(part.run for part in parts))
            codes = set().union(*(part.gradients for part in parts))
            flows = {(code.co_filename, line) for code in codes for _, _, line in code.co_lines() if line}
            made.append([test, max([seconds, *(took for _, took in used)]), _by_module(run), _by_module(flows)])
        return made


@dataclasses.dataclass
class Lines:
    """The package's lines, with their files, that run while something is tested; the functions with gradients."""

    run: set[tuple[str, int]] = dataclasses.field(default_factory=set)
    gradients: set[CodeType] = dataclasses.field(default_factory=set)


def _has_gradient(value: object) -> bool:
    if type(value) in (tuple, list):
        return any(map(_has_gradient, value))  # type: ignore[call-overload]
    return getattr(value, "requires_grad", False) is True


def _by_module(lines: set[tuple[str, int]]) -> dict[str, list[int]]:
    modules: dict[str, list[int]] = {}
    for path, line in sorted(lines):
        modules.setdefault(Path(path).stem, []).append(line)
    return modules


# -- one mutant -------------------------------------------------------------------------------------------------------


def tests_of(mutant: Mutant, touched: list[Touched]) -> list[Touched]:
    """The tests that may notice: those that touch the mutant, of the module's own file first, then of quick ones.

    What runs when the module is imported is touched by all tests that touch anything else in the module.
    """
    wanted, imported = set(mutant.lines), mutant.function == "<module>"
    found = [each for each in touched if mutant.module in each.lines]
    found = [each for each in found if imported or wanted & each.lines[mutant.module]]
    if mutant.kind == "detached":  # where no gradient flows there is nothing to detach
        found = [each for each in found if wanted & each.gradients.get(mutant.module, set())]
    took: dict[str, float] = {}
    for each in found:
        took[each.file] = took.get(each.file, 0.0) + each.seconds
    own = f"test_{mutant.module}.py"
    return sorted(found, key=lambda each: (Path(each.file).name != own, took[each.file], each.file, each.seconds))


def limit(tests: list[Touched]) -> float:
    """How many seconds a child may take for these tests."""
    return GRACE + SLOWER * sum(each.seconds for each in tests)


def verdict(subject: Subject, mutant: Mutant, tests: list[Touched]) -> int:
    """Run the tests on the mutant, until one fails: ALIVE, KILLED or WITHOUT_EFFECT. For a child: it stays mutated."""
    sys.dont_write_bytecode = True
    effect = define_detached()
    try:
        code = mutant.code()
    except (SyntaxError, ValueError):
        return KILLED
    sys.meta_path.insert(0, _Finder(f"{PACKAGE}.{mutant.module}", str(subject.module(mutant.module)), code))
    for file in dict.fromkeys(each.file for each in tests):
        order = {each.test: place for place, each in enumerate(tests)}
        if _run_tests(subject, file, _Chosen(order), "-x"):
            return KILLED
    return WITHOUT_EFFECT if mutant.kind == "detached" and f"{DETACH}(" in mutant.after and not effect else ALIVE


def define_detached() -> list[bool]:
    """Give the mutants their function; the list that is returned is no longer empty once it cut off a gradient."""
    effect: list[bool] = []

    def detached(value: Any) -> Any:
        if type(value) in (tuple, list):
            return type(value)(map(detached, value))
        if getattr(value, "requires_grad", False) is True:
            effect.append(True)
            return value.detach()
        return value

    setattr(builtins, DETACH, detached)
    return effect


class _Finder:
    """Finds the mutant in the place of its module."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        self.name, self.loader = name, _Loader(name, path)
        self.loader.code = code

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.loader.path, loader=self.loader)


class _Loader(SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.code


class _Chosen:
    """A plugin of pytest that runs only these tests, in this order."""

    def __init__(self, order: dict[str, int]) -> None:
        self.order = order

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.order), key=lambda item: self.order[item.nodeid])
