"""What to tell a reader whose set-up failed: one line that says what is wrong and what to do."""

import errno
import platform
import re
from typing import NamedTuple

SUPPORTED = "Python 3.11 to 3.14 on Linux (x86-64 or arm64, glibc) and on macOS (Apple silicon)"
THIS = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
ANOTHER_PYTHON = "Another Python is chosen like this: make PYTHON=/path/to/python3.12 html"

DISK_FULL = "The disk is full. The environment takes about 2 GB: free some space, then try again."
NO_VENV = f"This Python has no venv module. Debian and Ubuntu: apt-get install python3-venv. {ANOTHER_PYTHON}"
KILLED = "pip was stopped from outside, perhaps for lack of memory. Try again."

# What pip's output tells about a failure, the surest sign first. {} is what the sign's group matched.
SIGNS = (
    (
        r"\[Errno (?:28|122)\]|No space left on device|Disk quota exceeded",
        DISK_FULL,
    ),
    (
        r"DO NOT MATCH THE HASHES(?:.*\n)+?\s+(\S+).* from ",
        "{} is not the file that was locked: a mirror or proxy changed it, or the download broke off. "
        "Say `python3 -m pip cache purge` and try again, in another network if need be.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "The package index answers, but its certificate is not trusted. Behind a company proxy, name its "
        "certificate file: PIP_CERT=/path/to/file.pem make html",
    ),
    (
        r"NewConnectionError|NameResolutionError|TimeoutError|ProxyError|SSLError|Max retries exceeded|"
        r"IncompleteRead|Connection (?:aborted|broken|reset)|HTTP error 5\d\d|5\d\d Server Error",
        "The package index cannot be reached. Check the network (and HTTPS_PROXY), then try again.",
    ),
    (
        r"(?:satisfies the requirement|distribution found for) ([^\s;]+)",
        f"There is no ready-made {{}} for {THIS}. Supported: {SUPPORTED}. {ANOTHER_PYTHON}",
    ),
    (
        r"\[Errno (?:13|30)\]|Permission denied|Read-only file system",
        "The environment cannot be written to. See who owns its folder and its files, then try again.",
    ),
    (r"(?m)^ERROR: (.+)", "pip failed: {}"),
    (r"(\S.*)\s*\Z", "Making the environment failed: {}"),
)


class SetupError(Exception):
    """Its message is the line that the reader gets."""


def from_output(output: str) -> str:
    """The advice for a failed pip, from all that it printed."""
    for sign, advice in SIGNS:
        match = re.search(sign, output)
        if match:
            return advice.format(*match.groups())
    return KILLED


class Work(NamedTuple):
    """What was being done when a file operation of our own failed."""

    name: str
    disk_full: str


ENVIRONMENT = Work("Making the environment", DISK_FULL)
BUILD = Work(
    "Building the site",
    "The disk is full, or the space that you may use. A build takes about 200 MB in build/ and some in the folder for "
    "temporary files: free some space, then try again.",
)


def from_os_error(error: OSError, work: Work = ENVIRONMENT) -> str:
    """The advice for a failed file operation of our own."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return work.disk_full
    if error.errno == errno.EFBIG:
        return "A file would be larger than files may be here: see `ulimit -f`, then try again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename or 'A file'} cannot be written to. See who owns it, or work on a copy of your own."
    return f"{work.name} failed: {error}."
