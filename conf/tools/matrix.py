"""Test the oldest and the newest set of packages that pyproject.toml allows, on every Python that is to be had.

oldest: the packages that pyproject.toml names, each in the version of its lower bound. newest: each in the newest
version that it allows. What these need in turn is what pip chooses; torch is its CPU build, in the version of
requirements/torch.txt. Each set gets an empty environment and a copy of the tracked files under build/matrix. There
the site is built with all its cells and its PDF, and the tests are run, but for those in a browser. Logs stay there,
with the list of all versions; environment and copy go.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import environment
from advice import SetupError
from execute import cores
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rtd import export

ROOT = Path(__file__).resolve().parents[2]
MATRIX = ROOT / "build" / "matrix"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
NEEDED = PYTHONS[0]  # the Python that hosts build with: not to have it is a failure
SETS = ("oldest", "newest")
SHOWN = ("torch", "numpy", "scipy", "scikit-learn", "matplotlib", "sphinx", "myst-nb", "pytest")
FOLDERS = ("tests/package", "tests/pages", "tests/building", "tests/faults", "tests/setup")
BROWSER = "tests/browser"
LOCKED = "tests/setup/test_lock.py"  # holds the environment of the lock to the lock
LOG = "install.log"  # what pip said
SECONDS = 30  # between two lines that say how far it is


class PackagesError(Exception):
    """Its message says what is wrong with a set, and where more about it stands."""


@dataclass(frozen=True)
class Row:
    """A line of the table: what became of a set, or why a Python was not tested."""

    python: str
    packages: str
    result: str
    ok: bool = True
    seconds: float = 0
    versions: str = ""


def asked(project: Path) -> list[Requirement]:
    """Every package that pyproject.toml names, in any group."""
    content = tomllib.loads(project.read_text(encoding="utf-8"))
    groups = [content["project"]["dependencies"], *content["dependency-groups"].values()]
    return [Requirement(line) for group in groups for line in group]


def oldest(requirement: Requirement) -> Requirement:
    """The same package in the version of its lower bound. Raises PackagesError where it has none."""
    bounds = [sign.version for sign in requirement.specifier if sign.operator in (">=", "~=", "==")]
    if not bounds:
        raise PackagesError(
            f"pyproject.toml names {requirement} without lower bound: write {requirement.name}>=VERSION"
        )
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return Requirement(f"{requirement.name}{extras}=={max(bounds, key=Version)}{marker}")


def requirements(packages: str, project: Path, torch: Path) -> list[str]:
    """What pip is asked for, a line per package: "oldest" or "newest", with torch as it is pinned."""
    wanted = [requirement for requirement in asked(project) if requirement.name != "torch"]
    chosen = map(oldest, wanted) if packages == "oldest" else wanted
    return sorted({torch.read_text(encoding="utf-8").strip(), *map(str, chosen)})


def candidates(version: str) -> Iterator[str]:
    """Where a Python of this version may be: on the path, of pyenv, of uv."""
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"
    installed = [path for path in pyenv.glob(f"{version}.*") if re.fullmatch(r"[\d.]+", path.name)]
    for path in sorted(installed, key=lambda path: Version(path.name), reverse=True):
        yield str(path / "bin" / f"python{version}")
    if uv := shutil.which("uv"):
        run = subprocess.run([uv, "python", "find", version], capture_output=True, text=True)
        yield from run.stdout.split("\n")[:1] if run.returncode == 0 else []


def find(version: str) -> str | None:
    """A Python of this version that can make environments, or None."""
    code = "import ensurepip, sys, venv; print('{}.{}'.format(*sys.version_info))"
    for python in candidates(version):
        try:
            run = subprocess.run([python, "-c", code], capture_output=True, text=True)
        except OSError:
            continue
        if run.stdout.strip() == version:
            return python
    return None


def counted(report: Path) -> tuple[int, list[str]]:
    """How many tests there were by pytest's report, and the names of those that failed."""
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return len(cases), [f"{case.get('classname')}::{case.get('name')}" for case in failed]


