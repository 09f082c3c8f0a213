"""Making the environment: what is installed, when, and what a failed or killed install leaves."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import advice
import environment
import pytest

ROOT = Path(__file__).resolve().parents[2]


class Pip:
    """Stands for pip: notes what is asked of it, and answers what it is told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.answers: list[tuple[int, str]] = []

    def __call__(self, command: list[str], log_file: Path) -> tuple[int, str]:
        self.asked.append(command[command.index("install") + 1 :])
        return self.answers.pop(0) if self.answers else (0, "")


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    fake = Pip()
    monkeypatch.setattr(environment, "run_pip", fake)
    return fake


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment that is whole but lacks its stamp; its python is this one."""
    python = tmp_path / "ä b" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (python.parents[1] / "pyvenv.cfg").touch()
    return python.parents[1]


def make(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["environment.py", "--venv", str(venv)])
    environment.main()


def test_installs_hashed_wheels_alone_and_then_the_package(
    pip: Pip, venv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(venv, monkeypatch)
    lock, package = pip.asked  # torch is there in the right version
    assert {"--require-hashes", "--no-deps", "--only-binary", ":all:", str(environment.LOCK)} <= set(lock)
    assert package[-3:] == ["--no-build-isolation", "-e", str(ROOT)]
    make(venv, monkeypatch)
    assert len(pip.asked) == 2, "an environment that is up to date was touched"


@pytest.mark.parametrize("changed", ["LOCK", "TORCH", "ROOT", "pyproject.toml"])
def test_a_change_of_what_it_is_made_from_is_seen(
    changed: str, pip: Pip, venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(venv, monkeypatch)
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(ROOT / "pyproject.toml", moved)
    if changed == "pyproject.toml":
        monkeypatch.setattr(environment, "ROOT", moved)
        make(venv, monkeypatch)
        with open(moved / "pyproject.toml", "a", encoding="utf-8") as file:
            file.write("\n")
    elif changed == "ROOT":
        monkeypatch.setattr(environment, "ROOT", moved)
    else:
        old = getattr(environment, changed)
        (moved / old.name).write_text(old.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        monkeypatch.setattr(environment, changed, moved / old.name)
    assert not environment.is_current(venv)
    make(venv, monkeypatch)
    assert environment.is_current(venv)


@pytest.mark.parametrize(("system", "requirement"), [("linux", "torch==9.9+cpu"), ("darwin", "torch==9.9")])
def test_torch_is_a_cpu_build(
    system: str, requirement: str, pip: Pip, venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.txt").write_text("torch==9.9\n")
    monkeypatch.setattr(environment, "TORCH", tmp_path / "torch.txt")
    monkeypatch.setattr(sys, "platform", system)
    no = "ERROR: Could not find a version that satisfies the requirement"
    pip.answers = [(1, f"{no} {requirement} (from versions: 1.0)")]
    if system == "darwin":
        with pytest.raises(advice.SetupError, match="There is no ready-made torch"):
            environment.install_torch(venv)
        assert len(pip.asked) == 1
        return
    environment.install_torch(venv)
    assert [asked[-1] for asked in pip.asked] == [requirement, requirement]
    assert ["--index-url" in asked for asked in pip.asked] == [False, True]
    assert environment.TORCH_CPU_INDEX in pip.asked[1]
    assert all("--no-deps" in asked for asked in pip.asked)


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        ((1, "ERROR: No matching distribution found for x"), True),
        ((1, "Installing collected packages: x\nERROR: [Errno 28] No space left on device"), False),
        ((-9, "Installing collected packages: x\n"), False),
        ((-9, "Collecting x\n"), False),
    ],
)
def test_a_failed_install_is_one_line_and_a_broken_environment_is_known(
    answer: tuple[int, str],
    whole: bool,
    pip: Pip,
    venv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pip.answers = [answer]
    with pytest.raises(SystemExit) as stop:
        make(venv, monkeypatch)
    assert isinstance(stop.value.code, str)
    assert len(stop.value.code.splitlines()) == 1
    assert not environment.is_current(venv)
    assert environment.is_usable(venv) is whole


def test_a_killed_install_is_made_anew(pip: Pip, venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(venv, monkeypatch)

    def killed(command: list[str], log_file: Path) -> tuple[int, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "run_pip", killed)
    before = environment.stamp
    monkeypatch.setattr(environment, "stamp", lambda: "another lock")
    with pytest.raises(SystemExit):
        make(venv, monkeypatch)
    assert not environment.is_usable(venv)
    monkeypatch.setattr(environment, "stamp", before)
    assert not environment.is_current(venv), "with the old lock back, a half-changed environment counts as done"

    made = []
    monkeypatch.setattr(environment, "create", made.append)
    monkeypatch.setattr(environment, "run_pip", pip)
    make(venv, monkeypatch)
    assert made == [venv]


def test_create_replaces_a_broken_environment(venv: Path) -> None:
    (venv / environment.UNFINISHED).touch()
    (venv / "half").touch()
    environment.create(venv)
    assert environment.is_usable(venv)
    assert not (venv / "half").exists()
    assert environment.ask(venv, "import sys; print(sys.prefix)") == str(venv)


def test_create_removes_nothing_that_is_not_an_environment(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(advice.SetupError, match="not a Python environment"):
        environment.create(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_create_says_that_venv_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(advice.SetupError, match="apt-get install python3-venv"):
        environment.create(tmp_path / "venv")


def test_create_looks_at_the_disk_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "NEEDED_GB", 1e9)
    with pytest.raises(advice.SetupError, match="The disk is full"):
        environment.create(tmp_path / "venv")


def test_the_second_of_two_waits_and_does_nothing(
    pip: Pip, venv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment.alone(venv):
        second = threading.Thread(target=make, args=(venv, monkeypatch))
        second.start()
        second.join(timeout=0.5)
        assert second.is_alive()
        assert pip.asked == []
        (venv / environment.STAMP).write_text(environment.stamp(), encoding="utf-8")
    second.join(timeout=10)
    assert not second.is_alive()
    assert pip.asked == []
    assert "waiting for it" in capsys.readouterr().out


def test_pip_keeps_the_lock_where_only_its_caller_is_killed(venv: Path) -> None:
    """Else the next one would remove an environment that pip still writes to."""
    code = "import pathlib, sys, environment as e\nvenv = pathlib.Path(sys.argv[1])\n"
    code += "with e.alone(venv): e.run_pip(['sh', '-c', 'echo on > on; sleep 60'], venv / 'log')"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "conf/tools")}
    caller = subprocess.Popen([sys.executable, "-c", code, str(venv)], cwd=venv, env=environ, start_new_session=True)
    try:
        while not (venv / "on").exists():
            assert caller.poll() is None
        caller.kill()
        caller.wait()
        waiting = threading.Thread(target=lambda: environment.alone(venv).__enter__(), daemon=True)
        waiting.start()
        waiting.join(timeout=0.5)
        assert waiting.is_alive()
    finally:
        os.killpg(caller.pid, 9)
    waiting.join(timeout=10)
    assert not waiting.is_alive()
