"""A site that is there already is not made again, and anything that could change it is seen."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import unchanged
from pages import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A built site of one page."""
    for name in ("docs/one.md", "conf/conf.py", "code/genmodels/a.py", "requirements/lock.txt", "build/html/one.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "build/execution").mkdir()
    (tmp_path / "build/execution/one.json").write_text("{}")
    made = Project(tmp_path, tmp_path / "build")
    unchanged.remember(made, unchanged.made_from(made, []))
    return made


def holds(project: Project, *tags: str) -> bool:
    return unchanged.holds(project, unchanged.made_from(project, list(tags)))


def test_nothing_has_changed(project: Project) -> None:
    assert holds(project)
    (project.root / "code/genmodels/__pycache__").mkdir()
    (project.root / "code/genmodels/__pycache__/a.pyc").touch()
    os.utime(project.docs / "one.md", (1, 1))  # what it says counts, not when it was said
    assert holds(project)


@pytest.mark.parametrize(
    "name", ["docs/one.md", "docs/new.md", "conf/conf.py", "code/genmodels/a.py", "pyproject.toml"]
)
def test_what_a_build_reads_has_changed(project: Project, name: str) -> None:
    (project.root / name).write_text("changed")
    assert not holds(project)


@pytest.mark.parametrize("name", ["html/one.html", "html/new.html", "execution/one.json", "made.json"])
def test_what_a_build_left_has_changed(project: Project, name: str) -> None:
    (project.build / name).write_text("changed")
    assert not holds(project)


def test_a_page_that_is_gone_is_seen(project: Project) -> None:
    (project.docs / "one.md").unlink()
    assert not holds(project)


def test_other_settings_are_seen(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not holds(project, "pdf")
    monkeypatch.setenv("SITE_URL", "https://example.org")
    assert not holds(project)


def test_a_new_commit_is_seen_for_it_dates_the_pages(project: Project) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "init", "--quiet"], cwd=project.root, check=True)
    unchanged.remember(project, unchanged.made_from(project, []))
    assert holds(project)
    for arguments in (["add", "docs"], ["commit", "--quiet", "--message", "One"]):
        subprocess.run([*git, *arguments], cwd=project.root, check=True)
    assert not holds(project)


def test_a_site_at_another_place_is_built_there(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    there = tmp_path_factory.mktemp("other") / "site"
    shutil.copytree(project.root, there)
    assert not holds(Project(there, there / "build"))
