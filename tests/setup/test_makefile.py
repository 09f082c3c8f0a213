"""What `make` offers, and that CONTRIBUTING.md says the same."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=cwd, env=environ, capture_output=True, text=True)


def test_contributing_names_exactly_the_targets_that_have_help() -> None:
    listed = re.findall(r"(?m)^\| `make ([a-z]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    helped = re.findall(r"(?m)^make ([a-z]+): \w+", run_make("help").stdout)
    assert sorted(listed) == sorted(name for name in helped if name != "help")
    for target in helped:
        assert run_make("-n", target).returncode == 0, target


def test_make_clean_html_cleans_first_even_in_parallel(tmp_path: Path) -> None:
    """With a slow rm, and a Python that says whether it sees the old build."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name, script in (
        ("bin/rm", 'sleep 0.5; exec /bin/rm "$@"'),
        (".venv/bin/python", 'test -e build && echo "sees the old build"; echo "$*"'),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "build").mkdir()
    path = f"PATH={tmp_path}/bin:{os.environ['PATH']}"
    run = run_make("-j4", "clean", "html", path, "PYTHON=.venv/bin/python", cwd=tmp_path)
    assert run.stdout.splitlines() == ["conf/site_builder/environment.py", "-m site_builder html"]


def test_make_clean_removes_build_alone(tmp_path: Path) -> None:
    here = tmp_path / "ä b"
    for name in ("build/html", ".venv", "docs"):
        (here / name).mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", here)
    assert run_make("clean", cwd=here).returncode == 0
    assert sorted(path.name for path in here.iterdir()) == [".venv", "Makefile", "docs"]


def test_make_without_python_says_so() -> None:
    run = run_make("html", "PYTHON=/nowhere/python3")
    assert run.returncode != 0
    assert "There is no /nowhere/python3: install Python 3.11 or newer" in run.stdout
    assert "Traceback" not in run.stderr


def test_code_is_a_folder_and_never_a_package() -> None:
    """An __init__.py there would shadow Python's own module code, and with it pdb and IPython."""
    assert not (ROOT / "code/__init__.py").exists()
    command = [sys.executable, "-c", "import code, pdb; code.InteractiveConsole; print(code.__file__)"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert not Path(run.stdout.strip()).is_relative_to(ROOT / "code")
