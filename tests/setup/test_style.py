"""The code is formatted, linted and typed as pyproject.toml says."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=lambda tool: " ".join(tool)
)
def test_clean(root, tool):
    run = subprocess.run([sys.executable, "-m", *tool], cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