def last_line(output: str) -> str:
    """The end of what a build has printed so far."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "starting")


def share(output: str) -> str:
    """How many of the tests have run, by pytest's output so far."""
    found = re.findall(r"\[ *(\d+%)\]", output)
    return f"{found[-1]} of the tests" if found else "collecting tests"


def versions(venv: Path, file: Path) -> str:
    """Note the versions of all packages in a file, and return those of the main ones."""
    command = [str(venv / "bin/python"), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
    listed = subprocess.run(command, capture_output=True, text=True).stdout
    file.write_text(listed, encoding="utf-8")
    here = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in listed.split())}
    return ", ".join(f"{name} {here.get(canonicalize_name(name), 'missing')}" for name in SHOWN)


def surroundings(place: Path) -> dict[str, str]:
    """The environment variables of builds and tests: none that leads to another Python or to this checkout."""
    left_out = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "SITE_BUILD", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in left_out and not name.startswith(("PYTEST", "READTHEDOCS", "GIT_"))
    }
    return kept | {"OMP_NUM_THREADS": "1", "GIT_CEILING_DIRECTORIES": str(place)}


def pip(venv: Path, *arguments: str) -> None:
    """Run `pip install`. Raises PackagesError."""
    output = environment.pip_install(venv, *arguments)
    if output:
        errors = re.findall(r"(?m)^ERROR: (.+?)(?: \(from versions: .*)?$", output)
        raise PackagesError(
            f"pip cannot install it: {'; '.join(errors[:2]) or last_line(output)} ({venv.parent / LOG})"
        )


def run(command: list[str], place: Path, log: Path, tell: Callable[[str], str]) -> int:
    """Run Python with these arguments in the copy, telling how far it is; return the exit status."""
    python = str(place / "environment" / "bin" / "python")
    status, _ = environment.run_logged(
        [python, *command], log, tell, SECONDS, environ=surroundings(place), cwd=place / "project"
    )
    return status


def test(place: Path, folders: Iterable[str], site: bool) -> str:
    """Build the site in the copy where that is asked for, and run the tests. Raises PackagesError."""
    if site:
        print("    the site, all cells and its PDF", flush=True)
        if run(["conf/tools/build.py", "--pdf"], place, log := place / "site.log", last_line) != 0:
            raise PackagesError(f"the site cannot be built ({log})")
    print(f"    the tests in {', '.join(folders)}", flush=True)
    log, report = place / "tests.log", place / "tests.xml"
    command = [
        "-m",
        "pytest",
        "-n",
        str(cores()),
        "--dist",
        "loadfile",
        "--max-worker-restart",
        "1",
        "-m",
        "not long",
        f"--junit-xml={report}",
        f"--ignore={LOCKED}",
        *folders,
    ]
    status = run(command, place, log, share)
    if not report.is_file():
        raise PackagesError(f"pytest ended with status {status} ({log})")
    count, failed = counted(report)
    if failed or status != 0:
        raise PackagesError("\n    ".join([f"{len(failed)} of {count} tests failed ({log})", *failed]))
    return f"{count} tests passed" + ("" if site else ", without a site")


def try_set(python: str, packages: str, folders: Iterable[str], site: bool) -> Row:
    """Install a set into the environment that holds torch, in place already, and test it."""
    place = MATRIX / f"{python}-{packages}"
    venv, project = place / "environment", place / "project"
    began = time.monotonic()
    shown = ""
    try:
        print("    the packages", flush=True)
        wanted = place / "requirements.txt"
        lines = requirements(packages, ROOT / "pyproject.toml", ROOT / "requirements" / "torch.txt")
        wanted.write_text("\n".join([*lines, ""]), encoding="utf-8")
        pip(venv, "--only-binary", ":all:", "-r", str(wanted))
        project.mkdir()
        export(project)
        pip(venv, "--no-deps", "--no-build-isolation", "-e", str(project))
        shown = versions(venv, place / "versions.txt")
        result, ok = test(place, folders, site), True
    except PackagesError as error:
        result, ok = str(error), False
    return Row(python, packages, result, ok, time.monotonic() - began, shown)


