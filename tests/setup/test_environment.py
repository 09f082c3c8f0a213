"""Making the environment: when it is made, that only one process makes it, and what is said where that fails."""

import ast
import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from site_builder import environment

SCRIPT = Path(environment.__file__)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an environment is to be made; to make one here is an error."""
    place = tmp_path / "ä b" / ".venv"
    place.parent.mkdir()
    monkeypatch.setattr(sys, "argv", ["environment.py", str(place)])
    monkeypatch.setattr(environment, "install", lambda folder: pytest.fail("installed"))
    return place


def finish(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    (folder / "stamp").write_text(environment.stamp())


def test_nothing_is_done_where_it_is_up_to_date(folder: Path) -> None:
    finish(folder)
    environment.main()
    assert [path.name for path in folder.parent.iterdir()] == [".venv"]


@pytest.mark.parametrize("changed", ["lock.txt", "torch.txt", "place", "python"])
def test_a_change_of_what_it_is_made_from_is_seen(
    changed: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [shutil.copy(path, tmp_path) for path in (environment.LOCK, environment.TORCH)]
    for name, value in zip(("LOCK", "TORCH", "ROOT"), (*files, str(tmp_path)), strict=True):
        monkeypatch.setattr(environment, name, value)
    finish(folder)
    assert environment.is_current(str(folder))
    if changed == "python":
        (folder / "bin" / "python").unlink()
    elif changed == "place":
        monkeypatch.setattr(environment, "ROOT", f"{tmp_path}/.")
    else:
        (tmp_path / changed).write_text((tmp_path / changed).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert not environment.is_current(str(folder))


def test_the_second_of_two_waits_and_does_nothing(folder: Path) -> None:
    second = threading.Thread(target=environment.main, daemon=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second.start()
        second.join(timeout=0.5)
        assert second.is_alive()
        finish(folder)
    second.join(timeout=10)
    assert not second.is_alive()


def test_a_failed_install_says_what_pip_said_and_does_not_count(tmp_path: Path) -> None:
    """With the real pip, which is told to ask nobody."""
    copy = tmp_path / "conf" / "site_builder" / SCRIPT.name
    copy.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, copy)
    shutil.copytree(environment.REQUIREMENTS, tmp_path / "requirements")
    shutil.copy(Path(environment.ROOT, "pyproject.toml"), tmp_path)
    environ = {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    run = subprocess.run([sys.executable, str(copy)], env=environ, capture_output=True, text=True)
    assert run.returncode == 1
    assert "No matching distribution found for torch" in run.stderr
    assert run.stderr.endswith(f"Not installed. All that was said is in {tmp_path}/.venv/install.log\n")
    assert "Traceback" not in run.stderr
    assert (tmp_path / ".venv/install.log").read_text().count("No matching distribution") == 2  # asked twice
    assert not (tmp_path / ".venv/stamp").exists()


def test_a_folder_that_is_no_environment_is_spared(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    assert "is not a Python environment" in environment.install(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_windows_is_told_what_it_needs() -> None:
    code = f"import runpy, sys; sys.modules['fcntl'] = None; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1 and re.fullmatch(r"Linux or macOS is needed; on Windows, WSL: \S+\n", run.stderr)


def test_an_old_python_gets_as_far_as_saying_that_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        environment.find_newer()
