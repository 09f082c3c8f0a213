#!/usr/bin/env python3
"""Make the Python environment in which the site is built and tested; does nothing where it is up to date.

    python3 conf/tools/environment.py [--venv .venv]

torch comes first, as its CPU build, then every other package from the hashed lock, then genmodels itself
from code/. Only ready-made wheels are installed, so no compiler is needed. A failure ends with one line that
says what to do, and exit status 1. All output of pip goes to install.log in the environment.

This file must parse under Python 3.6: an old Python has to get as far as saying that it is too old.
"""

import os
import shutil
import subprocess
import sys

if sys.version_info < (3, 11):
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if newer and subprocess.call([newer, "-c", "pass"], **silent) == 0:
            os.execv(newer, [newer, *sys.argv])
    sys.exit(
        "Python 3.11 or newer is needed, this is {}.{}.{} ({}). "
        "Install one (https://www.python.org/downloads/) or say where it is: "
        "make PYTHON=/path/to/python3.12 html".format(*sys.version_info[:3], sys.executable)
    )

import argparse
import contextlib
import fcntl
import hashlib
import platform
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import advice
from advice import SetupError

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "lock.txt"
TORCH = ROOT / "requirements" / "torch.txt"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
NEEDED_GB = 2.5  # 1.8 stay; the rest is for downloads on their way
STAMP = "stamp"  # lies in a finished environment: what it was made from
UNFINISHED = "unfinished"  # lies in the environment while it is written to: a killed install leaves it there


def stamp() -> str:
    """What an environment is made from, and where: the package is linked to, by its full path."""
    digest = hashlib.sha256()
    for file in (LOCK, TORCH, ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}\n{ROOT}\n{digest.hexdigest()}\n"


def is_current(venv: Path) -> bool:
    """Whether nothing needs to be done."""
    file = venv / STAMP
    return (venv / "bin/python").exists() and file.is_file() and file.read_text(encoding="utf-8") == stamp()


def ask(venv: Path, code: str) -> str:
    """What the environment's Python prints; nothing where it fails."""
    python = venv / "bin/python"
    if not python.exists():
        return ""
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True).stdout.strip()


def is_usable(venv: Path) -> bool:
    """Whether an environment can be brought up to date in place: it is whole, and of this Python."""
    whole = not (venv / UNFINISHED).exists()
    return whole and ask(venv, "import pip, sys; print(sys.version_info[:2])") == str(sys.version_info[:2])


def create(venv: Path, python: str = "") -> None:
    """Make an empty environment, in place of a broken one, of this Python or of the one that is named."""
    if venv.exists():
        ours = (venv / "pyvenv.cfg").exists() or (venv / UNFINISHED).exists()
        if not ours and any(venv.iterdir()):
            raise SetupError(f"{venv} is not a Python environment. Move it away, then try again.")
        shutil.rmtree(venv)
    venv.mkdir(parents=True)
    (venv / UNFINISHED).touch()
    free = shutil.disk_usage(venv).free / 1e9
    if free < NEEDED_GB:
        raise SetupError(f"{advice.DISK_FULL} {venv} lies on a disk with {free:.1f} GB free.")
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise SetupError(advice.NO_VENV) from None
    # Run from inside an old environment, make the new one from the Python behind it: the old one is gone.
    base = python or getattr(sys, "_base_executable", sys.executable)
    made = str(venv / "bin/python")
    for command in ([base, "-m", "venv", "--without-pip", str(venv)], [made, "-m", "ensurepip"]):
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode != 0:
            raise SetupError(advice.from_output(run.stdout + run.stderr))
    (venv / UNFINISHED).unlink()


def doing(output: str) -> str:
    """What pip is at, by its output so far."""
    if "Installing collected packages" in output:
        return "unpacking"
    fetched = re.findall(r"(?:Downloading|Collecting|Processing) (?:\S*/)?(\S+(?: \(\S+ .?B\))?)", output)
    return f"getting {fetched[-1]}" if fetched else "asking the package index"


