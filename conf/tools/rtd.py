#!/usr/bin/env python3
"""Replay what Read the Docs does with this project: `make rtd`.

The tracked files, as they are now, are copied to an empty folder, and the commands of .readthedocs.yaml run
there one by one, in an empty environment and with an empty home. Only the settings of pip and of the network
come along. Says whether a site came out, and leaves nothing behind.
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
KEPT = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
PIP_CONFIGURATIONS = (
    Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "pip/pip.conf",
    Path("~/Library/Application Support/pip/pip.conf"),
    Path("~/.pip/pip.conf"),
)


def commands(configuration: Path) -> Iterator[tuple[str, str]]:
    """The jobs and their commands in the order in which Read the Docs runs them."""
    jobs = yaml.safe_load(configuration.read_text(encoding="utf-8"))["build"]["jobs"]
    for job in ("create_environment", "install"):
        yield from ((job, command) for command in jobs[job])
    yield from (("build.html", command) for command in jobs["build"]["html"])


def export(checkout: Path) -> dict[str, bytes]:
    """Copy the tracked files, as they are in the working tree; return their contents."""
    try:
        listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        sys.exit("This needs git, and the project as a git checkout.")
    names = [name for name in os.fsdecode(listed).split("\0") if name and (ROOT / name).is_file()]
    for name in names:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, checkout / name)
    return {name: (checkout / name).read_bytes() for name in names}


def contents(file: Path) -> bytes | None:
    """What is in a file; None where there is none."""
    return file.read_bytes() if file.is_file() else None


def environment(place: Path, checkout: Path) -> dict[str, str]:
    """The variables that Read the Docs sets, and what pip needs to reach its index from here."""
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.upper() in KEPT}
    for file in PIP_CONFIGURATIONS:
        if file.expanduser().is_file():
            kept.setdefault("PIP_CONFIG_FILE", str(file.expanduser()))
    python = place / "tools" / "python"  # Read the Docs calls it python, wherever it comes from
    python.parent.mkdir()
    python.symlink_to(getattr(sys, "_base_executable", sys.executable))
    (place / "home").mkdir()
    return kept | {
        "HOME": str(place / "home"),
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "READTHEDOCS": "True",
        "READTHEDOCS_PROJECT": "worked-solutions",
        "READTHEDOCS_LANGUAGE": "en",
        "READTHEDOCS_VERSION": "latest",
        "READTHEDOCS_VERSION_NAME": "latest",
        "READTHEDOCS_VERSION_TYPE": "branch",
        "READTHEDOCS_CANONICAL_URL": "https://worked-solutions.readthedocs.io/en/latest/",
        "READTHEDOCS_GIT_CLONE_URL": "https://github.com/worked-solutions/worked-solutions.git",
        "READTHEDOCS_GIT_IDENTIFIER": "main",
        "READTHEDOCS_GIT_COMMIT_HASH": "0" * 40,
        "READTHEDOCS_REPOSITORY_PATH": str(checkout),
        "READTHEDOCS_OUTPUT": str(checkout / "_readthedocs"),
        "READTHEDOCS_VIRTUALENV_PATH": str(place / "envs" / "latest"),
    }


def replay(place: Path) -> str | None:
    """Run everything in this empty folder; return what went wrong."""
    checkout = place / "checkouts" / "latest"
    tracked = export(checkout)
    print(f"{len(tracked)} tracked files in {checkout}, Python {platform.python_version()}", flush=True)
    environ = environment(place, checkout)
    for job, command in commands(checkout / ".readthedocs.yaml"):
        print(f"\n[{job}] {command}", flush=True)
        began = time.monotonic()
        status = subprocess.run(["bash", "-c", command], cwd=checkout, env=environ).returncode
        print(f"[{job}] {time.monotonic() - began:.0f} s", flush=True)
        if status != 0:
            return f"`{shlex.join(['bash', '-c', command])}` ended with status {status}"
    pages = len(list((checkout / "_readthedocs/html").rglob("*.html")))
    if not (checkout / "_readthedocs/html/index.html").is_file():
        return "html/index.html is missing in $READTHEDOCS_OUTPUT"
    if changed := [name for name, content in tracked.items() if content != contents(checkout / name)]:
        return f"the build changed tracked files: {', '.join(changed)}"
    expected = {name.split("/")[0] for name in tracked} | {"build", "_readthedocs"}
    if litter := sorted({path.name for path in checkout.iterdir()} - expected):
        return f"files were left behind: {', '.join(litter)}"
    print(f"\nRead the Docs would publish {pages} pages.")
    return None


def main() -> None:
    """Replay in a temporary folder."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="readthedocs-") as place:
        problem = replay(Path(place).resolve())
    if problem:
        sys.exit(f"Read the Docs would fail: {problem}.")


if __name__ == "__main__":
    main()
