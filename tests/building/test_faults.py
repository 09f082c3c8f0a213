"""What happens to builds: cells that misbehave, kills, full disks, two builds at once. The site stays whole."""

import http.client
import os
import re
import resource
import signal
import time
import urllib.request
from pathlib import Path

import pytest
from small_site import CELL, Site, page, wait_for

from site_builder.build_folder import bring_back, put_in_place

# what stands in a cell, each on a page of its own, and what the build says of it
HARM = {
    "1 / 0": ("cell 1: ZeroDivisionError: division by zero", "line 5", "docs/{name}.md:{LINE}\n"),
    "claims('one', half=(0.5, 0.6))": ("cell 1: ClaimError: OFF  one-half = 0.5", "docs/{name}.md:{LINE}\n"),
    "import warnings; warnings.warn('beware')": ("{name}, cell 1: writes to stderr", "docs/{name}.md:{FIRST}\n"),
    "import os; os.write(2, b'from below')": ("{name}, cell 1: writes to stderr:\nfrom below",),
    "__import__('importlib').import_module('genmodels.data.mnist')": (
        "{name}: loads genmodels.data, genmodels.data.mnist without",
    ),
    "import os; os._exit(1)": ("{name}, cell 1: its Python died", "docs/{name}.md:{FIRST}\n"),
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": ("{name}, cell 1: its Python died",),
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)": (
        "{name}, cell 1: ran longer than 15 s and was stopped",
    ),
    "while True: print('x' * 1000)": ("{name}, cell 1: TooMuchError: this cell prints more than 200,000 characters",),
    "display('x' * 10**6)": ("{name}, cell 1: shows", "more than 200,000: show what readers need"),
}


def alive(site: Site) -> list[int]:
    """The processes that work for a build of this site, on systems where these can be listed."""
    mark, found = f"TMPDIR={site.outside}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:  # ended, or another user's
            continue
    return found


def all_end(site: Site, seconds: float = 30) -> None:
    """Processes end by themselves soon after the build that started them is gone."""
    end = time.monotonic() + seconds
    while running := alive(site):
        assert time.monotonic() < end, running
        time.sleep(0.2)


def test_every_cell_that_misbehaves_is_named_and_nothing_is_published(site: Site) -> None:
    messages = []
    for number, (line, expected) in enumerate(HARM.items()):
        text = page(f"bad{number}", line)
        site.write(f"bad{number}.md", text)
        lines = {
            what: text[: text.index(code)].count("\n") + 1
            for what, code in (("LINE", line), ("FIRST", "from genmodels"))
        }
        messages += [message.format(name=f"bad{number}", **lines) for message in expected]
    output = site.fails(*messages, options=("--cell-seconds", "15"))
    assert len(output) < 60_000
    for number in range(len(HARM)):
        (site.root / f"docs/bad{number}.md").unlink()
    assert site.builds() == set()


def test_outputs_of_a_module_that_changes_while_it_is_used_are_not_kept(site: Site) -> None:
    site.edit("docs/one.md", CELL, "import time; time.sleep(8)")
    process = site.start()
    wait_for("running 1 of 2 pages", process)
    time.sleep(3)
    site.edit("code/genmodels/toy_base.py", "VALUE = 1", "VALUE = 2")
    output, _ = process.communicate(timeout=100)
    assert process.returncode == 1 and "Traceback" not in output, output
    assert "one: code/genmodels/toy_base.py changed while its cells ran" in output


def test_a_page_edited_while_the_site_is_built_is_named(site: Site) -> None:
    """What ran is not what the page now says."""
    process = site.start()
    wait_for("Sphinx makes them", process)
    site.edit("docs/one.md", CELL, "axes.plot([1, 0])")
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "one.md: WARNING: the cells have not been run, or were edited since: run 'make html' again" in output


