"""Find a Chromium for the PDF and for tests/browser, or get one. Run as a program, it prints where that is.

Looked for in this order: $CHROMIUM, an installed Chromium or Chrome, the one that Playwright downloaded before; of
Debian's first the one without windows, which is faster. Where there is none it is got: by Playwright, or on Debian, as
root, from its package.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

COMMANDS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
HOW = (
    "No Chromium was found, and none could be downloaded. Install Chromium or Chrome, or say where it is: "
    "CHROMIUM=/path/to/chrome make test"
)


def _run(*command: str, timeout: float, **environ: str) -> str:
    """What a command says; nothing where it is missing, fails or takes too long."""
    env = os.environ | environ
    try:
        return subprocess.check_output(command, timeout=timeout, stderr=subprocess.STDOUT, text=True, env=env)
    except (OSError, subprocess.SubprocessError):
        return ""


def _starts(executable: str) -> bool:
    """Whether it runs here: Ubuntu's chromium-browser may be a stub, a downloaded one may lack libraries."""
    return "Chrom" in _run(executable, "--version", timeout=30)


def _candidates() -> Iterator[str]:
    yield from (path for path in map(shutil.which, COMMANDS) if path)
    yield from MACOS_APPS
    yield _downloaded()


def _downloaded() -> str:
    """Where Playwright keeps its own Chromium, downloaded or not."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


@functools.cache
def find() -> str | None:
    """The executable of a Chromium that runs here, or None. Raises ValueError where $CHROMIUM names none."""
    named = os.environ.get("CHROMIUM")
    if named:
        executable = shutil.which(named)
        if executable is None or not _starts(executable):
            raise ValueError(f"CHROMIUM={named} is not a Chromium or Chrome that starts here.")
        return executable
    return next(filter(_starts, _candidates()), None)


def get() -> str | None:
    """Install a Chromium and return its executable, or None where that did not work."""
    print("Getting a Chromium, once, about 170 MB", file=sys.stderr, flush=True)
    download = (sys.executable, "-m", "playwright", "install", "--no-shell", "chromium")
    _run(*download, timeout=300, PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT="10000")
    find.cache_clear()
    if find() is None and shutil.which("apt-get") and os.geteuid() == 0:
        _run("apt-get", "update", timeout=120)
        for package in COMMANDS[:2]:
            if find() is None:
                _run("apt-get", "install", "-y", package, timeout=600, DEBIAN_FRONTEND="noninteractive")
                find.cache_clear()
    return find()


if __name__ == "__main__":
    try:
        print(find() or get() or sys.exit(HOW))
    except ValueError as error:
        sys.exit(str(error))
