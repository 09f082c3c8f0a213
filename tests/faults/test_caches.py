"""What builds keep from each other may be damaged, of another version or out of reach, and never shows."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import build_folder
import pdf
import pytest
from small_site import ran
from tried_site import CACHES, LONG, TriedSite, cases


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flip(content: bytes) -> bytes:
    """One bit of the text, so that what can be read still can be."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": cut,
    "one bit": flip,
    "empty": lambda content: b"",
    "of another version": lambda content: b'{"version": 0, "outputs": []}',
    "not text": lambda content: b"\xff\xfe\x00" * 100,
}


@pytest.mark.parametrize("damage", cases(DAMAGES, ["truncated", "of another version"]))
def test_caches_that_are_damaged_do_not_show(site: TriedSite, damage: Callable[[bytes], bytes]) -> None:
    site.is_right()  # Sphinx keeps nothing of a site that was at another place
    for folder in (*CACHES, "matplotlib"):
        files = [path for path in (site.root / "build" / folder).rglob("*") if path.is_file()]
        assert files
        for path in files:
            path.write_bytes(damage(path.read_bytes()))
    assert ran(site.is_right()) == {"one", "two"}
    assert ran(site.is_right()) == set()


@LONG
def test_what_is_kept_of_one_thing_is_not_taken_for_another(site: TriedSite) -> None:
    site.is_right()
    for folder in ("execution", "parsed", "memory", "written"):
        files = sorted((site.root / "build" / folder).iterdir())
        contents = [path.read_bytes() for path in files]
        for path, content in zip(files, [*contents[1:], contents[0]], strict=True):
            path.write_bytes(content)
    assert ran(site.is_right()) == {"one", "two"}


def test_a_page_that_was_read_is_not_believed_once_it_has_changed(site: TriedSite) -> None:
    """A change that leaves what Sphinx keeps readable, and that it would show."""
    site.is_right()
    kept = site.root / "build/doctrees/one.doctree"
    content = kept.read_bytes()
    assert b"Page one" in content
    kept.write_bytes(content.replace(b"Page one", b"Page two"))
    assert ran(site.is_right()) == set()


def test_caches_that_are_something_else_are_named_or_made_anew(site: TriedSite) -> None:
    for folder in ("memory", "doctrees", "html.new", "doctrees.new"):
        path = site.root / "build" / folder
        shutil.rmtree(path, ignore_errors=True)
        path.write_text("a file, not a folder")
    site.fails("memory", "Building the site failed")
    (site.root / "build/memory").unlink()
    site.is_right()


def test_what_killed_builds_left_does_not_reach_the_next_one(site: TriedSite) -> None:
    for folder in ("html.new", "html.aside", "doctrees.new", "execution", "written"):
        (site.root / "build" / folder).mkdir(exist_ok=True)
        (site.root / "build" / folder / "leftover.html").write_text("half")
    (site.outside / "tmp" / f"{build_folder.scratch_prefix(site.root / 'build')}left").mkdir()
    site.is_right()
    assert not list((site.root / "build").rglob("leftover.html"))


@pytest.mark.parametrize("part", cases({name: name for name in (".", *CACHES)}, [".", "memory"]))
def test_a_cache_that_cannot_be_written_to_is_named(site: TriedSite, unprivileged, part: str) -> None:
    site.edit("docs/one.md", "a line that rises", "a line that climbs")
    site.edit("docs/one.md", "axes.plot([0, 1])", "axes.plot([0, 2])")
    folders = [site.root / "build" / part]
    folders += [path for path in folders[0].rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    site.fails("cannot be written to", "See who owns it", first=unprivileged)
    for folder in (site.root / "build", *(site.root / "build").rglob("*")):
        if folder.is_dir():  # where it may have been moved
            folder.chmod(0o755)
    site.edit("docs/one.md", "a line that climbs", "a line that rises")
    site.edit("docs/one.md", "axes.plot([0, 2])", "axes.plot([0, 1])")
    site.is_right(first=unprivileged)


def test_a_sealed_folder_is_whole_and_of_these_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/ä").write_text("text")
    assert not build_folder.is_sealed(tmp_path) and not build_folder.is_sealed(tmp_path / "missing")
    build_folder.seal(tmp_path)
    assert build_folder.is_sealed(tmp_path)
    installed = build_folder.packages()
    assert any(name.startswith("numpy-") for name in installed)
    with monkeypatch.context() as other:
        other.setattr(build_folder, "packages", lambda: [*installed[:-1], f"{installed[-1]}1"])
        assert not build_folder.is_sealed(tmp_path)
    (tmp_path / "inside/ä").rename(tmp_path / "inside/b")
    assert not build_folder.is_sealed(tmp_path)


def test_a_printed_book_is_used_again_unless_it_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    book, cache = SimpleNamespace(text="text", headings=[]), tmp_path / "cache"
    monkeypatch.setattr(pdf.book, "assemble", lambda site: book)
    monkeypatch.setattr(pdf, "_print", lambda text, page, executable: printed.append(text) or b"%PDF")
    monkeypatch.setattr(pdf, "finished", lambda content, headings: content)
    for times in (1, 1):
        assert pdf.make(tmp_path, cache, "chromium").read_bytes() == b"%PDF"
        assert len(printed) == times
    (kept,) = cache.iterdir()
    kept.write_text(kept.read_text().replace(base64.b64encode(b"%PDF").decode(), base64.b64encode(b"%pdf").decode()))
    assert pdf.make(tmp_path, cache, "chromium").read_bytes() == b"%PDF"
    assert len(printed) == 2
