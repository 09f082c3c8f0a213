"""Read the Docs, CI, the licence and the citation."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.readthedocs", ".readthedocs.yaml"), ("vendor.citation-file-format", "CITATION.cff")],
)
def test_files_keep_to_their_schemas(schema: str, file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(ROOT / file)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_commands_of_read_the_docs_are_there() -> None:
    jobs = yaml.safe_load((ROOT / ".readthedocs.yaml").read_text(encoding="utf-8"))["build"]["jobs"]
    assert list(jobs) == ["post_checkout", "create_environment", "install", "build"]
    steps = [*jobs["create_environment"], *jobs["install"], *jobs["build"]["html"]]
    for step in [*jobs["post_checkout"], *steps]:
        assert subprocess.run(["bash", "-n", "-c", step]).returncode == 0
    script = re.fullmatch(r'python (\S+\.py) "\$READTHEDOCS_VIRTUALENV_PATH"', steps[0])
    assert script and (ROOT / script[1]).is_file()
    modules = [re.search(r'^"\$READTHEDOCS_VIRTUALENV_PATH/bin/python" -m (\w+)(.*)', step) for step in steps]
    called = [(module[1], module[2].split()) for module in modules if module]
    assert [name for name, _ in called] == ["pip", "site_builder"]
    assert all(importlib.util.find_spec(name) for name, _ in called)
    command = [sys.executable, "-m", "site_builder", *called[1][1], "--help"]  # an unknown command has no help
    assert subprocess.run(command, cwd=ROOT / "conf", capture_output=True).returncode == 0
    assert steps[-1].endswith('cp -r build/html/. "$READTHEDOCS_OUTPUT/html"')


def test_ci_runs_the_test_command() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", str(script)]).returncode == 0
    assert script.read_text(encoding="utf-8").rstrip().splitlines()[-1] == "make test"


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    assert " AND ".join(citation["license"]) == project["license"]


def test_what_make_makes_is_ignored() -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    made = ["build/html/index.html", ".venv/bin/python", ".venv.lock", "code/genmodels/__pycache__/claims.pyc"]
    ignored = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True).stdout
    assert ignored.splitlines() == made


def test_a_checkout_that_would_get_carriage_returns_gets_none_and_runs(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")
    command = ["git", "-c", "core.autocrlf=true", "checkout-index", f"--prefix={tmp_path}/", ".ci/run"]
    subprocess.run(command, cwd=ROOT, check=True)
    (tmp_path / "Makefile").write_text("test:\n\t@echo made\n")
    run = subprocess.run([tmp_path / ".ci/run"], capture_output=True, text=True)
    assert run.returncode == 0 and "made" in run.stdout.splitlines(), run.stderr  # which may say where it is