def run_logged(
    command: list[str],
    log_file: Path,
    doing: Callable[[str], str],
    every: float = 10,
    environ: dict[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[int, str]:
    """Run a command, telling every few seconds what it is at; return its exit status and its output, also in a log."""
    began = time.monotonic()
    with open(log_file, "a+", encoding="utf-8", errors="replace") as log:
        print("$", *command, file=log, flush=True)
        start = log.tell()
        # close_fds=False hands pip the lock of alone(): where only we are killed, others wait for pip.
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environ, cwd=cwd, close_fds=False)
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=every)
                break
            log.seek(start)
            print(f"      {time.monotonic() - began:.0f} s, {doing(log.read())}", flush=True)
        log.seek(start)
        return process.returncode, log.read()


def run_pip(command: list[str], log_file: Path) -> tuple[int, str]:
    """Run pip, telling what it is at; return its exit status and its output."""
    environ = {**os.environ, "PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environ["PYTHONUNBUFFERED"] = "1"
    return run_logged(command, log_file, doing, environ=environ)


def pip_install(venv: Path, *arguments: str) -> str:
    """Run `pip install` in the environment; return its output where it failed, else nothing."""
    command = [str(venv / "bin/python"), "-m", "pip", "install", "--retries", "3", *arguments]
    (venv / UNFINISHED).touch()
    status, output = run_pip(command, venv / "install.log")
    untouched = status > 0 and "Installing collected packages" not in output
    if status == 0 or untouched:
        (venv / UNFINISHED).unlink()
    if status == 0:
        return ""
    return output if output.strip() and status > 0 else advice.KILLED


def install_torch(venv: Path) -> None:
    """Install the CPU build of torch alone: what it requires is in the lock."""
    requirement = TORCH.read_text(encoding="utf-8").strip()
    if sys.platform != "darwin":  # on macOS the ordinary wheel is the CPU build
        requirement += "+cpu"
    if ask(venv, "import importlib.metadata as m; print('torch==' + m.version('torch'))") == requirement:
        return
    options = ("--no-deps", "--only-binary", ":all:", requirement)
    # A mirror may offer the CPU build. PyPI does not, and says so at once: then PyTorch's own index is asked.
    output = pip_install(venv, *options)
    if "satisfies the requirement" in output and sys.platform != "darwin":
        output = pip_install(venv, "--index-url", TORCH_CPU_INDEX, *options)
    if output:
        raise SetupError(advice.from_output(output))


def install_lock(venv: Path) -> None:
    """Install every other package, each checked against its hash."""
    output = pip_install(venv, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(LOCK))
    if output:
        raise SetupError(advice.from_output(output))


def install_package(venv: Path) -> None:
    """Put code/ on the environment's path, with the lock's build backend."""
    output = pip_install(venv, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    if output:
        raise SetupError(advice.from_output(output))


@contextlib.contextmanager
def alone(venv: Path) -> Iterator[None]:
    """Let one process at a time work on an environment; the others wait."""
    venv.parent.mkdir(parents=True, exist_ok=True)
    with open(venv.parent / f"{venv.name}.lock", "a") as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another process is setting up {venv}: waiting for it.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def bring_up_to_date(venv: Path) -> None:
    """Make the environment what the lock says, and say what is being done. Raises SetupError."""
    steps = [
        ("torch, its CPU build", install_torch),
        ("the locked packages", install_lock),
        ("genmodels, from code/", install_package),
    ]
    (venv / STAMP).unlink(missing_ok=True)
    if is_usable(venv):
        print(f"Bringing {venv} up to date", flush=True)
    else:
        print(f"Setting up {venv}, once: a few minutes, 2 GB", flush=True)
        steps.insert(0, (f"an empty environment, Python {platform.python_version()}", create))
    for number, (what, install) in enumerate(steps, 1):
        print(f"[{number}/{len(steps)}] {what}", flush=True)
        began = time.monotonic()
        install(venv)
        print(f"      done in {time.monotonic() - began:.0f} s", flush=True)
    (venv / STAMP).write_text(stamp(), encoding="utf-8")


def main() -> None:
    """Parse the arguments and make the environment."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where it is made (default: .venv)")
    venv = parser.parse_args().venv.absolute()
    try:
        if is_current(venv):
            return
        with alone(venv):
            if not is_current(venv):  # the process that was waited for may have done the work
                bring_up_to_date(venv)
    except SetupError as error:
        log = venv / "install.log"
        sys.exit(f"{error}" + (f" (All that pip said: {log})" if log.exists() else ""))
    except OSError as error:
        sys.exit(advice.from_os_error(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
