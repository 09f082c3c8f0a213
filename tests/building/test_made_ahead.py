"""What another process makes ahead is what the build would have made; what it cannot make, the build says."""

from __future__ import annotations

from pathlib import Path

import minify
import pytest
from drawings import panels
from site_state import Memory

SVG = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0 L 1.2345 2"/></svg>'


def test_what_is_made_ahead_is_found(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "recipe")
    memory.ahead(panels, [[SVG]])
    memory.wait()
    (kept,) = tmp_path.iterdir()
    before = kept.read_bytes()
    assert memory.recall(panels, SVG) == panels(SVG)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]
    kept.unlink()
    Memory(tmp_path, "recipe").recall(panels, SVG)
    assert kept.read_bytes() == before  # the same, whoever made it


def test_nothing_is_started_for_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path, "recipe")
    memory.recall(panels, SVG)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    memory.ahead(panels, [[SVG]])


def test_what_cannot_be_made_ahead_fails_in_the_build(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    memory = Memory(tmp_path, "recipe")
    memory.ahead(minify.minified, [["no ( script"]])
    memory.wait()
    assert capfd.readouterr() == ("", "")
    with pytest.raises(ValueError, match="not a script"):
        memory.recall(minify.minified, "no ( script")
