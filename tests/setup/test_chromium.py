"""Finding a browser: what is named comes first, and what does not start is passed over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from site_builder import chromium


def install(path: Path, script: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has a Chrome, a chromium-browser that is a stub, and no other browser."""
    install(tmp_path / "chromium-browser", "echo 'Command requires the chromium snap' >&2; exit 1")
    install(tmp_path / "google-chrome", "echo Google Chrome 150.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "_downloaded", lambda: str(tmp_path / "playwright/chrome"))
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "MACOS_APPS", ())
    chromium.find.cache_clear()
    yield
    chromium.find.cache_clear()


def test_finds_the_first_that_starts(tmp_path: Path) -> None:
    assert chromium.find() == str(tmp_path / "google-chrome")


def test_named_one_comes_first_and_must_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = install(tmp_path / "mine", "echo Chromium 1")
    monkeypatch.setenv("CHROMIUM", mine)
    assert chromium.find() == mine
    chromium.find.cache_clear()
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "chromium-browser"))
    with pytest.raises(ValueError, match="is not a Chromium or Chrome that starts here"):
        chromium.find()


def test_downloads_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "google-chrome").unlink()
    python = install(tmp_path / "python", f'/bin/echo "$@" > "{tmp_path}/asked"')
    monkeypatch.setattr(chromium.sys, "executable", python)
    assert chromium.find() is None
    assert chromium.get() is None
    assert (tmp_path / "asked").read_text() == "-m playwright install --no-shell chromium\n"
    downloaded = install(tmp_path / "playwright/chrome", "echo Chromium 2")
    assert chromium.get() == downloaded
