"""Read the Docs, CI, the licence and the citation."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import rtd
import yaml

ROOT = Path(__file__).resolve().parents[2]
PUBLISH = 'mkdir -p "$READTHEDOCS_OUTPUT/html" && cp index.html "$READTHEDOCS_OUTPUT/html"'


@pytest.mark.parametrize(
    ("schema", "file"),
    [("vendor.readthedocs", ".readthedocs.yaml"), ("vendor.citation-file-format", "CITATION.cff")],
)
def test_files_keep_to_their_schemas(schema: str, file: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(ROOT / file)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_read_the_docs_uses_the_same_tools_as_make() -> None:
    jobs = list(rtd.commands(ROOT / ".readthedocs.yaml"))
    assert [job for job, _ in jobs] == ["create_environment", "install", "build.html"]
    assert jobs[0][1] == 'python conf/tools/environment.py --venv "$READTHEDOCS_VIRTUALENV_PATH"'
    assert jobs[2][1].endswith('conf/tools/build.py --pdf=auto --output "$READTHEDOCS_OUTPUT/html"')


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project for rtd.py with one tracked page, an untracked file, and commands that publish the page."""
    if shutil.which("git") is None:
        pytest.skip("no git here")
    root = tmp_path / "ä b"
    root.mkdir()
    (root / "index.html").write_text("a page")
    (root / "untracked").touch()
    (root / "notes").write_text("notes")
    publish(root, PUBLISH)
    for command in (["init", "-q"], ["add", "index.html", "notes", ".readthedocs.yaml"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    monkeypatch.setattr(rtd, "ROOT", root)
    return root


def publish(root: Path, *commands: str) -> None:
    jobs = {"create_environment": ["python --version"], "install": [], "build": {"html": list(commands)}}
    (root / ".readthedocs.yaml").write_text(yaml.safe_dump({"build": {"jobs": jobs}}))


def replay(tmp_path: Path) -> str | None:
    place = tmp_path / "place"
    place.mkdir()
    return rtd.replay(place)


def test_replay_publishes_from_tracked_files_as_they_are_now(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "index.html").write_text("a newer page")
    assert replay(tmp_path) is None
    checkout = tmp_path / "place/checkouts/latest"
    assert (checkout / "_readthedocs/html/index.html").read_text() == "a newer page"
    assert not (checkout / "untracked").exists()
    assert "would publish 1 pages" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("exit 3", "ended with status 3"),
        ("true", "html/index.html is missing"),
        (f"{PUBLISH} && rm notes", "changed tracked files: notes"),
        (f"{PUBLISH} && echo >> notes", "changed tracked files: notes"),
        (f"{PUBLISH} && touch litter", "left behind: litter"),
    ],
)
def test_replay_says_what_is_wrong(command: str, problem: str, project: Path, tmp_path: Path) -> None:
    publish(project, command)
    assert problem in (replay(tmp_path) or "nothing")


def test_replay_takes_nothing_along_but_the_way_to_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "https_proxy", "PYTHONPATH", "VIRTUAL_ENV", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "set")
    environ = rtd.environment(tmp_path, tmp_path / "checkout")
    kept = {name for name in environ if not name.startswith(("READTHEDOCS", "PIP_"))}
    assert kept <= {"HOME", "PATH", "LANG", "https_proxy", *rtd.KEPT}
    assert environ["PIP_INDEX_URL"] == environ["https_proxy"] == "set"
    assert os.listdir(environ["HOME"]) == []


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
    made = [
        "build/html/index.html",
        ".venv/bin/python",
        ".venv.lock",
        "code/genmodels/__pycache__/claims.pyc",
    ]
    ignored = subprocess.run(["git", "check-ignore", *made], cwd=ROOT, capture_output=True, text=True).stdout
    assert ignored.splitlines() == made
