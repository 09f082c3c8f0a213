"""What is said when the set-up fails, and by a Python that is too old."""

import ast
import errno
import os
import subprocess
import sys
from pathlib import Path

import advice
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "conf/tools/environment.py"


def as_old_python(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script in this Python, made to look old, where only ``path`` is searched for others."""
    code = "import runpy, sys; sys.version_info = (3, 8, 18, 'final', 0); sys.argv = sys.argv[1:]; "
    code += "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = [sys.executable, "-c", code, str(SCRIPT), *arguments]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True)


def test_script_parses_under_python_3_6() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_old_python_gets_one_line(tmp_path: Path) -> None:
    run = as_old_python(path=tmp_path)
    assert run.returncode == 1
    assert run.stdout == ""
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"Python 3.11 or newer is needed, this is 3.8.18 ({sys.executable}).")
    assert "make PYTHON=" in line


def test_old_python_hands_over_to_a_newer_one_that_works(tmp_path: Path) -> None:
    for name, line in (("python3.14", "exit 127"), ("python3.12", f'exec "{sys.executable}" "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    run = as_old_python("--help", path=tmp_path)
    assert run.returncode == 0
    assert "--venv" in run.stdout


@pytest.mark.parametrize(
    ("output", "what", "remedy"),
    [
        ("disk-full", "disk is full", "free some space"),
        ("missing-wheel", "no ready-made torch==2.13.9+cpu for Python", "make PYTHON="),
        ("no-network", "cannot be reached", "Check the network"),
        ("no-network-newer-pip", "cannot be reached", "Check the network"),
        ("no-network-dead-proxy", "cannot be reached", "HTTPS_PROXY"),
        ("not-writable", "cannot be written to", "who owns"),
        ("untrusted-certificate", "certificate is not trusted", "PIP_CERT="),
        ("untrusted-certificate-newer-pip", "certificate is not trusted", "PIP_CERT="),
        ("wrong-hash", "idna==3.20 is not the file that was locked", "pip cache purge"),
    ],
)
def test_failures_of_pip_are_told_apart(output: str, what: str, remedy: str) -> None:
    """What pip 23.0 to 26.3 printed when this was made to happen; hosts and paths are replaced."""
    told = advice.from_output((Path(__file__).parent / f"pip-output/{output}.txt").read_text(encoding="utf-8"))
    assert what in told
    assert remedy in told
    assert "\n" not in told


def test_full_disk_is_known_in_every_language() -> None:
    for reason in ("[Errno 28] Auf dem Gerät ist kein Speicherplatz mehr verfügbar", "[Errno 122] Quota"):
        assert advice.from_output(f"ERROR: Could not install packages due to an OSError: {reason}") == advice.DISK_FULL


def test_unknown_failure_is_passed_on() -> None:
    assert advice.from_output("Looking\nERROR: the moon is full\nbye\n") == "pip failed: the moon is full"
    assert (
        advice.from_output("Error: no colons in paths\n") == "Making the environment failed: Error: no colons in paths"
    )


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "/x cannot be written"),
        (errno.EROFS, "/x cannot be written"),
    ],
)
def test_failures_of_files_are_told_apart(number: int, what: str) -> None:
    assert what in advice.from_os_error(OSError(number, os.strerror(number), "/x"))
