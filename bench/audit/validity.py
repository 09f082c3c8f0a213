"""Is the HTML valid? The Nu validator says, where there is a Java to run it, and html-validate says in any case."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import node

CONFIG = Path(__file__).with_name("html-validate.cjs")
JAR = "vnu-jar/build/dist/vnu.jar"
Problems = dict[Path, list[str]]


def html_files(html: Path) -> list[Path]:
    """Every HTML file of the built site, short links and all."""
    return sorted(html.rglob("*.html"))


def html_validate(files: Iterable[Path], config: Path = CONFIG) -> Problems:
    """What html-validate calls an error, by file. Raises NodeError where it is not installed or breaks."""
    node.install()
    done = node.run(
        "html-validate/bin/html-validate.mjs", "--config", str(config), "--formatter", "json", *map(str, files)
    )
    try:
        results = json.loads(done.stdout)
    except ValueError:
        raise node.NodeError(f"html-validate gave no report: {done.stderr.strip()[-500:]}") from None
    return {
        Path(result["filePath"]): [
            f"line {message['line']}: {message['message']} ({message['ruleId']})"
            for message in result["messages"]
            if message["severity"] == 2
        ]
        for result in results
    }


def has_java() -> bool:
    """Whether a Java runs here; on a Mac without one, /usr/bin/java is a stub that only complains."""
    java = shutil.which("java")
    return java is not None and subprocess.run([java, "-version"], capture_output=True, check=False).returncode == 0


def nu(files: Iterable[Path]) -> Problems:
    """What the Nu validator calls an error, by file. Raises NodeError where it is not installed or breaks."""
    jar = node.install() / JAR
    command = ["java", "-Xss4m", "-jar", str(jar), "--format", "json", "--exit-zero-always", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    try:
        messages = json.loads(done.stderr)["messages"]
    except (ValueError, KeyError):
        raise node.NodeError(f"the Nu validator gave no report: {done.stderr.strip()[-500:]}") from None
    problems: Problems = {}
    for message in messages:
        if message["type"] != "info":
            path = Path(unquote(urlsplit(message["url"]).path))
            problems.setdefault(path, []).append(f"line {message.get('lastLine', 0)}: {message['message']} (Nu)")
    return problems


def problems(files: Iterable[Path]) -> Problems:
    """What both of them, or html-validate alone where there is no Java, call an error, by file."""
    files = list(files)
    found = {path: list(lines) for path, lines in html_validate(files).items()}
    for path, lines in (nu(files) if has_java() else {}).items():
        found.setdefault(path, []).extend(lines)
    return found
