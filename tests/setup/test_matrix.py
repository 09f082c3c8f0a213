"""The sets of packages that `make matrix` tests, the Pythons it finds, and what it says in the end."""

import os
import sys
from pathlib import Path

import advice
import matrix
import pytest
from matrix import Row
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TORCH = ROOT / "requirements/torch.txt"
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
PROJECT = """\
[project]
dependencies = ["numpy>=2.2", "torch>=2.13"]
[dependency-groups]
site = ["sphinx~=9.0.4", "hatchling>=1.27"]
build = ["hatchling>=1.27"]
"""


@pytest.mark.parametrize(
    ("line", "pinned"),
    [
        ("numpy>=2.2", "numpy==2.2"),
        ("sphinx~=9.0.4", "sphinx==9.0.4"),
        ("pypdf<8,>=6,!=6.1", "pypdf==6"),
        ("lxml>=5.9,>=5.10", "lxml==5.10"),
        ("tomli==2.1", "tomli==2.1"),
        ('uvicorn[standard]>=0.3; python_version >= "3.12"', 'uvicorn[standard]==0.3; python_version >= "3.12"'),
    ],
)
def test_oldest_is_the_lower_bound(line: str, pinned: str) -> None:
    assert matrix.oldest(Requirement(line)) == Requirement(pinned)


@pytest.mark.parametrize("line", ["numpy", "numpy<3", "numpy!=2.2"])
def test_a_package_without_lower_bound_is_an_error(line: str) -> None:
    with pytest.raises(matrix.PackagesError, match=r"numpy.* without lower bound: write numpy>=VERSION"):
        matrix.oldest(Requirement(line))


@pytest.mark.parametrize(
    ("packages", "lines"),
    [
        ("oldest", ["hatchling==1.27", "numpy==2.2", "sphinx==9.0.4", "torch==2.13.0"]),
        ("newest", ["hatchling>=1.27", "numpy>=2.2", "sphinx~=9.0.4", "torch==2.13.0"]),
    ],
)
def test_a_set_is_every_package_once_and_torch_as_it_is_pinned(packages: str, lines: list[str], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "torch.txt").write_text("torch==2.13.0\n")
    assert matrix.requirements(packages, tmp_path / "pyproject.toml", tmp_path / "torch.txt") == lines