def empty(place: Path) -> None:
    """Remove what an earlier run has left of this set."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)


def tidy(place: Path, keep: bool) -> None:
    """Put what pip said beside the other logs; remove the environment and the copy, unless they are kept."""
    log = place / "environment" / LOG
    if log.is_file():
        log.replace(place / LOG)
    for name in () if keep else ("environment", "project"):
        shutil.rmtree(place / name, ignore_errors=True)


def try_python(python: str, sets: Iterable[str], folders: Iterable[str], site: bool, keep: bool) -> Iterator[Row]:
    """Test the sets on one Python, or say why it is not tested."""
    executable = find(python)
    if executable is None:
        yield Row(python, "", f"not tested: there is no Python {python} here")
        return
    for packages in sets:
        place = MATRIX / f"{python}-{packages}"
        print(f"\nPython {python} ({executable}), {packages} packages, in {place}", flush=True)
        empty(place)
        try:
            environment.create(place / "environment", executable)
            print("    torch, its CPU build", flush=True)
            try:
                environment.install_torch(place / "environment")
            except SetupError:
                torch = (ROOT / "requirements" / "torch.txt").read_text(encoding="utf-8").strip()
                yield Row(python, "", f"not tested: no CPU build of {torch} for it here ({place / LOG})")
                return
            row = try_set(python, packages, folders, site)
        except SetupError as error:
            row = Row(python, packages, str(error), False)
        finally:
            tidy(place, keep)
        print(f"    {row.result}", flush=True)
        yield row


def table(rows: Iterable[Row]) -> list[str]:
    """What was tested with which outcome, in columns, and below it what was not."""
    rows = list(rows)
    lines = [f"{'Python':8}{'packages':10}{'seconds':>8}  result"]
    for row in rows:
        if not row.packages:
            lines.append(f"{row.python:8}{'-':10}{'':8}  {row.result}")
            continue
        result = row.result if row.ok else f"FAILED: {row.result}"
        lines.append(f"{row.python:8}{row.packages:10}{row.seconds:8.0f}  {result}")
        if row.versions:
            lines.append(f"{'':28}{row.versions}")
    return lines


def left_out(folders: Iterable[str]) -> str:
    """What of the tests did not run."""
    return ", ".join([*(folder for folder in (*FOLDERS, BROWSER) if folder not in set(folders)), LOCKED])


def holds(rows: Iterable[Row], needed: Iterable[str]) -> bool:
    """Whether every set passed and every Python that is needed was tested."""
    rows = list(rows)
    tested = {row.python for row in rows if row.packages}
    return all(row.ok for row in rows) and tested.issuperset(needed)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="A set takes 15 to 25 minutes on two cores and, while it runs, 2 GB. The exit status is 1 where a "
        f"set fails, or Python {NEEDED} or one that --python names cannot be tested, else 0.",
    )
    parser.add_argument("--python", nargs="+", choices=PYTHONS, metavar="VERSION", help="only these, such as 3.11")
    parser.add_argument("--set", nargs="+", choices=SETS, default=SETS, help="only this one (default: both)")
    parser.add_argument("--quick", action="store_true", help="only the tests of the package; the site is not built")
    parser.add_argument("--all", action="store_true", help="also the tests in a browser; another ten minutes a set")
    parser.add_argument("--keep", action="store_true", help="leave environments and copies there, 2 GB each")
    options = parser.parse_args()
    if options.quick and options.all:
        parser.error("--quick and --all exclude each other")
    folders = FOLDERS[:1] if options.quick else (*FOLDERS, BROWSER) if options.all else FOLDERS
    try:
        with environment.alone(MATRIX):
            rows = [
                row
                for python in options.python or PYTHONS
                for row in try_python(python, options.set, folders, not options.quick, options.keep)
            ]
    except KeyboardInterrupt:
        print("\nInterrupted: nothing is known about the sets that were not finished.", file=sys.stderr)
        return 130
    print("\n" + "\n".join(table(rows)))
    print(f"Left out: {left_out(folders)}.")
    return 0 if holds(rows, options.python or [NEEDED]) else 1


if __name__ == "__main__":
    sys.exit(main())
