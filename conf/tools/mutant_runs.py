"""Runs tests against a mutant, in a process of its own, and says whether one of them fails.

The parent loads the libraries once and forks: a child starts with all of them and loads the package and the tests anew,
with the one mutant in its module's place.
"""

from __future__ import annotations

import builtins
import contextlib
import dataclasses
import importlib
import importlib.util
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn, TypeVar

import hypothesis
import pytest
from mutations import DETACH, Mutant

Task = TypeVar("Task")
PACKAGE = "genmodels"
ALIVE, KILLED, WITHOUT_EFFECT = 0, 1, 3  # how a child ends
MEMORY = 12 << 30  # bytes of addresses; torch alone maps five
PROFILE = "mutants"
# nothing is written, and of hypothesis the examples are always the same
OPTIONS = ["-q", "-p", "no:cacheprovider", "-o", "strict_config=false", "--import-mode=importlib"]


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


def run_tests(subject: Subject, file: str, plugin: object, *more: str) -> int:
    options = [*OPTIONS, "-p", "_hypothesis_pytestplugin", f"--hypothesis-profile={PROFILE}"]
    return int(pytest.main([*options, *more, f"--rootdir={subject.root}", file], plugins=[plugin]))


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


def verdict(subject: Subject, mutant: Mutant, tests: list[str]) -> int:
    """Run the tests on the mutant, until one fails: ALIVE, KILLED or WITHOUT_EFFECT. For a child: it stays mutated."""
    sys.dont_write_bytecode = True
    effect = define_detached()
    try:
        code = mutant.code()
    except (SyntaxError, ValueError):
        return KILLED
    sys.meta_path.insert(0, _Finder(f"{PACKAGE}.{mutant.module}", str(subject.module(mutant.module)), code))
    order = {test: place for place, test in enumerate(tests)}
    for file in dict.fromkeys(test.partition("::")[0] for test in tests):
        if run_tests(subject, file, _Chosen(order), "-x"):
            return KILLED
    return WITHOUT_EFFECT if mutant.cuts and not effect else ALIVE


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