def test_an_interrupted_build_ends_at_once_and_says_so(site: Site) -> None:
    site.edit("docs/one.md", CELL, "import time; time.sleep(60)")
    process = site.start()
    wait_for("running 1 of 2 pages", process)
    time.sleep(3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=50)
    assert time.monotonic() - began < 40  # not the minute that the cell would sleep
    assert process.returncode == 130
    assert "Interrupted" in output and "Traceback" not in output, output
    all_end(site)


def test_a_build_killed_while_cells_run_leaves_no_process_and_does_not_block_the_next(built: Site, site: Site) -> None:
    site.edit("docs/one.md", CELL, "import time; time.sleep(50)")
    process = site.start()
    wait_for("running 1 of 2 pages", process)
    time.sleep(3)
    waiting = site.start()
    wait_for("Another build is running here", waiting)
    site.edit("docs/one.md", "import time; time.sleep(50)", CELL)
    process.send_signal(signal.SIGKILL)
    output, _ = waiting.communicate(timeout=50)
    assert waiting.returncode == 0, output
    process.communicate()
    all_end(site)
    assert site.html() == built.html()


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_publishing_that_is_killed_half_way_is_mended(tmp_path: Path, monkeypatch, renames: int) -> None:
    fresh, place = tmp_path / "fresh", tmp_path / "place"
    for folder in (fresh, place):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    left = iter(range(renames))

    def rename(path: Path, target: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        os.rename(path, target)

    with monkeypatch.context() as killed:
        killed.setattr(Path, "rename", rename)
        if renames < 2:
            with pytest.raises(KeyboardInterrupt):
                put_in_place(fresh, place)
        else:
            put_in_place(fresh, place)
    bring_back(place)
    assert (place / "name").read_text() == ("fresh" if renames == 2 else "place")


def test_a_full_disk_is_named_and_the_next_build_with_room_is_right(built: Site, site: Site) -> None:
    """Where no file may have more than so many bytes: a system call fails as on a full disk, without a disk."""
    site.edit("docs/one.md", CELL, "axes.plot([1, 0])")
    for room in (0, 20_000, 250_000):  # it fails as cells run, as outputs are kept, as pages are made
        code, output = site.build(first=lambda room=room: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
        assert code == 1 and output.rstrip().endswith("build/html is what it was."), output
        assert "File too large" in output or "No usable temporary" in output, output
        assert site.html() == built.html()
    site.edit("docs/one.md", "axes.plot([1, 0])", CELL)
    site.build()
    assert site.html() == built.html()


def test_an_option_that_makes_no_sense_is_refused(site: Site) -> None:
    for option in ("--cell-seconds", "--jobs"):
        code, output = site.build(option, "0")
        assert code == 2 and f"argument {option}: must be more than 0" in output, output


def served(address: str, words: str, seconds: float = 60) -> None:
    """Wait until a page shows these words."""
    end = time.monotonic() + seconds
    while True:
        try:
            if words in urllib.request.urlopen(address, timeout=5).read().decode():
                return
        except (OSError, http.client.HTTPException):  # written anew just now
            pass
        assert time.monotonic() < end, words
        time.sleep(0.3)


def test_the_live_site_shows_an_edit_of_prose_of_a_cell_and_of_a_module(site: Site) -> None:
    process = site.start(command="live")
    try:
        said = wait_for("Serving on", process)
        address = re.search(r"http://[\w.:]+", said)[0]
        served(f"{address}/one.html", "Page one")
        site.edit("docs/one.md", "# Page one", "# Page the first")
        served(f"{address}/one.html", "Page the first")
        site.edit("docs/one.md", "(0.5, 0.5)", "(0.25, 0.25)")
        served(f"{address}/index.html", "0.25")  # which quotes it
        site.edit("code/genmodels/site/figures.py", '"lines.linewidth": 2.0', '"lines.linewidth": 3.0')
        served(f"{address}/figures/fig-two-1.svg", "stroke-width:3")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    all_end(site)
