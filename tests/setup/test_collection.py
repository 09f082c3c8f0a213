"""Every test that stands in the tree is run: pytest passes over folders of some names, "build" among them."""

import os
import subprocess
import sys
from pathlib import Path


def test_every_file_of_tests_is_collected(root: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    listed = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True).stdout
    found = {line.partition("::")[0] for line in listed.splitlines() if "::" in line}
    assert found == {path.relative_to(root).as_posix() for path in (root / "tests").rglob("test_*.py")}
