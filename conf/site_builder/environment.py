#!/usr/bin/env python3
"""Make the Python environment in which the site is built and tested; does nothing where it is up to date.

    python3 conf/site_builder/environment.py [FOLDER, else .venv]

torch comes first, as its CPU build, then every other package from the hashed lock, then this project's own code, as a
link. Only ready-made wheels are installed, so no compiler is needed. What pip says is in install.log in the folder.
This file must parse under an old Python, which has to get as far as saying that it is too old.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REQUIREMENTS = os.path.join(ROOT, "requirements")
LOCK, TORCH = os.path.join(REQUIREMENTS, "lock.txt"), os.path.join(REQUIREMENTS, "torch.txt")
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
WHEELS = ("--no-deps", "--only-binary", ":all:")
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
    digest = hashlib.sha256()
    for name in (LOCK, TORCH, os.path.join(ROOT, "pyproject.toml")):
        with open(name, "rb") as file:
            digest.update(file.read())
    return "Python {}.{}\n{}\n{}\n".format(sys.version_info[0], sys.version_info[1], ROOT, digest.hexdigest())


def is_current(folder: str) -> bool:
    """Whether nothing needs to be done."""
    try:
        with open(os.path.join(folder, "stamp")) as file:
            return file.read() == stamp() and os.path.exists(os.path.join(folder, "bin", "python"))
    except OSError:
        return False


def pip(folder: str, *arguments: str) -> bool:
    """Install something, and say what pip says where that fails; return whether it worked."""
    command = [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    with open(os.path.join(folder, "install.log"), "a+") as log:
        start = log.seek(0, os.SEEK_END)
        if subprocess.call(command + list(arguments), stdout=log, stderr=subprocess.STDOUT) == 0:
            return True
        log.seek(start)
        print("".join(log.readlines()[-8:]), file=sys.stderr)
        return False


def install(folder: str) -> bool:
    """Make the environment anew, and say what is being done; return whether it worked."""
    print("Setting up {}, once: a few minutes, 2 GB".format(folder), flush=True)
    if os.path.exists(folder):
        shutil.rmtree(folder)
    if subprocess.call([sys.executable, "-m", "venv", folder]) != 0:
        return False
    with open(TORCH) as file:
        torch = file.read().strip()
    print("[1/3] torch, its CPU build", flush=True)
    if sys.platform == "darwin":  # there the ordinary wheel is the CPU build
        done = pip(folder, *(WHEELS + (torch,)))
    else:
        # a mirror may offer the CPU build; PyPI does not, and says so at once: then PyTorch's own index is asked
        build = torch + "+cpu"
        done = pip(folder, *(WHEELS + (build,))) or pip(folder, "--index-url", TORCH_CPU_INDEX, *(WHEELS + (build,)))
    if not done:
        return False
    print("[2/3] the locked packages", flush=True)
    if not pip(folder, "--require-hashes", "-r", LOCK, *WHEELS):
        return False
    print("[3/3] this project's code, as a link", flush=True)
    return pip(folder, "--no-deps", "--no-build-isolation", "-e", ROOT)


def main() -> None:
    """Make the environment, unless another process is just doing so."""
    folder = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".venv"))
    if is_current(folder):
        return
    with open(folder + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(folder):
            if not install(folder):
                sys.exit("Not installed. All that pip said is in {}/install.log".format(folder))
            with open(os.path.join(folder, "stamp"), "w") as file:
                file.write(stamp())


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        find_newer()
    main()
