#!/usr/bin/env python3
"""Make the Python environment in which the site is built and tested; does nothing where it is up to date.

    python3 conf/site_builder/environment.py [FOLDER, else .venv]

torch comes first, as its CPU build, then every other package from the hashed lock, then this project's own code, as a
link. Only ready-made wheels are installed, so no compiler is needed. What pip says is in install.log in the folder.
This file must parse under an old Python, which has to get as far as saying that it is too old.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

try:
    import fcntl
except ImportError:
    sys.exit("Linux or macOS is needed; on Windows, WSL: https://learn.microsoft.com/windows/wsl/install")

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REQUIREMENTS = os.path.join(ROOT, "requirements")
LOCK, TORCH = os.path.join(REQUIREMENTS, "lock.txt"), os.path.join(REQUIREMENTS, "torch.txt")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WHEELS = ("--only-binary", ":all:")
TOO_OLD = """Python 3.11 or newer is needed, this is {}.{}.{} ({}).
Install one (https://www.python.org/downloads/) or say where it is: make PYTHON=/path/to/python3.12 html"""


def find_newer() -> None:
    """Where this Python is too old, become a newer one that is installed, or say what is needed."""
    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        newer = shutil.which(name)
        if newer and subprocess.call([newer, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(newer, [newer] + sys.argv)
    sys.exit(TOO_OLD.format(*(sys.version_info[:3] + (sys.executable,))))


def stamp() -> str:
    """What an environment is made from, and where: the project's code is linked to, by its full path."""
    digest = hashlib.sha256(Path(LOCK).read_bytes() + Path(TORCH).read_bytes()).hexdigest()
    return "Python {}.{}\n{}\n{}\n".format(sys.version_info[0], sys.version_info[1], ROOT, digest)


def is_current(folder: str) -> bool:
    """Whether nothing needs to be done."""
    try:
        return Path(folder, "stamp").read_text() == stamp() and Path(folder, "bin", "python").exists()
    except OSError:
        return False


def is_usable(python: str) -> bool:
    """Whether an environment was finished once, and is of this Python: then it is brought up to date in place."""
    finished = Path(python).parents[1].joinpath("stamp").exists()
    same = "import pip, sys; sys.exit(sys.version_info[:2] != {})".format(tuple(sys.version_info[:2]))
    return finished and subprocess.call([python, "-c", same], stderr=subprocess.DEVNULL) == 0


def run(log: str, *command: str) -> str:
    """Run a command; return what it says where it fails, and nothing where it works."""
    with open(log, "a+") as file:
        start = file.seek(0, os.SEEK_END)
        # what runs holds the lock of this folder, too, if this process is killed
        if subprocess.call(command, stdout=file, stderr=subprocess.STDOUT, close_fds=False) == 0:
            return ""
        file.seek(start)
        lines = file.readlines()
    return "".join([line for line in lines if line.startswith("ERROR")] or lines[-15:] or ["It said nothing.\n"])


def install(folder: str) -> str:
    """Make or update the environment, saying what is being done; return what is wrong where that fails."""
    there = set(os.listdir(folder)) if os.path.exists(folder) else set()
    if there and not {"pyvenv.cfg", "install.log"} & there:
        return "{} is not a Python environment. Move it away, then try again.\n".format(folder)
    log, python = os.path.join(folder, "install.log"), os.path.join(folder, "bin", "python")
    if is_usable(python):
        print("Bringing {} up to date".format(folder), flush=True)
    else:
        print("Setting up {}, once: a few minutes, 2 GB".format(folder), flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        failed = run(log, os.path.realpath(sys.executable), "-m", "venv", folder)
        if failed:
            return failed

    def pip(*options: str) -> str:
        return run(log, python, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", *options)

    torch = Path(TORCH).read_text().strip()
    print("[1/3] torch, its CPU build", flush=True)
    if sys.platform == "darwin":  # there the ordinary wheel is the CPU build
        failed = pip(*WHEELS, torch)
    else:
        # a mirror may offer the CPU build; PyPI does not, and says so at once: then PyTorch's own index is asked
        failed = pip(*WHEELS, torch + "+cpu") and pip(*WHEELS, "--index-url", TORCH_CPU_INDEX, torch + "+cpu")
    if not failed:
        print("[2/3] the locked packages", flush=True)
        failed = pip(*WHEELS, "--require-hashes", "-r", LOCK)
    if not failed:
        print("[3/3] this project's code, as a link", flush=True)
        failed = pip("--no-build-isolation", "-e", ROOT)
    return failed


def main() -> None:
    """Make the environment, unless another process is just doing so."""
    folder = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".venv"))
    if is_current(folder):
        return
    with open(folder + ".lock", "w") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another process is setting up {}: waiting for it.".format(folder), flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if is_current(folder):
            return
        failed = install(folder)
        if failed:
            sys.exit("{}Not installed. All that was said is in {}/install.log".format(failed, folder))
        Path(folder, "stamp").write_text(stamp())


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        find_newer()
    main()
