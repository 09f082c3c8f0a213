"""Which tests may notice a mutant: those that touch its lines.

It is recorded file by file, by a tracer, and kept until the package or the file changes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import hashlib
import importlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from mutant_runs import KILLED, PACKAGE, Subject, in_children, run_tests
from mutations import Mutant

GRACE, SLOWER = 20.0, 10.0  # a child may take so many seconds, and so many times what its tests took


class BaselineError(Exception):
    """A file of tests cannot be run."""


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
    status = run_tests(subject, str(file), recorder)
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


def tests_of(mutant: Mutant, touched: list[Touched]) -> list[Touched]:
    """The tests that may notice: those that touch the mutant, of the module's own file first, then of quick ones.

    What runs when the module is imported is touched by all tests that touch anything else in the module.
    """
    wanted = set(mutant.lines)
    found = [each for each in touched if mutant.module in each.lines]
    found = [each for each in found if mutant.imported or wanted & each.lines[mutant.module]]
    if mutant.cuts:  # where no gradient flows there is nothing to cut
        found = [each for each in found if wanted & each.gradients.get(mutant.module, set())]
    took: dict[str, float] = {}
    for each in found:
        took[each.file] = took.get(each.file, 0.0) + each.seconds
    own = f"test_{mutant.module}.py"
    return sorted(found, key=lambda each: (Path(each.file).name != own, took[each.file], each.file, each.seconds))


def limit(tests: list[Touched]) -> float:
    """How many seconds a child may take for these tests."""
    return GRACE + SLOWER * sum(each.seconds for each in tests)