def test_every_package_of_this_project_has_a_lower_bound() -> None:
    lines = matrix.requirements("oldest", ROOT / "pyproject.toml", TORCH)
    assert len(lines) > 30
    assert all(next(iter(Requirement(line).specifier)).operator == "==" for line in lines)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python: an empty path, an empty pyenv."""
    for name in ("bin", "pyenv/versions"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def put(file: Path, script: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


SOUND = f'exec "{sys.executable}" "$@"'


def test_no_python_is_found_where_there_is_none(nowhere: Path) -> None:
    assert [matrix.find(version) for version in matrix.PYTHONS] == [None] * 4


def test_a_python_is_found_on_the_path(nowhere: Path) -> None:
    put(nowhere / f"bin/python{HERE}", SOUND)
    assert matrix.find(HERE) == str(nowhere / f"bin/python{HERE}")


@pytest.mark.parametrize("broken", ["exit 127", "echo 2.7", "exec /nowhere"])
def test_one_that_does_not_start_or_is_another_is_passed_over(broken: str, nowhere: Path) -> None:
    """As the shims of pyenv, or a Debian Python without venv."""
    put(nowhere / f"bin/python{HERE}", broken)
    assert matrix.find(HERE) is None
    put(nowhere / f"pyenv/versions/{HERE}.9/bin/python{HERE}", "exit 1")
    put(nowhere / f"pyenv/versions/{HERE}.8/bin/python{HERE}", SOUND)
    assert matrix.find(HERE) == str(nowhere / f"pyenv/versions/{HERE}.8/bin/python{HERE}")


def test_the_newest_of_pyenv_comes_first(nowhere: Path) -> None:
    for version in (f"{HERE}.9", f"{HERE}.10", f"{HERE}.11-dev"):
        put(nowhere / f"pyenv/versions/{version}/bin/python{HERE}", SOUND)
    assert matrix.find(HERE) == str(nowhere / f"pyenv/versions/{HERE}.10/bin/python{HERE}")


def test_uv_is_asked_last(nowhere: Path) -> None:
    put(nowhere / "elsewhere/python", SOUND)
    put(nowhere / "bin/uv", f'test "$*" = "python find {HERE}" && echo "{nowhere}/elsewhere/python"')
    assert matrix.find(HERE) == str(nowhere / "elsewhere/python")
    assert matrix.find("3.99") is None


class Stand:
    """Stands for installing and testing: notes what was done in which folder."""

    def __init__(self, matrix_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tested: list[tuple[str, str]] = []
        self.torch = True
        monkeypatch.setattr(matrix, "MATRIX", matrix_folder)
        monkeypatch.setattr(matrix, "find", lambda version: None if version == "3.14" else f"/python{version}")
        monkeypatch.setattr(matrix.environment, "create", lambda venv, python: venv.mkdir())
        monkeypatch.setattr(matrix.environment, "install_torch", self.install_torch)
        monkeypatch.setattr(matrix, "try_set", self.try_set)

    def install_torch(self, venv: Path) -> None:
        (venv / "install.log").write_text("what pip said")
        if not self.torch:
            raise advice.SetupError("There is no ready-made torch")

    def try_set(self, python: str, packages: str, folders: object, site: bool) -> Row:
        self.tested.append((python, packages))
        return Row(python, packages, "12 tests passed", True, 60.4, "torch 2.13.0+cpu, numpy 2.2")


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    return Stand(tmp_path / "matrix", monkeypatch)


def test_both_sets_are_tested_and_only_logs_stay(stand: Stand) -> None:
    rows = list(matrix.try_python("3.11", matrix.SETS, matrix.FOLDERS, True, False))
    assert stand.tested == [("3.11", "oldest"), ("3.11", "newest")]
    assert [path.name for path in (matrix.MATRIX / "3.11-oldest").iterdir()] == ["install.log"]
    assert matrix.holds(rows, ["3.11"])


def test_environments_can_be_kept(stand: Stand) -> None:
    list(matrix.try_python("3.11", ["newest"], matrix.FOLDERS, True, True))
    assert {path.name for path in (matrix.MATRIX / "3.11-newest").iterdir()} == {"install.log", "environment"}


def test_a_python_without_torch_or_that_is_missing_is_said_to_be_untested(stand: Stand) -> None:
    stand.torch = False
    (row,) = matrix.try_python("3.12", matrix.SETS, matrix.FOLDERS, True, False)
    torch = TORCH.read_text(encoding="utf-8").strip()
    log = matrix.MATRIX / "3.12-oldest/install.log"
    assert row == Row("3.12", "", f"not tested: no CPU build of {torch} for it here ({log})")
    assert log.read_text() == "what pip said"
    (missing,) = matrix.try_python("3.14", matrix.SETS, matrix.FOLDERS, True, False)
    assert missing == Row("3.14", "", "not tested: there is no Python 3.14 here")
    assert stand.tested == []


def test_the_table_says_what_was_tested_and_what_was_not() -> None:
    rows = [
        Row("3.11", "oldest", "12 tests passed", True, 60.4, "torch 2.13.0+cpu, numpy 2.2"),
        Row("3.11", "newest", "pip cannot install it: a conflict (build/install.log)", False, 5),
        Row("3.12", "", "not tested: there is no Python 3.12 here"),
    ]
    assert matrix.table(rows) == [
        "Python  packages   seconds  result",
        "3.11    oldest          60  12 tests passed",
        "                            torch 2.13.0+cpu, numpy 2.2",
        "3.11    newest           5  FAILED: pip cannot install it: a conflict (build/install.log)",
        "3.12    -                   not tested: there is no Python 3.12 here",
    ]


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([Row("3.11", "oldest", "12 tests passed"), Row("3.12", "", "not tested")], True),
        ([Row("3.11", "oldest", "12 tests passed"), Row("3.12", "newest", "1 of 12 failed", False)], False),
        ([Row("3.11", "", "not tested"), Row("3.12", "newest", "12 tests passed")], False),
        ([], False),
    ],
)
def test_it_fails_where_a_set_does_or_the_needed_python_is_missing(rows: list[Row], holds: bool) -> None:
    assert matrix.holds(rows, ["3.11"]) is holds


def test_failed_tests_and_errors_are_counted_and_named(tmp_path: Path) -> None:
    report = tmp_path / "tests.xml"
    report.write_text(
        '<testsuites><testsuite><testcase classname="tests.a" name="well"/>'
        '<testcase classname="tests.a" name="wrong"><failure/></testcase>'
        '<testcase classname="tests.b" name="broken"><error/></testcase></testsuite></testsuites>'
    )
    assert matrix.counted(report) == (3, ["tests.a::wrong", "tests.b::broken"])


def test_nothing_leads_from_a_set_to_this_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "SITE_BUILD", "GIT_DIR"):
        monkeypatch.setenv(name, "set")
    environ = matrix.surroundings(tmp_path)
    assert [name for name, value in environ.items() if value == "set"] == []
    assert environ["GIT_CEILING_DIRECTORIES"] == str(tmp_path)
    assert environ["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(
    ("folders", "named"),
    [
        (matrix.FOLDERS, "tests/browser, tests/setup/test_lock.py"),
        (
            matrix.FOLDERS[:1],
            "tests/pages, tests/building, tests/faults, tests/setup, tests/browser, tests/setup/test_lock.py",
        ),
        ((*matrix.FOLDERS, matrix.BROWSER), "tests/setup/test_lock.py"),
    ],
)
def test_what_was_not_run_is_named(folders: tuple[str, ...], named: str) -> None:
    assert matrix.left_out(folders) == named
    every = {f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/test_*.py")}
    assert {*matrix.FOLDERS, matrix.BROWSER} == every
    assert (ROOT / matrix.LOCKED).is_file()


def test_progress_is_told_from_the_output() -> None:
    assert matrix.share("......F. [ 45%]\n...") == "45% of the tests"
    assert matrix.share("created: 2/2 workers") == "collecting tests"
    assert matrix.last_line("one: done\n  two: cell 3 of 9\n\n") == "two: cell 3 of 9"
    assert matrix.last_line("") == "starting"
